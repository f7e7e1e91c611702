/*
 * Capability records. One table says for each kind what its object fields may hold; the checks, the
 * class and the handle type all come from abi/caps.h's list, so a kind cannot be known to one and
 * not to the other.
 */
#include "lib/cap.h"

#include <string.h>

#include "lib/text.h"

bool cap_read(span_t caps, size_t i, struct nos_cap *out)
{
    span_t s;
    if (i > caps.len / CAP_BYTES || !span_cut(caps, i * CAP_BYTES, CAP_BYTES, &s)) {
        return false;
    }
    out->kind = load_le16(s.data);
    out->rsv = load_le16(s.data + 2);
    out->rights = load_le32(s.data + 4);
    out->a = load_le64(s.data + 8);  // the name is the same bytes
    out->b = load_le64(s.data + 16);
    out->ttl_ns = load_le64(s.data + 24);
    return true;
}

void cap_write(const struct nos_cap *cap, uint8_t out[CAP_BYTES])
{
    store_le16(out, cap->kind);
    store_le16(out + 2, cap->rsv);
    store_le32(out + 4, cap->rights);
    store_le64(out + 8, cap->a);
    store_le64(out + 16, cap->b);
    store_le64(out + 24, cap->ttl_ns);
}

uint32_t cap_class(uint32_t kind)
{
    switch (kind) {
#define X(name, value, text, type, cls) \
    case value: \
        return NOS_CLASS_##cls;
        NOS_CAP_KIND_LIST(X)
#undef X
    default:
        return 0;
    }
}

uint32_t cap_type(uint32_t kind)
{
    switch (kind) {
#define X(name, value, text, type, cls) \
    case value: \
        return NOS_TYPE_##type;
        NOS_CAP_KIND_LIST(X)
#undef X
    default:
        return NOS_TYPE_NONE;
    }
}

const char *cap_kind_name(uint32_t kind)
{
    switch (kind) {
#define X(name, value, text, type, cls) \
    case value: \
        return text;
        NOS_CAP_KIND_LIST(X)
#undef X
    default:
        return "?";
    }
}

bool cap_has_name(uint32_t kind)
{
    return kind == NOS_CAP_ENDPOINT || kind == NOS_CAP_NOTIFY || kind == NOS_CAP_NETWORK;
}

static bool object_ok(const struct nos_cap *cap)
{
    if (cap_has_name(cap->kind)) {
        return name16_ok(cap->name);
    }
    switch (cap->kind) {
    case NOS_CAP_PORTS:
        return cap->b >= 1 && cap->b <= 65536 && cap->a <= 65536 - cap->b;
    case NOS_CAP_IRQ:
        return cap->a < 16 && cap->b == 0;
    default:
        return cap->a == 0 && cap->b == 0;
    }
}

nos_status_t cap_check(const struct nos_cap *cap)
{
    bool log = cap->kind == NOS_CAP_LOG;

    if (cap_class(cap->kind) == 0 || cap->rsv != 0) {
        return NOS_MAN_CAP;
    }
    if ((cap->rights & ~(uint32_t)NOS_RIGHT_ALL) != 0 || (cap->rights == 0) != log) {
        return NOS_MAN_CAP;
    }
    return object_ok(cap) ? NOS_OK : NOS_MAN_CAP;
}

int cap_compare(const struct nos_cap *a, const struct nos_cap *b)
{
    uint8_t x[CAP_BYTES], y[CAP_BYTES];

    cap_write(a, x);
    cap_write(b, y);
    int order = memcmp(x, y, 2);
    return order != 0 ? order : memcmp(x + 8, y + 8, 16);
}

static bool object_within(const struct nos_cap *want, const struct nos_cap *granted)
{
    if (want->kind == NOS_CAP_PORTS) {
        // both ends are at most 65536: cap_check
        return want->a >= granted->a && want->a + want->b <= granted->a + granted->b;
    }
    return want->a == granted->a && want->b == granted->b;
}

static uint64_t shorter_life(uint64_t a, uint64_t b)
{
    if (a == 0 || b == 0) {
        return a | b;  // 0 is no end: the other one, if any, counts
    }
    return a < b ? a : b;
}

bool cap_intersect(const struct nos_cap *want, const struct nos_cap *granted, struct nos_cap *out)
{
    if (want->kind != granted->kind || !object_within(want, granted)) {
        return false;
    }
    struct nos_cap both = *want;
    both.rights &= granted->rights;
    both.ttl_ns = shorter_life(want->ttl_ns, granted->ttl_ns);
    if (both.rights == 0 && both.kind != NOS_CAP_LOG) {
        return false;
    }
    *out = both;
    return true;
}
