/* TLV: what the reader accepts, the writer makes again byte for byte. */
#include "fuzz/fuzz.h"
#include "lib/tlv.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct tlv_iter it;
    struct tlv_writer w;
    uint16_t tag;
    span_t value, again;
    bool more = true;
    uint8_t *room = malloc(size + 1);

    PROMISE(room != NULL);
    tlv_init(&it, span_of(data, size));
    tlv_write_init(&w, mspan_of(room, size));
    nos_status_t st = tlv_next(&it, &tag, &value, &more);
    while (st == NOS_OK && more) {
        PROMISE(fuzz_inside(value, span_of(data, size)));
        tlv_put(&w, tag, value);
        st = tlv_next(&it, &tag, &value, &more);
    }
    if (st == NOS_OK) {
        PROMISE(tlv_write_end(&w, &again) == NOS_OK);
        PROMISE(span_equal(again, span_of(data, size)));
    }
    free(room);
    return 0;
}
