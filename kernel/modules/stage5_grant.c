/*
 * Stage 5: from what a module asks for to what its capsule holds. The manifest is a ceiling, so is
 * the publisher's class mask; the operator's rule decides. Whether a module is admitted at all is
 * already asked when it is verified, so that a refusal comes with the file and not with its first
 * start.
 */
#include <string.h>

#include "kernel/arch/api/arch.h"
#include "kernel/audit/audit.h"
#include "kernel/ipc/endpoint.h"
#include "kernel/ipc/named.h"
#include "kernel/modules/stages_impl.h"
#include "lib/cap.h"

nos_status_t stage5_admit(const struct module *m, struct admission *out)
{
    const struct mod_view *v = &m->view;
    struct nos_pol_publisher pub;
    struct admission a;

    if (!policy_publisher(policy_get(), v->publisher_id, &pub)) {
        return NOS_PUB_UNKNOWN;
    }
    if ((pub.flags & NOS_PUBLISHER_REVOKED) != 0) {
        return NOS_PUB_REVOKED;
    }
    if ((m->man.classes & ~pub.classes) != 0) {
        return NOS_GRANT_CEILING;
    }
    if (!policy_rule(policy_get(), m->id, v->publisher_id, v->name_hash, &a.rule)) {
        return NOS_GRANT_NO_RULE;
    }
    if (v->sec_version < a.rule.sec_min || v->sec_version < pub.sec_min) {
        return NOS_SEC_VERSION;
    }
    a.classes = m->man.classes & a.rule.classes;
    if ((a.classes & NOS_CLASS_COREEXEC) == 0) {
        return NOS_GRANT_NO_RULE;  // it could not even exit: a rule like that admits nothing
    }
    *out = a;
    return NOS_OK;
}

/* The first grant of the rule that leaves something of what is wanted. */
static bool decide(const struct admission *a, const struct nos_cap *want, struct nos_cap *out)
{
    struct nos_cap granted;

    if ((cap_class(want->kind) & a->classes) == 0) {
        return false;
    }
    for (uint32_t i = 0; i < a->rule.grants_n; i++) {
        /* uncovered(1): policy_parse: a rule names grants that there are */
        if (policy_grant(policy_get(), a->rule.grants_at + i, &granted) &&
            cap_intersect(want, &granted, out)) {
            return true;
        }
    }
    return false;
}

/* Each grant names the one before, the first the module's verification: so what a capsule holds by
 * policy is behind the record of its start. */
static void audit_grant(const struct module *m, struct capsule *c, const struct nos_cap *cap,
                        nos_status_t st)
{
    char name[NOS_NAME_MAX + 1] = { 0 };
    uint64_t what = 0;

    if (cap_has_name(cap->kind)) {
        memcpy(name, cap->name, NOS_NAME_MAX);
    } else {
        what = cap->a << 32 | cap->b;  // both below 2^32: cap_check
    }
    audit_add(NOS_AUDIT_GRANT, c->id, st, m->id, (uint64_t)cap->kind << 32 | cap->rights, what,
              name);
    audit_cause(c->record.at != 0 ? &c->record : &m->record);
    audit_remember(&c->record);
}

static uint64_t deadline_of(const struct nos_cap *cap)
{
    uint64_t at;
    if (cap->ttl_ns == 0) {
        return 0;
    }
    return __builtin_add_overflow(arch_clock_ns(), cap->ttl_ns, &at) ? UINT64_MAX : at;
}

static struct nos_start_handle start_handle(const struct nos_cap *cap)
{
    struct nos_start_handle h = { .kind = cap->kind, .rights = cap->rights };
    if (cap_has_name(cap->kind)) {
        memcpy(h.name, cap->name, NOS_NAME_MAX);
    } else {
        h.a = cap->a;
        h.b = cap->b;
    }
    return h;
}

/* What this machine does not have, or the kernel keeps for itself, is left out, and the log says
 * so. */
static bool is_absence(nos_status_t st)
{
    return st == NOS_NOT_SUPPORTED || st == NOS_DENIED;
}

static nos_status_t grant_one(const struct module *m, struct capsule *c, const struct nos_cap *cap,
                              struct nos_start *start)
{
    struct nos_start_handle h = start_handle(cap);
    struct obj *o = NULL;

    nos_status_t st = cap_object(cap, &h, &o);
    audit_grant(m, c, cap, st);
    if (st != NOS_OK) {
        return is_absence(st) ? NOS_OK : st;
    }
    if (o == NULL) {  // LOG has no object
        c->may_log = true;
        return NOS_OK;
    }
    st = handle_add(&c->handles, o, cap->rights, deadline_of(cap), NOS_ORIGIN_POLICY, &h.handle);
    obj_put(o);  // what has a name is immortal
    if (st == NOS_OK) {
        start->handle[start->n_handles++] = h;
        if (manifest_is_control(&m->man.control, cap)) {
            c->control = CONTAINER_OF(o, struct endpoint, obj);
        }
    } else {
        audit_grant(m, c, cap, st);
    }
    return st;
}

static uint32_t lower(uint32_t a, uint32_t b)
{
    return a < b ? a : b;
}

/* `percent` of one CPU. Where a hundredth of the period is too short to be a budget, or there is no
 * period, it counts over a period of 10 ms. */
static struct nos_sched lower_sched(struct nos_sched s, uint32_t percent)
{
    enum { LEAST_US = 100, PERIOD_US = 10000 };
    uint32_t had = s.budget_us, period = s.period_us;
    uint32_t budget = period / 100 * percent + period % 100 * percent / 100;

    if (percent == 0 || (had != 0 && had <= budget)) {
        return s;
    }
    if (budget < LEAST_US) {
        period = PERIOD_US;
        budget = PERIOD_US / 100 * percent;
    }
    return (struct nos_sched){ .budget_us = budget, .period_us = period, .cpus = s.cpus };
}

static void set_limits(const struct module *m, struct capsule *c, const struct admission *a)
{
    c->classes = c->handles.classes = a->classes;
    c->limits = m->man.limits;
    if (a->rule.mem_pages != 0) {
        c->limits.mem_pages = lower(c->limits.mem_pages, a->rule.mem_pages);
    }
    c->limits.priority = lower(c->limits.priority, a->rule.priority);
    c->restart = m->man.restart;
    c->sched = lower_sched(m->man.sched, a->rule.cpu_percent);
    c->children = m->man.children;
    c->kill_on_filter = (a->rule.flags & NOS_RULE_KILL_ON_FILTER) != 0;
    c->no_debug = (a->rule.flags & NOS_RULE_NO_DEBUG) != 0;
    const struct capsule *parent = capsule_find(c->parent);  // NULL: the kernel starts the first
    for (unsigned i = 0; i < ARRAY_LEN(c->filter); i++) {
        c->filter[i] = m->man.filter[i] & (parent == NULL ? UINT64_MAX : parent->filter[i]);
    }
    c->space.limit = c->limits.mem_pages;
    c->handles.limit = c->limits.handles;
}

static nos_status_t grant_all(const struct module *m, struct capsule *c, const struct admission *a,
                              struct nos_start *start)
{
    struct nos_cap want, cap;
    nos_status_t st = NOS_OK;

    for (uint32_t i = 0; st == NOS_OK && manifest_cap(&m->man, i, &want); i++) {
        bool some = decide(a, &want, &cap);
        if (some) {
            st = grant_one(m, c, &cap, start);
            want.rights &= ~cap.rights;
        }
        if (st == NOS_OK &&
            (!some || want.rights != 0)) {  // the capsule will only see that it is not there
            bool of_class = (cap_class(want.kind) & a->classes) != 0;
            audit_grant(m, c, &want, of_class ? NOS_GRANT_NO_RULE : NOS_NO_CLASS);
        }
    }
    return st;
}

nos_status_t module_grant(const struct module *m, struct capsule *c, struct nos_start *start)
{
    struct admission a;

    _Static_assert((int)NOS_START_HANDLES >= (int)NOS_CAPS_MAX,
                   "every capability has room in the start record");
    start->n_handles = 0;
    start->given = 0;
    nos_status_t st = stage5_admit(m, &a);
    if (st != NOS_OK) {
        registry_refuse_start(m, STAGE_GRANT, st, c->parent);
        return st;
    }
    set_limits(m, c, &a);
    return grant_all(m, c, &a, start);
}
