#pragma once
/*
 * Which fault comes when: a pure function of the seed and the fault's number, so that any one can
 * be worked out alone.
 */
#include <stdint.h>

#include "abi/storm.h"

/* Whom a fault can hurt; all of them are restarted by init. */
enum storm_who {
    WHO_WARD1,
    WHO_WARD2,
    WHO_WARD3,
    WHO_WARD4,
    WHO_CONSOLE,
    WHO_LOOPBACK,
    WHO_MANAGE,
    WHO_SHELL,
    WHO_COUNT
};
enum { WARDS = 4 };

struct storm_plan {
    struct nos_storm_fault fault; /* victim: to be filled in with the capsule that `who` is now */
    uint32_t who;                 /* enum storm_who */
    uint32_t restart;             /* also end the victim, so that the fault meets its restart */
    uint64_t rest;                /* state of the draw, for what is drawn on the way */
};

/** The next number of a draw. */
uint64_t storm_draw(uint64_t *state);
uint64_t storm_below(uint64_t *state, uint64_t n);

/** Fault `index` of the storm with that seed. */
void storm_plan(uint64_t seed, uint64_t index, struct storm_plan *out);
