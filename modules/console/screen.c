/*
 * Glyphs to pixels. The font's rows are bits, high bit left; a pixel is 32 bits in one of two
 * orders. Everything is clipped by construction: the grid is as many whole cells as the picture
 * has.
 */
#include "modules/console/screen.h"

#include <string.h>

#include "abi/caps.h"
#include "sdk/start.h"
#include "sdk/syscalls.h"

enum { PAGE = 4096, FORMAT_RGB = 1, FORMAT_BGR = 2, PROT_READ_WRITE = 3 };

extern const uint8_t console_font[], console_font_end[];

static const uint32_t rgb[16] = {
    0x10141c, 0xc64b4b, 0x5fae5f, 0xc9a24a, 0x4f7fc9, 0xa667b8, 0x48a9a6, 0xc8ccd4,
    0x5b6373, 0xf07070, 0x8ad68a, 0xf0cf78, 0x7eacf2, 0xd296e2, 0x7ed6d2, 0xffffff,
};

static uint32_t swap_red_blue(uint32_t c)
{
    return (c & 0x00ff00) | (c >> 16 & 0xff) | (c & 0xff) << 16;
}

static nos_status_t map_pixels(struct screen *s)
{
    const struct nos_start_handle *h = nos_find(NOS_CAP_FRAMEBUFFER, NULL);
    void *at;

    if (h == NULL) {
        return NOS_NOT_FOUND;
    }
    s->width = (uint32_t)(h->a >> 32);
    s->height = (uint32_t)h->a;
    s->pitch = (uint32_t)(h->b >> 32);
    uint32_t format = (uint32_t)h->b;
    if ((format != FORMAT_RGB && format != FORMAT_BGR) || s->pitch / 4 < s->width) {
        return NOS_NOT_SUPPORTED;
    }
    for (int i = 0; i < 16; i++) {
        s->palette[i] = format == FORMAT_RGB ? rgb[i] : swap_red_blue(rgb[i]);
    }
    nos_status_t st = nos_sys_region_map((nos_handle_t){ h->handle }, PROT_READ_WRITE, &at);
    if (st == NOS_OK) {
        s->pixels = at;
    }
    return st;
}

static nos_status_t make_grid(struct screen *s)
{
    uint32_t cols = s->width / s->font.width, rows = s->height / s->font.height;
    nos_handle_t region;
    void *at;

    cols = cols < TERM_COLS_MAX ? cols : TERM_COLS_MAX;
    rows = rows < TERM_ROWS_MAX ? rows : TERM_ROWS_MAX;
    size_t room = term_room(cols, rows);
    nos_status_t st = nos_sys_region_create((room + PAGE - 1) / PAGE, &region);
    if (st == NOS_OK) {
        st = nos_sys_region_map(region, PROT_READ_WRITE, &at);
    }
    if (st == NOS_OK && !term_init(&s->term, cols, rows, mspan_of(at, room))) {
        st = NOS_NOT_SUPPORTED;
    }
    return st;
}

void screen_clear(struct screen *s)
{
    uint64_t two = s->palette[0] | (uint64_t)s->palette[0] << 32;

    for (uint32_t y = 0; s->on && y < s->height; y++) {
        uint8_t *row = s->pixels + (size_t)y * s->pitch;
        for (uint32_t x = 0; x + 1 < s->width; x += 2) {
            memcpy(row + (size_t)x * 4, &two, 8);
        }
    }
}

nos_status_t screen_open(struct screen *s)
{
    nos_status_t st = map_pixels(s);

    if (st == NOS_OK) {
        st = psf_parse(span_of(console_font, (size_t)(console_font_end - console_font)), &s->font);
    }
    if (st == NOS_OK) {
        st = make_grid(s);
    }
    if (st == NOS_OK) {
        s->on = true;
    }
    return st;
}

static void draw(struct screen *s, const struct term_draw *d)
{
    span_t glyph = psf_glyph(&s->font, d->cell.code);
    uint32_t fore = s->palette[d->cell.colour & 0x0f], back = s->palette[d->cell.colour >> 4];
    uint8_t *at =
        s->pixels + (size_t)d->y * s->font.height * s->pitch + (size_t)d->x * s->font.width * 4;

    for (uint32_t y = 0; y < s->font.height; y++) {
        const uint8_t *bits = glyph.data + (size_t)y * s->font.row_bytes;
        for (uint32_t x = 0; x < s->font.width; x++) {
            uint32_t pixel = (bits[x / 8] >> (7 - x % 8) & 1) != 0 ? fore : back;
            memcpy(at + (size_t)x * 4, &pixel, 4);
        }
        at += s->pitch;
    }
}

void screen_write(struct screen *s, span_t text)
{
    struct term_draw d;

    if (!s->on) {
        return;
    }
    term_write(&s->term, text);
    while (term_next(&s->term, &d)) {
        draw(s, &d);
    }
}
