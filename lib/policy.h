#pragma once
/*
 * BOOT.POL, the operator's signed policy. The loader extracts it, checks its signatures and epoch,
 * and only then has
 * the body parsed; the kernel parses the bytes that the loader verified. Spec: docs/formats.md,
 * "Policy".
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "abi/policy.h"
#include "abi/status.h"
#include "lib/compiler.h"
#include "lib/span.h"
#include "lib/trust.h"

enum { POLICY_SIGNED_MAX = sizeof(NOS_DOMAIN_POL) + NOS_POL_HDR_LEN + NOS_POL_BODY_MAX };

struct policy_view {  // borrows the file
    uint64_t epoch;
    uint32_t flags, kernel_sec_min, n_sig;
    span_t header, sigs, body;
};

struct policy {  // borrows the file; every record in it was checked
    struct policy_view view;
    const uint8_t *operator_pk;  // 32 bytes
    char first[NOS_NAME_MAX];    // module that the kernel starts
    span_t publishers, rules, grants, boot, start;
    uint32_t n_publishers, n_rules, n_grants, n_boot, n_start;
};

/**
 * The fixed header and the file's exact shape.
 * Errors: POL_TRUNCATED, POL_MAGIC, POL_VERSION, POL_RESERVED, POL_FIELD, POL_OVERSIZE, POL_ORDER
 *         (key ids).
 */
MUST_CHECK nos_status_t policy_extract(span_t file, struct policy_view *out);

/**
 * What the signatures cover, laid out in `room`: domain, zero, header, body. The signatures lie
 * between header and
 * body, and pure Ed25519 needs one piece. POLICY_SIGNED_MAX bytes always do.
 * Errors: TOO_BIG.
 */
MUST_CHECK nos_status_t policy_signed_bytes(const struct policy_view *v, mspan_t room, span_t *out);

/**
 * k of n roots signed it.
 * Takes:  nothing; `scratch` is overwritten (see policy_signed_bytes).
 * Errors: TOO_BIG; as sigs_check_roots.
 */
MUST_CHECK nos_status_t policy_check_sigs(const struct policy_view *v,
                                          const struct trust_view *trust, mspan_t scratch);

/** Errors: POL_EPOCH when the policy is older than the loader's floor. */
MUST_CHECK nos_status_t policy_check_epoch(const struct policy_view *v, uint64_t floor);

/**
 * Extract, and check every record of the body.
 * Errors: as policy_extract; TLV_*; POL_MISSING, POL_FIELD, POL_RESERVED, POL_ORDER.
 */
MUST_CHECK nos_status_t policy_parse(span_t file, struct policy *out);

/* Each of these: false, and `*out` untouched, when there is no such record. */

MUST_CHECK bool policy_publisher(const struct policy *p, const uint8_t id[32],
                                 struct nos_pol_publisher *out);
MUST_CHECK bool policy_publisher_at(const struct policy *p, uint32_t i,
                                    struct nos_pol_publisher *out);

/**
 * The most specific rule: for this very module_id, else for the publisher's module of that name.
 */
MUST_CHECK bool policy_rule(const struct policy *p, const uint8_t module_id[32],
                            const uint8_t publisher_id[32], const uint8_t name_hash[32],
                            struct nos_pol_rule *out);
MUST_CHECK bool policy_rule_at(const struct policy *p, uint32_t i, struct nos_pol_rule *out);

/** Grant `i` of the policy; those of a rule are [grants_at, grants_at + grants_n). */
MUST_CHECK bool policy_grant(const struct policy *p, uint32_t i, struct nos_cap *out);
MUST_CHECK bool policy_boot_file(const struct policy *p, uint32_t i, char out[NOS_NAME_MAX]);
MUST_CHECK bool policy_start(const struct policy *p, uint32_t i, struct nos_pol_start *out);

/* For nonosctl: records as bytes. */
void policy_publisher_write(const struct nos_pol_publisher *r, uint8_t out[80]);
void policy_rule_write(const struct nos_pol_rule *r, uint8_t out[96]);
/** Order of rules in a policy: below 0, 0, above 0. */
MUST_CHECK int policy_rule_compare(const struct nos_pol_rule *a, const struct nos_pol_rule *b);
