/* lib/frame.h: frames over a line that loses, gains and changes bytes; the operator's signature. */
#include "lib/frame.h"
#include "tests/host/golden.h"
#include "tests/host/test.h"

static struct frame_decoder d;

/* Feed in pieces of `piece` bytes; the number of good frames, the last one's verb in *verb. */
static unsigned feed(span_t s, size_t piece, struct frame *last)
{
    unsigned n = 0;
    frame_decoder_init(&d);
    while (s.len != 0) {
        span_t part;
        assert_true(span_take(&s, s.len < piece ? s.len : piece, &part));
        struct buf b = buf_copy(part);  // the decoder must not keep pointers into it
        span_t in = buf_span(b);
        while (frame_feed(&d, &in, last)) {
            n++;
        }
        assert_int_equal(in.len, 0);
        buf_free(&b);
    }
    return n;
}

static void test_round_trip(void **state)
{
    uint8_t payload[NOS_MG_PAYLOAD];
    struct frame out;
    (void)state;
    memset(payload, 0x5a, sizeof payload);
    const size_t lens[] = { 0, 1, 100, NOS_MG_PAYLOAD };
    for (size_t i = 0; i < ARRAY_LEN(lens); i++) {
        struct buf b = golden_frame(span_of(payload, lens[i]));
        const size_t pieces[] = { 1, 7, 32, 33, 100000 };
        for (size_t k = 0; k < ARRAY_LEN(pieces); k++) {
            assert_int_equal(feed(buf_span(b), pieces[k], &out), 1);
            assert_int_equal(d.dropped, 0);
        }
        span_t in = buf_span(b);
        frame_decoder_init(&d);
        assert_true(frame_feed(&d, &in, &out));
        assert_int_equal(out.verb, NOS_MG_INFO);
        assert_int_equal(out.flags, NOS_MG_LAST);
        assert_int_equal(out.seq, 42);
        assert_int_equal(out.status, -5);
        assert_true(span_equal(out.payload, span_of(payload, lens[i])));
        buf_free(&b);
    }
}

static void test_encode_limits(void **state)
{
    static uint8_t room[FRAME_MAX], payload[NOS_MG_PAYLOAD + 1];
    struct frame f = { .payload = SPAN_OF(payload) };
    size_t len = 7;
    (void)state;
    assert_int_equal(frame_encode(&f, MSPAN_OF(room), &len), NOS_TOO_BIG);
    f.payload.len = 10;
    assert_int_equal(frame_encode(&f, mspan_of(room, 41), &len), NOS_TOO_BIG);
    f.flags = 2;
    assert_int_equal(frame_encode(&f, MSPAN_OF(room), &len), NOS_INVALID);
    assert_int_equal(len, 7);
    // A payload that was put together in the room itself.
    memset(room + 3, 'x', 10);
    f = (struct frame){ .payload = span_of(room + 3, 10) };
    assert_int_equal(frame_encode(&f, MSPAN_OF(room), &len), NOS_OK);
    assert_memory_equal(room + 32, "xxxxxxxxxx", 10);
}

static void test_every_bit(void **state)
{
    struct buf b = golden_frame(SPAN_LIT("some payload"));
    struct frame out;
    (void)state;
    for (size_t bit = 0; bit < b.len * 8; bit++) {
        b.data[bit / 8] ^= (uint8_t)(1u << (bit % 8));
        assert_int_equal(feed(buf_span(b), 1000, &out), 0);
        b.data[bit / 8] ^= (uint8_t)(1u << (bit % 8));
    }
    for (size_t len = 0; len < b.len; len++) {
        assert_int_equal(feed(span_of(b.data, len), 5, &out), 0);
    }
    buf_free(&b);
}

/* After any damage the next good frames are found. */
static void test_resynchronise(void **state)
{
    struct buf f = golden_frame(SPAN_LIT("first")), g = golden_frame(SPAN_LIT("N0NMN0NM second"));
    struct frame out;
    (void)state;
    for (size_t cut = 0; cut <= f.len; cut++) {  // a frame that breaks off, then two whole ones
        struct buf line = buf_new(cut + 2 * g.len);
        memcpy(line.data, f.data, cut);
        memcpy(line.data + cut, g.data, g.len);
        memcpy(line.data + cut + g.len, g.data, g.len);
        // a header with a length swallows what follows until its check fails; then it is found
        // inside
        unsigned n = feed(buf_span(line), 13, &out);
        assert_int_equal(n, cut == f.len ? 3 : 2);
        assert_int_equal(d.dropped, cut == f.len ? 0 : cut);
        buf_free(&line);
    }
    struct buf twice = buf_new(2 * g.len);
    memcpy(twice.data, g.data, g.len);
    memcpy(twice.data + g.len, g.data, g.len);
    assert_int_equal(feed(buf_span(twice), twice.len, &out), 2);  // the second without more input
    buf_free(&twice);
    struct buf noise = buf_new(5000 + g.len);
    for (size_t i = 0; i < 5000; i++) {
        noise.data[i] = (uint8_t)("N0NM\1"[i % 5]);
    }
    memcpy(noise.data + 5000, g.data, g.len);
    assert_int_equal(feed(buf_span(noise), 999, &out), 1);
    assert_int_equal(d.dropped, 5000);
    buf_free(&noise);
    buf_free(&f);
    buf_free(&g);
}

static void test_header_rules(void **state)
{
    static const size_t at[] = { 4, 5, 14, 20,
                                 23 };  // version, flags, length (above the cap), reserved
    struct frame out;
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(at); i++) {
        struct buf b = golden_frame(SPAN_LIT(""));
        b.data[at[i]] = 0x82;
        assert_int_equal(feed(buf_span(b), 1000, &out), 0);
        assert_int_equal(d.bad, 0);  // refused before the check is computed
        assert_int_equal(d.have, 0);
        buf_free(&b);
    }
}

static void test_signed_requests(void **state)
{
    struct golden_key op = golden_key(GOLDEN_OPERATOR);
    uint8_t room[200] = "kill seven", nonce[32], other[32];
    size_t len;
    span_t args;
    uint64_t counter;
    (void)state;
    memset(nonce, 3, 32);
    memset(other, 4, 32);
    assert_int_equal(mg_sign(mspan_of(room, 10 + 71), 10, NOS_MG_KILL, nonce, 5, op.sk, &len),
                     NOS_TOO_BIG);
    assert_int_equal(mg_sign(MSPAN_OF(room), 10, NOS_MG_KILL, nonce, 5, op.sk, &len), NOS_OK);
    assert_int_equal(len, 10 + MG_SIGNED_TAIL);
    span_t p = span_of(room, len);
    assert_int_equal(mg_verify(p, NOS_MG_KILL, nonce, 5, op.pk, &args, &counter), NOS_OK);
    assert_true(span_equal(args, SPAN_LIT("kill seven")));
    assert_int_equal(counter, 5);
    assert_int_equal(mg_verify(p, NOS_MG_KILL, nonce, 6, op.pk, &args, &counter),
                     NOS_INVALID);  // replayed
    assert_int_equal(mg_verify(p, NOS_MG_POWER, nonce, 5, op.pk, &args, &counter),
                     NOS_BAD_SIGNATURE);
    assert_int_equal(mg_verify(p, NOS_MG_KILL, other, 5, op.pk, &args, &counter),
                     NOS_BAD_SIGNATURE);
    assert_int_equal(mg_verify(p, NOS_MG_KILL, nonce, 5, golden_key(9).pk, &args, &counter),
                     NOS_BAD_SIGNATURE);
    for (size_t bit = 0; bit < len * 8; bit++) {
        room[bit / 8] ^= (uint8_t)(1u << (bit % 8));
        assert_true(mg_verify(p, NOS_MG_KILL, nonce, 5, op.pk, &args, &counter) != NOS_OK);
        room[bit / 8] ^= (uint8_t)(1u << (bit % 8));
    }
    for (size_t n = 0; n < MG_SIGNED_TAIL; n++) {
        struct buf b = buf_copy(span_of(room, n));
        assert_int_equal(mg_verify(buf_span(b), NOS_MG_KILL, nonce, 0, op.pk, &args, &counter),
                         NOS_BAD_MESSAGE);
        buf_free(&b);
    }
    assert_int_equal(mg_sign(MSPAN_OF(room), 0, NOS_MG_KILL, nonce, UINT64_MAX, op.sk, &len),
                     NOS_OK);
    assert_int_equal(mg_verify(span_of(room, len), NOS_MG_KILL, nonce, 0, op.pk, &args, &counter),
                     NOS_INVALID);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round_trip),   cmocka_unit_test(test_encode_limits),
        cmocka_unit_test(test_every_bit),    cmocka_unit_test(test_resynchronise),
        cmocka_unit_test(test_header_rules), cmocka_unit_test(test_signed_requests),
    };
    return cmocka_run_group_tests_name("mgframe", tests, NULL, NULL);
}
