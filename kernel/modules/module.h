/* Modules: verified files, and the way from bytes to a running capsule. One file per stage (SETTLED 8):
 * 1_extract.c 2_signature.c 3_hashes.c 4_manifest.c 5_grant.c 6_load.c 7_execute.c; registry.c keeps what was verified. */
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

struct module {
    struct obj obj;
    struct module *next;       /* registry, in order of verification; the registry holds a reference */
    char name[NOS_NAME_MAX];
    paddr_t base;              /* frames of the file: only the kernel maps them */
    uint32_t pages;
    struct mod_view view;
    struct manifest man;
    uint8_t id[32];
    uint32_t running;          /* capsules */
    uint32_t starts;
};

/** The policy the loader verified: parsed once, bytes stay where they are. Panics on anything malformed. */
void policy_init(const struct nos_bootinfo *bi);
const struct policy *policy_get(void);

/* ---- stages 1 to 4: verify ---- */
struct module_job {            /* one verification, cut into bounded steps */
    span_t file;
    paddr_t base;              /* Takes: the frames; freed by the job on refusal */
    uint32_t pages;
    uint32_t actor;            /* capsule that asked; 0 = boot */
    uint32_t stage;
    char name[NOS_NAME_MAX];   /* file name at boot, else empty */
    struct mod_view view;
    struct mod_hasher hasher;
    struct module *out;        /* on success: registry's; borrowed */
};
void module_job_init(struct module_job *j, paddr_t base, uint32_t pages, uint64_t len, uint32_t actor, const char *name);

/** One bounded step (a signature check, or 16 KiB of hashing). `*done` when finished; then OK or the refusal, which is
 * audited and kept for listings. A module_id already verified this boot answers at once with the known module and the
 * new bytes are dropped. */
nos_status_t module_job_step(struct module_job *j, bool *done);

/** Verify all boot files, in order, to the end. */
void module_boot(const struct nos_bootinfo *bi);

struct module *module_find(const char name[NOS_NAME_MAX]); /* the newest of that name; Borrows; NULL */
struct module *module_find_id(const uint8_t id[32]);
nos_status_t module_info(uint32_t n, struct nos_module_info *out); /* n-th verified or refused; NOT_FOUND */
uint64_t module_frames(void);
void module_destroy(struct obj *o);

/* ---- stages 5 to 7: run ---- */

/** Stage 5: manifest ∩ publisher ceiling ∩ policy becomes class mask, limits and handle slots of `c`; audited.
 * Records what was given in `start` (abi/start.h), for stage 7. Errors: GRANT_*, SEC_VERSION, PUB_REVOKED, slots. */
MUST_CHECK nos_status_t module_grant(const struct module *m, struct capsule *c, struct nos_start *start);

/** Stage 6, in bounded steps (16 KiB copied): map and relocate the image at a random place. */
struct load_job {
    const struct module *module;
    struct capsule *capsule;
    struct elf_view elf;
    uint32_t segment, phase;
    uint64_t offset;
};
void module_load_init(struct load_job *j, const struct module *m, struct capsule *c);
nos_status_t module_load_step(struct load_job *j, bool *done);

/** Stage 7: stack, IPC buffer and start page of the first thread; sets c->entry, stack_top, start_va, ipc_va. The caller
 * (runtime) makes the thread. */
MUST_CHECK nos_status_t module_execute(const struct module *m, struct capsule *c, struct nos_start *start, span_t arg);
