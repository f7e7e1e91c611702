/*
 * BOOT.POL: extraction, signatures, and the full check of its body. Once policy_parse has said OK,
 * the accessors of policy_find.c can trust the sort order and every value, and need no further
 * checks than an index.
 */
#include "lib/policy.h"

#include <string.h>

#include "lib/cap.h"
#include "lib/sigs.h"
#include "lib/text.h"
#include "lib/tlv.h"

#define OFF(field) offsetof(struct nos_pol_header, field)

enum {
    SEEN_OPERATOR = 1u << 0,
    SEEN_PUBLISHERS = 1u << 1,
    SEEN_RULES = 1u << 2,
    SEEN_GRANTS = 1u << 3,
    SEEN_BOOT = 1u << 4,
    SEEN_FIRST = 1u << 5,
    SEEN_MANDATORY = 0x3f,
    PUBLISHER_LEN = sizeof(struct nos_pol_publisher),
    RULE_LEN = sizeof(struct nos_pol_rule),
    START_LEN = sizeof(struct nos_pol_start),
    PUBLISHERS_MAX = 64,
    RULES_MAX = 256,
    GRANTS_MAX = 4096,
    GRANTS_PER_RULE = 64,
    BOOT_MAX = 32,
    START_MAX = 32,
    MEM_PAGES_MAX = 262144,
    PRIORITY_MAX = 30,
};

_Static_assert(sizeof(NOS_MAGIC_POL) - 1 == 8, "the magic is 8 bytes");

static nos_status_t extract_header(span_t file, struct policy_view *v, uint64_t *body_len)
{
    span_t magic, version, rsv, h;

    if (!span_cut(file, 0, 7, &magic) || !span_cut(file, 0, 8, &version)) {
        return NOS_POL_TRUNCATED;
    }
    if (!span_equal(magic, span_of(NOS_MAGIC_POL, 7))) {
        return NOS_POL_MAGIC;
    }
    if (!span_equal(version, SPAN_LIT(NOS_MAGIC_POL))) {
        return NOS_POL_VERSION;
    }
    /* uncovered(1): the reserved bytes lie inside the header */
    if (!span_cut(file, 0, NOS_POL_HDR_LEN, &h) || !span_from(h, OFF(rsv), &rsv)) {
        return NOS_POL_TRUNCATED;
    }
    v->header = h;
    v->flags = load_le32(h.data + OFF(flags));
    v->epoch = load_le64(h.data + OFF(epoch));
    v->kernel_sec_min = load_le32(h.data + OFF(kernel_sec_min));
    v->n_sig = load_le32(h.data + OFF(n_sig));
    *body_len = load_le64(h.data + OFF(body_len));
    if (load_le32(h.data + OFF(hdr_len)) != NOS_POL_HDR_LEN ||
        (v->flags & ~(uint32_t)NOS_POL_FLAGS_KNOWN) != 0) {
        return NOS_POL_VERSION;
    }
    return span_is_zero(rsv) ? NOS_OK : NOS_POL_RESERVED;
}

nos_status_t policy_extract(span_t file, struct policy_view *out)
{
    struct policy_view v = { 0 };
    uint64_t body_len;

    nos_status_t st = extract_header(file, &v, &body_len);
    if (st != NOS_OK) {
        return st;
    }
    if (v.n_sig == 0 || v.n_sig > NOS_MOD_SIG_MAX || body_len == 0) {
        return NOS_POL_FIELD;
    }
    if (body_len > NOS_POL_BODY_MAX) {
        return NOS_POL_OVERSIZE;
    }
    if (!span_cut(file, NOS_POL_HDR_LEN, SIG_ROW * (size_t)v.n_sig, &v.sigs) ||
        !span_cut(file, NOS_POL_HDR_LEN + v.sigs.len, (size_t)body_len, &v.body)) {
        return NOS_POL_TRUNCATED;
    }
    if (file.len != NOS_POL_HDR_LEN + v.sigs.len + v.body.len) {
        return NOS_POL_OVERSIZE;
    }
    if (!sigs_ascending(v.sigs)) {
        return NOS_POL_ORDER;
    }
    *out = v;
    return NOS_OK;
}

nos_status_t policy_signed_bytes(const struct policy_view *v, mspan_t room, span_t *out)
{
    size_t domain = sizeof(NOS_DOMAIN_POL);
    mspan_t to;

    if (!mspan_cut(room, 0, domain + v->header.len + v->body.len, &to)) {
        return NOS_TOO_BIG;
    }
    memcpy(to.data, NOS_DOMAIN_POL, domain);
    memcpy(to.data + domain, v->header.data, v->header.len);
    memcpy(to.data + domain + v->header.len, v->body.data, v->body.len);
    *out = span_const(to);
    return NOS_OK;
}

nos_status_t policy_check_sigs(const struct policy_view *v, const struct trust_view *trust,
                               mspan_t scratch)
{
    span_t msg;
    nos_status_t st = policy_signed_bytes(v, scratch, &msg);
    return st == NOS_OK ? sigs_check_roots(msg, v->sigs, trust) : st;
}

nos_status_t policy_check_epoch(const struct policy_view *v, uint64_t floor)
{
    return v->epoch >= floor ? NOS_OK : NOS_POL_EPOCH;
}

/* Whole records, and as many as allowed? */
static nos_status_t count_records(span_t v, size_t record, size_t least, size_t most, uint32_t *n)
{
    if (v.len % record != 0 || v.len / record < least || v.len / record > most) {
        return NOS_POL_FIELD;
    }
    *n = (uint32_t)(v.len / record);
    return NOS_OK;
}

static nos_status_t check_publishers(struct policy *p)
{
    struct nos_pol_publisher r, before;

    for (uint32_t i = 0; policy_publisher_at(p, i, &r); i++) {
        if (r.rsv != 0) {
            return NOS_POL_RESERVED;
        }
        if ((r.classes & ~(uint32_t)NOS_CLASS_ALL) != 0 ||
            (r.flags & ~(uint32_t)NOS_PUBLISHER_REVOKED) != 0) {
            return NOS_POL_FIELD;
        }
        if (i > 0 && memcmp(before.id, r.id, sizeof r.id) >= 0) {
            return NOS_POL_ORDER;
        }
        before = r;
    }
    return NOS_OK;
}

static bool rule_fields_ok(const struct nos_pol_rule *r)
{
    bool by_id = r->match == NOS_MATCH_ID;
    /* uncovered(1): by_id is asked twice, so its second place never changes alone */
    return (by_id || r->match == NOS_MATCH_NAME) && r->grants_n <= GRANTS_PER_RULE &&
           (r->classes & ~(uint32_t)NOS_CLASS_ALL) == 0 && r->mem_pages <= MEM_PAGES_MAX &&
           r->priority <= PRIORITY_MAX && (r->flags & ~(uint32_t)NOS_RULE_FLAGS_KNOWN) == 0 &&
           r->cpu_percent <= 100 && (!by_id || span_is_zero(SPAN_OF(r->name_hash)));
}

static nos_status_t check_rules(struct policy *p)
{
    struct nos_pol_rule r, before;

    for (uint32_t i = 0; policy_rule_at(p, i, &r); i++) {
        if (r.rsv != 0) {
            return NOS_POL_RESERVED;
        }
        if (!rule_fields_ok(&r)) {
            return NOS_POL_FIELD;
        }
        if (i > 0 && policy_rule_compare(&before, &r) >= 0) {
            return NOS_POL_ORDER;
        }
        before = r;
    }
    return NOS_OK;
}

/* Looks at two records, so it runs when both are there. */
static nos_status_t check_rule_grants(const struct policy *p)
{
    struct nos_pol_rule r;
    for (uint32_t i = 0; policy_rule_at(p, i, &r); i++) {
        if (r.grants_at > p->n_grants || r.grants_n > p->n_grants - r.grants_at) {
            return NOS_POL_FIELD;
        }
    }
    return NOS_OK;
}

static nos_status_t check_grants(struct policy *p)
{
    struct nos_cap cap;
    for (uint32_t i = 0; policy_grant(p, i, &cap); i++) {
        if (cap_check(&cap) != NOS_OK) {
            return NOS_POL_FIELD;
        }
    }
    return NOS_OK;
}

static bool boot_file_before(const struct policy *p, uint32_t i, const char name[NOS_NAME_MAX])
{
    char other[NOS_NAME_MAX];
    /* uncovered(1): there are more than i names */
    for (uint32_t k = 0; k < i && policy_boot_file(p, k, other); k++) {
        if (memcmp(other, name, NOS_NAME_MAX) == 0) {
            return true;
        }
    }
    return false;
}

static nos_status_t check_boot(struct policy *p)
{
    char name[NOS_NAME_MAX];
    for (uint32_t i = 0; policy_boot_file(p, i, name); i++) {
        if (!file16_ok(name)) {
            return NOS_POL_FIELD;
        }
        if (boot_file_before(p, i, name)) {
            return NOS_POL_ORDER;
        }
    }
    return NOS_OK;
}

static bool start_arg_ok(const char arg[64])
{
    size_t n = 0;
    span_t pad;
    while (n < 64 && arg[n] != 0) {
        n++;
    }
    /* uncovered(1): n is at most 64 */
    return text_ok(span_of(arg, n)) && span_from(span_of(arg, 64), n, &pad) && span_is_zero(pad);
}

static nos_status_t check_start(struct policy *p)
{
    struct nos_pol_start s;
    for (uint32_t i = 0; policy_start(p, i, &s); i++) {
        if (!name16_ok(s.name) || !start_arg_ok(s.arg)) {
            return NOS_POL_FIELD;
        }
    }
    return NOS_OK;
}

static nos_status_t parse_first(span_t v, struct policy *p)
{
    if (v.len != NOS_NAME_MAX) {
        return NOS_POL_FIELD;
    }
    memcpy(p->first, v.data, NOS_NAME_MAX);
    return name16_ok(p->first) ? NOS_OK : NOS_POL_FIELD;
}

static nos_status_t parse_operator(span_t v, struct policy *p)
{
    p->operator_pk = v.data;
    return v.len == 32 && !span_is_zero(v) ? NOS_OK : NOS_POL_FIELD;
}

static nos_status_t parse_list(uint16_t tag, span_t v, struct policy *p)
{
    nos_status_t st;

    switch (tag) {
    case NOS_POL_PUBLISHERS:
        p->publishers = v;
        st = count_records(v, PUBLISHER_LEN, 1, PUBLISHERS_MAX, &p->n_publishers);
        return st == NOS_OK ? check_publishers(p) : st;
    case NOS_POL_RULES:
        p->rules = v;
        st = count_records(v, RULE_LEN, 1, RULES_MAX, &p->n_rules);
        return st == NOS_OK ? check_rules(p) : st;
    case NOS_POL_GRANTS:
        p->grants = v;
        st = count_records(v, CAP_BYTES, 0, GRANTS_MAX, &p->n_grants);
        return st == NOS_OK ? check_grants(p) : st;
    case NOS_POL_BOOT:
        p->boot = v;
        st = count_records(v, NOS_NAME_MAX, 1, BOOT_MAX, &p->n_boot);
        return st == NOS_OK ? check_boot(p) : st;
    case NOS_POL_START:
        p->start = v;
        st = count_records(v, START_LEN, 0, START_MAX, &p->n_start);
        return st == NOS_OK ? check_start(p) : st;
    default:
        return tlv_unknown(tag);
    }
}

static uint32_t seen_bit(uint16_t tag)
{
    return tag >= NOS_POL_OPERATOR && tag <= NOS_POL_FIRST ? 1u << (tag - NOS_POL_OPERATOR) : 0;
}

static nos_status_t parse_record(uint16_t tag, span_t v, struct policy *p)
{
    if (tag == NOS_POL_OPERATOR) {
        return parse_operator(v, p);
    }
    return tag == NOS_POL_FIRST ? parse_first(v, p) : parse_list(tag, v, p);
}

static nos_status_t parse_body(span_t body, struct policy *p)
{
    struct tlv_iter it;
    uint32_t seen = 0;
    uint16_t tag;
    span_t value;
    bool more = true;

    tlv_init(&it, body);
    nos_status_t st = tlv_next(&it, &tag, &value, &more);
    while (st == NOS_OK && more) {
        seen |= seen_bit(tag);
        st = parse_record(tag, value, p);
        if (st == NOS_OK) {
            st = tlv_next(&it, &tag, &value, &more);
        }
    }
    if (st == NOS_OK && seen != SEEN_MANDATORY) {
        st = NOS_POL_MISSING;
    }
    return st == NOS_OK ? check_rule_grants(p) : st;
}

nos_status_t policy_parse(span_t file, struct policy *out)
{
    struct policy p = { 0 };

    nos_status_t st = policy_extract(file, &p.view);
    if (st == NOS_OK) {
        st = parse_body(p.view.body, &p);
    }
    if (st == NOS_OK) {
        *out = p;
    }
    return st;
}
