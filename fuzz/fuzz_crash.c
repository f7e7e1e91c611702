/* Crash records: what is let through can be shown whole, and is the bytes that came; a file made of
 * it is read back. */
#include "fuzz/fuzz.h"
#include "lib/crash.h"
#include "lib/render.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct nos_crash_record r, again;
    static struct nos_crash_file file;
    static char page[RENDER_CRASH_MAX];
    char line[RENDER_LINE_MAX];
    struct fmt f;

    (void)!crash_file_parse(span_of(data, size), &r);
    if (crash_parse(span_of(data, size), &r) != NOS_OK) {
        PROMISE(span_is_zero(span_of(&r, sizeof r)));
        return 0;
    }
    PROMISE(size == sizeof r && memcmp(data, &r, size) == 0);
    FMT_INIT(&f, page);
    render_crash_page(&f, &r);
    PROMISE(!f.cut);
    FMT_INIT(&f, line);
    render_crash_row(&f, &r);
    PROMISE(!f.cut);
    crash_seal(&r, &file);
    PROMISE(crash_file_parse(span_of(&file, sizeof file), &again) == NOS_OK);
    PROMISE(memcmp(&again, &r, sizeof r) == 0);
    return 0;
}
