#pragma once
/*
 * Who waits for answers, so that init itself never does: a few threads that each make one call with
 * a deadline. A watcher runs no more urgently than the capsule that it asks, because a server works
 * on its caller's account and priority: one that hangs with init's would starve the machine.
 */
#include <stdbool.h>
#include <stdint.h>

#include "abi/services.h"
#include "abi/status.h"
#include "sdk/syscalls.h"

enum { WATCHERS = 4 };

struct watch_job {
    nos_handle_t endpoint;
    enum nos_ctl_op op;
    uint32_t capsule;     /* who is asked */
    uint32_t priority;    /* that it has */
    uint64_t deadline_ns; /* ns since boot */
};

/** Once: `bits` are signalled on `notify` when an answer has come. */
void watch_init(nos_handle_t node, nos_handle_t notify, uint64_t bits);

/** Ask. False when all watchers wait for somebody: try again when one is done. */
bool watch_ask(const struct watch_job *job);

/** Nobody wants the answer of that capsule any more. */
void watch_forget(uint32_t capsule);

/** The next answer: to which job, and what; false when there is none. */
bool watch_answer(struct watch_job *job, nos_status_t *st);
