/*
 * Frames: the input is what a line brings, in pieces whose length its first byte says. A good frame
 * behind it must always come out, because no noise may keep the channel from recovering.
 */
#include "fuzz/fuzz.h"
#include "lib/frame.h"

static struct frame_decoder decoder;

static void feed(span_t bytes, size_t piece, unsigned *n, struct frame *last)
{
    span_t part;
    while (bytes.len != 0 && span_take(&bytes, bytes.len < piece ? bytes.len : piece, &part)) {
        while (frame_feed(&decoder, &part, last)) {
            PROMISE(last->payload.len <= NOS_MG_PAYLOAD);
            ++*n;
        }
        PROMISE(part.len == 0 && decoder.have < FRAME_MAX);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static uint8_t room[FRAME_MAX], flush[FRAME_MAX];
    struct frame f = { .verb = NOS_MG_INFO, .seq = 0x12345678 }, last = { 0 };
    unsigned n = 0;
    size_t len, piece = size == 0 ? 1 : (size_t)data[0] + 1;

    f.payload = span_of(data, size < NOS_MG_PAYLOAD ? size : NOS_MG_PAYLOAD);
    PROMISE(frame_encode(&f, MSPAN_OF(room), &len) == NOS_OK);
    frame_decoder_init(&decoder);
    feed(span_of(data, size), piece, &n, &last);
    unsigned before = n;
    feed(span_of(room, len), piece, &n, &last);
    feed(SPAN_OF(flush), piece, &n, &last);  // pushes out a header that was waiting for its payload
    PROMISE(n > before);

    uint64_t counter;
    span_t args;
    static const uint8_t key[32] = { 1 };
    PROMISE(size % 16 != 8 /* a signature is dear */ ||
            mg_verify(span_of(data, size), NOS_MG_KILL, key, 0, key, &args, &counter) != NOS_OK);
    return 0;
}
