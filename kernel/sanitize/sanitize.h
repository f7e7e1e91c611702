/*
 * The sanitised flavour (docs/sanitizers.md): what its parts share. Each 8 bytes of the kernel's
 * memory have a shadow byte: 0 = all of them may be used, 1..7 = only so many of the first,
 * negative = none, and why.
 */
#pragma once

#include "kernel/core/types.h"

#define SHADOW_OFFSET 0xdffffc0000000000ull /* kernel/build.mk tells the compiler the same */
enum { SHADOW_SHIFT = 3, GRANULE = 1 << SHADOW_SHIFT };

/* Values of shadow bytes. Those of the stack are the compiler's. */
enum shadow {
    SHADOW_OPEN = 0,
    SHADOW_STACK_LEFT = 0xf1,
    SHADOW_STACK_MID = 0xf2,
    SHADOW_STACK_RIGHT = 0xf3,
    SHADOW_SCOPE = 0xf8,
    SHADOW_GLOBAL = 0xf9,
    SHADOW_REDZONE = 0xfa,
    SHADOW_OBJECT = 0xfd,
    SHADOW_FRAME = 0xff
};

static inline uint8_t *shadow_at(uint64_t addr)
{
    return (uint8_t *)((addr >> SHADOW_SHIFT) + SHADOW_OFFSET);  // NOLINT: where it is
}

/** Has this address a shadow? No address has before shadow_init. */
bool shadow_covers(uint64_t addr);

/** Lay the shadow out in the loader's page tables, and take its memory out of the map of `bi`. */
void shadow_init(struct nos_bootinfo *bi);

/** Memory of the sanitiser's own, zeroed, never given back; NULL when what was taken is used up. */
void *shadow_spare(uint64_t bytes);

/* `addr` is a multiple of 8; so is `len` where it is poisoned. Without a shadow: nothing happens.
 */
void shadow_poison(uint64_t addr, uint64_t len, enum shadow why);
void shadow_open(uint64_t addr, uint64_t len);

/** The first address of [addr, addr + len) that may not be used; 0: all may. */
uint64_t shadow_bad(uint64_t addr, uint64_t len);

/** All that the caller must check of a range it is about to use; `ip`: who uses it. */
void san_range(uint64_t addr, uint64_t len, bool write, uint64_t ip);

/** What was found: `what` is "KASAN: ..." or another of its kind. A panic, but in the self-test,
 * which goes on. */
void san_found(uint64_t ip, const char *format, ...) __attribute__((format(printf, 2, 3)));
void san_found_at(uint64_t addr, uint64_t len, bool write, uint64_t ip);

/** The self-test runs: what is found is told, and then it goes on. */
extern bool san_goes_on;
extern uint32_t san_told; /* what was found meanwhile */

/** The constructors that the compiler made for globals. */
void globals_init(void);

/** A fault that the self-test asked for is committed now. */
void san_faults_due(void);

/** Here the kernel lock must be held. */
void lock_needed(uint64_t ip);

/** Does every object have as many references as holders, at least? */
void refs_balance(void);
struct obj;
void refs_try_balance(struct obj *o);
