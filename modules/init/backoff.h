#pragma once
/*
 * When to start a capsule again, from its manifest's rule. Pure: time goes in, a decision comes
 * out.
 *
 * The delay doubles with each restart, up to 32 times the first. Restarts are counted in windows:
 * one opens at the first restart and closes window_s later; after that count and delay begin anew.
 * When a window has seen its maximum, the next end is final.
 */
#include <stdbool.h>
#include <stdint.h>

#include "abi/module.h"

enum { BACKOFF_DOUBLINGS = 5 };

struct backoff {
    struct nos_restart rule;
    uint64_t window_ns; /* when the window opened */
    uint32_t in_window; /* restarts in it */
    uint32_t total;     /* restarts ever */
};

enum backoff_verdict {
    BACKOFF_DONE,    /* the rule does not ask for a restart */
    BACKOFF_RESTART, /* at *due_ns */
    BACKOFF_GIVE_UP, /* too often */
};

void backoff_init(struct backoff *b, const struct nos_restart *rule);

/** The capsule ended; `crashed` tells how. Units: ns since boot. */
enum backoff_verdict backoff_ended(struct backoff *b, bool crashed, uint64_t now_ns,
                                   uint64_t *due_ns);
