/* Where text goes is decided by what was granted, once, at the first print. */
#include "sdk/print.h"

#include <stdbool.h>
#include <string.h>

#include "sdk/format.h"
#include "sdk/ipc.h"
#include "sdk/start.h"

nos_status_t (*nos_console_sink)(span_t text);

/* A console that hangs, or that a debugger holds, must not keep whoever prints: nor once for each
 * line. */
enum { AGAIN_NS = 20000000 };
static bool hasty;  // not what it waits: a capsule without initialised data is a page smaller

static nos_status_t call_console(nos_handle_t console, struct nos_msg *m)
{
    uint64_t patience = hasty ? AGAIN_NS : NOS_CONSOLE_PATIENCE_NS;
    nos_status_t st = nos_call(console, m, nos_now_ns() + patience);
    hasty = st == NOS_TIMED_OUT;
    return st == NOS_OK ? nos_msg_status(m) : st;
}

nos_status_t nos_console_send(span_t text)
{
    nos_handle_t console = nos_find_handle(NOS_CAP_ENDPOINT, "console");
    nos_status_t st = NOS_OK;
    size_t at = 0;
    struct nos_msg m;

    m.buffer = NULL;
    m.n_handles = 0;
    do {
        size_t len = text.len - at < NOS_TEXT_MAX ? text.len - at : NOS_TEXT_MAX;
        m.label = NOS_CONSOLE_WRITE | (uint64_t)len << 8;
        const uint8_t *from = len == 0 ? NULL : text.data + at;  // no text has no bytes
        if (!nos_msg_put(&m, 0, from, len)) {
            return NOS_TOO_BIG;
        }
        st = call_console(console, &m);
        at += len;
    } while (at < text.len && st == NOS_OK);
    return st;
}

nos_status_t nos_console_write(span_t text)
{
    if (text.len == 0) {
        return NOS_OK;
    }
    return nos_console_sink != NULL ? nos_console_sink(text) : nos_console_send(text);
}

static void log_text(const char *text, size_t len)
{
    while (len > 0 && text[len - 1] == '\n') {
        len--;  // the log ends its lines itself
    }
    len = len < NOS_LOG_LINE ? len : NOS_LOG_LINE;
    nos_ignore(nos_sys_log_write(text, len));  // nowhere left to say so
}

void nos_print(const char *fmt, ...)
{
    char text[NOS_PRINT_MAX];
    va_list args;

    va_start(args, fmt);
    size_t len = nos_vformat(text, sizeof(text), fmt, args);
    va_end(args);
    if (nos_console_write(span_of(text, len)) != NOS_OK) {
        log_text(text, len);
    }
}

void nos_log(const char *fmt, ...)
{
    char text[NOS_PRINT_MAX];
    va_list args;

    va_start(args, fmt);
    size_t len = nos_vformat(text, sizeof(text), fmt, args);
    va_end(args);
    log_text(text, len);
}
