/*
 * Stage 4, the manifest. One pass over the TLV; each tag has one small checker; a bit per mandatory
 * tag says at the end what is missing. Rules that look at two fields come last, when both were
 * checked alone.
 */
#include "lib/manifest.h"

#include <string.h>

#include "lib/text.h"
#include "lib/tlv.h"

enum {
    SEEN_NAME = 1u << 0,
    SEEN_ABI = 1u << 1,
    SEEN_CLASSES = 1u << 2,
    SEEN_LIMITS = 1u << 3,
    SEEN_MANDATORY = SEEN_NAME | SEEN_ABI | SEEN_CLASSES | SEEN_LIMITS,
    HASH_LEN = 32,
};

static nos_status_t field_if(bool ok)
{
    return ok ? NOS_OK : NOS_MAN_FIELD;
}

static bool in_range(uint32_t v, uint32_t least, uint32_t most)
{
    return v >= least && v <= most;
}

static nos_status_t parse_name(span_t v, struct manifest *m)
{
    /* uncovered(1): a name fits its field */
    return field_if(name_ok(v) && name16_set(m->name, v));
}

static nos_status_t parse_abi(span_t v)
{
    uint32_t abi;
    /* uncovered(1): the length is known */
    return field_if(v.len == 4 && span_le32(v, 0, &abi) && abi == NOS_ABI_VERSION);
}

static nos_status_t parse_classes(span_t v, struct manifest *m)
{
    /* uncovered(1): the length is known */
    return field_if(v.len == 4 && span_le32(v, 0, &m->classes) &&
                    (m->classes & ~(uint32_t)NOS_CLASS_ALL) == 0 &&
                    (m->classes == 0 || (m->classes & NOS_CLASS_COREEXEC) != 0));
}

static nos_status_t parse_limits(span_t v, struct manifest *m)
{
    struct nos_limits *l = &m->limits;
    span_t rsv;

    /* uncovered(7): the length is known */
    return field_if(v.len == sizeof *l &&
                    span_le32(v, offsetof(struct nos_limits, mem_pages), &l->mem_pages) &&
                    span_le32(v, offsetof(struct nos_limits, stack_pages), &l->stack_pages) &&
                    span_le32(v, offsetof(struct nos_limits, handles), &l->handles) &&
                    span_le32(v, offsetof(struct nos_limits, threads), &l->threads) &&
                    span_le32(v, offsetof(struct nos_limits, priority), &l->priority) &&
                    span_le32(v, offsetof(struct nos_limits, objects), &l->objects) &&
                    span_from(v, offsetof(struct nos_limits, rsv), &rsv) && span_is_zero(rsv) &&
                    in_range(l->mem_pages, 16, 262144) && in_range(l->stack_pages, 1, 256) &&
                    in_range(l->handles, 8, 1024) && in_range(l->threads, 1, 64) &&
                    l->priority <= 30 && l->objects != NOS_OBJECTS_DEFAULT &&  // is written as 0
                    (l->objects == 0 || in_range(l->objects, 8, 4096)));
}

static nos_status_t parse_restart(span_t v, struct manifest *m)
{
    struct nos_restart *r = &m->restart;

    /* uncovered(4): the length is known */
    return field_if(v.len == sizeof *r && span_le32(v, 0, &r->when) &&
                    span_le32(v, 4, &r->backoff_ms) && span_le32(v, 8, &r->max_in_window) &&
                    span_le32(v, 12, &r->window_s) && r->when <= NOS_RESTART_ALWAYS &&
                    r->backoff_ms <= 60000 && in_range(r->max_in_window, 1, 1000) &&
                    in_range(r->window_s, 1, 3600));
}

static nos_status_t parse_filter(span_t v, struct manifest *m)
{
    m->has_filter = true;
    /* uncovered(2): the length is known */
    return field_if(v.len == 16 && span_le64(v, 0, &m->filter[0]) &&
                    span_le64(v, 8, &m->filter[1]));
}

/* A record that says nothing is refused: absent is the one form for that. */
static nos_status_t parse_sched(span_t v, struct manifest *m)
{
    struct nos_sched *s = &m->sched;

    /* uncovered(3): the length is known */
    if (v.len != sizeof *s || !span_le32(v, 0, &s->budget_us) || !span_le32(v, 4, &s->period_us) ||
        !span_le64(v, 8, &s->cpus) || s->cpus == 0) {
        return NOS_MAN_FIELD;
    }
    if (s->budget_us == 0 && s->period_us == 0) {
        return field_if(s->cpus != UINT64_MAX);
    }
    return field_if(in_range(s->period_us, 1000, 1000000) &&
                    in_range(s->budget_us, 100, s->period_us));
}

static nos_status_t parse_children(span_t v, struct manifest *m)
{
    struct nos_children *c = &m->children;

    /* uncovered(2): the length is known */
    return field_if(v.len == sizeof *c && span_le32(v, 0, &c->mem_pages) &&
                    span_le32(v, 4, &c->capsules) && in_range(c->mem_pages, 16, 16777216) &&
                    in_range(c->capsules, 1, 65536));
}

static bool name_or_none(const char name[NOS_NAME_MAX])
{
    return name16_ok(name) || span_is_zero(span_of(name, NOS_NAME_MAX));
}

static nos_status_t parse_control(span_t v, struct manifest *m)
{
    struct nos_control *c = &m->control;
    span_t name;

    /* uncovered(5): the length is known */
    if (v.len != sizeof *c || span_is_zero(v) || !span_cut(v, 0, NOS_NAME_MAX, &name) ||
        !span_le32(v, 16, &c->every_ms) || !span_le32(v, 20, &c->deadline_ms) ||
        !span_le32(v, 24, &c->stop_ms) || !span_le32(v, 28, &c->escalate)) {
        return NOS_MAN_FIELD;
    }
    memcpy(c->endpoint, name.data, NOS_NAME_MAX);
    bool asked = c->every_ms != 0 || c->stop_ms != 0;
    return field_if(name_or_none(c->endpoint) && (c->endpoint[0] != 0) == asked &&
                    (c->every_ms == 0 ? c->deadline_ms == 0
                                      : in_range(c->every_ms, 100, 3600000) &&
                                            in_range(c->deadline_ms, 10, 60000)) &&
                    c->stop_ms <= 60000 && c->escalate <= NOS_ESCALATE_SYSTEM);
}

static nos_status_t parse_needs(span_t v, struct manifest *m)
{
    span_t name, before = { 0 };

    if (v.len == 0 || v.len % NOS_NAME_MAX != 0 || v.len / NOS_NAME_MAX > NOS_NEEDS_MAX) {
        return NOS_MAN_FIELD;
    }
    for (size_t at = 0; span_cut(v, at, NOS_NAME_MAX, &name); at += NOS_NAME_MAX) {
        if (!name16_ok((const char *)name.data) ||
            (at > 0 && memcmp(before.data, name.data, NOS_NAME_MAX) >= 0)) {
            return NOS_MAN_FIELD;
        }
        before = name;
    }
    m->needs = v;
    return NOS_OK;
}

static nos_status_t parse_private(span_t v, struct manifest *m)
{
    m->private = true;
    return field_if(v.len == 0);
}

static nos_status_t parse_caps(span_t v, struct manifest *m)
{
    struct nos_cap cap, before = { 0 };  // of no kind, so before all that there are

    if (v.len == 0 || v.len % CAP_BYTES != 0 || v.len / CAP_BYTES > NOS_CAPS_MAX) {
        return NOS_MAN_FIELD;
    }
    for (uint32_t i = 0; cap_read(v, i, &cap); i++) {
        if (cap_check(&cap) != NOS_OK || cap_compare(&before, &cap) >= 0) {
            return NOS_MAN_CAP;
        }
        before = cap;
    }
    m->caps = v;
    m->n_caps = (uint32_t)(v.len / CAP_BYTES);
    return NOS_OK;
}

static nos_status_t parse_text(span_t v, size_t most, span_t *out)
{
    *out = v;
    return field_if(v.len >= 1 && v.len <= most && text_ok(v));
}

static nos_status_t parse_semver(span_t v, struct manifest *m)
{
    m->semver = v;
    return field_if(v.len <= 32 && text_is_semver(v));
}

static bool split_symbols(span_t v, uint64_t *len, span_t *hashes)
{
    /* uncovered(1): eight bytes are there */
    return span_le64(v, 0, len) && span_from(v, 8, hashes) && *len >= 1 &&
           *len <= NOS_MOD_SYMBOLS_MAX && hashes->len == (size_t)mod_chunk_count(*len) * HASH_LEN;
}

static nos_status_t parse_optional(uint16_t tag, span_t v, struct manifest *m)
{
    switch (tag) {
    case NOS_MAN_SEMVER:
        return parse_semver(v, m);
    case NOS_MAN_LICENCE:
        return parse_text(v, 64, &m->licence);
    case NOS_MAN_ABOUT:
        return parse_text(v, 200, &m->about);
    case NOS_MAN_SYMBOLS:
        return field_if(split_symbols(v, &m->symbols_len, &m->symbols_hashes));
    case NOS_MAN_CAPS:
        return parse_caps(v, m);
    case NOS_MAN_RESTART:
        return parse_restart(v, m);
    case NOS_MAN_FILTER:
        return parse_filter(v, m);
    case NOS_MAN_SCHED:
        return parse_sched(v, m);
    case NOS_MAN_CHILDREN:
        return parse_children(v, m);
    case NOS_MAN_CONTROL:
        return parse_control(v, m);
    case NOS_MAN_NEEDS:
        return parse_needs(v, m);
    case NOS_MAN_PRIVATE:
        return parse_private(v, m);
    default:
        return tlv_unknown(tag);
    }
}

static nos_status_t parse_record(uint16_t tag, span_t v, struct manifest *m, uint32_t *seen)
{
    switch (tag) {
    case NOS_MAN_MODULE_NAME:
        *seen |= SEEN_NAME;
        return parse_name(v, m);
    case NOS_MAN_ABI:
        *seen |= SEEN_ABI;
        return parse_abi(v);
    case NOS_MAN_CLASSES:
        *seen |= SEEN_CLASSES;
        return parse_classes(v, m);
    case NOS_MAN_LIMITS:
        *seen |= SEEN_LIMITS;
        return parse_limits(v, m);
    default:
        return parse_optional(tag, v, m);
    }
}

static nos_status_t check_cap_classes(const struct manifest *m)
{
    struct nos_cap cap;
    for (uint32_t i = 0; cap_read(m->caps, i, &cap); i++) {
        if ((cap_class(cap.kind) & ~m->classes) != 0) {
            return NOS_CAP_CLASS;
        }
    }
    return NOS_OK;
}

/* Where it says that it takes control messages it must serve, and it cannot need itself. */
static nos_status_t check_control(const struct manifest *m)
{
    struct nos_cap cap;
    span_t need;

    for (size_t at = 0; span_cut(m->needs, at, NOS_NAME_MAX, &need); at += NOS_NAME_MAX) {
        if (memcmp(need.data, m->name, NOS_NAME_MAX) == 0) {
            return NOS_MAN_FIELD;
        }
    }
    for (uint32_t i = 0; cap_read(m->caps, i, &cap); i++) {
        if (manifest_is_control(&m->control, &cap)) {
            return NOS_OK;
        }
    }
    return field_if(m->control.endpoint[0] == 0);
}

bool manifest_is_control(const struct nos_control *control, const struct nos_cap *cap)
{
    return (cap->kind == NOS_CAP_ENDPOINT || cap->kind == NOS_CAP_NETWORK) &&
           (cap->rights & NOS_RIGHT_RECV) != 0 &&
           memcmp(cap->name, control->endpoint, NOS_NAME_MAX) == 0;
}

nos_status_t manifest_parse(span_t tlv, struct manifest *out)
{
    struct manifest m = { .filter = { UINT64_MAX, UINT64_MAX }, .sched = { .cpus = UINT64_MAX } };
    struct tlv_iter it;
    uint32_t seen = 0;
    uint16_t tag;
    span_t value;
    bool more = true;

    tlv_init(&it, tlv);
    nos_status_t st = tlv_next(&it, &tag, &value, &more);
    while (st == NOS_OK && more) {
        st = parse_record(tag, value, &m, &seen);
        if (st == NOS_OK) {
            st = tlv_next(&it, &tag, &value, &more);
        }
    }
    if (st == NOS_OK && seen != SEEN_MANDATORY) {
        st = NOS_MAN_MISSING;
    }
    if (st == NOS_OK) {
        st = check_cap_classes(&m);
    }
    if (st == NOS_OK) {
        st = check_control(&m);
    }
    if (st == NOS_OK) {
        m.limits.objects = m.limits.objects == 0 ? NOS_OBJECTS_DEFAULT : m.limits.objects;
        *out = m;
    }
    return st;
}

bool manifest_cap(const struct manifest *m, uint32_t i, struct nos_cap *out)
{
    return cap_read(m->caps, i, out);
}

nos_status_t manifest_check_header(const struct manifest *m, const struct mod_view *v)
{
    uint8_t hash[HASH_LEN];
    bool kernel = (v->flags & NOS_MOD_FLAG_KERNEL) != 0;

    name_hash(name16_span(m->name), hash);
    if (memcmp(hash, v->name_hash, HASH_LEN) != 0) {
        return NOS_MAN_NAME;
    }
    if (kernel != (m->classes == 0)) {
        return NOS_MAN_FIELD;
    }
    if (v->symbols.len > m->symbols_len) {
        return NOS_MOD_OVERSIZE;
    }
    return v->symbols.len == m->symbols_len ? NOS_OK : NOS_MOD_TRUNCATED;
}

bool manifest_find_symbols(span_t tlv, uint64_t *len, span_t *hashes)
{
    struct tlv_iter it;
    uint16_t tag;
    span_t value, rows;
    uint64_t n;
    bool more = true;

    tlv_init(&it, tlv);
    while (tlv_next(&it, &tag, &value, &more) == NOS_OK && more) {
        if (tag == NOS_MAN_SYMBOLS && split_symbols(value, &n, &rows)) {
            *len = n;
            *hashes = rows;
            return true;
        }
    }
    return false;
}
