#pragma once
/*
 * How often a client may ask. One number for each client, the time when it has used up what it may;
 * pure, and the time is an argument. Whoever serves knows its clients by their modules (sdk/who.h):
 * a limit for each capsule would be none for a module that is started a hundred times.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/compiler.h"
#include "sdk/who.h"

struct nos_rate {
    uint64_t busy_ns; /* what was taken is paid for then; 0 = nothing was */
};

struct nos_rate_limit {
    uint64_t each_ns; /* one in so much time, 1 ns to an hour; */
    uint32_t burst;   /* so many at once after a pause, 1 to 1,000 */
};

/** May one more be had now? Then it is taken. `*wait_ns`, when it may not: until it may. */
MUST_CHECK bool nos_rate_take(struct nos_rate *r, const struct nos_rate_limit *limit,
                              uint64_t now_ns, uint64_t *wait_ns);

struct nos_client {        /* zero = free */
    struct nos_who who;    /* whatever capsule of it asks */
    struct nos_rate asks;  /* requests */
    struct nos_rate lines; /* of the log about what it was refused */
    uint64_t untold;       /* refusals without one, since the last */
};

/**
 * The entry of `who` among `n`; one of a module that has not asked for so long that forgetting it
 * changes nothing may be taken for it. NULL: all others are busy.
 */
struct nos_client *nos_client_of(struct nos_client *all, size_t n, const struct nos_who *who,
                                 uint64_t now_ns);

/** One more refusal: may a line of the log say so? One a second may. `*untold`, when it may: how
 * many were not told since the last one. */
MUST_CHECK bool nos_client_tell(struct nos_client *c, uint64_t now_ns, uint64_t *untold);
