#pragma once
/*
 * What a capsule waits for elsewhere, a key or a datagram, brought to the one endpoint where it
 * waits anyway: a second thread asks again and again, and hands each answer on as a message of this
 * capsule's own. So the first thread is never away for long, and answers its supervisor
 * (sdk/control.h). Spec: docs/sdk.md, "Feeds".
 */
#include <stdbool.h>
#include <stdint.h>

#include "abi/status.h"
#include "lib/compiler.h"
#include "sdk/ipc.h"
#include "sdk/start.h"

enum { NOS_FEED_STACK = 4096 /* bytes */ };

struct nos_feed {      // the capsule's, as long as it lives; the first five before nos_feed_start
    nos_handle_t from; /* who is asked, right CALL */
    nos_handle_t to;   /* where this capsule waits, right CALL */
    uint64_t label;    /* the question, */
    uint64_t word;     /* with one word */
    uint32_t n_words;  /* or none: 0, 1 */
    bool paused;
    nos_handle_t thread, bell;
    struct nos_thread start;
    _Alignas(16) uint8_t stack[NOS_FEED_STACK];
};

/** Begin to ask. The manifest needs one more of `limits.threads`. Errors: those of notify_create
 * and thread_create. */
MUST_CHECK nos_status_t nos_feed_start(struct nos_feed *f);

/**
 * Is it what a feed brought? Its label is the status of the call, or else of the answer; words as
 * they were answered. It is asked again when this message has been answered (nos_reply).
 */
MUST_CHECK bool nos_is_fed(const struct nos_msg *m);

/** Ask nothing more, take the question back that is open: before another version begins to ask. */
void nos_feed_pause(struct nos_feed *f);

/** Ask again; nothing happens if it was not paused, or never started. */
void nos_feed_resume(struct nos_feed *f);
