/* lib/span.h: bytes from outside. */
#include "tests/cbmc/proof.h"

#include "lib/span.c"

enum { MANY = 16 };

static span_t any_span(size_t most)
{
    size_t len = nondet_u64();
    assume(len <= most);
    return span_of(len == 0 && nondet_bool() ? NULL : any_bytes(len), len);
}

/* Would [off, off + len) lie inside? Without a sum that could wrap. */
static bool inside(size_t all, size_t off, size_t len)
{
    return off <= all && len <= all - off;
}

/* span_cut, span_from, span_take, mspan_cut: exactly what lies inside, or refused and nothing touched
 * bound: spans of 0 to 2^40 bytes, NULL among the empty ones; all offsets and lengths
 * planted: lib/span.h: if (__builtin_add_overflow(off, len, &end) || end > s.len) { => end = off + len; if (end > s.len) { */
void prove_span_cut(void)
{
    span_t s = any_span(1ull << 40), before = s;
    size_t off = nondet_u64(), len = nondet_u64();
    const span_t mark = { (const uint8_t *)1, nondet_u64() };
    span_t out = mark;

    bool cut = span_cut(s, off, len, &out);
    claim(cut == inside(s.len, off, len), "refused exactly when not inside");
    claim(out.len == (cut ? len : mark.len), "length asked for, or untouched");
    claim(out.data == (!cut ? mark.data : off == 0 ? s.data : s.data + off), "place asked for, or untouched");
    claim(IMPLIES(cut && len != 0, __CPROVER_r_ok(out.data, len)), "all of it can be read");

    out = mark;
    bool from = span_from(s, off, &out);
    claim(from == (off <= s.len), "the rest, if there is one");
    claim(out.len == (from ? s.len - off : mark.len), "all of the rest");

    out = mark;
    bool took = span_take(&s, len, &out);
    claim(took == (len <= before.len), "taken exactly when there are as many");
    claim(took ? out.len == len && out.data == before.data && s.len == before.len - len
               : out.len == mark.len && s.len == before.len && s.data == before.data,
          "both halves, or both untouched");

    mspan_t m = { (uint8_t *)before.data, before.len }, mout = { NULL, 7 };
    bool mcut = mspan_cut(m, off, len, &mout);
    claim(mcut == cut && mout.len == (cut ? len : 7), "as span_cut");
}

/* span_u8, span_le16, span_le32, span_le64: the little-endian number there, or refused and nothing touched
 * bound: spans of 0 to 16 bytes of any content; all offsets
 * planted: lib/span.h: if (off >= s.len) { => if (off > s.len) { */
void prove_span_numbers(void)
{
    span_t s = any_span(MANY);
    size_t off = nondet_u64();
    uint8_t n8 = 1;
    uint16_t n16 = 1;
    uint32_t n32 = 1;
    uint64_t n64 = 1, sum = 0;

    bool got8 = span_u8(s, off, &n8), got16 = span_le16(s, off, &n16);
    bool got32 = span_le32(s, off, &n32), got64 = span_le64(s, off, &n64);
    claim(got8 == inside(s.len, off, 1) && got16 == inside(s.len, off, 2), "only what is inside");
    claim(got32 == inside(s.len, off, 4) && got64 == inside(s.len, off, 8), "only what is inside");
    claim((got8 || n8 == 1) && (got16 || n16 == 1) && (got32 || n32 == 1) && (got64 || n64 == 1),
          "untouched when refused");
    for (size_t i = 0; got64 && i < 8; i++) {
        sum |= (uint64_t)s.data[off + i] << (8 * i);
    }
    claim(IMPLIES(got64, n64 == sum && n32 == (uint32_t)(sum & UINT32_MAX) && n16 == (uint16_t)(sum & UINT16_MAX) &&
                             n8 == (uint8_t)(sum & UINT8_MAX)),
          "little-endian");
}

/* store_leN, then load_leN: the same number, and no byte beside it written
 * bound: all numbers
 * planted: lib/span.h: p[1] = (uint8_t)(v >> 8); => p[1] = (uint8_t)(v >> 8); p[2] = 0; */
void prove_span_store(void)
{
    uint8_t *to = any_bytes(8), two[3] = { 1, 2, 3 };
    uint64_t v = nondet_u64();

    store_le64(to, v);
    claim(load_le64(to) == v, "64 bits come back");
    store_le32(to, (uint32_t)(v & UINT32_MAX));
    claim(load_le32(to) == (v & UINT32_MAX) && load_le32(to + 4) == v >> 32, "32 bits, and no more");
    store_le16(two, (uint16_t)(v & UINT16_MAX));
    claim(load_le16(two) == (v & UINT16_MAX) && two[2] == 3, "16 bits, and no more");
}

/* span_is_zero, span_equal: what their names say
 * bound: spans of 0 to 16 bytes of any content
 * unwind: 18
 * planted: lib/span.c: memcmp(s.data, s.data + 1, s.len - 1) => memcmp(s.data, s.data + 1, s.len) */
void prove_span_compare(void)
{
    span_t a = any_span(MANY), b = any_span(MANY);
    bool zero = true, equal = a.len == b.len;

    for (size_t i = 0; i < a.len; i++) {
        zero &= a.data[i] == 0;
        equal = equal && a.data[i] == b.data[i];
    }
    claim(span_is_zero(a) == zero, "zero");
    claim(span_equal(a, b) == equal, "equal");
}
