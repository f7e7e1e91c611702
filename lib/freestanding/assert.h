#pragma once
/* For third-party sources: a failed assertion is a trap. Kernel code uses KASSERT. */
#define assert(condition) ((condition) ? (void)0 : __builtin_trap())
#define static_assert _Static_assert
