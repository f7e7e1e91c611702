/* What was found, in words. From the first finding on nothing is checked any more: the panic's own
 * way would only bury it. */
#include <stdarg.h>

#include "kernel/core/format.h"
#include "kernel/core/names.h"
#include "kernel/core/panic.h"
#include "kernel/sanitize/sanitize.h"

enum { TEXT = 192 };

bool san_goes_on;
uint32_t san_told;
static bool ending;

void san_found(uint64_t ip, const char *format, ...)
{
    char text[TEXT], place[PLACE_TEXT];
    struct sink s = { text, text + TEXT - 1 };
    va_list args;

    if (ending) {
        return;
    }
    ending = true;
    va_start(args, format);
    format_to(&s, format, args);
    va_end(args);
    *s.at = 0;
    if (!san_goes_on) {
        panic_at((uint64_t)__builtin_frame_address(0), "%s, by %s", text, caller_text(ip, place));
    }
    klog("%s, by %s", text, caller_text(ip, place));
    san_told++;
    ending = false;
}

static const char *why(uint8_t s)
{
    switch (s) {
    case SHADOW_STACK_LEFT:
    case SHADOW_STACK_MID:
    case SHADOW_STACK_RIGHT:
        return "beside a variable on the stack";
    case SHADOW_SCOPE:
        return "a variable out of its scope";
    case SHADOW_GLOBAL:
        return "beside a global variable";
    case SHADOW_REDZONE:
        return "beside an object of a cache";
    case SHADOW_OBJECT:
        return "a freed object of a cache";
    case SHADOW_FRAME:
        return "a free frame";
    default:
        return "memory that is not to be used";
    }
}

/* A granule that is open in part says nothing: the next one has the reason. */
void san_found_at(uint64_t addr, uint64_t len, bool write, uint64_t ip)
{
    const char *what = "an address of user mode or none";
    if (shadow_covers(addr)) {
        uint8_t s = *shadow_at(addr);
        s = s < GRANULE && shadow_covers(addr + GRANULE) ? *shadow_at(addr + GRANULE) : s;
        what = why(s);
    }
    san_found(ip, "KASAN: %s of %lu bytes at 0x%lx: %s", write ? "write" : "read", len, addr, what);
}
