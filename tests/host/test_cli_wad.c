/* cli/wadbill.h, cli/wadfile.h: bills that a forger could write are refused, each for its own
 * reason. */
#include "cli/hex.h"
#include "cli/report.h"
#include "cli/wadbill.h"
#include "lib/base64.h"
#include "lib/crypto/ed25519.h"
#include "tests/host/test.h"

static struct key_secret signer, stranger;

/* The wad of two assets and a licence; `edit` changes a bill's text before it goes in. */
struct forgery {
    const char *from, *to; /* in the statement; NULL: nothing */
    const struct key_secret *by;
    bool after; /* the signature is then of the text before */
    const char *sbom_from, *sbom_to;
};

static struct buf text_buf(const char *text)
{
    struct buf b = { NULL, 0 };
    buf_add(&b, span_of(text, strlen(text)));
    return b;
}

/* Replace the first `from` in `b`; it is there. */
static void replace(struct buf *b, const char *from, const char *to)
{
    struct buf made = { NULL, 0 };
    if (from == NULL) {
        return;
    }
    uint8_t *at = memmem(b->data, b->len, from, strlen(from));
    assert_non_null(at);
    size_t head = (size_t)(at - b->data), tail = head + strlen(from);
    buf_add(&made, span_of(b->data, head));
    buf_add(&made, span_of(to, strlen(to)));
    buf_add(&made, span_of(b->data + tail, b->len - tail));
    buf_free(b);
    *b = made;
}

static char *base64_of(span_t bytes)
{
    size_t room = (bytes.len + 2) / 3 * 4 + 1;
    char *text = must_alloc(room);
    struct fmt f;
    fmt_init(&f, text, room);
    base64_put(&f, bytes);
    return text;
}

/* An envelope as anybody can write one. */
static struct buf envelope(span_t body, const struct key_secret *by, const char *payload_type)
{
    struct buf msg = { NULL, 0 };
    uint8_t sig[ED25519_SIG_LEN];
    bill_dsse_bytes(body, &msg);
    ed25519_sign(sig, buf_span(&msg), by->sk);
    char *b = base64_of(body), *s = base64_of(SPAN_OF(sig));
    char *text = must_printf("{\"payloadType\":\"%s\",\"payload\":\"%s\",\"signatures\":"
                             "[{\"keyid\":\"%s\",\"sig\":\"%s\"}]}",
                             payload_type, b, hex32(by->pub.key_id).text, s);
    struct buf made = text_buf(text);
    free(text);
    free(b);
    free(s);
    buf_free(&msg);
    return made;
}

static struct wad_loaded make(const struct forgery *f)
{
    static const struct wad_source src = { .name = "pack", .version = "1.0.0", .licence = "ISC" };
    struct wad_draft d = { NULL, 0 };
    struct buf a = text_buf("one"), b = text_buf("two"), l = text_buf("ISC");
    struct buf sbom = { NULL, 0 }, body = { NULL, 0 }, file = { NULL, 0 };
    struct wad_loaded w;
    assert_int_equal(draft_add(&d, NOS_WAD_ASSET, "assets/b", &b), DONE);
    assert_int_equal(draft_add(&d, NOS_WAD_LICENCE, "LICENSE", &l), DONE);
    assert_int_equal(draft_add(&d, NOS_WAD_ASSET, "assets/a", &a), DONE);
    draft_sort(&d);
    assert_int_equal(bill_sbom(&src, &d, &sbom), DONE);
    replace(&sbom, f->sbom_from, f->sbom_to);
    bill_provenance(&src, &d, "urn:test", NULL, &body);
    if (!f->after) {
        replace(&body, f->from, f->to);
    }
    struct buf provenance = body;
    if (f->by != NULL) {
        provenance = envelope(buf_span(&body), f->by, BILL_PAYLOAD_TYPE);
        buf_free(&body);
    }
    if (f->after) {
        replace(&provenance, f->from, f->to);
    }
    assert_int_equal(draft_add(&d, NOS_WAD_SBOM, "sbom", &sbom), DONE);
    assert_int_equal(draft_add(&d, NOS_WAD_PROVENANCE, "provenance", &provenance), DONE);
    assert_int_equal(wadfile_make(&d, &file), DONE);
    assert_int_equal(wad_take(&file, &w), DONE);
    draft_free(&d);
    return w;
}

static const char *judged(const struct forgery *f, const struct module_judge *judge,
                          enum bill_signed *state)
{
    struct wad_loaded w = make(f);
    const char *why = bill_check_sbom(&w);
    if (why == NULL) {
        why = bill_check_provenance(&w, judge, state);
    }
    wad_unload(&w);
    return why;
}

#define ONE_SHA256 "7692c3ad3540bb803c020b3aee66cd8887123234ea0c6e7143c0add73ff431ed"

static void test_good(void **state)
{
    const struct module_judge nobody = { 0 };
    struct module_judge judge = { .publisher_pk = signer.pub.pk };
    enum bill_signed how;
    (void)state;
    assert_null(judged(&(struct forgery){ 0 }, &judge, &how));
    assert_int_equal(how, BILL_UNSIGNED);
    assert_null(judged(&(struct forgery){ .by = &signer }, &nobody, &how));
    assert_int_equal(how, BILL_SIGNED);
    assert_null(judged(&(struct forgery){ .by = &signer }, &judge, &how));
    assert_int_equal(how, BILL_BELIEVED);
}

static void test_forged(void **state)
{
    struct key_secret liar = stranger;  // with the signer's id
    memcpy(liar.pub.key_id, signer.pub.key_id, 32);
    const struct {
        struct forgery f;
        const char *says;
    } rows[] = {
        { { .by = &stranger }, "not named to be believed" },
        { { .by = &liar }, "does not verify" },
        { { .by = &signer, .after = true, .from = "\"payload\":\"", .to = "\"payload\":\"Cg==" },
          "malformed" },
        { { .by = &signer, .after = true, .from = "\"payload\":\"ew", .to = "\"payload\":\"fw" },
          "does not verify" },
        { { .by = &signer, .after = true, .from = "application/vnd.in-toto+json", .to = "x/y" },
          "malformed" },
        { { .by = &signer, .after = true, .from = "\"sig\":\"", .to = "\"sig\":\"AAAA" },
          "one signature" },
        { { .by = &signer, .after = true, .from = "]}", .to = ",{}]}" }, "one signature" },
        { { .by = &signer, .after = true, .from = "\"keyid\":\"", .to = "\"keyid\":\"0" },
          "not named to be believed" },
        { { .by = &signer, .from = "Statement/v1", .to = "Statement/v9" }, "in-toto" },
        { { .by = &signer, .from = "provenance/v1", .to = "provenance/v9" }, "in-toto" },
        { { .by = &signer, .from = "assets/a", .to = "assets/x" }, "every part" },
        { { .by = &signer, .from = ONE_SHA256, .to = "00" }, "every part" },
        { { .by = &signer, .from = "\"sha256\"", .to = "\"sha512\"" }, "every part" },
        { { .from = "{", .to = "[" }, "in-toto" },
        { { .sbom_from = "SPDX-2.3", .sbom_to = "SPDX-9.9" }, "SPDX 2.3" },
        { { .sbom_from = "{", .sbom_to = "" }, "SPDX 2.3" },
        { { .sbom_from = "\"packageFileName\":\t\"assets/a\"",
            .sbom_to = "\"packageFileName\":\t\"assets/x\"" },
          "every part" },
        { { .sbom_from = ONE_SHA256, .sbom_to = "00" }, "every part" },
        { { .sbom_from = "\"packages\"", .sbom_to = "\"parcels\"" }, "every part" },
    };
    struct module_judge judge = { .publisher_pk = signer.pub.pk };
    enum bill_signed how;
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        const char *why = judged(&rows[i].f, &judge, &how);
        if (why == NULL || strstr(why, rows[i].says) == NULL) {
            fail_msg("row %zu: %s", i, why == NULL ? "accepted" : why);
        }
    }
}

/* One file for one content, in whatever order the parts come. */
static void test_order_of_parts(void **state)
{
    static const char *const paths[] = { "a", "b/c", "b-c", "z" };
    static const char *const texts[] = { "1", "2", "2", "3" };
    struct buf first = { NULL, 0 };
    (void)state;
    for (unsigned turn = 0; turn < 4; turn++) {
        struct wad_draft d = { NULL, 0 };
        struct buf file = { NULL, 0 };
        for (unsigned k = 0; k < 4; k++) {
            unsigned i = (turn + (turn % 2 == 0 ? k : 3 - k)) % 4;
            struct buf b = text_buf(texts[i]);
            assert_int_equal(draft_add(&d, NOS_WAD_ASSET, paths[i], &b), DONE);
        }
        struct buf l = text_buf("l"), s = text_buf("s"), p = text_buf("p");
        assert_int_equal(draft_add(&d, NOS_WAD_SBOM, "s", &s), DONE);
        assert_int_equal(draft_add(&d, NOS_WAD_PROVENANCE, "p", &p), DONE);
        assert_int_equal(draft_add(&d, NOS_WAD_LICENCE, "l", &l), DONE);
        assert_int_equal(wadfile_make(&d, &file), DONE);
        if (turn == 0) {
            buf_add(&first, buf_span(&file));
        }
        assert_int_equal(file.len, first.len);
        assert_memory_equal(file.data, first.data, first.len);
        buf_free(&file);
        draft_free(&d);
    }
    buf_free(&first);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_good),
        cmocka_unit_test(test_forged),
        cmocka_unit_test(test_order_of_parts),
    };
    key_generate(KEY_PUBLISHER, (const uint8_t[32]){ 1 }, &signer);
    key_generate(KEY_PUBLISHER, (const uint8_t[32]){ 2 }, &stranger);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
