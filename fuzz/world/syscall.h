#pragma once
/* What stands in sdk/syscalls.h instead of the instruction. */
#include "abi/status.h"

nos_status_t world_syscall(uint64_t nr, const uint64_t a[6], uint64_t *value);

static inline nos_status_t world_call(uint64_t nr, const uint64_t a[6], uint64_t *value)
{
    uint64_t none;
    return world_syscall(nr, a, value == NULL ? &none : value);
}

#define nos_syscall0(nr, value) world_call(nr, (const uint64_t[6]){ 0 }, value)
#define nos_syscall1(nr, a, value) world_call(nr, (const uint64_t[6]){ a }, value)
#define nos_syscall2(nr, a, b, value) world_call(nr, (const uint64_t[6]){ a, b }, value)
#define nos_syscall3(nr, a, b, c, value) world_call(nr, (const uint64_t[6]){ a, b, c }, value)
#define nos_syscall4(nr, a, b, c, d, value) world_call(nr, (const uint64_t[6]){ a, b, c, d }, value)
#define nos_syscall5(nr, a, b, c, d, e, value) \
    world_call(nr, (const uint64_t[6]){ a, b, c, d, e }, value)
#define nos_syscall6(nr, a, b, c, d, e, f, value) \
    world_call(nr, (const uint64_t[6]){ a, b, c, d, e, f }, value)
