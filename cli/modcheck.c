/* The stages of docs/modules.md on a host. Stage 7 (execute) has nothing to refuse here. */
#include "cli/modcheck.h"

#include <string.h>

#include "lib/symbols.h"

static const char *const stage_names[] = { "none",     "extract", "signature", "hashes",
                                           "manifest", "grant",   "load",      "execute" };

const char *stage_name(enum mod_stage stage)
{
    return stage_names[stage];
}

static bool is_kernel(const struct module_check *c)
{
    return (c->view.flags & NOS_MOD_FLAG_KERNEL) != 0;
}

static nos_status_t kernel_signature(struct module_check *c, const struct module_judge *judge)
{
    if (judge->trust == NULL) {
        return NOS_OK;
    }
    nos_status_t st = mod_check_kernel(&c->view, judge->trust);
    if (st == NOS_OK) {
        st = mod_check_sigs_roots(&c->view, judge->trust);
    }
    if (st == NOS_OK && judge->policy != NULL &&
        c->view.sec_version < judge->policy->view.kernel_sec_min) {
        st = NOS_SEC_VERSION;
    }
    c->signer_known = st == NOS_OK;
    return st;
}

static nos_status_t policy_signature(struct module_check *c, const struct policy *policy)
{
    struct nos_pol_publisher pub;
    if (!policy_publisher(policy, c->view.publisher_id, &pub)) {
        return NOS_PUB_UNKNOWN;
    }
    if ((pub.flags & NOS_PUBLISHER_REVOKED) != 0) {
        return NOS_PUB_REVOKED;
    }
    nos_status_t st = mod_check_sigs_publisher(&c->view, pub.pk);
    if (st == NOS_OK && c->view.sec_version < pub.sec_min) {
        st = NOS_SEC_VERSION;
    }
    c->signer_known = st == NOS_OK;
    return st;
}

static nos_status_t stage_signature(struct module_check *c, const struct module_judge *judge)
{
    if (is_kernel(c)) {
        return kernel_signature(c, judge);
    }
    if (judge->policy != NULL) {
        return policy_signature(c, judge->policy);
    }
    if (judge->publisher_pk == NULL) {
        return NOS_OK;
    }
    if (memcmp(c->view.publisher_id, judge->publisher_id, 32) != 0) {
        return NOS_PUB_UNKNOWN;
    }
    nos_status_t st = mod_check_sigs_publisher(&c->view, judge->publisher_pk);
    c->signer_known = st == NOS_OK;
    return st;
}

static nos_status_t stage_hashes(const struct module_check *c)
{
    static struct mod_hasher scratch;
    return mod_check_hashes(&scratch, &c->view);
}

static nos_status_t stage_manifest(struct module_check *c)
{
    struct symbols symbols;
    nos_status_t st = manifest_parse(c->view.manifest, &c->man);
    if (st == NOS_OK) {
        st = manifest_check_header(&c->man, &c->view);
    }
    if (st == NOS_OK && c->view.symbols.len > 0) {
        st = symbols_parse(c->view.symbols, &symbols);
    }
    return st;
}

static nos_status_t stage_grant(struct module_check *c, const struct policy *policy)
{
    struct nos_pol_publisher pub;
    if (policy == NULL || is_kernel(c)) {
        return NOS_OK;
    }
    if (!policy_rule(policy, c->id, c->view.publisher_id, c->view.name_hash, &c->rule)) {
        return NOS_GRANT_NO_RULE;
    }
    if (c->view.sec_version < c->rule.sec_min) {
        return NOS_SEC_VERSION;
    }
    if (!policy_publisher(policy, c->view.publisher_id, &pub)) {
        return NOS_PUB_UNKNOWN;
    }
    return (c->man.classes & ~pub.classes) == 0 ? NOS_OK : NOS_GRANT_CEILING;
}

static nos_status_t stage_load(const struct module_check *c)
{
    struct elf_view elf;
    nos_status_t st = elf_parse(c->view.image, &elf);
    return st == NOS_OK ? elf_check_relocs(&elf) : st;
}

static nos_status_t run_stage(struct module_check *c, span_t file, const struct module_judge *judge)
{
    nos_status_t st;
    switch (c->stage) {
    case STAGE_EXTRACT:
        st = mod_extract(file, &c->view);
        if (st == NOS_OK) {
            mod_id(&c->view, c->id);
        }
        return st;
    case STAGE_SIGNATURE:
        return stage_signature(c, judge);
    case STAGE_HASHES:
        return stage_hashes(c);
    case STAGE_MANIFEST:
        return stage_manifest(c);
    case STAGE_GRANT:
        return stage_grant(c, judge->policy);
    case STAGE_LOAD:
        return stage_load(c);
    case STAGE_NONE:
    case STAGE_EXECUTE:
    default:
        return NOS_OK;
    }
}

nos_status_t module_check(span_t file, const struct module_judge *judge, struct module_check *out)
{
    *out = (struct module_check){ .stage = STAGE_EXTRACT };
    for (;;) {
        out->status = run_stage(out, file, judge);
        if (out->status != NOS_OK || out->stage == STAGE_EXECUTE) {
            return out->status;
        }
        out->stage = (enum mod_stage)(out->stage + 1);
    }
}

bool module_grant_of(const struct module_check *c, const struct policy *policy, uint32_t i,
                     struct nos_cap *out)
{
    struct nos_cap want, have;
    if (!manifest_cap(&c->man, i, &want) || (c->rule.classes & cap_class(want.kind)) == 0) {
        return false;
    }
    for (uint32_t g = 0; g < c->rule.grants_n; g++) {
        if (policy_grant(policy, c->rule.grants_at + g, &have) &&
            cap_intersect(&want, &have, out)) {
            return true;
        }
    }
    return false;
}
