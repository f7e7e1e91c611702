/* The lump is parsed when it is first asked for, which is the last thing that this kernel does. */
#include "kernel/core/names.h"

#include <stdarg.h>

#include "kernel/arch/api/arch.h"
#include "kernel/core/format.h"
#include "lib/symbols.h"

static span_t lump;
static uint64_t image_len;

void names_init(const struct nos_bootinfo *bi)
{
    const uint8_t *at = phys_ptr((paddr_t){ bi->symbols_base });
    lump = span_of(at, bi->symbols_len);
    image_len = bi->kernel_len;
}

__attribute__((format(printf, 2, 3))) static void append(struct sink *s, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    format_to(s, format, args);
    va_end(args);
}

static const char *describe(uint64_t at, uint64_t back, char out[PLACE_TEXT])
{
    struct sink s = { out, out + PLACE_TEXT - 1 };
    struct symbols known;
    span_t name;
    uint64_t off, place = at - arch_image_base();

    if (place - back >= image_len) {
        append(&s, "outside the kernel");
    } else if (lump.len != 0 && symbols_parse(lump, &known) == NOS_OK &&
               symbols_find(&known, place - back, &name, &off)) {
        int shown = name.len < PLACE_TEXT / 2 ? (int)name.len : PLACE_TEXT / 2;
        append(&s, "%.*s+0x%lx (image+0x%lx)", shown, (const char *)name.data, off + back, place);
    } else {
        append(&s, "image+0x%lx", place);
    }
    *s.at = 0;
    return out;
}

const char *place_text(uint64_t at, char out[PLACE_TEXT])
{
    return describe(at, 0, out);
}

const char *caller_text(uint64_t at, char out[PLACE_TEXT])
{
    return describe(at, 1, out);
}
