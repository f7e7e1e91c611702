#pragma once
/*
 * PC screen fonts, versions 1 and 2, from a package: glyphs for ASCII and Latin-1, row by row,
 * high bit left.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "abi/status.h"
#include "lib/compiler.h"
#include "lib/span.h"

enum { PSF_MAP = 256, PSF_SIDE_MAX = 64 /* pixels */ };

struct psf {                 // borrows the file
    uint32_t width, height;  // pixels of a glyph, 1..PSF_SIDE_MAX
    uint32_t row_bytes;      // bytes of a row: (width + 7) / 8
    uint32_t n_glyphs;
    span_t glyphs;
    uint32_t missing;       // glyph for what the font lacks: its '?', else 0
    uint16_t map[PSF_MAP];  // code point -> glyph
};

/**
 * Parse an uncompressed PSF file. Without a Unicode table, glyph n is code point n.
 * Errors: FONT_FORMAT.
 */
MUST_CHECK nos_status_t psf_parse(span_t file, struct psf *out);

/** Rows of the glyph for `code`: height x row_bytes bytes, never empty. */
MUST_CHECK span_t psf_glyph(const struct psf *font, uint32_t code);
