/* What the stages and the registry say to each other. Private to kernel/modules. */
#pragma once

#include "kernel/modules/module.h"

/**
 * Errors: MOD_TRUNCATED, MOD_MAGIC, MOD_VERSION (also a kernel image), MOD_RESERVED, MOD_LAYOUT,
 *         MOD_OVERSIZE.
 */
MUST_CHECK nos_status_t stage1_extract(struct module_job *j);

/**
 * Errors: PUB_UNKNOWN, PUB_REVOKED, KEY_UNKNOWN, BAD_SIGNATURE, SEC_VERSION (the publisher's
 * floor).
 */
MUST_CHECK nos_status_t stage2_signature(const struct module_job *j);

/** One step of it, after stage3_begin. Errors: HASH_MANIFEST, HASH_TABLE, HASH_CHUNK. */
void stage3_begin(struct module_job *j);
MUST_CHECK nos_status_t stage3_hashes(struct module_job *j, bool *done);

/** Errors: TLV_*, MAN_*, CAP_CLASS, MOD_TRUNCATED, MOD_OVERSIZE. */
MUST_CHECK nos_status_t stage4_manifest(const struct module_job *j, struct module *m);

struct admission { /* what the policy says of a module */
    struct nos_pol_rule rule;
    uint32_t classes;
};

/** Errors: PUB_UNKNOWN, PUB_REVOKED, GRANT_CEILING, GRANT_NO_RULE, SEC_VERSION. */
MUST_CHECK nos_status_t stage5_admit(const struct module *m, struct admission *out);

/** The image, without its relocations. Errors: ELF_*. */
MUST_CHECK nos_status_t stage6_check(struct module *m);

/** An empty module, not listed. Gives: a reference; obj_put ends it, frames and all. NULL. */
struct module *registry_new(void);

/** For one more; an idle one may go for it. Errors: QUOTA. */
MUST_CHECK nos_status_t registry_room(void);

/** Takes: the reference. There is room. */
void registry_add(struct module *m);

struct refusal {
    char name[NOS_NAME_MAX];
    nos_status_t status;
    uint32_t sec_version;
    uint64_t version;
    uint8_t id[32], publisher_id[32]; /* zero when not known, or not verified */
};

/** Audit and keep. `stage`: the one that said no. */
void registry_refuse(const struct refusal *r, enum module_stage stage, uint32_t actor);

/** A verified module that could not be started after all. */
void registry_refuse_start(const struct module *m, enum module_stage stage, nos_status_t st,
                           uint32_t actor);

struct token;
/** Fill in kind, object and nonce; audit; have the vault sign. `c` holds the object, `actor` asked.
 */
void token_sign(const struct capsule *c, const struct obj *o, uint32_t actor, struct token *t,
                uint8_t out[196]);

/** Give a file's frames back to where they came from. */
void file_frames_free(paddr_t base, uint32_t pages, bool boot);
