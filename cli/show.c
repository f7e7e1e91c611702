/* Modules and policies, laid out for people and for JSON readers. */
#include "cli/show.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "abi/module.h"
#include "cli/names.h"
#include "lib/fmt.h"
#include "lib/sigs.h"

void show_version(cJSON *row, const char *key, uint64_t version)
{
    char text[64];
    struct fmt f;
    FMT_INIT(&f, text);
    fmt_version(&f, version);
    out_text(row, key, text);
}

static void add_names(cJSON *row, const char *key, const struct name_list *list, uint32_t mask)
{
    cJSON_AddItemToObject(row, key, names_of_mask(list, mask));
}

static void add_signers(cJSON *row, span_t sigs)
{
    const uint8_t *id, *sig;
    cJSON *list = cJSON_AddArrayToObject(row, "signed_by_key_ids");
    for (size_t i = 0; sigs_row(sigs, i, &id, &sig); i++) {
        cJSON *one = out_row();
        out_hex(one, "id", id, 32);
        cJSON_AddItemToArray(list, cJSON_DetachItemFromObject(one, "id"));
        cJSON_Delete(one);
    }
}

cJSON *show_module_ids(const struct module_check *c)
{
    cJSON *row = out_row();
    out_hex(row, "module_id", c->id, 32);
    out_hex(row, (c->view.flags & NOS_MOD_FLAG_KERNEL) != 0 ? "root_set_id" : "publisher_id",
            c->view.publisher_id, 32);
    add_signers(row, c->view.sigs);
    return row;
}

cJSON *show_cap(const struct nos_cap *cap)
{
    cJSON *row = out_row();
    out_text(row, "kind", name_of(&cap_kind_names, cap->kind));
    if (cap_has_name(cap->kind)) {
        out_untrusted(row, "name", cap->name, sizeof(cap->name));
    } else if (cap->kind == NOS_CAP_PORTS) {
        out_u64(row, "base", cap->a);
        out_u64(row, "count", cap->b);
    } else if (cap->kind == NOS_CAP_IRQ) {
        out_u64(row, "line", cap->a);
    }
    if (cap->kind != NOS_CAP_LOG) {
        add_names(row, "rights", &right_names, cap->rights);
    }
    if (cap->ttl_ns != 0) {
        out_u64(row, "ttl_ns", cap->ttl_ns);
    }
    return row;
}

static void add_text(cJSON *row, const char *key, span_t text)
{
    if (text.len > 0) {
        out_untrusted(row, key, (const char *)text.data, text.len);
    }
}

static void add_limits(cJSON *row, const struct nos_limits *l)
{
    cJSON *o = out_row();
    out_u64(o, "memory_kib", l->mem_pages * UINT64_C(4));
    out_u64(o, "stack_kib", l->stack_pages * UINT64_C(4));
    out_u64(o, "handles", l->handles);
    out_u64(o, "threads", l->threads);
    out_u64(o, "priority", l->priority);
    out_u64(o, "objects", l->objects);
    cJSON *list = cJSON_AddArrayToObject(row, "limits");
    cJSON_AddItemToArray(list, o);
}

static void add_restart(cJSON *row, const struct nos_restart *r)
{
    char text[96];
    if (r->when == NOS_RESTART_NEVER) {
        out_text(row, "restart", "never");
        return;
    }
    snprintf(text, sizeof(text), "%s, first after %u ms, at most %u times in %u s",
             name_of(&restart_names, r->when), r->backoff_ms, r->max_in_window, r->window_s);
    out_text(row, "restart", text);
}

/** Only what the manifest says: absent is no budget and every CPU. */
static void add_sched(cJSON *row, const struct nos_sched *s)
{
    cJSON *o = out_row();
    if (s->period_us != 0) {
        out_u64(o, "budget_us", s->budget_us);
        out_u64(o, "period_us", s->period_us);
    }
    if (s->cpus != UINT64_MAX) {
        char mask[24];
        snprintf(mask, sizeof(mask), "0x%llx", (unsigned long long)s->cpus);
        out_text(o, "cpus", mask);
    }
    if (o->child == NULL) {
        cJSON_Delete(o);
        return;
    }
    cJSON_AddItemToArray(cJSON_AddArrayToObject(row, "sched"), o);
}

static void add_children(cJSON *row, const struct nos_children *c)
{
    if (c->capsules != 0) {
        cJSON *o = out_row();
        out_u64(o, "memory_kib", c->mem_pages * UINT64_C(4));
        out_u64(o, "capsules", c->capsules);
        cJSON_AddItemToArray(cJSON_AddArrayToObject(row, "children"), o);
    }
}

static void add_control(cJSON *row, const struct manifest *m)
{
    const struct nos_control *c = &m->control;
    span_t need;
    if (c->endpoint[0] != 0) {
        cJSON *o = out_row();
        out_untrusted(o, "endpoint", c->endpoint, sizeof(c->endpoint));
        out_u64(o, "every_ms", c->every_ms);
        out_u64(o, "deadline_ms", c->deadline_ms);
        out_u64(o, "stop_ms", c->stop_ms);
        cJSON_AddItemToArray(cJSON_AddArrayToObject(row, "control"), o);
    }
    if (c->escalate != NOS_ESCALATE_NONE) {
        out_text(row, "escalate", name_of(&escalate_names, c->escalate));
    }
    cJSON *needs = m->needs.len == 0 ? NULL : cJSON_AddArrayToObject(row, "needs");
    for (size_t at = 0; span_cut(m->needs, at, NOS_NAME_MAX, &need); at += NOS_NAME_MAX) {
        char name[NOS_NAME_MAX + 1] = { 0 };
        memcpy(name, need.data, NOS_NAME_MAX);  // checked: a name
        cJSON_AddItemToArray(needs, cJSON_CreateString(name));
    }
}

static void add_filter(cJSON *row, const struct manifest *m)
{
    cJSON *list = cJSON_AddArrayToObject(row, "filter");
    for (uint32_t n = 0; n < 128; n++) {
        if ((m->filter[n / 64] >> n % 64 & 1) != 0) {
            cJSON_AddItemToArray(list, cJSON_CreateString(name_of(&syscall_names, n)));
        }
    }
}

static void add_caps(cJSON *row, const struct manifest *m)
{
    struct nos_cap cap;
    cJSON *list = cJSON_AddArrayToObject(row, "caps");
    for (uint32_t i = 0; manifest_cap(m, i, &cap); i++) {
        cJSON_AddItemToArray(list, show_cap(&cap));
    }
}

cJSON *show_module(const struct module_check *c)
{
    const struct manifest *m = &c->man;
    bool kernel = (c->view.flags & NOS_MOD_FLAG_KERNEL) != 0;
    cJSON *row = out_row();
    out_untrusted(row, "name", m->name, sizeof(m->name));
    show_version(row, "version", c->view.version);
    out_u64(row, "sec_version", c->view.sec_version);
    out_bool(row, "kernel", kernel);
    add_text(row, "about", m->about);
    add_text(row, "licence", m->licence);
    out_u64(row, "image_len", c->view.image_len);
    out_u64(row, "symbols_len", m->symbols_len);
    cJSON *ids = show_module_ids(c);
    while (ids->child != NULL) {
        cJSON *item = cJSON_DetachItemViaPointer(ids, ids->child);
        cJSON_AddItemToObject(row, item->string, item);
    }
    cJSON_Delete(ids);
    if (!kernel) {
        add_names(row, "classes", &class_names, m->classes);
        add_caps(row, m);
        add_limits(row, &m->limits);
        add_restart(row, &m->restart);
        add_sched(row, &m->sched);
        add_children(row, &m->children);
        add_control(row, m);
        out_bool(row, "private", m->private);
    }
    if (m->has_filter) {
        add_filter(row, m);
    }
    return row;
}

static cJSON *show_publisher(const struct nos_pol_publisher *r)
{
    cJSON *row = out_row();
    out_hex(row, "publisher_id", r->id, 32);
    out_hex(row, "public", r->pk, 32);
    add_names(row, "classes", &class_names, r->classes);
    out_u64(row, "sec_min", r->sec_min);
    out_bool(row, "revoked", (r->flags & NOS_PUBLISHER_REVOKED) != 0);
    return row;
}

static cJSON *show_rule(const struct policy *p, const struct nos_pol_rule *r)
{
    struct nos_cap cap;
    cJSON *row = out_row();
    if (r->match == NOS_MATCH_ID) {
        out_hex(row, "module_id", r->id, 32);
    } else {
        out_hex(row, "publisher_id", r->id, 32);
        out_hex(row, "name_hash", r->name_hash, 32);
    }
    add_names(row, "classes", &class_names, r->classes);
    out_u64(row, "sec_min", r->sec_min);
    out_u64(row, "memory_kib", r->mem_pages * UINT64_C(4));
    out_u64(row, "priority", r->priority);
    out_u64(row, "cpu_percent", r->cpu_percent);
    out_bool(row, "kill_on_filter", (r->flags & NOS_RULE_KILL_ON_FILTER) != 0);
    out_bool(row, "no_debug", (r->flags & NOS_RULE_NO_DEBUG) != 0);
    cJSON *list = cJSON_AddArrayToObject(row, "grants");
    for (uint32_t i = 0; i < r->grants_n && policy_grant(p, r->grants_at + i, &cap); i++) {
        cJSON_AddItemToArray(list, show_cap(&cap));
    }
    return row;
}

static void add_policy_lists(cJSON *row, const struct policy *p)
{
    struct nos_pol_publisher pub;
    struct nos_pol_rule rule;
    struct nos_pol_start start;
    char file[NOS_NAME_MAX + 1] = { 0 };

    cJSON *list = cJSON_AddArrayToObject(row, "publishers");
    for (uint32_t i = 0; policy_publisher_at(p, i, &pub); i++) {
        cJSON_AddItemToArray(list, show_publisher(&pub));
    }
    list = cJSON_AddArrayToObject(row, "rules");
    for (uint32_t i = 0; policy_rule_at(p, i, &rule); i++) {
        cJSON_AddItemToArray(list, show_rule(p, &rule));
    }
    list = cJSON_AddArrayToObject(row, "boot");
    for (uint32_t i = 0; policy_boot_file(p, i, file); i++) {
        cJSON_AddItemToArray(list, cJSON_CreateString(file));
    }
    list = cJSON_AddArrayToObject(row, "start");
    for (uint32_t i = 0; policy_start(p, i, &start); i++) {
        cJSON *one = out_row();
        out_untrusted(one, "module", start.name, sizeof(start.name));
        out_untrusted(one, "arg", start.arg, sizeof(start.arg));
        cJSON_AddItemToArray(list, one);
    }
}

cJSON *show_policy(const struct policy *p)
{
    cJSON *row = out_row();
    out_u64(row, "epoch", p->view.epoch);
    out_u64(row, "kernel_sec_min", p->view.kernel_sec_min);
    out_bool(row, "panic_hold", (p->view.flags & NOS_POL_PANIC_HOLD) != 0);
    out_hex(row, "operator", p->operator_pk, 32);
    add_signers(row, p->view.sigs);
    out_untrusted(row, "first", p->first, sizeof(p->first));
    add_policy_lists(row, p);
    return row;
}

static void add_block(cJSON *row, const struct token *t)
{
    out_hex(row, "audience", t->audience, 32);
    add_names(row, "classes", &class_names, t->classes);
    add_names(row, "rights", &right_names, t->rights);
    out_u64(row, "not_before_ns", t->nbf);
    out_u64(row, "expires_ns", t->exp);
    out_u64(row, "depth", t->depth);
}

void show_token(cJSON *row, const struct token_chain *c)
{
    const struct token *t = token_last(c);
    uint8_t id[32];

    token_id(c->bytes, id);
    out_hex(row, "token_id", id, 32);
    out_text(row, "type", name_of(&type_names, t->kind));
    out_hex(row, "object", t->obj, 32);
    add_block(row, t);
    out_u64(row, "blocks", c->n);
    cJSON *list = c->n > 1 ? cJSON_AddArrayToObject(row, "chain") : NULL;
    for (uint32_t i = 0; list != NULL && i < c->n; i++) {
        cJSON *one = out_row();
        out_u64(one, "block", i + 1);
        add_block(one, &c->block[i]);
        if (c->block[i].depth != 0) {
            out_hex(one, "next_key", c->block[i].next_pk, 32);
        }
        cJSON_AddItemToArray(list, one);
    }
}
