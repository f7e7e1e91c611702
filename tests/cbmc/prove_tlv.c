/* lib/tlv.c: the one encoding of manifests and policies. A step of the reader and a step of the writer, each from any
 * state that there can be. Together: what the reader takes to its end is, byte for byte, what the writer makes of the
 * same records, for inputs of any length. */
#include "tests/cbmc/proof.h"

#define memcpy short_memcpy
#include "lib/tlv.c"

static const nos_status_t refusals[] = { NOS_TLV_TRUNCATED, NOS_TLV_RESERVED, NOS_TLV_DUPLICATE, NOS_TLV_ORDER };

static bool is_refusal(nos_status_t st)
{
    return st == refusals[0] || st == refusals[1] || st == refusals[2] || st == refusals[3];
}

/* tlv_next: a record whose eight bytes of header have one form, inside the input, of a higher tag than before; the
 * rest begins right behind it. Or a refusal by name, and nothing touched
 * bound: 0 to 2^40 bytes of any content, any tag before
 * planted: lib/tlv.c: return tag > last ? NOS_OK => return tag >= last - 1 ? NOS_OK
 * planted: lib/tlv.c: if (load_le16(head.data + 2) != 0) { => if (load_le16(head.data + 2) > 1) {
 * planted: lib/tlv.c: span_from(it->rest, NOS_TLV_HDR + (size_t)len, &rest) => span_from(it->rest, NOS_TLV_HDR + (size_t)(len / 2), &rest) */
void prove_tlv_next(void)
{
    const span_t mark = { (const uint8_t *)1, 7 };
    size_t len = nondet_u64();
    int32_t last = (int32_t)(nondet_u16() | 0) - (nondet_bool() ? 1 : 0);
    uint16_t tag = 1;
    uint8_t head[NOS_TLV_HDR];
    span_t value = mark;
    bool more = true;

    assume(len <= 1ull << 40);
    span_t in = span_of(any_bytes(len), len);
    struct tlv_iter it = { .rest = in, .last = last };
    nos_status_t st = tlv_next(&it, &tag, &value, &more);
    if (st != NOS_OK || !more) {
        claim(st == NOS_OK ? len == 0 : is_refusal(st), "the end is where nothing is left; a refusal has its name");
        claim(tag == 1 && value.data == mark.data && value.len == mark.len, "untouched");
        return;
    }
    claim((int32_t)tag > last && it.last == tag, "tags rise");
    claim(value.len <= len - NOS_TLV_HDR && value.data == in.data + NOS_TLV_HDR, "the value is inside");
    claim(it.rest.len == len - NOS_TLV_HDR - value.len, "what is left");
    claim(it.rest.data == value.data + value.len, "no byte between two records");
    store_le16(head, tag);
    store_le16(head + 2, 0);
    store_le32(head + 4, (uint32_t)value.len);
    claim(memcmp(head, in.data, NOS_TLV_HDR) == 0, "a header has one form");
}

/* tlv_put: header and value behind what is there, inside the room; else nothing more, and the first mistake stays
 * bound: a room of 0 to 32 bytes used to any place, a value of 0 to 8 bytes; any tags and any status before
 * unwind: 10
 * planted: lib/tlv.c: if (w->status != NOS_OK) {
        return;
    }
    w->status = tlv_order => w->status = tlv_order
 * planted: lib/tlv.c: NOS_TLV_HDR + value.len, &record) => NOS_TLV_HDR + value.len / 2, &record) */
void prove_tlv_put(void)
{
    size_t room = nondet_u64(), used = nondet_u64(), len = nondet_u64(), i = nondet_u64();
    uint16_t tag = nondet_u16();
    struct tlv_iter it;
    span_t value, out = { NULL, 0 };
    bool more;

    assume(room <= 32 && used <= room && len <= 8 && i < used);
    uint8_t *bytes = any_bytes(room), *from = any_bytes(len), old = bytes[i];
    struct tlv_writer w = { mspan_of(bytes, room), used, (int32_t)nondet_u16() - (nondet_bool() ? 1 : 0),
                            nondet_bool() ? NOS_OK : NOS_TOO_BIG };
    struct tlv_writer before = w;
    tlv_put(&w, tag, span_of(from, len));
    bool put = before.status == NOS_OK && (int32_t)tag > before.last && room - used >= NOS_TLV_HDR + len;
    claim((w.status == NOS_OK) == put, "put exactly when it is in order and there is room");
    claim(IMPLIES(before.status != NOS_OK, w.status == before.status), "the first mistake stays");
    claim(w.used == (put ? used + NOS_TLV_HDR + len : used) && bytes[i] == old, "behind what is there");
    claim(tlv_write_end(&w, &out) == w.status && out.len == (put ? w.used : 0), "only a good one is given out");
    if (put) {
        it = (struct tlv_iter){ .rest = span_of(bytes + used, w.used - used), .last = before.last };
        nos_status_t st = tlv_next(&it, &tag, &value, &more);
        claim(st == NOS_OK && more && it.last == w.last && it.rest.len == 0, "the reader takes it");
        claim(span_equal(value, span_of(from, len)), "the value");
    }
}
