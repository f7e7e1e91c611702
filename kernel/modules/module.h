/*
 * Modules: verified files, and the way from bytes to a running capsule, one file a stage:
 *
 *   1 extract    header and shape
 *   2 signature  over the header
 *   3 hashes     of all else
 *   4 manifest   what it says of itself
 *   5 grant      what the policy gives it
 *   6 load       memory of a capsule
 *   7 execute    what the capsule finds when it starts
 *
 * job.c walks 1 to 4, asks 5 whether the policy admits the module at all and 6 whether its image is
 * one, and hands the result to registry.c. A start walks 5 to 7. Spec: docs/modules.md.
 * Locks: the kernel lock, but for the bytes under verification, which nobody else can reach.
 */
#pragma once

#include "abi/bootinfo.h"
#include "abi/info.h"
#include "abi/policy.h"
#include "abi/start.h"
#include "kernel/object/capsule.h"
#include "lib/elf.h"
#include "lib/manifest.h"
#include "lib/mod.h"
#include "lib/policy.h"

enum {
    MODULES_MAX = 128, /* verified; when full, the oldest idle one that boot did not bring goes */
    MODULE_REFUSALS = 64, /* kept for listings: the newest */
    MODULE_STEP = 16384,  /* bytes hashed or copied in one step */
};

enum module_stage {
    STAGE_EXTRACT = 1,
    STAGE_SIGNATURE,
    STAGE_HASHES,
    STAGE_MANIFEST,
    STAGE_GRANT,
    STAGE_LOAD,
    STAGE_EXECUTE,
};

struct module {
    struct obj obj;
    struct module *next; /* registry, in order of verification; the registry holds a reference */
    char name[NOS_NAME_MAX + 8]; /* zero-terminated, so that it is also a string */
    paddr_t base;                /* frames of the file: only the kernel maps them */
    uint32_t pages;
    bool boot; /* frames are the loader's, and the module is never dropped */
    struct mod_view view;
    struct manifest man;
    struct elf_view elf;
    uint8_t id[32];
    struct audit_ref record; /* it was verified; the newest such record */
    uint32_t running;        /* capsules; counted by kernel/runtime, as is `starts` */
    uint32_t starts;
};

/**
 * Parse the policy that the loader verified; its bytes stay where they are. Panics on anything
 * malformed: the loader has refused such a policy.
 */
void policy_init(const struct nos_bootinfo *bi);
const struct policy *policy_get(void);

/* ---- stages 1 to 4: verify ---- */

struct module_job { /* one verification; 2.4 KiB; it does not move between its steps */
    span_t file;
    paddr_t base; /* frames of the file; 0 once they are the module's or given back */
    uint32_t pages;
    uint32_t actor;         /* capsule that asked; 0 = boot */
    struct audit_ref asked; /* why it did: zero after module_job_init, the caller's to set */
    bool boot;
    enum module_stage stage;
    char name[NOS_NAME_MAX]; /* file name at boot, else empty until the manifest is verified */
    uint8_t id[32];          /* from stage 1 on */
    struct mod_view view;
    struct mod_hasher hasher;
    bool ahead, hashed; /* the work of this stage's step is done, with this status */
    nos_status_t worked;
    struct module *out; /* on success. Borrows: the registry's reference */
};

/**
 * Takes:  the `pages` frames at `base`, which only the kernel maps; `len` bytes of them are the
 * file.
 */
void module_job_init(struct module_job *j, paddr_t base, uint32_t pages, uint64_t len,
                     uint32_t actor);

/**
 * One bounded step: one signature check, or MODULE_STEP bytes hashed. A module_id that was verified
 * earlier in this boot is answered at once with the module known already; the new bytes go unread.
 * Gives:  `*done`; then OK and `j->out`, or the refusal, audited and kept for listings, and the
 *         frames are given back.
 * Errors: MOD_*, PUB_*, KEY_UNKNOWN, BAD_SIGNATURE, SEC_VERSION, HASH_*, TLV_*, MAN_*, CAP_CLASS,
 *         GRANT_*, ELF_*; NO_MEMORY; QUOTA (registry full).
 */
MUST_CHECK nos_status_t module_job_step(struct module_job *j, bool *done);

/** Is the next step one that looks at nothing but the job and its frames: a signature or hashes?
 * Then it may be done ahead, without the kernel lock, and module_job_step takes its result. */
bool module_job_is_pure(const struct module_job *j);
void module_job_ahead(struct module_job *j);

/** Stop before the end: the frames go back. */
void module_job_drop(struct module_job *j);

/** Verify all boot files, in order. A refused one is audited and left out, its frames donated. */
void module_boot(const struct nos_bootinfo *bi);

/** The highest version of that name; of two, the one verified last. Borrows. NULL: there is none.
 */
struct module *module_find(const char name[NOS_NAME_MAX]);
struct module *module_find_id(const uint8_t id[32]);

/**
 * The n-th verified, then the refused ones. Shows nothing of a file that its signature does not
 * cover.
 * Errors: NOT_FOUND.
 */
MUST_CHECK nos_status_t module_info(uint32_t n, struct nos_module_info *out);

/** What the n-th verified module tells its supervisor. Errors: NOT_FOUND. */
MUST_CHECK nos_status_t module_supervision(uint32_t n, struct nos_supervision *out);
uint64_t module_frames(void);
void module_destroy(struct obj *o);

/* ---- stages 5 to 7: run ---- */

/**
 * Stage 5: manifest ∩ publisher ceiling ∩ policy becomes class mask, limits, filter and handle
 * slots of `c`; each grant is audited before it takes effect. What was given is written to `start`,
 * a page, for stage 7. A device that this machine does not have is left out. On failure what was
 * granted stays for the capsule's end.
 * Errors: SEC_VERSION, PUB_REVOKED, PUB_UNKNOWN, GRANT_NO_RULE, GRANT_CEILING; QUOTA, NO_SLOT,
 *         NO_MEMORY.
 */
MUST_CHECK nos_status_t module_grant(const struct module *m, struct capsule *c,
                                     struct nos_start *start);

/** Stage 6 in bounded steps: map, copy, relocate the image at a random place. Sets where it is. */
struct load_job {
    const struct module *module;
    struct capsule *capsule;
    uint32_t phase, segment;
    uint64_t at;
};
void module_load_init(struct load_job *j, const struct module *m, struct capsule *c);

/** Errors: ELF_RELOC_TYPE, ELF_RELOC_RANGE, audited as a refusal; QUOTA, NO_MEMORY, NO_SLOT. */
MUST_CHECK nos_status_t module_load_step(struct load_job *j, bool *done);

/**
 * Stage 7: stack, IPC buffer and start page of the first thread. Sets stack_top, start_va, ipc_va.
 * The caller makes the thread. `start` is finished here and copied.
 * Errors: TOO_BIG (arg above NOS_ARG_MAX); QUOTA, NO_MEMORY, NO_SLOT.
 */
MUST_CHECK nos_status_t module_execute(const struct module *m, struct capsule *c,
                                       struct nos_start *start, span_t arg);
