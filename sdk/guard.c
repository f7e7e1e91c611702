/* The range is said before the place to go on is: a fault in between is not guarded. */
#include "sdk/guard.h"

#include "abi/guard.h"

extern uint64_t *nos_ipc_first_buffer;  // start.c

bool nos_guard_run(struct nos_guard *g, void (*run)(void *), void *arg);  // guard_run.S

bool nos_guarded(const struct nos_guard_range *range, void (*run)(void *), void *arg)
{
    uint64_t *buffer = range->buffer != NULL ? range->buffer : nos_ipc_first_buffer;
    struct nos_guard *g = (struct nos_guard *)(void *)((uint8_t *)buffer + NOS_GUARD_AT);

    g->from = (uint64_t)range->from;
    g->len = range->len;
    return nos_guard_run(g, run, arg);
}
