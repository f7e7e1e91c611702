/*
 * PSF fonts. Version 1 is 8 pixels wide with a 16-bit Unicode table, version 2 carries its sizes
 * and a UTF-8 table. Glyphs for code points below 256 are looked up once, so drawing never walks a
 * table.
 */
#include "lib/psf.h"

#include "lib/checked.h"

enum {
    PSF1_HEADER = 4,
    PSF1_512 = 1,
    PSF1_HAS_TAB = 2,
    PSF1_HAS_SEQ = 4,
    PSF1_SEPARATOR = 0xffff,
    PSF1_STARTSEQ = 0xfffe,
    PSF2_HEADER = 32,
    PSF2_HAS_UNICODE = 1,
    PSF2_SEPARATOR = 0xff,
    PSF2_STARTSEQ = 0xfe,
    GLYPHS_MAX = 65535,
};

/* Glyph sizes and the glyph area; what follows it, if anything, is the Unicode table. */
static bool glyph_area(span_t file, size_t at, uint64_t glyph_len, struct psf *f, span_t *rest)
{
    uint64_t bytes;

    if (f->width == 0 || f->width > PSF_SIDE_MAX || f->height == 0 || f->height > PSF_SIDE_MAX ||
        f->n_glyphs == 0 || f->n_glyphs > GLYPHS_MAX) {
        return false;
    }
    f->row_bytes = (f->width + 7) / 8;
    return glyph_len == (uint64_t)f->row_bytes * f->height &&
           checked_mul(glyph_len, f->n_glyphs, &bytes) && span_cut(file, at, bytes, &f->glyphs) &&
           span_from(file, at + (size_t)bytes, rest);
}

static bool psf1_header(span_t file, struct psf *f, span_t *rest, bool *table)
{
    uint8_t mode, size;

    if (!span_u8(file, 2, &mode) || !span_u8(file, 3, &size) || mode > 7) {
        return false;
    }
    f->width = 8;
    f->height = size;
    f->n_glyphs = (mode & PSF1_512) != 0 ? 512 : 256;
    *table = (mode & (PSF1_HAS_TAB | PSF1_HAS_SEQ)) != 0;
    return glyph_area(file, PSF1_HEADER, size, f, rest);
}

static bool psf2_header(span_t file, struct psf *f, span_t *rest, bool *table)
{
    uint32_t version, header, flags, glyph_len;

    if (!span_le32(file, 4, &version) || version != 0 || !span_le32(file, 8, &header) ||
        header < PSF2_HEADER || !span_le32(file, 12, &flags) ||
        !span_le32(file, 16, &f->n_glyphs) || !span_le32(file, 20, &glyph_len) ||
        !span_le32(file, 24, &f->height) || !span_le32(file, 28, &f->width)) {
        return false;
    }
    *table = (flags & PSF2_HAS_UNICODE) != 0;
    return glyph_area(file, header, glyph_len, f, rest);
}

/* The first glyph that claims a code point keeps it. */
static void claim(struct psf *f, uint8_t taken[PSF_MAP], uint32_t code, uint32_t glyph)
{
    if (code < PSF_MAP && taken[code] == 0) {
        taken[code] = 1;
        f->map[code] = (uint16_t)glyph;
    }
}

/* A row per glyph: code points, then sequences after STARTSEQ, then the separator. */
static bool psf1_table(span_t t, struct psf *f, uint8_t taken[PSF_MAP])
{
    uint32_t glyph = 0;
    bool sequence = false;
    uint16_t u;

    for (size_t at = 0; glyph < f->n_glyphs; at += 2) {
        if (!span_le16(t, at, &u)) {
            return false;
        }
        if (u == PSF1_SEPARATOR) {
            glyph++;
            sequence = false;
        } else if (u == PSF1_STARTSEQ) {
            sequence = true;
        } else if (!sequence) {
            claim(f, taken, u, glyph);
        }
    }
    return true;
}

/* Only code points below 256 matter, and in UTF-8 those are one byte, or 0xc2/0xc3 and one more. */
static bool psf2_table(span_t t, struct psf *f, uint8_t taken[PSF_MAP])
{
    uint32_t glyph = 0;
    bool sequence = false;
    uint8_t b, before = 0;

    for (size_t at = 0; glyph < f->n_glyphs; at++) {
        if (!span_u8(t, at, &b)) {
            return false;
        }
        if (b == PSF2_SEPARATOR) {
            glyph++;
            sequence = false;
        } else if (b == PSF2_STARTSEQ) {
            sequence = true;
        } else if (!sequence && b < 0x80) {
            claim(f, taken, b, glyph);
        } else if (!sequence && (before == 0xc2 || before == 0xc3) && (b & 0xc0) == 0x80) {
            claim(f, taken, (uint32_t)(before & 3) << 6 | (b & 0x3fu), glyph);
        }
        before = b;
    }
    return true;
}

/* What the font does not have shows as its question mark. */
static void fill_missing(struct psf *f, const uint8_t taken[PSF_MAP])
{
    f->missing = taken['?'] != 0 ? f->map['?'] : 0;
    for (uint32_t c = 0; c < PSF_MAP; c++) {
        if (taken[c] == 0) {
            f->map[c] = (uint16_t)f->missing;
        }
    }
}

nos_status_t psf_parse(span_t file, struct psf *out)
{
    span_t magic, rest = { NULL, 0 };
    uint8_t taken[PSF_MAP] = { 0 };
    bool table = false, ok = false, v2 = false;
    struct psf font = { 0 }, *f = &font;

    if (span_cut(file, 0, 2, &magic) && span_equal(magic, SPAN_LIT("\x36\x04"))) {
        ok = psf1_header(file, f, &rest, &table);
    } else if (span_cut(file, 0, 4, &magic) && span_equal(magic, SPAN_LIT("\x72\xb5\x4a\x86"))) {
        v2 = true;
        ok = psf2_header(file, f, &rest, &table);
    }
    if (ok && table) {
        ok = v2 ? psf2_table(rest, f, taken) : psf1_table(rest, f, taken);
    }
    if (!ok) {
        return NOS_FONT_FORMAT;
    }
    for (uint32_t c = 0; !table && c < PSF_MAP && c < f->n_glyphs; c++) {
        claim(f, taken, c, c);
    }
    fill_missing(f, taken);
    *out = font;
    return NOS_OK;
}

span_t psf_glyph(const struct psf *font, uint32_t code)
{
    uint32_t glyph = code < PSF_MAP ? font->map[code] : font->missing;
    size_t len = (size_t)font->row_bytes * font->height;
    span_t rows = { NULL, 0 };

    if (!span_cut(font->glyphs, glyph * len, len, &rows)) {
        return (span_t){ NULL, 0 };  // cannot be: map holds glyphs below n_glyphs only
    }
    return rows;
}
