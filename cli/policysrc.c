/* Policy sources. Publishers have a name in the source, which rules use; the file holds ids only.
 * The result is handed to the parser that loader and kernel use before anything is signed. */
#include "cli/policysrc.h"

#include <stdlib.h>
#include <string.h>

#include "abi/policy.h"
#include "cli/capsrc.h"
#include "cli/hex.h"
#include "cli/names.h"
#include "cli/report.h"
#include "cli/sigslots.h"
#include "cli/source.h"
#include "lib/crypto/ed25519.h"
#include "lib/policy.h"
#include "lib/sigs.h"
#include "lib/status.h"
#include "lib/text.h"
#include "lib/tlv.h"

#define OFF(field) offsetof(struct nos_pol_header, field)
enum { PUBLISHERS_MAX = 64, RULES_MAX = 256, BOOT_MAX = 32, START_MAX = 32, PRIORITY_MAX = 30 };

static const char *const root_keys[] = { "epoch",    "kernel_sec_min", "panic_hold",
                                         "operator", "publishers",     "rules",
                                         "boot",     "first",          "start",
                                         NULL };
static const char *const publisher_keys[] = {
    "name", "key", "classes", "sec_min", "revoked", NULL
};
static const char *const rule_keys[] = { "publisher",      "module",   "module_id",   "classes",
                                         "grants",         "sec_min",  "memory_kib",  "priority",
                                         "kill_on_filter", "no_debug", "cpu_percent", NULL };
static const char *const start_keys[] = { "module", "arg", NULL };

struct named_publisher {
    const char *name;
    struct nos_pol_publisher rec;
};

struct rule_draft {
    struct nos_pol_rule rec;
    struct cap_list grants;
};

struct policy_draft {
    const struct field *root;
    const char *keys_dir;
    uint64_t epoch;
    uint32_t kernel_sec_min;
    bool panic_hold;
    uint8_t operator_pk[32];
    size_t n_publishers, n_rules, n_boot, n_start;
    struct named_publisher publisher[PUBLISHERS_MAX];
    struct rule_draft *rule; /* RULES_MAX of them: too large for a stack */
    char boot[BOOT_MAX][NOS_NAME_MAX];
    char first[NOS_NAME_MAX];
    struct nos_pol_start start[START_MAX];
};

/** A key file named in the source, inside the keys folder. */
static int read_key(const struct policy_draft *d, const struct field *obj, const char *key,
                    enum key_type type, struct key_public *out)
{
    struct field f;
    const char *name;
    int rc = field_need(obj, key, &f);
    if (rc == DONE) {
        rc = field_text(&f, 1, 200, &name);
    }
    if (rc != DONE) {
        return rc;
    }
    if (name[0] == '/' || strstr(name, "..") != NULL) {
        return field_fail(&f, "must be a file inside the keys folder (%s)", d->keys_dir);
    }
    char *path = must_printf("%s/%s", d->keys_dir, name);
    rc = key_load_public_as(path, type, out);
    free(path);
    if (rc != DONE) {
        hint("%s: %s names this key file; --keys says which folder it is in", f.src->file, f.path);
    }
    return rc;
}

static int read_publisher(struct policy_draft *d, const struct field *f,
                          struct named_publisher *out)
{
    struct key_public key;
    struct field name;
    struct nos_pol_publisher rec = { 0 };
    bool revoked = false;

    int rc = field_object(f, publisher_keys);
    if (rc == DONE) {
        rc = field_need(f, "name", &name);
    }
    if (rc == DONE) {
        rc = field_text(&name, 1, 64, &out->name);
    }
    if (rc == DONE) {
        rc = read_key(d, f, "key", KEY_PUBLISHER, &key);
    }
    if (rc == DONE) {
        rc = need_mask(f, "classes", &class_names, &rec.classes);
    }
    if (rc == DONE) {
        rc = member_u32(f, "sec_min", 0, UINT32_MAX, &rec.sec_min);
    }
    if (rc == DONE) {
        rc = member_bool(f, "revoked", &revoked);
    }
    if (rc == DONE) {
        memcpy(rec.id, key.publisher_id, 32);
        memcpy(rec.pk, key.pk, 32);
        rec.flags = revoked ? NOS_PUBLISHER_REVOKED : 0;
        out->rec = rec;
    }
    return rc;
}

static int read_publishers(struct policy_draft *d)
{
    struct field list;
    int rc = field_need(d->root, "publishers", &list);
    if (rc == DONE) {
        rc = field_array(&list, 1, PUBLISHERS_MAX, &d->n_publishers);
    }
    for (size_t i = 0; rc == DONE && i < d->n_publishers; i++) {
        struct field item = field_item(&list, i);
        rc = read_publisher(d, &item, &d->publisher[i]);
        for (size_t j = 0; rc == DONE && j < i; j++) {
            if (strcmp(d->publisher[i].name, d->publisher[j].name) == 0 ||
                memcmp(d->publisher[i].rec.id, d->publisher[j].rec.id, 32) == 0) {
                rc = field_fail(&item, "has the name or the key of item %zu", j);
            }
        }
    }
    return rc;
}

static int read_rule_publisher(const struct policy_draft *d, const struct field *rule,
                               uint8_t id[32])
{
    struct field f;
    const char *name;
    int rc = field_need(rule, "publisher", &f);
    if (rc == DONE) {
        rc = field_text(&f, 1, 64, &name);
    }
    if (rc != DONE) {
        return rc;
    }
    for (size_t i = 0; i < d->n_publishers; i++) {
        if (strcmp(d->publisher[i].name, name) == 0) {
            memcpy(id, d->publisher[i].rec.id, 32);
            return DONE;
        }
    }
    return field_fail(&f, "no entry of \"publishers\" is named \"%s\"", name);
}

static int read_module_id(const struct field *f, struct nos_pol_rule *rec)
{
    const char *text;
    int rc = field_text(f, 64, 64, &text);
    if (rc == DONE && !hex_decode(text, 64, MSPAN_OF(rec->id))) {
        rc = field_fail(f, "must be 64 hexadecimal digits");
    }
    rec->match = NOS_MATCH_ID;
    return rc;
}

/** Whom the rule is for: a module_id, or a publisher and a name. */
static int read_match(const struct policy_draft *d, const struct field *f, struct nos_pol_rule *rec)
{
    struct field id, other;
    char name[NOS_NAME_MAX];
    if (field_get(f, "module_id", &id)) {
        if (field_get(f, "publisher", &other) || field_get(f, "module", &other)) {
            return field_fail(
                f, "has module_id, so publisher and module must go (or the other way round)");
        }
        return read_module_id(&id, rec);
    }
    rec->match = NOS_MATCH_NAME;
    int rc = read_rule_publisher(d, f, rec->id);
    if (rc == DONE) {
        rc = need_nos_name(f, "module", name);
    }
    if (rc == DONE) {
        name_hash(name16_span(name), rec->name_hash);
    }
    return rc;
}

static int read_memory(const struct field *f, uint32_t *pages)
{
    uint32_t kib = 0;
    int rc = member_u32(f, "memory_kib", 0, 1048576, &kib);
    if (rc == DONE && kib % 4 != 0) {
        rc = field_fail(f, "memory_kib must be a multiple of 4 (whole pages)");
    }
    if (rc == DONE) {
        *pages = kib / 4;
    }
    return rc;
}

static int read_rule_flags(const struct field *f, struct nos_pol_rule *rec)
{
    bool kill = false, no_debug = false;
    uint32_t percent = 0;
    int rc = member_bool(f, "kill_on_filter", &kill);
    if (rc == DONE) {
        rc = member_bool(f, "no_debug", &no_debug);
    }
    if (rc == DONE) {
        rc = member_u32(f, "cpu_percent", 0, 100, &percent);
    }
    rec->flags =
        (uint8_t)((kill ? NOS_RULE_KILL_ON_FILTER : 0u) | (no_debug ? NOS_RULE_NO_DEBUG : 0u));
    rec->cpu_percent = (uint8_t)percent;
    return rc;
}

static int read_rule(const struct policy_draft *d, const struct field *f, struct rule_draft *out)
{
    struct field grants;
    struct nos_pol_rule rec = { .priority = PRIORITY_MAX };

    int rc = field_object(f, rule_keys);
    if (rc == DONE) {
        rc = read_match(d, f, &rec);
    }
    if (rc == DONE) {
        rc = need_mask(f, "classes", &class_names, &rec.classes);
    }
    if (rc == DONE && field_get(f, "grants", &grants)) {
        rc = capsrc_read(&grants, &out->grants);
    }
    if (rc == DONE) {
        rc = member_u32(f, "sec_min", 0, UINT32_MAX, &rec.sec_min);
    }
    if (rc == DONE) {
        rc = read_memory(f, &rec.mem_pages);
    }
    if (rc == DONE) {
        rc = member_u32(f, "priority", 0, PRIORITY_MAX, &rec.priority);
    }
    if (rc == DONE) {
        rc = read_rule_flags(f, &rec);
    }
    out->rec = rec;
    return rc;
}

static int read_rules(struct policy_draft *d)
{
    struct field list;
    int rc = field_need(d->root, "rules", &list);
    if (rc == DONE) {
        rc = field_array(&list, 1, RULES_MAX, &d->n_rules);
    }
    for (size_t i = 0; rc == DONE && i < d->n_rules; i++) {
        struct field item = field_item(&list, i);
        rc = read_rule(d, &item, &d->rule[i]);
        for (size_t j = 0; rc == DONE && j < i; j++) {
            if (policy_rule_compare(&d->rule[i].rec, &d->rule[j].rec) == 0) {
                rc = field_fail(&item, "is for the same module as item %zu", j);
            }
        }
    }
    return rc;
}

static int read_boot_file(const struct policy_draft *d, const struct field *f, size_t i,
                          char out[NOS_NAME_MAX])
{
    const char *text;
    int rc = field_text(f, 1, NOS_NAME_MAX, &text);
    if (rc == DONE && (!name16_set(out, span_of(text, strlen(text))) || !file16_ok(out))) {
        rc = field_fail(
            f, "must be a file name like \"INIT.MOD\": A-Z 0-9 _ - and one dot, at most 16");
    }
    for (size_t j = 0; rc == DONE && j < i; j++) {
        if (memcmp(d->boot[j], out, NOS_NAME_MAX) == 0) {
            rc = field_fail(f, "is in the list twice");
        }
    }
    return rc;
}

static int read_boot(struct policy_draft *d)
{
    struct field list;
    int rc = field_need(d->root, "boot", &list);
    if (rc == DONE) {
        rc = field_array(&list, 1, BOOT_MAX, &d->n_boot);
    }
    for (size_t i = 0; rc == DONE && i < d->n_boot; i++) {
        struct field item = field_item(&list, i);
        rc = read_boot_file(d, &item, i, d->boot[i]);
    }
    return rc == DONE ? need_nos_name(d->root, "first", d->first) : rc;
}

static int read_start_item(const struct field *f, struct nos_pol_start *out)
{
    struct field arg;
    const char *text;
    int rc = field_object(f, start_keys);
    if (rc == DONE) {
        rc = need_nos_name(f, "module", out->name);
    }
    if (rc == DONE && field_get(f, "arg", &arg)) {
        rc = field_text(&arg, 0, sizeof(out->arg) - 1, &text);
        if (rc == DONE) {
            memcpy(out->arg, text, strlen(text));
        }
    }
    return rc;
}

static int read_start(struct policy_draft *d)
{
    struct field list;
    if (!field_get(d->root, "start", &list)) {
        return DONE;
    }
    int rc = field_array(&list, 0, START_MAX, &d->n_start);
    for (size_t i = 0; rc == DONE && i < d->n_start; i++) {
        struct field item = field_item(&list, i);
        rc = read_start_item(&item, &d->start[i]);
    }
    return rc;
}

static int read_draft(struct policy_draft *d, const struct policy_wishes *wish)
{
    struct key_public operator_key;
    int rc = field_object(d->root, root_keys);
    d->epoch = wish->epoch;
    if (rc == DONE && !wish->have_epoch) {
        rc = need_u64(d->root, "epoch", 0, UINT64_MAX, &d->epoch);
    }
    if (rc == DONE) {
        rc = member_u32(d->root, "kernel_sec_min", 0, UINT32_MAX, &d->kernel_sec_min);
    }
    if (rc == DONE) {
        rc = member_bool(d->root, "panic_hold", &d->panic_hold);
    }
    if (rc == DONE) {
        rc = read_publishers(d);
    }
    if (rc == DONE) {
        rc = read_rules(d);
    }
    if (rc == DONE) {
        rc = read_boot(d);
    }
    if (rc == DONE) {
        rc = read_start(d);
    }
    if (rc == DONE) {
        rc = read_key(d, d->root, "operator", KEY_OPERATOR, &operator_key);
    }
    if (rc == DONE) {
        memcpy(d->operator_pk, operator_key.pk, 32);
    }
    return rc;
}

static int by_publisher_id(const void *a, const void *b)
{
    return memcmp(((const struct named_publisher *)a)->rec.id,
                  ((const struct named_publisher *)b)->rec.id, 32);
}

static int by_rule(const void *a, const void *b)
{
    return policy_rule_compare(&((const struct rule_draft *)a)->rec,
                               &((const struct rule_draft *)b)->rec);
}

static void put_publishers(struct tlv_writer *w, struct policy_draft *d)
{
    struct buf b = { NULL, 0 };
    qsort(d->publisher, d->n_publishers, sizeof(d->publisher[0]), by_publisher_id);
    for (size_t i = 0; i < d->n_publishers; i++) {
        policy_publisher_write(&d->publisher[i].rec,
                               buf_add_zero(&b, sizeof(struct nos_pol_publisher)));
    }
    tlv_put(w, NOS_POL_PUBLISHERS, buf_span(&b));
    buf_free(&b);
}

/** Rules in their order, each with its own run of grants. */
static void put_rules(struct tlv_writer *w, struct policy_draft *d)
{
    struct buf rules = { NULL, 0 }, grants = { NULL, 0 };
    qsort(d->rule, d->n_rules, sizeof(d->rule[0]), by_rule);
    for (size_t i = 0; i < d->n_rules; i++) {
        struct rule_draft *r = &d->rule[i];
        r->rec.grants_at = (uint32_t)(grants.len / CAP_BYTES);
        r->rec.grants_n = r->grants.n;
        for (uint32_t g = 0; g < r->grants.n; g++) {
            cap_write(&r->grants.cap[g], buf_add_zero(&grants, CAP_BYTES));
        }
        policy_rule_write(&r->rec, buf_add_zero(&rules, sizeof(struct nos_pol_rule)));
    }
    tlv_put(w, NOS_POL_RULES, buf_span(&rules));
    tlv_put(w, NOS_POL_GRANTS, buf_span(&grants));
    buf_free(&rules);
    buf_free(&grants);
}

static void put_start(struct tlv_writer *w, const struct policy_draft *d)
{
    struct buf b = { NULL, 0 };
    for (size_t i = 0; i < d->n_start; i++) {
        buf_add(&b, span_of(d->start[i].name, NOS_NAME_MAX));
        buf_add(&b, span_of(d->start[i].arg, sizeof(d->start[i].arg)));
    }
    if (d->n_start > 0) {
        tlv_put(w, NOS_POL_START, buf_span(&b));
    }
    buf_free(&b);
}

static nos_status_t write_body(struct policy_draft *d, mspan_t room, span_t *body)
{
    struct tlv_writer w;
    tlv_write_init(&w, room);
    tlv_put(&w, NOS_POL_OPERATOR, SPAN_OF(d->operator_pk));
    put_publishers(&w, d);
    put_rules(&w, d);
    tlv_put(&w, NOS_POL_BOOT, span_of(d->boot, d->n_boot * NOS_NAME_MAX));
    tlv_put(&w, NOS_POL_FIRST, span_of(d->first, NOS_NAME_MAX));
    put_start(&w, d);
    return tlv_write_end(&w, body);
}

static void write_file(const struct policy_draft *d, uint32_t n_sig, span_t body, struct buf *out)
{
    uint8_t *h = buf_add_zero(out, NOS_POL_HDR_LEN);
    memcpy(h, NOS_MAGIC_POL, 8);
    store_le32(h + OFF(hdr_len), NOS_POL_HDR_LEN);
    store_le32(h + OFF(flags), d->panic_hold ? NOS_POL_PANIC_HOLD : 0);
    store_le64(h + OFF(epoch), d->epoch);
    store_le32(h + OFF(kernel_sec_min), d->kernel_sec_min);
    store_le32(h + OFF(n_sig), n_sig);
    store_le64(h + OFF(body_len), body.len);
    uint8_t *rows = buf_add_zero(out, n_sig * (size_t)SIG_ROW);
    sigslots_init(mspan_of(rows, n_sig * (size_t)SIG_ROW));
    buf_add(out, body);
}

static int compile(struct policy_draft *d, const struct policy_wishes *wish, struct buf *out)
{
    struct buf made = { NULL, 0 };
    struct policy check;
    span_t body;
    uint8_t *room = must_alloc(NOS_POL_BODY_MAX);

    nos_status_t st = write_body(d, mspan_of(room, NOS_POL_BODY_MAX), &body);
    if (st == NOS_OK) {
        write_file(d, wish->n_sig, body, &made);
        st = policy_parse(buf_span(&made), &check);
    }
    free(room);
    if (st != NOS_OK) {
        buf_free(&made);
        return field_fail(d->root, "the compiled policy would be refused: %s (%s)", status_text(st),
                          status_name(st));
    }
    *out = made;
    return DONE;
}

int policysrc_read(const char *file, const struct policy_wishes *wish, struct buf *out)
{
    struct source src;
    int rc = source_load(file, &src);
    if (rc != DONE) {
        return rc;
    }
    struct field root = field_root(&src);
    struct policy_draft *d = must_alloc(sizeof(*d));
    d->root = &root;
    d->keys_dir = wish->keys_dir;
    d->rule = must_alloc(RULES_MAX * sizeof(d->rule[0]));
    rc = read_draft(d, wish);
    if (rc == DONE) {
        rc = compile(d, wish, out);
    }
    free(d->rule);
    free(d);
    source_free(&src);
    return rc;
}

int policyfile_sign(const char *path, struct buf *file, const struct key_secret *key)
{
    struct policy p;
    span_t msg;
    uint8_t sig[ED25519_SIG_LEN];

    nos_status_t st = policy_parse(buf_span(file), &p);
    if (st != NOS_OK) {
        return fail(REFUSED, "%s: %s (%s)", path, status_text(st), status_name(st));
    }
    if (key->pub.type != KEY_ROOT) {
        return fail(REFUSED, "%s: root keys sign a policy, not a key of type %s", path,
                    key_type_name(key->pub.type));
    }
    uint8_t *room = must_alloc(POLICY_SIGNED_MAX);
    st = policy_signed_bytes(&p.view, mspan_of(room, POLICY_SIGNED_MAX), &msg);
    if (st == NOS_OK) {
        ed25519_sign(sig, msg, key->sk);
    }
    free(room);
    mspan_t rows = mspan_of(file->data + NOS_POL_HDR_LEN, p.view.sigs.len);
    if (st != NOS_OK || !sigslots_put(rows, key->pub.key_id, sig, false)) {
        fail(REFUSED, "%s has all of its %u signatures, none of them by this key", path,
             p.view.n_sig);
        hint("make it anew with --signatures %u or more", p.view.n_sig + 1);
        return REFUSED;
    }
    return DONE;
}
