#pragma once
/*
 * Programs of system calls. A program is up to sixteen calls; an argument says what it is (a
 * number, a handle that the fuzzer holds, what an earlier call gave, an address), so that a program
 * means the same each time it runs. Spec: docs/syscall-fuzzing.md.
 */
#include <stdbool.h>
#include <stdint.h>

#include "abi/status.h"
#include "sdk/syscalls.h"

enum {
    ARGS = 6,
    CALLS_MAX = 16,
    PAGE = 4096,
    ROUND = 64,    /* programs between two clean-ups; as many as the kernel remembers */
    CORPUS = 2048, /* programs that are kept */
    SEEDS_MAX = 96,
    TAKEN = 8, /* a message's last argument: so many handles + TAKEN * enum ask */
};

/* What an argument is. tests/qemu/sysfuzz.py has a letter for each, in this order. */
enum kind {
    NUMBER, /* itself */
    THING,  /* handle of enum thing; above these a raw number */
    RESULT, /* what call `value` of this program gave; 0 if it failed */
    GOOD,   /* address in a page that can be written: offset */
    BAD,    /* address of that number in a list of bad ones */
    SOON,   /* a deadline: 0 = do not wait, else ns from now */
    VICTIM, /* 0: number of the capsule that was started to be hurt; above: so far into its code */
    RIGHTS, /* all that the handle in the argument before has, but for these bits */
    KINDS
};

/* What the fuzzer holds at the start of a round, by type. */
enum thing {
    THING_NONE,
    THING_REGION,
    THING_ENDPOINT,
    THING_NOTE,
    THING_STALE, /* was closed */
    THING_NODE,
    THING_MODULE,
    THING_VICTIM,
    THING_SERVICE, /* endpoint that the victim answers */
    THING_PORTS,
    THING_IRQ,
    THING_THREAD,  /* sleeps */
    THING_DERIVED, /* of the region, with a cell of its own */
    THING_DEBUGGED,
    THINGS
};

struct call {
    uint16_t nr;
    uint8_t kind[ARGS];
    uint64_t value[ARGS];
};
struct program {
    uint32_t n, rsv;
    struct call call[CALLS_MAX];
};
_Static_assert(sizeof(struct call) == 56 && sizeof(struct program) == 904, "read by tests");

/* ---- chance (draw.c): the same seed draws the same ---- */
void draw_seed(uint64_t seed);
uint64_t draw(void);
uint64_t draw_below(uint64_t n);

/* ---- programs (shape.c) ---- */
void shape_init(void);
/** Change `p` in a few places; `other` is what is spliced in. */
void shape_mutate(struct program *p, const struct program *other);
uint32_t shape_len(const struct program *p); /* bytes that say all of it */

/* ---- what programs have to try with (things.c) ---- */
extern uint32_t thing[THINGS];
extern uint8_t *page, *read_only;
extern uint32_t victim;
extern uint64_t victim_code;
bool thing_is(unsigned i, uint32_t types); /* its type is one of these */
bool things_keep(uint64_t handle);         /* one that the fuzzer cannot do without */
/** Close, unmap and end all that programs made, and make things anew; `debugged`: the victim is
 * held by a debug session from the start. */
MUST_CHECK nos_status_t things_fresh(bool debugged);
uint64_t things_bad(uint64_t n);

/* What a message asks of the victim by its word 0; word 1 is an address. */
enum ask { ASK_ANSWER, ASK_READ, ASK_WRITE, ASK_LEAVE, ASK_HOLD, ASK_BACK, ASK_MAP, ASK_END, ASKS };

/** The victim's whole life: answers calls with where its code is. */
int victim_main(void);

/* ---- run.c ---- */
/** Run it, then close and unmap what its calls gave. Gives: calls that succeeded. */
unsigned run_program(const struct program *p);
