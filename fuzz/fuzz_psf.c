/* Fonts: every code point of an accepted font has a glyph of the right length. */
#include "fuzz/fuzz.h"
#include "lib/psf.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct psf font;

    if (psf_parse(span_of(data, size), &font) != NOS_OK) {
        return 0;
    }
    for (uint32_t c = 0; c < PSF_MAP + 1; c++) {
        span_t g = psf_glyph(&font, c);
        PROMISE(g.len == (size_t)font.row_bytes * font.height && g.len != 0);
        PROMISE(fuzz_inside(g, span_of(data, size)));
    }
    return 0;
}
