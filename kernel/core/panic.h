/* Broken kernel invariants end here. */
#pragma once

#include "kernel/core/log.h"

_Noreturn void panic(const char *format, ...) __attribute__((format(printf, 1, 2)));

/** The same for what broke elsewhere: its callers are told from frame pointer `fp` on, if that is
 * one of the kernel's. */
_Noreturn void panic_at(uint64_t fp, const char *format, ...) __attribute__((format(printf, 2, 3)));

#define KASSERT(cond) \
    do { \
        if (__builtin_expect(!(cond), 0)) { \
            panic("%s:%d: %s", __FILE__, __LINE__, #cond); \
        } \
    } while (0)

/** First of all on the way to a panic that says more than one line: every other CPU is stopped.
 * Does not come back on a second CPU; on the one that already ends the machine it goes straight to
 * the wipe. */
void panic_alone(void);
