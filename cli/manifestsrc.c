/* Manifest sources. The result is handed to the parser that the kernel uses: what it would refuse
 * is never signed. */
#include "cli/manifestsrc.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "abi/module.h"
#include "cli/capsrc.h"
#include "cli/names.h"
#include "cli/report.h"
#include "cli/source.h"
#include "lib/crypto/blake3.h"
#include "lib/fmt.h"
#include "lib/manifest.h"
#include "lib/mod.h"
#include "lib/status.h"
#include "lib/text.h"
#include "lib/tlv.h"

static const char *const module_keys[] = { "name",    "version", "sec_version", "about",
                                           "licence", "classes", "caps",        "limits",
                                           "restart", "filter",  "sched",       "children",
                                           "control", "needs",   "private",     NULL };
static const char *const kernel_keys[] = { "name",  "version", "sec_version",
                                           "about", "licence", NULL };
static const char *const limit_keys[] = { "memory_kib", "stack_kib", "handles", "threads",
                                          "priority",   "objects",   NULL };
static const char *const restart_keys[] = { "when",     "backoff_ms", "max",
                                            "window_s", "escalate",   NULL };
static const char *const control_keys[] = { "endpoint", "every_ms", "deadline_ms", "stop_ms",
                                            NULL };

static const char *const sched_keys[] = { "budget_us", "period_us", "cpus", NULL };
static const char *const children_keys[] = { "memory_kib", "capsules", NULL };
static const char *const filter_keys[] = { "only", "without", NULL };

struct draft {
    const struct field *root;
    char name[NOS_NAME_MAX];
    char semver[32];
    const char *about, *licence; /* NULL: absent */
    uint32_t classes;
    struct cap_list caps;
    struct nos_limits limits;
    struct nos_restart restart;
    struct nos_sched sched;
    struct nos_children children;
    struct nos_control control;
    char needs[NOS_NEEDS_MAX][NOS_NAME_MAX];
    size_t n_needs;
    bool has_restart, has_filter, has_sched, has_children, private;
    uint8_t filter[16];
};

/** Cut the number before the next '.', or before the end, off `*text`. */
static bool take_number(const char **text, uint64_t max, uint64_t *out)
{
    size_t len = strcspn(*text, ".");
    if (!parse_u64(span_of(*text, len), out) || *out > max) {
        return false;
    }
    *text += len + ((*text)[len] == '.');
    return true;
}

/**
 * "1.2.3" as major << 32 | minor << 16 | patch. Only the one form that fmt_version gives back: no
 * hexadecimal, no zeros before, nothing after.
 */
static bool version_of(const char *text, uint64_t *out)
{
    const char *rest = text;
    uint64_t major, minor, patch;
    char again[64];
    struct fmt f;
    if (!take_number(&rest, UINT32_MAX, &major) || !take_number(&rest, UINT16_MAX, &minor) ||
        !take_number(&rest, UINT16_MAX, &patch)) {
        return false;
    }
    uint64_t v = major << 32 | minor << 16 | patch;
    FMT_INIT(&f, again);
    fmt_version(&f, v);
    if (strcmp(again, text) != 0) {
        return false;
    }
    *out = v;
    return true;
}

static int read_version(struct draft *d, const struct module_wishes *wish, uint64_t *out)
{
    struct field f = *d->root;
    const char *text = wish->version;
    if (text == NULL) {
        int rc = field_need(d->root, "version", &f);
        if (rc == DONE) {
            rc = field_text(&f, 5, 24, &text);
        }
        if (rc != DONE) {
            return rc;
        }
    }
    if (!version_of(text, out)) {
        const char *rule = "must be MAJOR.MINOR.PATCH, minor and patch at most 65535";
        return wish->version == NULL ? field_fail(&f, "%s", rule)
                                     : fail(USAGE, "--version %s", rule);
    }
    snprintf(d->semver, sizeof(d->semver), "%s", text);
    return DONE;
}

static int read_sec_version(const struct draft *d, const struct module_wishes *wish, uint32_t *out)
{
    if (wish->have_sec_version) {
        *out = wish->sec_version;
        return DONE;
    }
    return need_u32(d->root, "sec_version", 0, UINT32_MAX, out);
}

static int read_text(const struct field *root, const char *key, size_t max, const char **out)
{
    struct field f;
    return field_get(root, key, &f) ? field_text(&f, 1, max, out) : DONE;
}

/** KiB in a source, 4 KiB frames in the manifest. */
static int read_pages(const struct field *f, const char *key, uint32_t min_kib, uint32_t max_kib,
                      uint32_t *pages)
{
    uint32_t kib = 0;
    int rc = need_u32(f, key, min_kib, max_kib, &kib);
    if (rc == DONE && kib % 4 != 0) {
        struct field v;
        rc =
            field_get(f, key, &v) ? field_fail(&v, "must be a multiple of 4 (whole pages)") : USAGE;
    }
    if (rc == DONE) {
        *pages = kib / 4;
    }
    return rc;
}

static int read_limits(struct draft *d)
{
    struct field f;
    int rc = field_need(d->root, "limits", &f);
    if (rc == DONE) {
        rc = field_object(&f, limit_keys);
    }
    if (rc == DONE) {
        rc = read_pages(&f, "memory_kib", 64, 1048576, &d->limits.mem_pages);
    }
    if (rc == DONE) {
        rc = read_pages(&f, "stack_kib", 4, 1024, &d->limits.stack_pages);
    }
    if (rc == DONE) {
        rc = need_u32(&f, "handles", 8, 1024, &d->limits.handles);
    }
    if (rc == DONE) {
        rc = need_u32(&f, "threads", 1, 64, &d->limits.threads);
    }
    if (rc == DONE) {
        rc = need_u32(&f, "priority", 0, 30, &d->limits.priority);
    }
    d->limits.objects = NOS_OBJECTS_DEFAULT;
    if (rc == DONE) {
        rc = member_u32(&f, "objects", 8, 4096, &d->limits.objects);
    }
    if (d->limits.objects == NOS_OBJECTS_DEFAULT) {
        d->limits.objects = 0;  // one form for one meaning
    }
    return rc;
}

static int read_restart(struct draft *d)
{
    struct field f, when, escalate;
    if (!field_get(d->root, "restart", &f)) {
        return DONE;
    }
    int rc = field_object(&f, restart_keys);
    if (rc == DONE) {
        rc = field_need(&f, "when", &when);
    }
    if (rc == DONE) {
        rc = field_name(&when, &restart_names, &d->restart.when);
    }
    d->restart.max_in_window = 1;
    d->restart.window_s = 1;
    if (rc == DONE && d->restart.when != NOS_RESTART_NEVER) {
        rc = need_u32(&f, "backoff_ms", 0, 60000, &d->restart.backoff_ms);
        if (rc == DONE) {
            rc = need_u32(&f, "max", 1, 1000, &d->restart.max_in_window);
        }
        if (rc == DONE) {
            rc = need_u32(&f, "window_s", 1, 3600, &d->restart.window_s);
        }
    }
    if (rc == DONE && field_get(&f, "escalate", &escalate)) {
        rc = d->restart.when == NOS_RESTART_NEVER
                 ? field_fail(&escalate, "is for a module that is restarted: \"when\" is never")
                 : field_name(&escalate, &escalate_names, &d->control.escalate);
    }
    d->has_restart =
        rc == DONE && d->restart.when != NOS_RESTART_NEVER;  // absent and never are one form
    return rc;
}

/** The bits of a list of names of calls. */
static int read_calls(struct draft *d, const struct field *list)
{
    size_t n = 0;
    int rc = field_array(list, 1, syscall_names.n, &n);
    for (size_t i = 0; rc == DONE && i < n; i++) {
        struct field item = field_item(list, i);
        uint32_t call = 0;
        rc = field_name(&item, &syscall_names, &call);
        if (rc == DONE) {
            d->filter[call / 8] |= (uint8_t)(1u << call % 8);
        }
    }
    return rc;
}

/** [calls] or { "only": [calls] }, or { "without": [calls] }: all but these. */
static int read_filter(struct draft *d)
{
    struct field f, list;
    if (!field_get(d->root, "filter", &f)) {
        return DONE;
    }
    list = f;
    bool without = false;
    if (cJSON_IsObject(f.node)) {
        int rc = field_object(&f, filter_keys);
        if (rc != DONE) {
            return rc;
        }
        without = field_get(&f, "without", &list);
        if (field_get(&f, "only", &list) == without) {
            return field_fail(&f, "must have either \"only\" or \"without\"");
        }
    }
    int rc = read_calls(d, &list);
    for (size_t i = 0; without && i < sizeof(d->filter); i++) {
        d->filter[i] ^= 0xff;
    }
    d->has_filter = rc == DONE;
    return rc;
}

static int read_cpus(const struct field *f, uint64_t *mask)
{
    struct field list;
    size_t n = 0;
    if (!field_get(f, "cpus", &list)) {
        return DONE;
    }
    int rc = field_array(&list, 1, 64, &n);
    *mask = 0;
    for (size_t i = 0; rc == DONE && i < n; i++) {
        struct field item = field_item(&list, i);
        uint32_t cpu = 0;
        rc = field_u32(&item, 0, 63, &cpu);
        if (rc == DONE && (*mask >> cpu & 1) != 0) {
            rc = field_fail(&item, "is in the list twice");
        }
        *mask |= UINT64_C(1) << cpu;
    }
    return rc;
}

static int read_sched(struct draft *d)
{
    struct field f, part;
    if (!field_get(d->root, "sched", &f)) {
        return DONE;
    }
    int rc = field_object(&f, sched_keys);
    if (rc == DONE && (field_get(&f, "budget_us", &part) || field_get(&f, "period_us", &part))) {
        rc = need_u32(&f, "period_us", 1000, 1000000, &d->sched.period_us);
        if (rc == DONE) {
            rc = need_u32(&f, "budget_us", 100, d->sched.period_us, &d->sched.budget_us);
        }
    }
    d->sched.cpus = UINT64_MAX;
    if (rc == DONE) {
        rc = read_cpus(&f, &d->sched.cpus);
    }
    d->has_sched = d->sched.period_us != 0 || d->sched.cpus != UINT64_MAX;
    return rc;
}

static int read_children(struct draft *d)
{
    struct field f;
    if (!field_get(d->root, "children", &f)) {
        return DONE;
    }
    int rc = field_object(&f, children_keys);
    if (rc == DONE) {
        rc = read_pages(&f, "memory_kib", 64, 67108864, &d->children.mem_pages);
    }
    if (rc == DONE) {
        rc = need_u32(&f, "capsules", 1, 65536, &d->children.capsules);
    }
    d->has_children = rc == DONE;
    return rc;
}

/** every_ms and deadline_ms go together; with an endpoint at least they or stop_ms are there. */
static int read_control(struct draft *d)
{
    struct nos_control *c = &d->control;
    struct field f, health;
    if (!field_get(d->root, "control", &f)) {
        return DONE;
    }
    int rc = field_object(&f, control_keys);
    if (rc == DONE) {
        rc = need_nos_name(&f, "endpoint", c->endpoint);
    }
    if (rc == DONE &&
        (field_get(&f, "every_ms", &health) || field_get(&f, "deadline_ms", &health))) {
        rc = need_u32(&f, "every_ms", 100, 3600000, &c->every_ms);
        if (rc == DONE) {
            rc = need_u32(&f, "deadline_ms", 10, 60000, &c->deadline_ms);
        }
    }
    if (rc == DONE) {
        rc = member_u32(&f, "stop_ms", 1, 60000, &c->stop_ms);
    }
    if (rc == DONE && c->every_ms == 0 && c->stop_ms == 0) {
        rc = field_fail(&f, "must have \"every_ms\" and \"deadline_ms\", or \"stop_ms\"");
    }
    for (uint32_t i = 0; rc == DONE && i < d->caps.n; i++) {
        if (manifest_is_control(c, &d->caps.cap[i])) {
            return DONE;
        }
    }
    return rc == DONE
               ? field_fail(&f, "caps must have the endpoint \"%.16s\" with \"recv\"", c->endpoint)
               : rc;
}

static int compare_names(const void *a, const void *b)
{
    return memcmp(a, b, NOS_NAME_MAX);
}

static int read_needs(struct draft *d)
{
    struct field f;
    if (!field_get(d->root, "needs", &f)) {
        return DONE;
    }
    int rc = field_array(&f, 1, NOS_NEEDS_MAX, &d->n_needs);
    for (size_t i = 0; rc == DONE && i < d->n_needs; i++) {
        struct field item = field_item(&f, i);
        rc = field_nos_name(&item, d->needs[i]);
        if (rc == DONE && memcmp(d->needs[i], d->name, NOS_NAME_MAX) == 0) {
            rc = field_fail(&item, "is the module itself");
        }
    }
    qsort(d->needs, d->n_needs, NOS_NAME_MAX, compare_names);
    for (size_t i = 1; rc == DONE && i < d->n_needs; i++) {
        if (compare_names(d->needs[i - 1], d->needs[i]) == 0) {
            rc = field_fail(&f, "has \"%.16s\" twice", d->needs[i]);
        }
    }
    return rc;
}

/** Each capability's class must be among the classes, or the kernel would refuse the manifest. */
static int check_classes(const struct draft *d)
{
    for (uint32_t i = 0; i < d->caps.n; i++) {
        uint32_t cls = cap_class(d->caps.cap[i].kind);
        if ((d->classes & cls) == 0) {
            return field_fail(d->root, "caps has kind \"%s\", so classes must have \"%s\"",
                              cap_kind_name(d->caps.cap[i].kind), name_of(&class_names, cls));
        }
    }
    return DONE;
}

static int read_rights_part(struct draft *d)
{
    struct field f;
    int rc = need_mask(d->root, "classes", &class_names, &d->classes);
    if (rc == DONE && (d->classes & NOS_CLASS_COREEXEC) == 0) {
        rc = field_fail(d->root, "classes must have \"CoreExec\": without it nothing can run");
    }
    if (rc == DONE && field_get(d->root, "caps", &f)) {
        rc = capsrc_read(&f, &d->caps);
    }
    if (rc == DONE) {
        rc = check_classes(d);
    }
    if (rc == DONE) {
        rc = read_limits(d);
    }
    if (rc == DONE) {
        rc = read_restart(d);
    }
    if (rc == DONE) {
        rc = read_sched(d);
    }
    if (rc == DONE) {
        rc = read_children(d);
    }
    if (rc == DONE) {
        rc = read_control(d);
    }
    if (rc == DONE) {
        rc = read_needs(d);
    }
    if (rc == DONE) {
        rc = member_bool(d->root, "private", &d->private);
    }
    return rc == DONE ? read_filter(d) : rc;
}

/** The limits of a kernel mean nothing, but the field is mandatory: the smallest that parse. */
static void kernel_limits(struct draft *d)
{
    d->limits =
        (struct nos_limits){ .mem_pages = 16, .stack_pages = 1, .handles = 8, .threads = 1 };
}

static int read_draft(struct draft *d, const struct module_wishes *wish, struct module_source *out)
{
    int rc = field_object(d->root, wish->kernel ? kernel_keys : module_keys);
    if (rc == DONE) {
        rc = need_nos_name(d->root, "name", d->name);
    }
    if (rc == DONE) {
        rc = read_version(d, wish, &out->version);
    }
    if (rc == DONE) {
        rc = read_sec_version(d, wish, &out->sec_version);
    }
    if (rc == DONE) {
        rc = read_text(d->root, "about", 200, &d->about);
    }
    if (rc == DONE) {
        rc = read_text(d->root, "licence", 64, &d->licence);
    }
    kernel_limits(d);
    return rc == DONE && !wish->kernel ? read_rights_part(d) : rc;
}

static void put_text(struct tlv_writer *w, uint16_t tag, const char *text)
{
    if (text != NULL) {
        tlv_put(w, tag, span_of(text, strlen(text)));
    }
}

/** len8 || one hash per 64 KiB. */
static void put_symbols(struct tlv_writer *w, span_t symbols)
{
    struct buf value = { NULL, 0 };
    uint8_t len[8];
    if (symbols.len == 0) {
        return;
    }
    store_le64(len, symbols.len);
    buf_add(&value, SPAN_OF(len));
    for (size_t at = 0; at < symbols.len; at += NOS_MOD_CHUNK) {
        size_t n = symbols.len - at < NOS_MOD_CHUNK ? symbols.len - at : NOS_MOD_CHUNK;
        blake3_hash(span_of(symbols.data + at, n), buf_add_zero(&value, BLAKE3_LEN));
    }
    tlv_put(w, NOS_MAN_SYMBOLS, buf_span(&value));
    buf_free(&value);
}

static void put_caps(struct tlv_writer *w, const struct cap_list *caps)
{
    uint8_t bytes[NOS_CAPS_MAX * CAP_BYTES];
    for (uint32_t i = 0; i < caps->n; i++) {
        cap_write(&caps->cap[i], bytes + i * CAP_BYTES);
    }
    if (caps->n > 0) {
        tlv_put(w, NOS_MAN_CAPS, span_of(bytes, caps->n * (size_t)CAP_BYTES));
    }
}

static void put_words(struct tlv_writer *w, uint16_t tag, const uint32_t *word, size_t n)
{
    uint8_t bytes[32];
    for (size_t i = 0; i < n; i++) {
        store_le32(bytes + 4 * i, word[i]);
    }
    tlv_put(w, tag, span_of(bytes, 4 * n));
}

static void put_control(struct tlv_writer *w, const struct nos_control *c)
{
    uint8_t bytes[sizeof(*c)];
    memcpy(bytes, c->endpoint, NOS_NAME_MAX);
    store_le32(bytes + 16, c->every_ms);
    store_le32(bytes + 20, c->deadline_ms);
    store_le32(bytes + 24, c->stop_ms);
    store_le32(bytes + 28, c->escalate);
    if (!span_is_zero(SPAN_OF(bytes))) {
        tlv_put(w, NOS_MAN_CONTROL, SPAN_OF(bytes));
    }
}

static void put_critical(struct tlv_writer *w, const struct draft *d)
{
    const struct nos_limits *l = &d->limits;
    const struct nos_restart *r = &d->restart;
    const uint32_t limits[8] = { l->mem_pages, l->stack_pages, l->handles,
                                 l->threads,   l->priority,    l->objects };
    const uint32_t sched[4] = { d->sched.budget_us, d->sched.period_us, (uint32_t)d->sched.cpus,
                                (uint32_t)(d->sched.cpus >> 32) };
    const uint32_t children[2] = { d->children.mem_pages, d->children.capsules };
    const uint32_t restart[4] = { r->when, r->backoff_ms, r->max_in_window, r->window_s };

    tlv_put(w, NOS_MAN_MODULE_NAME, name16_span(d->name));
    tlv_put_le32(w, NOS_MAN_ABI, NOS_ABI_VERSION);
    tlv_put_le32(w, NOS_MAN_CLASSES, d->classes);
    put_caps(w, &d->caps);
    put_words(w, NOS_MAN_LIMITS, limits, 8);
    if (d->has_restart) {
        put_words(w, NOS_MAN_RESTART, restart, 4);
    }
    if (d->has_filter) {
        tlv_put(w, NOS_MAN_FILTER, SPAN_OF(d->filter));
    }
    if (d->has_sched) {
        put_words(w, NOS_MAN_SCHED, sched, 4);
    }
    if (d->has_children) {
        put_words(w, NOS_MAN_CHILDREN, children, 2);
    }
    put_control(w, &d->control);
    if (d->n_needs > 0) {
        tlv_put(w, NOS_MAN_NEEDS, span_of(d->needs, d->n_needs * NOS_NAME_MAX));
    }
    if (d->private) {
        tlv_put(w, NOS_MAN_PRIVATE, (span_t){ 0 });
    }
}

/** The draft as canonical TLV, accepted by the kernel's own parser. */
static int compile(const struct draft *d, span_t symbols, struct module_source *out)
{
    static uint8_t room[NOS_MOD_MANIFEST_MAX];
    struct tlv_writer w;
    struct manifest check;
    span_t tlv;

    tlv_write_init(&w, MSPAN_OF(room));
    put_text(&w, NOS_MAN_SEMVER, d->semver);
    put_text(&w, NOS_MAN_LICENCE, d->licence);
    put_text(&w, NOS_MAN_ABOUT, d->about);
    put_symbols(&w, symbols);
    put_critical(&w, d);
    nos_status_t st = tlv_write_end(&w, &tlv);
    if (st == NOS_OK) {
        st = manifest_parse(tlv, &check);
    }
    if (st != NOS_OK) {
        return field_fail(d->root, "the compiled manifest would be refused: %s (%s)",
                          status_text(st), status_name(st));
    }
    memcpy(out->name, d->name, sizeof(out->name));
    buf_add(&out->manifest, tlv);
    return DONE;
}

int manifestsrc_read(const char *file, const struct module_wishes *wish, struct module_source *out)
{
    struct source src;
    struct module_source made = { 0 };
    int rc = source_load(file, &src);
    if (rc != DONE) {
        return rc;
    }
    struct field root = field_root(&src);
    struct draft d = { .root = &root };
    rc = read_draft(&d, wish, &made);
    if (rc == DONE) {
        rc = compile(&d, wish->symbols, &made);
    }
    if (rc == DONE) {
        *out = made;
    }
    source_free(&src);
    return rc;
}
