/* BOOT.POL, the operator's signed policy: header | signatures | body (canonical TLV).
 * Signed bytes: NOS_DOMAIN_POL \0 || header || body. Signers: the loader's trust roots, k of n.
 * Spec: docs/formats.md, "Policy". */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "abi/caps.h"
#include "abi/module.h"

#define NOS_MAGIC_POL "N0NPOL\0\1"

struct nos_pol_header { /* 64 bytes, little-endian */
    uint8_t magic[8];
    uint32_t hdr_len;        /* 64 */
    uint32_t flags;          /* enum nos_pol_flags */
    uint64_t epoch;          /* must not be below the loader's floor */
    uint32_t kernel_sec_min; /* security-version floor for KERNEL.MOD */
    uint32_t n_sig;          /* 1..4 */
    uint64_t body_len;       /* bytes, 1..262144 */
    uint8_t rsv[24];         /* 0 */
};
_Static_assert(sizeof(struct nos_pol_header) == 64, "ABI");

enum nos_pol_flags { NOS_POL_PANIC_HOLD = 1u << 0, NOS_POL_FLAGS_KNOWN = 1u };
enum { NOS_POL_HDR_LEN = 64, NOS_POL_BODY_MAX = 262144, NOS_POL_FILE_MAX = 64 + 4 * 96 + 262144 };

enum nos_policy_tag { /* all critical */
                      NOS_POL_OPERATOR =
                          0x8001, /* mandatory: 32-byte ed25519 key that may command `manage` */
                      NOS_POL_PUBLISHERS =
                          0x8002, /* mandatory: n x struct nos_pol_publisher, 1..64, sorted by id */
                      NOS_POL_RULES = 0x8003, /* mandatory: n x struct nos_pol_rule, 1..256, sorted
                                                 by (match, id, name_hash) */
                      NOS_POL_GRANTS =
                          0x8004, /* mandatory: n x struct nos_cap, 0..4096, indexed by rules */
                      NOS_POL_BOOT = 0x8005, /* mandatory: n x 16-byte file names, 1..32, order
                                                kept, e.g. "INIT.MOD" */
                      NOS_POL_FIRST =
                          0x8006, /* mandatory: 16-byte module name of the first capsule */
                      NOS_POL_START = 0x8007, /* n x struct nos_pol_start, 0..32, what `init`
                                                 starts, in order */
};

struct nos_pol_publisher { /* 80 bytes */
    uint8_t id[32];        /* KEL inception id */
    uint8_t pk[32];        /* current ed25519 key */
    uint32_t classes;      /* class ceiling */
    uint32_t flags;        /* bit 0: NOS_PUBLISHER_REVOKED */
    uint32_t sec_min;      /* security-version floor for all of its modules */
    uint32_t rsv;          /* 0 */
};
_Static_assert(sizeof(struct nos_pol_publisher) == 80, "ABI");
enum { NOS_PUBLISHER_REVOKED = 1u << 0 };

enum nos_pol_match {
    NOS_MATCH_ID = 0 /* exact module_id */,
    NOS_MATCH_NAME = 1 /* publisher + name */
};
enum nos_rule_flags {
    NOS_RULE_KILL_ON_FILTER = 1u << 0,
    NOS_RULE_NO_DEBUG = 1u << 1, /* no debugger of this capsule, whoever has the right */
    NOS_RULE_FLAGS_KNOWN = 3u
};
struct nos_pol_rule {    /* 96 bytes; MATCH_ID wins over MATCH_NAME; no match refuses */
    uint32_t match;      /* enum nos_pol_match */
    uint32_t grants_at;  /* index into GRANTS */
    uint32_t grants_n;   /* 0..64 */
    uint32_t sec_min;    /* security-version floor for this module */
    uint32_t classes;    /* class mask granted (intersected with manifest and ceiling) */
    uint32_t mem_pages;  /* lowers the manifest's limit; 0 = as the manifest says */
    uint32_t priority;   /* lowers the manifest's limit */
    uint8_t flags;       /* enum nos_rule_flags */
    uint8_t cpu_percent; /* 1..100: lowers budget / period, of one CPU; 0 = as the manifest says */
    uint16_t rsv;        /* 0 */
    uint8_t id[32];      /* module_id, or publisher_id */
    uint8_t name_hash[32]; /* MATCH_ID: 0 */
};
_Static_assert(sizeof(struct nos_pol_rule) == 96, "ABI");

struct nos_pol_start { /* 80 bytes */
    char name[NOS_NAME_MAX];
    char arg[64]; /* zero padded argument string */
};
_Static_assert(sizeof(struct nos_pol_start) == 80, "ABI");

/* Trust roots: PE section ".n0nroot" of BOOTX64.EFI, filled by `nonosctl image`. */
#define NOS_TRUST_MAGIC "N0NROOT\1"
#define NOS_TRUST_SECTION ".n0nroot" /* 8 bytes, the most a PE image section name can hold */
struct nos_trust {                   /* 256 bytes */
    uint8_t magic[8];
    uint32_t n_root;      /* 1..4; 0 = not filled */
    uint32_t k;           /* 1..n_root */
    uint64_t epoch_floor; /* policy epoch floor */
    uint32_t kernel_sec_min;
    uint32_t rsv;        /* 0 */
    uint8_t root[4][32]; /* ed25519 keys, strictly ascending; unused = 0 */
    uint8_t pad[96];     /* 0 */
};
_Static_assert(sizeof(struct nos_trust) == 256, "ABI");
