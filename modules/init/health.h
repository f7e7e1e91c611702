#pragma once
/*
 * Is a capsule to be asked whether it still answers, and did it? Pure: times go in, decisions come
 * out. Units: ns since boot.
 *
 * A check that is decided much later than its deadline proves nothing about the capsule: the
 * machine itself stood still (a host that paused it). It is made once more; twice in a row counts.
 */
#include <stdbool.h>
#include <stdint.h>

#include "abi/module.h"

struct health {
    uint64_t every_ns, deadline_ns; /* every_ns 0: never asked */
    uint64_t due_ns;                /* of the next question, or until the open one is answered */
    uint64_t asked_ns;
    bool open;    /* a question waits for its answer */
    bool doubted; /* the last one was decided late */
    bool failed;  /* the last answer was a bad one */
};

enum health_verdict {
    HEALTH_WAIT,  /* nothing to do before due_ns */
    HEALTH_ASK,   /* ask now, then call health_asked */
    HEALTH_DOUBT, /* take the question back: it is asked again at once */
    HEALTH_FAILED,
};

void health_init(struct health *h, const struct nos_control *rule, uint64_t now_ns);

/** What is to be done now. */
enum health_verdict health_look(struct health *h, uint64_t now_ns);
void health_asked(struct health *h, uint64_t now_ns);

/** Nobody was free to ask it: a little later. Not at once: whoever decides here must let others run
 * meanwhile. */
void health_later(struct health *h, uint64_t now_ns);

/** The open question was answered, well or not: what is not well is a failure. */
void health_answered(struct health *h, bool well, uint64_t now_ns);
