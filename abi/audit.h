/* The audit log: a bounded ring of hash-chained records. Spec: docs/audit.md (record of the zkKids
 * design). */
#pragma once

#include <stddef.h>
#include <stdint.h>

struct nos_audit_record { /* 160 bytes */
    uint64_t seq;
    uint64_t tick;  /* ns since boot */
    uint32_t actor; /* capsule id; 0 = kernel */
    uint16_t kind;  /* enum nos_audit_kind */
    uint8_t n_par;  /* parents used: 0 for the first record, else 1 */
    uint8_t rsv1;
    uint8_t parent[3][32];   /* record hash of the record before; unused = 0 */
    uint8_t body_commit[32]; /* BLAKE3 keyed with `salt` over the body */
    uint64_t rsv2;
};
_Static_assert(sizeof(struct nos_audit_record) == 160, "ABI");
_Static_assert(offsetof(struct nos_audit_record, body_commit) == 120, "ABI");

#define NOS_AUDIT_LIST(X) \
    X(BOOT, 1, "boot")     /* what runs; text says what subject is. First: the issuing key */ \
    X(LOAD, 2, "load")     /* module verified; subject = module_id */ \
    X(REFUSE, 3, "refuse") /* module refused; status; subject = module_id when known */ \
    X(GRANT, 4, "grant")   /* capability given at spawn; a = kind << 32 | rights */ \
    X(SPAWN, 5, "spawn")   /* capsule started; a = its id */ \
    X(EXIT, 6, "exit")     /* a = id, b = code */ \
    X(CRASH, 7, "crash")   /* a = id, b = enum nos_crash */ \
    X(KILL, 8, "kill")     /* a = id */ \
    X(DENY, 9, "deny")     /* refused system calls; a = number or NOS_AUDIT_SEVERAL, b = times */ \
    X(TOKEN, 10, "token")  /* token exported; subject = token_id */ \
    X(POWER, 11, "power")  /* a = action */ \
    X(CHECKPOINT, 12, \
      "checkpoint")         /* issuer key signs the chain so far; subject||text = signature */ \
    X(DROP, 13, "drop")     /* the ring ran over; a = records dropped in all */ \
    X(IMPORT, 14, "import") /* token imported by the actor; subject = token_id; a = issuer's id << \
                               32 | type, b = rights */ \
    X(DEBUG, 15, "debug")   /* a = id of the capsule, subject = its module; b = ns that the actor \
                               may debug it, 0 = that is over; status: why */ \
    X(SUPERVISE, 16, \
      "supervise") /* the actor decided about a capsule: subject = its module_id; a = its id, 0 = \
                      the system; b = enum nos_decision << 32 | detail; text = module */
#define X(name, value, text) NOS_AUDIT_##name = (value),
enum nos_audit_kind { NOS_AUDIT_LIST(X) };
#undef X
/* What a supervisor decided or found, and the detail that goes with it. */
#define NOS_DECISION_LIST(X) \
    X(RESTART_AT, 1, "restart scheduled")      /* ms from now */ \
    X(RESTARTED, 2, "restarted")               /* which restart of it this is */ \
    X(GIVEN_UP, 3, "given up")                 /* restarts in the window */ \
    X(CANNOT_START, 4, "cannot be started")    /* status, negated */ \
    X(UNHEALTHY, 5, "health check failed")     /* ms waited */ \
    X(STOP_ASKED, 6, "asked to stop")          /* ms that it is given */ \
    X(STOPPED, 7, "stopped by itself")         /* ms that it took */ \
    X(STOP_FORCED, 8, "did not stop in time")  /* ms waited; 0: it cannot be asked */ \
    X(DEPENDANTS, 9, "dependants are stopped") /* how many */ \
    X(SYSTEM, 10, "the system is stopped")     /* how many */
#define X(name, value, text) NOS_DECISION_##name = (value),
enum nos_decision { NOS_DECISION_LIST(X) NOS_DECISION_COUNT = 11 };
#undef X
#define NOS_AUDIT_SEVERAL 0xffffffffffffffffull /* DENY: not all the same call */

struct nos_audit_body { /* 96 bytes: what the commitment covers */
    uint8_t subject[32];
    int32_t status;
    uint32_t rsv;
    uint64_t a, b;
    char text[40]; /* zero padded; CHECKPOINT: second half of the signature */
};
_Static_assert(sizeof(struct nos_audit_body) == 96, "ABI");

struct nos_audit_entry { /* 288 bytes: record, its salt and its body */
    struct nos_audit_record rec;
    uint8_t salt[32];
    struct nos_audit_body body;
};
_Static_assert(sizeof(struct nos_audit_entry) == 288, "ABI");

struct nos_audit_head {
    uint64_t next;  /* sequence number of the record to come */
    uint64_t first; /* oldest kept in an unbroken run to `next` */
    uint64_t dropped;
    uint8_t head[32];      /* hash of record next - 1 */
    uint8_t prefix[32];    /* hash of record first - 1; 0 when first = 0 */
    uint8_t issuer_pk[32]; /* signs the checkpoints */
};
