#pragma once
/* The framebuffer as a terminal. */
#include <stdbool.h>

#include "abi/status.h"
#include "lib/compiler.h"
#include "lib/psf.h"
#include "lib/span.h"
#include "modules/console/term.h"

struct screen {
    bool on;
    struct term term;
    struct psf font;
    uint8_t *pixels;  // device memory, write-combining: written, never read
    uint32_t width, height, pitch;
    uint32_t palette[16];
};

/** Errors: NOT_FOUND without a framebuffer grant; FONT_FORMAT; those of region_create and
 * region_map. */
MUST_CHECK nos_status_t screen_open(struct screen *s);

/** Black, before the first text; who goes on where another version was leaves what is there. */
void screen_clear(struct screen *s);

/** Write text and draw what changed. */
void screen_write(struct screen *s, span_t text);
