/* Continuations that need more than one bounded step. Each owns one frame. */
#pragma once

#include "kernel/modules/token.h"
#include "kernel/runtime/capsule.h"

struct verify_wait { /* CONT_VERIFY: module_load */
    struct module_job job;
};
struct spawn_wait { /* CONT_SPAWN: capsule_spawn */
    struct spawn_job job;
};
struct token_wait { /* CONT_TOKEN: token_import */
    struct token_job job;
};
_Static_assert(sizeof(struct verify_wait) <= PAGE_SIZE && sizeof(struct spawn_wait) <= PAGE_SIZE &&
                   sizeof(struct token_wait) <= PAGE_SIZE,
               "one frame");

/** CONT_ZERO: some more of the region that t->job holds. When it is clean `t` has a handle to it,
 * or a status why not. */
MUST_CHECK nos_status_t region_step(struct thread *t, bool *done);

void *job_alloc(void); /* a zeroed frame; NULL */
void job_free(void *job);
