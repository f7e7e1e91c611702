#pragma once
/* The seven stages, as far as a host can walk them, with the code that the kernel uses. */
#include <stdbool.h>
#include <stdint.h>

#include "abi/status.h"
#include "lib/compiler.h"
#include "lib/elf.h"
#include "lib/manifest.h"
#include "lib/mod.h"
#include "lib/policy.h"
#include "lib/span.h"
#include "lib/trust.h"

enum mod_stage {
    STAGE_NONE,
    STAGE_EXTRACT,
    STAGE_SIGNATURE,
    STAGE_HASHES,
    STAGE_MANIFEST,
    STAGE_GRANT,
    STAGE_LOAD,
    STAGE_EXECUTE,
};

struct module_check {
    enum mod_stage stage; /* that refused, or STAGE_EXECUTE */
    nos_status_t status;
    bool signer_known;        /* the signature was checked against a key that the caller trusts */
    struct mod_view view;     /* good from STAGE_EXTRACT on */
    struct manifest man;      /* good once STAGE_MANIFEST is passed; borrows the file */
    struct nos_pol_rule rule; /* good with a policy, once STAGE_GRANT is passed */
    uint8_t id[32];           /* module_id: good from STAGE_EXTRACT on */
};

struct module_judge { /* whom to believe; all may be NULL: then only the file's own consistency is
                         checked */
    const struct policy *policy;    /* capsules: its publishers, rules and floors */
    const struct trust_view *trust; /* kernels: root keys */
    const uint8_t *publisher_pk;    /* capsules, without a policy: the one key to accept */
    const uint8_t *publisher_id;
};

const char *stage_name(enum mod_stage stage);

/**
 * Walk the stages. Borrows: `file`, for as long as `out` is used.
 * Errors: the first refusal, also in out->status.
 */
MUST_CHECK nos_status_t module_check(span_t file, const struct module_judge *judge,
                                     struct module_check *out);

/** The grant for capability `i` of the manifest under the rule; false when nothing is left of it.
 */
MUST_CHECK bool module_grant_of(const struct module_check *c, const struct policy *policy,
                                uint32_t i, struct nos_cap *out);
