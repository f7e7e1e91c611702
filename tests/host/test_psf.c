/* lib/psf.h. */
#include "lib/psf.h"
#include "tests/host/golden.h"
#include "tests/host/test.h"

static struct psf font;

static void test_version_1(void **state)
{
    struct buf b = golden_font1();
    (void)state;
    assert_int_equal(psf_parse(buf_span(b), &font), NOS_OK);
    assert_int_equal(font.width, 8);
    assert_int_equal(font.height, 16);
    assert_int_equal(font.row_bytes, 1);
    assert_int_equal(font.n_glyphs, 256);
    for (uint32_t c = 0; c < 256; c++) {
        span_t g = psf_glyph(&font, c);
        assert_int_equal(g.len, 16);
        assert_int_equal(g.data[0], 255 - c);
    }
    assert_int_equal(psf_glyph(&font, 0x2500).data[0], 255 - '?');
    assert_int_equal(psf_glyph(&font, 256).data[0], 255 - '?');
    store_le16(b.data + 4 + 256 * 16, 256);  // the first code point that has no place in the map
    assert_int_equal(psf_parse(buf_span(b), &font), NOS_OK);
    assert_int_equal(psf_glyph(&font, 255).data[0], 255 - '?');
    b.data[2] = 0;  // the same font without its table: glyph n is code point n
    assert_int_equal(psf_parse(buf_span(b), &font), NOS_OK);
    assert_int_equal(psf_glyph(&font, 'A').data[3], 'A');
    b.data[2] = 1;  // 512 glyphs: not in the file
    assert_int_equal(psf_parse(buf_span(b), &font), NOS_FONT_FORMAT);
    b.data[2] = 8;
    assert_int_equal(psf_parse(buf_span(b), &font), NOS_FONT_FORMAT);
    b.data[2] = 0;
    b.data[3] = 0;
    assert_int_equal(psf_parse(buf_span(b), &font), NOS_FONT_FORMAT);
    b.data[3] = 65;
    assert_int_equal(psf_parse(buf_span(b), &font), NOS_FONT_FORMAT);
    buf_free(&b);
}

static void test_sequences_are_not_code_points(void **state)
{
    struct buf b = golden_font1();
    (void)state;
    uint8_t *row = b.data + 4 + 256 * 16;
    b.data[2] = 4;            // has sequences
    store_le16(row, 0xfffe);  // glyph 0 draws no code point, only a sequence that begins with 'A'
    struct buf longer = buf_new(b.len + 2);
    memcpy(longer.data, b.data, b.len - 256 * 4 + 2);
    store_le16(longer.data + 4 + 256 * 16 + 2, 'A');
    memcpy(longer.data + 4 + 256 * 16 + 4, row + 2, 256 * 4 - 2);
    assert_int_equal(psf_parse(buf_span(longer), &font), NOS_OK);
    assert_int_equal(psf_glyph(&font, 'A').data[0], 255 - 'A');
    assert_int_equal(psf_glyph(&font, 255).data[0], 255 - '?');
    buf_free(&b);
    buf_free(&longer);
}

static void test_version_2(void **state)
{
    struct buf b = golden_font2();
    (void)state;
    assert_int_equal(psf_parse(buf_span(b), &font), NOS_OK);
    assert_int_equal(font.width, 12);
    assert_int_equal(font.height, 10);
    assert_int_equal(font.row_bytes, 2);
    assert_int_equal(psf_glyph(&font, 'A').data[0], 1);
    assert_int_equal(psf_glyph(&font, 0xe9).data[0], 3);
    assert_int_equal(psf_glyph(&font, 'Z').data[0], 2);  // missing: the question mark
    static const struct {
        size_t at;
        uint32_t value;
    } rows[] = {
        { 0, 0 },           { 4, 1 },      { 8, 31 },  { 8, UINT32_MAX }, { 16, 0 },
        { 16, UINT32_MAX }, { 16, 65536 }, { 20, 19 }, { 20, 21 },        { 24, 0 },
        { 24, 65 },         { 28, 0 },     { 28, 65 }, { 28, 17 },
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct buf c = buf_copy(buf_span(b));
        store_le32(c.data + rows[i].at, rows[i].value);
        if (psf_parse(buf_span(c), &font) != NOS_FONT_FORMAT) {
            fail_msg("row %zu", i);
        }
        buf_free(&c);
    }
    buf_free(&b);
}

static void test_truncations(void **state)
{
    struct buf fonts[2] = { golden_font1(), golden_font2() };
    (void)state;
    for (int i = 0; i < 2; i++) {
        for (size_t len = 0; len < fonts[i].len; len++) {
            struct buf c = buf_copy(span_of(fonts[i].data, len));
            assert_int_equal(psf_parse(buf_span(c), &font), NOS_FONT_FORMAT);
            buf_free(&c);
        }
        buf_free(&fonts[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_version_1),
        cmocka_unit_test(test_sequences_are_not_code_points),
        cmocka_unit_test(test_version_2),
        cmocka_unit_test(test_truncations),
    };
    return cmocka_run_group_tests_name("psf", tests, NULL, NULL);
}
