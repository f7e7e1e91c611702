/* The audit log: a bounded ring of records, each with the hashes of the one before and of what
 * caused it; a Merkle tree over them; checkpoints of that tree. Spec: docs/audit.md (record of the
 * zkKids design). */
#pragma once

#include <stddef.h>
#include <stdint.h>

struct nos_audit_record { /* 160 bytes */
    uint64_t seq;
    uint64_t tick;  /* ns since boot */
    uint32_t actor; /* capsule id; 0 = kernel */
    uint16_t kind;  /* enum nos_audit_kind */
    uint8_t n_par;  /* parents used: 0 for the first record, else 1 to 3 */
    uint8_t rsv1;
    uint8_t parent[3][32];   /* record hashes: [0] the record before, [1] and [2] causes; unused = 0
                              */
    uint8_t body_commit[32]; /* BLAKE3 keyed with `salt` over the body */
    uint32_t back[2];        /* the causes have the numbers seq - back[0] and seq - back[1]; the
                                nearer one first; 0 = none */
};
_Static_assert(sizeof(struct nos_audit_record) == 160, "ABI");
_Static_assert(offsetof(struct nos_audit_record, body_commit) == 120, "ABI");
_Static_assert(offsetof(struct nos_audit_record, back) == 152, "ABI");

#define NOS_AUDIT_LIST(X) \
    X(BOOT, 1, "boot")      /* what runs; text says what subject is. Record 0: the issuing key; \
                               record 1: the first checkpoint key */ \
    X(LOAD, 2, "load")      /* module verified; subject = module_id */ \
    X(REFUSE, 3, "refuse")  /* module refused; status; subject = module_id when known */ \
    X(GRANT, 4, "grant")    /* capability given at spawn; a = kind << 32 | rights */ \
    X(SPAWN, 5, "spawn")    /* capsule started; a = its id */ \
    X(EXIT, 6, "exit")      /* a = id, b = code */ \
    X(CRASH, 7, "crash")    /* a = id, b = enum nos_crash */ \
    X(KILL, 8, "kill")      /* a = id */ \
    X(DENY, 9, "deny")      /* refused system calls; a = number or NOS_AUDIT_SEVERAL, b = times */ \
    X(TOKEN, 10, "token")   /* token exported; subject = token_id */ \
    X(POWER, 11, "power")   /* a = action */ \
    X(DROP, 13, "drop")     /* the ring ran over; a = records dropped in all */ \
    X(IMPORT, 14, "import") /* token imported by the actor; subject = token_id; a = issuer's id << \
                               32 | type, b = rights */ \
    X(DEBUG, 15, "debug")   /* a = id of the capsule, subject = its module; b = ns that the actor \
                               may debug it, 0 = that is over; status: why */ \
    X(SUPERVISE, 16, \
      "supervise") /* the actor decided about a capsule: subject = its module_id; a = its id, 0 = \
                      the system; b = enum nos_decision << 32 | detail; text = module */
/* 12 was a checkpoint, when it was a record. */
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
    X(SYSTEM, 10, "the system is stopped")     /* how many */ \
    X(UPGRADED, 11, "took the place of")       /* id of the capsule that had it */ \
    X(UPGRADE_REFUSED, 12, "not upgraded")     /* status, negated */
#define X(name, value, text) NOS_DECISION_##name = (value),
enum nos_decision { NOS_DECISION_LIST(X) NOS_DECISION_COUNT = 13 };
#undef X
#define NOS_AUDIT_SEVERAL 0xffffffffffffffffull /* DENY: not all the same call */

struct nos_audit_body { /* 96 bytes: what the commitment covers */
    uint8_t subject[32];
    int32_t status;
    uint32_t rsv;
    uint64_t a, b;
    char text[40]; /* zero padded */
};
_Static_assert(sizeof(struct nos_audit_body) == 96, "ABI");

struct nos_audit_entry { /* 288 bytes: record, its salt and its body */
    struct nos_audit_record rec;
    uint8_t salt[32];
    struct nos_audit_body body;
};
_Static_assert(sizeof(struct nos_audit_entry) == 288, "ABI");

enum { NOS_AUDIT_LEVELS = 40, NOS_AUDIT_BLOCK = 64 /* records */ };

struct nos_audit_head { /* 1,456 bytes */
    uint8_t boot_id[32];
    uint64_t next;  /* sequence number of the record to come */
    uint64_t first; /* oldest kept in an unbroken run to `next` */
    uint64_t dropped;
    uint64_t checkpoints;               /* made in all: number of the one to come */
    uint64_t first_checkpoint;          /* oldest kept */
    uint8_t head[32];                   /* hash of record next - 1 */
    uint8_t prefix[32];                 /* hash of record first - 1; 0 when first = 0 */
    uint8_t key0[32];                   /* signed checkpoint 0 */
    uint64_t tree_at;                   /* `first`, rounded up to NOS_AUDIT_BLOCK */
    uint8_t tree[NOS_AUDIT_LEVELS][32]; /* RFC 6962 subtrees of the records below tree_at: [h], when
                                           bit h of tree_at is set, covers 2^h of them, the largest
                                           first; else 0. All 0 when tree_at > next */
};
_Static_assert(sizeof(struct nos_audit_head) == 1456, "ABI");

struct nos_audit_checkpoint { /* 176 bytes; its note is the text that `sig` covers: docs/formats.md
                               */
    uint64_t seq;             /* of checkpoints */
    uint64_t size;            /* records under it */
    uint8_t root[32];         /* RFC 6962, over the records' 160 bytes */
    uint8_t pk[32];           /* signed this one */
    uint8_t next_pk[32];      /* signs the next one; announced in the note */
    uint8_t sig[64];
};
_Static_assert(sizeof(struct nos_audit_checkpoint) == 176, "ABI");

/* A file of a node's log: this, then checkpoints, the records that were kept from before the run,
 * the run, and 32 bytes: NOS_CTX_AUDIT_FILE over all before. */
#define NOS_MAGIC_AUDIT "N0NAUDX\1"
struct nos_audit_file {
    uint8_t magic[8];
    uint32_t n_checkpoints;     /* struct nos_audit_checkpoint */
    uint32_t n_old;             /* struct nos_audit_entry, numbers rising, all below head.first */
    struct nos_audit_head head; /* of the run: struct nos_audit_entry, head.first to head.next */
};

/* A proof about a log: this, then checkpoints, hashes, items, and 32 bytes as above. */
#define NOS_MAGIC_AUDIT_PROOF "N0NAUDP\1"
struct nos_audit_proof { /* 96 bytes */
    uint8_t magic[8];
    uint32_t n_checkpoints; /* at least 1, without a gap; the last one is what the items are in */
    uint32_t n_hashes;      /* 32 bytes each: consistency of the first checkpoint with the last */
    uint32_t n_items;       /* struct nos_audit_item, numbers falling */
    uint32_t rsv;
    uint8_t boot_id[32];
    uint8_t key0[32];
    uint64_t rsv2;
};
_Static_assert(sizeof(struct nos_audit_proof) == 96, "ABI");

enum {
    NOS_AUDIT_ITEM_BODY = 1u << 0,   /* salt32 and body96 follow; else they stay hidden */
    NOS_AUDIT_ITEM_IN_TREE = 1u << 1 /* an inclusion proof follows, n_hashes of 32 bytes; else an
                                        item before this one names it as a cause */
};
struct nos_audit_item { /* 168 bytes, then salt and body, then hashes */
    struct nos_audit_record rec;
    uint32_t flags;
    uint32_t n_hashes;
};
_Static_assert(sizeof(struct nos_audit_item) == 168, "ABI");
