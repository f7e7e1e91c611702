/* See state.h. What is read is believed in nothing: the writer is another build, and it may be the
 * one with the mistake that the new one is to mend. */
#include "sdk/state.h"

#include <string.h>

enum { AT_VERSION = 8, AT_FORM = 12, AT_HANDLES = 16, AT_RSV = 20, AT_LEN = 24, AT_CHECK = 32 };

static uint64_t fnv(uint64_t h, span_t bytes)
{
    for (size_t i = 0; i < bytes.len; i++) {
        h = (h ^ bytes.data[i]) * 0x100000001b3ull;
    }
    return h;
}

static uint64_t check_of(const uint8_t *head, span_t records)
{
    return fnv(fnv(0xcbf29ce484222325ull, span_of(head, AT_CHECK)), records);
}

void nos_state_open(struct nos_state_out *out, mspan_t room)
{
    mspan_t records = { 0 };

    out->room = room;
    out->n_handles = 0;
    bool fits = mspan_cut(room, NOS_STATE_HEAD, room.len - NOS_STATE_HEAD, &records);
    tlv_write_init(&out->w, fits ? records : mspan_of(room.data, 0));
    out->w.status = fits ? NOS_OK : NOS_TOO_BIG;
}

void nos_state_put(struct nos_state_out *out, uint16_t tag, span_t value)
{
    tlv_put(&out->w, tag, value);
}

void nos_state_put_u64(struct nos_state_out *out, uint16_t tag, uint64_t value)
{
    uint8_t bytes[8];

    store_le64(bytes, value);
    tlv_put(&out->w, tag, SPAN_OF(bytes));
}

uint32_t nos_state_pass(struct nos_state_out *out, nos_handle_t h, uint32_t rights)
{
    if (out->n_handles == NOS_STATE_HANDLES) {
        out->w.status = NOS_TOO_BIG;
        return 0;
    }
    out->handle[out->n_handles].h = h;
    out->handle[out->n_handles].rights = rights;
    return out->n_handles++;
}

nos_status_t nos_state_close(struct nos_state_out *out, uint32_t form, size_t *len)
{
    uint8_t *head = out->room.data;
    span_t records;

    nos_status_t st = tlv_write_end(&out->w, &records);
    if (st != NOS_OK) {
        return st;
    }
    memcpy(head, NOS_STATE_MAGIC, AT_VERSION);
    store_le32(head + AT_VERSION, NOS_STATE_VERSION);
    store_le32(head + AT_FORM, form);
    store_le32(head + AT_HANDLES, out->n_handles);
    store_le32(head + AT_RSV, 0);
    store_le64(head + AT_LEN, records.len);
    store_le64(head + AT_CHECK, check_of(head, records));
    *len = NOS_STATE_HEAD + records.len;
    return NOS_OK;
}

/* Every record must be readable: nos_state_get has no way to say otherwise. */
static bool records_ok(span_t records)
{
    struct tlv_iter it;
    uint16_t tag;
    span_t value;
    bool more = true;

    tlv_init(&it, records);
    while (more) {
        if (tlv_next(&it, &tag, &value, &more) != NOS_OK) {
            return false;
        }
    }
    return true;
}

nos_status_t nos_state_parse(span_t bytes, struct nos_state_in *in)
{
    uint32_t version, form, handles, rsv;
    uint64_t len, check;
    span_t records;

    bool ok = span_le32(bytes, AT_VERSION, &version) && span_le32(bytes, AT_FORM, &form) &&
              span_le32(bytes, AT_HANDLES, &handles) && span_le32(bytes, AT_RSV, &rsv) &&
              span_le64(bytes, AT_LEN, &len) && span_le64(bytes, AT_CHECK, &check) &&
              span_from(bytes, NOS_STATE_HEAD, &records) && len == records.len;
    if (!ok || memcmp(bytes.data, NOS_STATE_MAGIC, AT_VERSION) != 0 ||
        version != NOS_STATE_VERSION || rsv != 0 || handles > NOS_STATE_HANDLES ||
        check != check_of(bytes.data, records) || !records_ok(records)) {
        return NOS_BAD_MESSAGE;
    }
    memset(in, 0, sizeof(*in));
    in->form = form;
    in->n_handles = handles;
    in->records = records;
    return NOS_OK;
}

bool nos_state_get(const struct nos_state_in *in, uint16_t tag, span_t *value)
{
    struct tlv_iter it;
    uint16_t t;
    span_t v;
    bool more = true;

    tlv_init(&it, in->records);
    while (tlv_next(&it, &t, &v, &more) == NOS_OK && more) {
        if (t == tag) {
            *value = v;
            return true;
        }
    }
    return false;
}

bool nos_state_get_u64(const struct nos_state_in *in, uint16_t tag, uint64_t *value)
{
    span_t v;
    return nos_state_get(in, tag, &v) && v.len == 8 && span_le64(v, 0, value);
}

nos_handle_t nos_state_handle(const struct nos_state_in *in, uint64_t number)
{
    return number < in->n_handles ? in->handle[number] : (nos_handle_t){ 0 };
}
