/* The .mod file: header | signatures | manifest | chunk table | zero pad to 4096 | image.
 * Spec: docs/formats.md, "Module". Structures are here for offsets and sizes only: file bytes are
 * never cast. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "abi/caps.h"

#define NOS_MAGIC_MOD "N0NMOD\0\1" /* 8 bytes; the last one is the format version */

/* Domains of signatures: signed bytes = domain, its terminating zero included, then the object. */
#define NOS_DOMAIN_MOD "N0N/mod/v1"
#define NOS_DOMAIN_POL "N0N/pol/v1"
#define NOS_DOMAIN_CAP "N0N/cap/v1"
#define NOS_DOMAIN_KEL "N0N/kel/v1"
#define NOS_DOMAIN_MANAGE "N0N/manage/v1"

/* BLAKE3 derive_key contexts. */
#define NOS_CTX_MODULE_ID "N0N-OS 2026 module id v1"    /* over the header */
#define NOS_CTX_CHUNK_LIST "N0N-OS 2026 chunk list v1"  /* over the chunk table */
#define NOS_CTX_NAME "N0N-OS 2026 module name v1"       /* over the name's bytes, without padding */
#define NOS_CTX_KEY_ID "N0N-OS 2026 key id v1"          /* over the 32-byte public key */
#define NOS_CTX_ROOT_SET "N0N-OS 2026 root set v1"      /* over the n_root public keys, as stored */
#define NOS_CTX_AUDIT_NODE "N0N-OS 2026 zkkids node v1" /* over a 160-byte audit record */
#define NOS_CTX_KEL_NEXT "N0N-OS 2026 kel next v1"      /* over the next public key */
#define NOS_CTX_OBJECT "N0N-OS 2026 object v1" /* over boot id || serial8: a token's obj32 */
#define NOS_CTX_VAULT "N0N-OS 2026 vault v1"   /* over all entropy */
#define NOS_CTX_KERNEL_PLACE "N0N-OS 2026 kernel place v1" /* over the loader's entropy */
#define NOS_CTX_BOOT_ID "N0N-OS 2026 boot id v1"           /* over the vault's root */
#define NOS_CTX_VAULT_STREAM "N0N-OS 2026 vault stream v1"
#define NOS_CTX_VAULT_ISSUER "N0N-OS 2026 vault issuer v1"
#define NOS_CTX_VAULT_AUDIT "N0N-OS 2026 vault audit v1" /* seed of the first checkpoint key */
#define NOS_CTX_AUDIT_RATCHET \
    "N0N-OS 2026 audit ratchet v1" /* a seed: that of the key after it \
                                    */
#define NOS_CTX_AUDIT_FILE "N0N-OS 2026 audit file v1"

struct nos_mod_header { /* 192 bytes, little-endian */
    uint8_t magic[8];
    uint32_t hdr_len;          /* 192 */
    uint32_t flags;            /* bit 0: kernel image; others 0 */
    uint64_t version;          /* major << 32 | minor << 16 | patch; display and ordering */
    uint32_t sec_version;      /* rises when an older version must no longer run */
    uint32_t chunk_log2;       /* 16 */
    uint8_t name_hash[32];     /* NOS_CTX_NAME */
    uint8_t publisher_id[32];  /* inception id of the publisher; kernel: root set id */
    uint8_t manifest_hash[32]; /* plain BLAKE3 */
    uint8_t image_root[32];    /* NOS_CTX_CHUNK_LIST */
    uint64_t manifest_len;     /* bytes, 1..65536 */
    uint64_t image_len;        /* bytes, 1..64 MiB */
    uint32_t kel_sn;           /* 0 until key rotation exists */
    uint32_t n_sig;            /* 1..4 */
    uint64_t rsv;              /* 0 */
};
_Static_assert(sizeof(struct nos_mod_header) == 192, "ABI");
_Static_assert(offsetof(struct nos_mod_header, name_hash) == 32, "ABI");
_Static_assert(offsetof(struct nos_mod_header, manifest_len) == 160, "ABI");

struct nos_mod_sig { /* 96 bytes; key_ids strictly ascending */
    uint8_t key_id[32];
    uint8_t sig[64]; /* ed25519 over NOS_DOMAIN_MOD \0 || header */
};
_Static_assert(sizeof(struct nos_mod_sig) == 96, "ABI");

enum {
    NOS_MOD_FLAG_KERNEL = 1u << 0,
    NOS_MOD_FLAGS_KNOWN = 1u,
    NOS_MOD_HDR_LEN = 192,
    NOS_MOD_SIG_MAX = 4,
    NOS_MOD_MANIFEST_MAX = 65536,
    NOS_MOD_CHUNK_LOG2 = 16,
    NOS_MOD_CHUNK = 1 << NOS_MOD_CHUNK_LOG2,
    NOS_MOD_IMAGE_MAX = 64 << 20,
    NOS_MOD_SYMBOLS_MAX = 4 << 20,
    NOS_MOD_PAGE = 4096
};
/* File length, exactly: align4096(192 + 96 * n_sig + manifest_len + 32 * chunks(image_len)) +
 * image_len, and, when the manifest has a SYMBOLS record, align4096(that) + symbols_len. All pad
 * bytes are zero. */

/* Canonical TLV: tag2 | rsv2 (0) | len4 | value[len]; records back to back, no padding; tags
 * strictly ascending; tag bit 15 = critical: a reader that does not know the tag must refuse the
 * file. */
enum { NOS_TLV_HDR = 8, NOS_TLV_CRITICAL_BIT = 0x8000 };

enum nos_manifest_tag {
    /* not critical: a reader may pass over them */
    NOS_MAN_SEMVER = 0x0010,  /* text "1.2.3" 5..32 bytes */
    NOS_MAN_LICENCE = 0x0011, /* SPDX id text, 1..64 bytes */
    NOS_MAN_ABOUT = 0x0012,   /* one line UTF-8, 1..200 bytes */
    NOS_MAN_SYMBOLS = 0x0020, /* len8 || 32-byte BLAKE3 per 64 KiB chunk of the symbol lump */
    /* critical */
    NOS_MAN_MODULE_NAME = 0x8001, /* mandatory: 1..16 bytes, see NOS_NAME_MAX */
    NOS_MAN_ABI = 0x8002,         /* mandatory: u32 = NOS_ABI_VERSION */
    NOS_MAN_CLASSES =
        0x8003, /* mandatory: u32 class mask wanted; CoreExec must be in it (not for kernels: 0) */
    NOS_MAN_CAPS =
        0x8004, /* n x struct nos_cap, 1..64, sorted by bytes of (kind,a,b) strictly ascending */
    NOS_MAN_LIMITS = 0x8005,   /* mandatory: struct nos_limits */
    NOS_MAN_RESTART = 0x8006,  /* struct nos_restart; absent = never */
    NOS_MAN_FILTER = 0x8007,   /* 16 bytes: bit n set = system call n allowed; absent = all */
    NOS_MAN_SCHED = 0x8008,    /* struct nos_sched; absent = no budget, all CPUs */
    NOS_MAN_CHILDREN = 0x8009, /* struct nos_children; absent = none */
    NOS_MAN_CONTROL = 0x800a,  /* struct nos_control; absent = only killed, no dependants end */
    NOS_MAN_NEEDS = 0x800b,    /* n x 16-byte module names, 1..8, strictly ascending */
    NOS_MAN_PRIVATE = 0x800c,  /* empty; a crash leaves no bytes of it (abi/crash.h) */
};
enum { NOS_ABI_VERSION = 1, NOS_CAPS_MAX = 64 };

struct nos_limits {       /* 32 bytes; ceilings, the policy may lower them */
    uint32_t mem_pages;   /* 4 KiB frames the capsule may hold in all, 16..262144 */
    uint32_t stack_pages; /* first thread's stack, 1..256 */
    uint32_t handles;     /* 8..1024 */
    uint32_t threads;     /* 1..64 */
    uint32_t priority;    /* highest priority its threads may have, 0..30 (31 is the kernel's) */
    uint32_t objects;     /* kernel objects it may hold, 8..4096; NOS_OBJECTS_DEFAULT is 0 */
    uint32_t rsv[2];      /* 0 */
};
_Static_assert(sizeof(struct nos_limits) == 32, "ABI");
enum { NOS_OBJECTS_DEFAULT = 256 };

enum nos_restart_when { NOS_RESTART_NEVER = 0, NOS_RESTART_ON_CRASH = 1, NOS_RESTART_ALWAYS = 2 };
struct nos_restart {        /* 16 bytes */
    uint32_t when;          /* enum nos_restart_when */
    uint32_t backoff_ms;    /* first delay; doubles to 32 x; 0..60000 */
    uint32_t max_in_window; /* give up after so many restarts in window_s; 1..1000 */
    uint32_t window_s;      /* 1..3600 */
};
_Static_assert(sizeof(struct nos_restart) == 16, "ABI");

/* What happens when the restarts of a window are used up. */
enum nos_escalate {
    NOS_ESCALATE_NONE = 0,       /* nothing: it stays down */
    NOS_ESCALATE_DEPENDANTS = 1, /* whatever needs it is stopped */
    NOS_ESCALATE_SYSTEM = 2      /* the machine is stopped and switched off */
};
struct nos_control {             /* 32 bytes; one that says nothing is not written */
    char endpoint[NOS_NAME_MAX]; /* the named endpoint, among its CAPS with RECV, where it takes
                                    control messages (abi/services.h); zero: it takes none */
    uint32_t every_ms;           /* asked that often whether it answers, 100..3600000; 0: never */
    uint32_t deadline_ms;        /* and killed after so long without, 10..60000; 0 with every_ms */
    uint32_t stop_ms;            /* time to end by itself once asked, 1..60000; 0: killed at once */
    uint32_t escalate;           /* enum nos_escalate */
};
_Static_assert(sizeof(struct nos_control) == 32, "ABI");
enum { NOS_NEEDS_MAX = 8 };

struct nos_sched {      /* 16 bytes */
    uint32_t budget_us; /* CPU time in each period, 100..period_us; 0 with period_us 0: no budget */
    uint32_t period_us; /* 1000..1000000, or 0 */
    uint64_t cpus;      /* bit n: may run on CPU n; not 0; without a budget not all bits */
};
_Static_assert(sizeof(struct nos_sched) == 16, "ABI");

struct nos_children {   /* 8 bytes: what it may hand on to the capsules that it starts, in all */
    uint32_t mem_pages; /* 16..16777216 */
    uint32_t capsules;  /* 1..65536 at a time */
};
_Static_assert(sizeof(struct nos_children) == 8, "ABI");

/* Symbol lump: n4 | rsv4 (0) | n x { addr4, size4, name_off4 } sorted by addr | names,
 * zero-terminated. */
