/* Records of a policy, by index and by key. Publishers and rules are sorted, so looking one up is a
 * binary search. */
#include "lib/policy.h"

#include <string.h>

#include "lib/cap.h"

enum { PUBLISHER_LEN = 80, RULE_LEN = 96, START_LEN = 80 };

static bool record_at(span_t records, uint32_t i, size_t len, span_t *out)
{
    return span_cut(records, (size_t)i * len, len, out);
}

bool policy_publisher_at(const struct policy *p, uint32_t i, struct nos_pol_publisher *out)
{
    span_t s;
    if (!record_at(p->publishers, i, PUBLISHER_LEN, &s)) {
        return false;
    }
    memcpy(out->id, s.data, 32);
    memcpy(out->pk, s.data + 32, 32);
    out->classes = load_le32(s.data + 64);
    out->flags = load_le32(s.data + 68);
    out->sec_min = load_le32(s.data + 72);
    out->rsv = load_le32(s.data + 76);
    return true;
}

void policy_publisher_write(const struct nos_pol_publisher *r, uint8_t out[80])
{
    memcpy(out, r->id, 32);
    memcpy(out + 32, r->pk, 32);
    store_le32(out + 64, r->classes);
    store_le32(out + 68, r->flags);
    store_le32(out + 72, r->sec_min);
    store_le32(out + 76, r->rsv);
}

bool policy_publisher(const struct policy *p, const uint8_t id[32], struct nos_pol_publisher *out)
{
    struct nos_pol_publisher r;
    uint32_t lo = 0, hi = p->n_publishers;

    while (lo < hi) {
        uint32_t mid = lo + (hi - lo) / 2;
        /* uncovered(1): mid lies below their number */
        if (!policy_publisher_at(p, mid, &r)) {
            return false;
        }
        int order = memcmp(r.id, id, 32);
        if (order == 0) {
            *out = r;
            return true;
        }
        if (order < 0) {
            lo = mid + 1;
        } else {
            hi = mid;
        }
    }
    return false;
}

bool policy_rule_at(const struct policy *p, uint32_t i, struct nos_pol_rule *out)
{
    span_t s;
    if (!record_at(p->rules, i, RULE_LEN, &s)) {
        return false;
    }
    out->match = load_le32(s.data);
    out->grants_at = load_le32(s.data + 4);
    out->grants_n = load_le32(s.data + 8);
    out->sec_min = load_le32(s.data + 12);
    out->classes = load_le32(s.data + 16);
    out->mem_pages = load_le32(s.data + 20);
    out->priority = load_le32(s.data + 24);
    out->flags = s.data[28];
    out->cpu_percent = s.data[29];
    out->rsv = load_le16(s.data + 30);
    memcpy(out->id, s.data + 32, 32);
    memcpy(out->name_hash, s.data + 64, 32);
    return true;
}

void policy_rule_write(const struct nos_pol_rule *r, uint8_t out[96])
{
    store_le32(out, r->match);
    store_le32(out + 4, r->grants_at);
    store_le32(out + 8, r->grants_n);
    store_le32(out + 12, r->sec_min);
    store_le32(out + 16, r->classes);
    store_le32(out + 20, r->mem_pages);
    store_le32(out + 24, r->priority);
    out[28] = r->flags;
    out[29] = r->cpu_percent;
    store_le16(out + 30, r->rsv);
    memcpy(out + 32, r->id, 32);
    memcpy(out + 64, r->name_hash, 32);
}

int policy_rule_compare(const struct nos_pol_rule *a, const struct nos_pol_rule *b)
{
    if (a->match != b->match) {
        return a->match < b->match ? -1 : 1;
    }
    int order = memcmp(a->id, b->id, sizeof a->id);
    return order != 0 ? order : memcmp(a->name_hash, b->name_hash, sizeof a->name_hash);
}

static bool find_rule(const struct policy *p, const struct nos_pol_rule *key,
                      struct nos_pol_rule *out)
{
    struct nos_pol_rule r;
    uint32_t lo = 0, hi = p->n_rules;

    while (lo < hi) {
        uint32_t mid = lo + (hi - lo) / 2;
        /* uncovered(1): mid lies below their number */
        if (!policy_rule_at(p, mid, &r)) {
            return false;
        }
        int order = policy_rule_compare(&r, key);
        if (order == 0) {
            *out = r;
            return true;
        }
        if (order < 0) {
            lo = mid + 1;
        } else {
            hi = mid;
        }
    }
    return false;
}

bool policy_rule(const struct policy *p, const uint8_t module_id[32],
                 const uint8_t publisher_id[32], const uint8_t name_hash[32],
                 struct nos_pol_rule *out)
{
    struct nos_pol_rule key = { .match = NOS_MATCH_ID };

    memcpy(key.id, module_id, 32);
    if (find_rule(p, &key, out)) {
        return true;
    }
    key.match = NOS_MATCH_NAME;
    memcpy(key.id, publisher_id, 32);
    memcpy(key.name_hash, name_hash, 32);
    return find_rule(p, &key, out);
}

bool policy_grant(const struct policy *p, uint32_t i, struct nos_cap *out)
{
    return cap_read(p->grants, i, out);
}

bool policy_boot_file(const struct policy *p, uint32_t i, char out[NOS_NAME_MAX])
{
    span_t s;
    if (!record_at(p->boot, i, NOS_NAME_MAX, &s)) {
        return false;
    }
    memcpy(out, s.data, NOS_NAME_MAX);
    return true;
}

bool policy_start(const struct policy *p, uint32_t i, struct nos_pol_start *out)
{
    span_t s;
    if (!record_at(p->start, i, START_LEN, &s)) {
        return false;
    }
    memcpy(out->name, s.data, sizeof out->name);
    memcpy(out->arg, s.data + sizeof out->name, sizeof out->arg);
    return true;
}
