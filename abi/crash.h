/* What the death of a capsule leaves behind: one record, kept in a bounded ring in RAM until newer
 * deaths take its place or the machine ends. node_info gives it, the management channel sends the
 * same bytes, a saved file holds them. Little-endian, no padding. Spec: docs/lifecycle.md. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "abi/info.h"

#define NOS_CRASH_MAGIC "N0NC"
#define NOS_CTX_CRASH_FILE "N0N-OS 2026 crash file v1" /* over the record in a saved file */

enum {
    NOS_CR_VERSION = 1,
    NOS_CR_TRACE = 12,
    NOS_CR_HANDLES = 12,
    NOS_CR_CODE = 64,
    NOS_CR_CODE_BEFORE = 16, /* of these, before the instruction */
    NOS_CR_STACK = 192,
    NOS_CR_LOG = 352
};

enum nos_crash_flags {
    NOS_CR_THREAD = 1u << 0,  /* it had a thread: ip, what it did */
    NOS_CR_MEMORY = 1u << 1,  /* it crashed: registers, stack, code, message are there; of a
                                    capsule that exited or was killed they are not kept */
    NOS_CR_MESSAGE = 1u << 2, /* it had taken a message and not answered it */
    NOS_CR_PRIVATE = 1u << 3, /* it crashed, and its manifest wants no bytes kept: no MEMORY */
    NOS_CR_FLAGS_KNOWN = 15
};

/* What the thread was doing: running, or waiting for what. */
#define NOS_DOING_LIST(X) \
    X(NOTHING, 0, "not started") \
    X(READY, 1, "ready to run") \
    X(RUNNING, 2, "running") \
    X(SLEEP, 3, "asleep") \
    X(NOTE, 4, "waiting for a notification") \
    X(CALL, 5, "calling") \
    X(SEND, 6, "sending") \
    X(REPLY, 7, "waiting for an answer") \
    X(RECV, 8, "waiting for a message") \
    X(STOPPED, 9, "stopped by a debugger")
#define X(name, value, text) NOS_DOING_##name = (value),
enum nos_doing { NOS_DOING_LIST(X) NOS_DOING_COUNT = 10 };
#undef X

/* Registers, in the order in which they stand in the record. */
#define NOS_CR_REGS(X) \
    X(rax) \
    X(rdi) \
    X(rsi) \
    X(rdx) \
    X(r10) \
    X(r8) X(r9) X(r12) X(r13) X(r14) X(r15) X(rbx) X(rbp) X(rcx) X(r11) X(rip) X(rflags) X(rsp)
#define X(name) NOS_REG_##name,
enum nos_crash_reg { NOS_CR_REGS(X) NOS_REG_COUNT };
#undef X

struct nos_crash_frame {
    uint64_t ip;     /* inside the capsule's image */
    char symbol[40]; /* "function+0x12", when its module carries symbols and is still known */
};

struct nos_crash_handle {
    uint32_t handle;
    uint32_t type; /* enum nos_type */
    uint32_t rights;
    uint32_t origin; /* enum nos_origin */
    char name[NOS_NAME_MAX];
};

struct nos_crash_record { /* 2,048 bytes; what is not used is zero */
    uint8_t magic[4];
    uint16_t version;
    uint16_t size; /* of the record */
    uint64_t seq;  /* deaths since boot before this one */
    uint32_t flags;
    uint32_t killer;              /* KILLED: capsule that did it; 0 = the kernel */
    struct nos_capsule_info info; /* as `ps` would have shown it a moment before */
    uint64_t image_base;
    uint64_t image_len;
    uint64_t regs[NOS_REG_COUNT]; /* MEMORY */
    uint64_t code_at;             /* MEMORY: address of code[0] */
    uint32_t doing;               /* enum nos_doing */
    uint32_t client;              /* MESSAGE: capsule whose call it was answering */
    uint64_t label;               /* MESSAGE, and MEMORY: what that call said */
    uint64_t message[8];
    uint16_t n_trace, n_handles; /* entries below; info.handles says how many handles it had */
    uint16_t code_len, stack_len, log_len;
    uint16_t rsv[3];                            /* 0 */
    struct nos_crash_frame trace[NOS_CR_TRACE]; /* [0] = where it was */
    struct nos_crash_handle handle[NOS_CR_HANDLES];
    uint8_t code[NOS_CR_CODE];   /* MEMORY */
    uint8_t stack[NOS_CR_STACK]; /* MEMORY: from rsp on */
    uint8_t log[NOS_CR_LOG];     /* whole lines, the machine's last ones before the end */
};
_Static_assert(sizeof(struct nos_crash_record) == 2048, "ABI");

struct nos_crash_file { /* `nonosctl crash save` */
    struct nos_crash_record record;
    uint8_t check[32]; /* against accidents; whoever wrote the file could write this too */
};
_Static_assert(sizeof(struct nos_crash_file) == 2080, "ABI");
