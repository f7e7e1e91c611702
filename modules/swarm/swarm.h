#pragma once
/*
 * Random programs over four capsules. `swarm SEED PROGRAMS` is the driver: it starts four workers,
 * counts what they report, starts those that die anew, and asks the kernel whether its invariants
 * hold. Workers are the same code under the name "swarmer", with fewer rights. A program is eight
 * system calls; what a call gives is what later ones take, and messages carry it to the others.
 */
#include <stdbool.h>
#include <stdint.h>

#include "abi/status.h"
#include "sdk/syscalls.h"

enum {
    WORKERS = 4,
    PROGRAM_CALLS = 8,
    REPORT_PROGRAMS = 64, /* between two reports, and two clean-ups */
    POOL = 24,            /* handles that a worker knows of */
    ARGS = 6,
    PAGE = 4096,
};
#define REPORT_LABEL 0x5eed00c0ffeeull /* no random label is this one */

/** A worker's whole life. */
int worker(uint64_t seed, uint64_t index);

/* ---- chance (draw.c): the same seed draws the same ---- */

void draw_seed(uint64_t seed, uint64_t more);
uint64_t draw(void);
uint64_t draw_below(uint64_t n);
uint64_t draw_number(void);
uint64_t draw_soon(void); /* a deadline that does not hold a worker up */

/* ---- what a worker has to try with (things.c) ---- */

struct known {
    uint32_t handle, type;
};
extern struct known pool[POOL];
extern uint8_t *page, *read_only;

/** Forget and close all that programs made, and make a few things anew. */
nos_status_t things_fresh(void);
void things_know(uint32_t handle, uint32_t type); /* type 0: ask the kernel */
void things_mapped(uint64_t at);
uint64_t things_handle(uint32_t types); /* mostly of one of these types */
uint64_t things_address(uint64_t len, bool out);
bool things_keep(uint64_t handle); /* one that a worker cannot do without */

/** One call of a program. */
nos_status_t random_call(void);
