/* Life and death of a capsule. */
#pragma once

#include "kernel/modules/module.h"
#include "kernel/sched/thread.h"

/** Stages 5 to 7 in bounded steps. A spawn owns one frame, which holds this and the start page
 * being filled. */
struct spawn_job {
    struct load_job load;
    struct capsule *capsule;   /* referenced; ended if the job is dropped */
    struct notification *note; /* to be signalled at the capsule's end; referenced; may be NULL */
    via_t via;                 /* cell of its handle; referenced */
    uint64_t bits;
    uint32_t parent;
    struct audit_ref asked; /* why it starts one; the caller's to set, before spawn_begin */
    bool paid;              /* the parent's budget covers it */
    uint32_t arg_len;
    char arg[NOS_ARG_MAX + 1];
    struct nos_start *start; /* a frame of its own */
};

/** Make the capsule and grant (stage 5). Errors: grant refusals, NO_MEMORY, QUOTA. On error nothing
 * is left. */
MUST_CHECK nos_status_t spawn_begin(struct spawn_job *j, struct module *m, span_t arg,
                                    uint32_t parent);

/** One bounded step of stages 6 and 7; when done the first thread is ready, or the capsule is gone
 * again. */
nos_status_t spawn_step(struct spawn_job *j, bool *done);

void spawn_undo(
    struct spawn_job *j); /* after the last step: nobody is told of what could not be handed over */
void spawn_drop(struct spawn_job *j); /* give up half-way, or release after the end */

/** End `c`: threads die at once, everything else is given back in steps. Harmless on one that has
 * ended. */
void capsule_end(struct capsule *c, enum nos_capsule_state how, uint64_t code);

void capsule_describe(const struct capsule *c, struct nos_capsule_info *out);
void capsule_destroy(struct obj *o);
uint64_t capsule_count(void);

/** One step of giving back what ended capsules held. False: nothing to do. */
bool capsule_reclaim_step(void);
bool capsule_reclaim_pending(void);

/** The current thread faulted in user mode: its capsule crashes. */
void capsule_crash(struct thread *t, enum nos_crash why, uint64_t addr);

/** `t` has a page fault that was to be handled elsewhere, and was not. */
void capsule_crash_unhandled(struct thread *t);
