/* Broken kernel invariants end here. */
#pragma once

#include "kernel/core/log.h"

_Noreturn void panic(const char *format, ...) __attribute__((format(printf, 1, 2)));

#define KASSERT(cond) \
    do { \
        if (__builtin_expect(!(cond), 0)) { \
            panic("%s:%d: %s", __FILE__, __LINE__, #cond); \
        } \
    } while (0)
