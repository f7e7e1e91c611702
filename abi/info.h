/* Records that node_info, capsule_info and handle_info give out; the management channel sends the
 * same bytes. Little-endian, no padding; text is zero padded. Spec: docs/management.md. */
#pragma once

#include <stdint.h>

#include "abi/caps.h"
#include "abi/module.h"

/* node_info(topic, index): `index` counts from 0 until NOT_FOUND, except where said. */
enum nos_topic {
    NOS_TOPIC_ABOUT = 0, /* one struct nos_about */
    NOS_TOPIC_CAPSULES =
        1, /* struct nos_capsule_info; ended capsules stay until their last handle goes */
    NOS_TOPIC_HANDLES = 2, /* index = capsule id << 32 | n: struct nos_handle_info */
    NOS_TOPIC_MODULES = 3, /* struct nos_module_info, also of refused boot files */
    NOS_TOPIC_MEM = 4,     /* one struct nos_mem_info */
    NOS_TOPIC_START = 5,   /* struct nos_pol_start (abi/policy.h) */
    NOS_TOPIC_LOG = 6,     /* right LOG; index = byte offset since boot: a struct nos_log_head, then
                              text, as much as fits */
    NOS_TOPIC_AUDIT =
        7, /* right AUDIT; index = sequence number: struct nos_audit_entry (abi/audit.h), the first
            * kept that is not below it: older ones have gaps */
    NOS_TOPIC_AUDIT_HEAD = 8, /* right AUDIT; one struct nos_audit_head (abi/audit.h) */
    NOS_TOPIC_CHECK = 9, /* the kernel looks whether its books agree, a part for each index: 0 = the
                            machine, then capsule by capsule: struct nos_check_info */
    NOS_TOPIC_CRASH = 10,       /* right CRASH; index = sequence number: struct nos_crash_record
                                   (abi/crash.h), the first kept that is not below it */
    NOS_TOPIC_SUPERVISION = 11, /* struct nos_supervision of each verified module, in the order of
                                   NOS_TOPIC_MODULES */
    NOS_TOPIC_CHECKPOINT = 12,  /* right AUDIT; index = number: struct nos_audit_checkpoint
                                   (abi/audit.h), the first kept that is not below it */
};

struct nos_about {
    char release[32]; /* "N0N-OS 0.1.0" */
    uint8_t boot_id[32];
    uint8_t kernel_id[32];
    uint8_t policy_hash[32];
    uint8_t root_set[32];
    uint8_t issuer_pk[32]; /* vault's token-issuing key of this boot */
    uint8_t operator_pk[32];
    uint64_t policy_epoch;
    uint64_t uptime_ns;
    uint64_t idle_ns; /* of all CPUs together */
    uint64_t tsc_hz;
    uint64_t tsc_loader, tsc_firmware, tsc_kernel,
        tsc_now; /* loader start, spent in firmware, kernel entry, now */
    uint32_t cpus;
    uint32_t flags; /* bit 0: Secure Boot on; bit 1: panic=hold; bit 2: framebuffer;
                       bit 3: the kernel's address was drawn */
    char cpu[48];
};

enum nos_capsule_state {
    NOS_CAPSULE_RUNNING = 1,
    NOS_CAPSULE_EXITED = 2,
    NOS_CAPSULE_CRASHED = 3,
    NOS_CAPSULE_KILLED = 4
};
struct nos_capsule_info { /* 192 bytes */
    uint32_t id;
    uint32_t state; /* enum nos_capsule_state */
    char name[NOS_NAME_MAX];
    uint8_t module_id[32];
    uint32_t threads;
    uint32_t handles;
    uint32_t mem_pages; /* frames charged now */
    uint32_t mem_limit;
    uint32_t classes;
    uint32_t restarts; /* starts of this module before this one */
    uint64_t started_ns, ended_ns;
    uint64_t cpu_ns;
    uint64_t exit_code; /* EXITED: code; CRASHED: enum nos_crash; KILLED: enum nos_kill */
    uint64_t fault_addr, fault_ip;
    struct nos_restart restart; /* as its manifest says */
    uint32_t priority;
    uint32_t parent;       /* capsule that spawned it; 0 = kernel */
    char fault_symbol[40]; /* CRASHED: "function+0x12", when the module carries symbols */
};
_Static_assert(sizeof(struct nos_capsule_info) == 16 + 8 + 32 + 24 + 24 + 24 + 16 + 8 + 40, "ABI");

#define NOS_CRASH_LIST(X) \
    X(NONE, 0, "none") \
    X(READ_NULL, 1, "read near address zero") \
    X(WRITE_NULL, 2, "write near address zero") \
    X(READ_BAD, 3, "read of memory it does not have") \
    X(WRITE_BAD, 4, "write to memory it does not have, or may only read") \
    X(EXEC_BAD, 5, "jump to memory that is not code") \
    X(STACK_OVERFLOW, 6, "stack overflow (guard page hit)") \
    X(KERNEL_ADDRESS, 7, "touched a kernel address") \
    X(DIVIDE, 8, "division by zero or overflow") \
    X(ILLEGAL, 9, "illegal instruction") \
    X(TRAP_UB, 10, "trapped undefined behaviour (ud1/ud2)") \
    X(PROTECTION, 11, "general protection fault") \
    X(ALIGNMENT, 12, "alignment or stack-segment fault") \
    X(FPU, 13, "floating-point exception") \
    X(DEBUG, 14, "debug trap or breakpoint") \
    X(FILTER, 15, "killed by its system-call filter") \
    X(MEMORY, 16, "out of memory while it needed a page")
#define X(name, value, text) NOS_CRASH_##name = (value),
enum nos_crash { NOS_CRASH_LIST(X) };
#undef X

/* Why a capsule was killed, as who killed it says (capsule_kill). */
#define NOS_KILL_LIST(X) \
    X(ASKED, 0, "asked for") \
    X(WATCHDOG, 1, "watchdog: no answer to its health check in time") \
    X(STOP, 2, "told to stop, and did not in time")
#define X(name, value, text) NOS_KILL_##name = (value),
enum nos_kill { NOS_KILL_LIST(X) NOS_KILL_COUNT = 3 };
#undef X

enum nos_origin {
    NOS_ORIGIN_NONE = 0,
    NOS_ORIGIN_POLICY = 1,
    NOS_ORIGIN_MADE = 2,
    NOS_ORIGIN_DUP = 3,
    NOS_ORIGIN_SPAWN = 4,
    NOS_ORIGIN_LOAD = 5,
    NOS_ORIGIN_DERIVE = 6,  /* cap_derive */
    NOS_ORIGIN_MESSAGE = 7, /* came with a message */
    NOS_ORIGIN_TOKEN = 8    /* token_import */
};
enum { NOS_HANDLE_REVOKED = 1u << 0 };
struct nos_handle_info { /* 120 bytes */
    uint32_t handle;
    uint32_t type; /* enum nos_type */
    uint32_t rights;
    uint32_t origin;         /* enum nos_origin */
    uint64_t deadline_ns;    /* 0 = none */
    uint64_t object;         /* kernel's serial number of the object */
    char name[NOS_NAME_MAX]; /* endpoint, notification, module, capsule: name; else zero */
    uint64_t a, b;           /* ports: base, length; irq: line; region: pages; capsule: id */
    uint64_t badge;          /* endpoint */
    uint64_t cell[4]; /* where it can be cut: from the topmost cell to its own, index | serial <<
                         32; the others are 0. A handle whose cells are the first ones of another's
                         is above that one */
    uint32_t flags;   /* NOS_HANDLE_REVOKED */
    uint32_t depth;   /* further derivations */
    uint32_t payer; /* capsule that pays for its own cell; 0: it has none, or its payer has ended */
    uint32_t rsv;
};
_Static_assert(sizeof(struct nos_handle_info) == 120, "ABI");

struct nos_module_info {     /* 240 bytes */
    char name[NOS_NAME_MAX]; /* file name when it was refused before its name was verified */
    int32_t status;          /* NOS_OK = verified */
    uint32_t sec_version;
    uint64_t version;
    uint64_t image_len;
    uint8_t module_id[32];
    uint8_t publisher_id[32];
    char semver[32];
    char about[96];
    uint32_t classes;
    uint32_t capsules; /* running now */
};
_Static_assert(sizeof(struct nos_module_info) == 240, "ABI");

struct nos_supervision { /* 224 bytes: what a module's manifest tells its supervisor */
    char name[NOS_NAME_MAX];
    uint8_t module_id[32];
    uint64_t version;
    struct nos_control control;
    uint32_t n_needs;
    uint32_t rsv; /* 0 */
    char needs[NOS_NEEDS_MAX][NOS_NAME_MAX];
};
_Static_assert(sizeof(struct nos_supervision) == 224, "ABI");

struct nos_mem_info { /* bytes, but for the counts */
    uint64_t usable;  /* RAM that the firmware called usable */
    uint64_t free;
    uint64_t used; /* usable - free */
    uint64_t kernel_image, metadata, page_tables, objects, capsules, modules,
        reclaim;         /* reclaim: waiting to be zeroed */
    uint64_t dirty_free; /* free, not yet zeroed */
    uint64_t n_capsules, n_threads, n_objects;
    uint64_t zeroed_frames, longest_step_insn;
    uint64_t lock_waits, lock_wait_longest_ns; /* for the kernel lock, all CPUs */
    uint64_t timer_irqs, ipis;                 /* timer interrupts; interrupts between CPUs */
    uint64_t ended; /* of `capsules`: of those that have ended and are being given back */
};

struct nos_check_info {
    char broken[56]; /* what does not agree; all zero = this part is in order */
    uint32_t capsule;
    uint32_t rsv; /* 0 */
};
_Static_assert(sizeof(struct nos_check_info) == 64, "ABI");

enum { NOS_LOG_BYTES = 32768 };
struct nos_log_head { /* before the text of NOS_TOPIC_LOG; reading on from `from` + bytes of text
                         follows the log */
    uint64_t
        from; /* offset of the first byte given: later than asked when older ones were dropped */
    uint64_t end; /* offset after the newest byte; `from` = `end`: nothing new, and no text */
};
_Static_assert(sizeof(struct nos_log_head) == 16, "ABI");
