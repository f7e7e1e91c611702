/*
 * init must not wait for the console: the console may be the capsule that just died, and init is
 * who starts it again. So the call to it has a deadline, and the log has everything anyway.
 */
#include "modules/init/say.h"

#include <string.h>

#include "lib/fmt.h"
#include "lib/render.h"
#include "sdk/format.h"
#include "sdk/ipc.h"
#include "sdk/start.h"

enum { PATIENCE_NS = 50000000, LINE = 400 };

static void to_console(const char *line)
{
    static struct nos_msg m;
    size_t len = strlen(line);
    nos_handle_t console = nos_find_handle(NOS_CAP_ENDPOINT, "console");

    m.label = NOS_CONSOLE_WRITE | (uint64_t)len << 8;
    if (console.v != 0 && nos_msg_put(&m, 0, line, len)) {
        // it takes handles with requests; an answer is to bring it none that it would have to keep
        uint32_t was = nos_msg_accept(&m, 0);
        nos_ignore(nos_call(console, &m, nos_now_ns() + PATIENCE_NS));  // it is in the log
        nos_msg_accept(&m, was);
    }
}

static void end_line(struct fmt *f, const struct nos_capsule_info *c)
{
    fmt_name(f, c->name, NOS_NAME_MAX);
    fmt_str(f, " (capsule ");
    fmt_u64(f, c->id);
    fmt_str(f, ") ");
    render_end(f, c);
}

void log_end(const struct nos_capsule_info *c)
{
    char line[LINE];
    struct fmt f;

    FMT_INIT(&f, line);
    end_line(&f, c);
    nos_log("init: %s", line);
}

/* `text` is surrounded by line feeds: it can appear in the middle of a line being typed. */
static void tell(const char *text, bool console)
{
    static char line[LINE + 8];
    struct fmt f;

    fmt_init(&f, line, sizeof(line));
    fmt_char(&f, '\n');
    fmt_str(&f, text);
    fmt_char(&f, '\n');
    nos_log("init: %s", text);
    if (console) {
        to_console(line);
    }
}

void say(const char *fmt, ...)
{
    char text[160];
    va_list args;

    va_start(args, fmt);
    nos_vformat(text, sizeof(text), fmt, args);
    va_end(args);
    tell(text, true);
}

void say_end(const struct nos_capsule_info *c, const char *fmt, ...)
{
    char more[80], text[LINE];
    struct fmt f;
    va_list args;

    va_start(args, fmt);
    nos_vformat(more, sizeof(more), fmt, args);
    va_end(args);
    FMT_INIT(&f, text);
    end_line(&f, c);
    fmt_str(&f, "; ");
    fmt_str(&f, more);
    tell(text, !nos_name_is(c->name, "console"));
}
