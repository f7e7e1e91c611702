/*
 * Canonical TLV. The reader refuses every byte string but the one that the writer makes, so there
 * are no two files with one meaning and nothing hides between records.
 */
#include "lib/tlv.h"

#include <string.h>

void tlv_init(struct tlv_iter *it, span_t tlv)
{
    *it = (struct tlv_iter){ .rest = tlv, .last = -1 };
}

static nos_status_t tlv_order(int32_t last, uint16_t tag)
{
    if (tag == last) {
        return NOS_TLV_DUPLICATE;
    }
    return tag > last ? NOS_OK : NOS_TLV_ORDER;
}

nos_status_t tlv_next(struct tlv_iter *it, uint16_t *tag, span_t *value, bool *more)
{
    span_t head = { 0 }, v, rest;

    if (it->rest.len == 0) {
        *more = false;
        return NOS_OK;
    }
    if (!span_cut(it->rest, 0, NOS_TLV_HDR, &head)) {
        return NOS_TLV_TRUNCATED;
    }
    uint16_t t = load_le16(head.data);
    uint32_t len = load_le32(head.data + 4);
    if (load_le16(head.data + 2) != 0) {
        return NOS_TLV_RESERVED;
    }
    nos_status_t st = tlv_order(it->last, t);
    if (st != NOS_OK) {
        return st;
    }
    /* uncovered(1): the value was inside, so is its end */
    if (!span_cut(it->rest, NOS_TLV_HDR, len, &v) ||
        !span_from(it->rest, NOS_TLV_HDR + (size_t)len, &rest)) {
        return NOS_TLV_TRUNCATED;
    }
    it->rest = rest;
    it->last = t;
    *tag = t;
    *value = v;
    *more = true;
    return NOS_OK;
}

nos_status_t tlv_unknown(uint16_t tag)
{
    return (tag & NOS_TLV_CRITICAL_BIT) != 0 ? NOS_TLV_CRITICAL : NOS_OK;
}

void tlv_write_init(struct tlv_writer *w, mspan_t room)
{
    *w = (struct tlv_writer){ .room = room, .last = -1, .status = NOS_OK };
}

void tlv_put(struct tlv_writer *w, uint16_t tag, span_t value)
{
    mspan_t record;

    if (w->status != NOS_OK) {
        return;
    }
    w->status = tlv_order(w->last, tag);
    if (w->status != NOS_OK) {
        return;
    }
    if (value.len > UINT32_MAX || !mspan_cut(w->room, w->used, NOS_TLV_HDR + value.len, &record)) {
        w->status = NOS_TOO_BIG;
        return;
    }
    store_le16(record.data, tag);
    store_le16(record.data + 2, 0);
    store_le32(record.data + 4, (uint32_t)value.len);
    if (value.len != 0) {
        memcpy(record.data + NOS_TLV_HDR, value.data, value.len);
    }
    w->used += record.len;
    w->last = tag;
}

void tlv_put_le32(struct tlv_writer *w, uint16_t tag, uint32_t value)
{
    uint8_t bytes[4];
    store_le32(bytes, value);
    tlv_put(w, tag, SPAN_OF(bytes));
}

nos_status_t tlv_write_end(const struct tlv_writer *w, span_t *out)
{
    if (w->status == NOS_OK) {
        *out = span_of(w->room.data, w->used);
    }
    return w->status;
}
