#pragma once
/* Changes to records of TLV instead of bytes: a value, a length, a record that goes, comes or comes
 * twice; what is written again is well-formed but for one time in eight. `head` bytes stand before
 * the records and are changed as bytes. Included by the target whose mutator it is. */
#include "fuzz/fuzz.h"
#include "lib/tlv.h"

size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max_size);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned seed);

enum { TLV_RECORDS = 24, TLV_VALUE = 1 << 12, TLV_ALL = 1 << 16 };

struct tlv_record {
    uint16_t tag;
    uint16_t len;
    uint8_t value[TLV_VALUE];
};

static struct tlv_record tlv_room[TLV_RECORDS + 1];

static unsigned tlv_read(span_t bytes)
{
    struct tlv_iter it;
    span_t value;
    uint16_t tag;
    bool more = true;
    unsigned n = 0;

    tlv_init(&it, bytes);
    while (n < TLV_RECORDS && tlv_next(&it, &tag, &value, &more) == NOS_OK && more &&
           value.len <= TLV_VALUE) {
        tlv_room[n].tag = tag;
        tlv_room[n].len = (uint16_t)value.len;
        memcpy(tlv_room[n++].value, value.data, value.len);
    }
    return n;
}

/* Put at its place in the order; a second one of its tag takes the first one's. */
static unsigned tlv_add(unsigned n, const struct tlv_record *r)
{
    unsigned i = 0;

    while (i < n && tlv_room[i].tag < r->tag) {
        i++;
    }
    if (i == n || tlv_room[i].tag != r->tag) {
        memmove(&tlv_room[i + 1], &tlv_room[i], (n - i) * sizeof tlv_room[0]);
        n++;
    }
    tlv_room[i] = *r;
    return n;
}

static unsigned tlv_change(unsigned n, unsigned how)
{
    static struct tlv_record r;
    unsigned i = n == 0 ? 0 : how / 8 % n;

    if (n > 0 && how % 8 < 5) {  // mostly a value, of any length or of the one that it had
        size_t len = LLVMFuzzerMutate(tlv_room[i].value, tlv_room[i].len, TLV_VALUE);
        tlv_room[i].len = how % 8 < 3 && tlv_room[i].len != 0 ? tlv_room[i].len : (uint16_t)len;
    } else if (n > 0 && how % 8 == 5) {
        memmove(&tlv_room[i], &tlv_room[i + 1], (n - i - 1) * sizeof tlv_room[0]);
        n--;
    } else if (n < TLV_RECORDS) {
        static const uint16_t base[] = { 0x8000, 0x0010, 0x0020, 0x8008 };
        r = n > 0 ? tlv_room[i] : (struct tlv_record){ .len = 4 };
        r.tag = (uint16_t)(base[how / 256 % 4] + how / 1024 % 16);
        n = tlv_add(n, &r);
    }
    return n;
}

/* Units: bytes at `to`; 0 when they do not fit. */
static size_t tlv_write(unsigned n, mspan_t to)
{
    struct tlv_writer w;
    span_t all;

    tlv_write_init(&w, to);
    for (unsigned i = 0; i < n; i++) {
        tlv_put(&w, tlv_room[i].tag, span_of(tlv_room[i].value, tlv_room[i].len));
    }
    return tlv_write_end(&w, &all) == NOS_OK ? all.len : 0;
}

static size_t tlv_mutate(uint8_t *data, size_t size, size_t max_size, size_t head, unsigned seed)
{
    static uint8_t room[TLV_ALL];

    if (seed % 8 == 0 || size < head || max_size < head || max_size > TLV_ALL) {
        return LLVMFuzzerMutate(data, size, max_size);
    }
    unsigned n = tlv_change(tlv_read(span_of(data + head, size - head)), seed / 8);
    size_t len = tlv_write(n, mspan_of(room, max_size - head));
    if (len == 0) {
        return LLVMFuzzerMutate(data, size, max_size);
    }
    memcpy(data + head, room, len);
    return head + len;
}
