/* What a capsule finds at its first instruction: rdi = address of a read-only struct nos_start.
 * rsp is 16-byte aligned and at the top of the first thread's stack, every other register is 0. */
#pragma once

#include <stdint.h>

#include "abi/caps.h"

#define NOS_START_MAGIC 0x3174726174536f4eull

struct nos_start_handle {
    char name[NOS_NAME_MAX]; /* ENDPOINT and NOTIFY: the name; else zero */
    uint32_t kind;           /* enum nos_cap_kind */
    uint32_t handle;
    uint32_t rights;
    uint32_t rsv;
    uint64_t a, b; /* as in struct nos_cap; FRAMEBUFFER: a = width << 32 | height, b = pitch << 32 |
                      format */
};
_Static_assert(sizeof(struct nos_start_handle) == 48, "ABI");

enum { NOS_ARG_MAX = 255, NOS_START_HANDLES = 64 };

struct nos_start { /* fits one page */
    uint64_t magic;
    uint32_t abi;      /* NOS_ABI_VERSION */
    uint32_t capsule;  /* id of this capsule */
    uint64_t tsc_mult; /* ns = tsc * tsc_mult >> 32, tsc counted from tsc_base */
    uint64_t tsc_base;
    uint64_t ipc_buffer; /* address of the first thread's IPC buffer */
    uint8_t seed[16];    /* fresh random bytes, for hash tables and canaries */
    char name[NOS_NAME_MAX];
    char arg[NOS_ARG_MAX + 1]; /* zero-terminated */
    uint32_t n_handles;
    uint32_t supervisor; /* capsule that started this one: control messages are believed from it
                            alone; 0 = the kernel */
    struct nos_start_handle handle[NOS_START_HANDLES];
    uint32_t given; /* handle that the supervisor gave it at its start (capsule_spawn): it takes the
                       place of another capsule, sdk/upgrade.h; 0 = none */
    uint32_t rsv;   /* 0 */
};
_Static_assert(sizeof(struct nos_start) <= 4096, "one page");

/* thread_create: entry(arg) starts with rdi = arg, rsi = address of its IPC buffer. */
