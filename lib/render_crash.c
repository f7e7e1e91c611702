/* Crash records as text: one line of `crash ls`, one page of `crash show`. Only for records that
 * crash_parse let through. */
#include "lib/render.h"
#include "lib/text.h"

enum { BYTES_A_LINE = 16, REGS_A_LINE = 3, PAGE_BYTES = 4096 };

const char *render_doing(uint32_t doing)
{
    switch (doing) {
#define X(name, value, text) \
    case value: \
        return text;
        NOS_DOING_LIST(X)
#undef X
    default:
        return "?";
    }
}

void render_crash_head(struct fmt *f)
{
    fmt_str(f, "   NO TIME s    CAPSULE MODULE           WHAT HAPPENED\n");
}

/* In words: how it ended, and where it was. */
static void cause(struct fmt *f, const struct nos_crash_record *r)
{
    render_end(f, &r->info);
    if (r->info.state == NOS_CAPSULE_KILLED && r->killer != 0) {
        fmt_str(f, " by capsule ");
        fmt_u64(f, r->killer);
    }
    if (r->info.state != NOS_CAPSULE_CRASHED && r->n_trace != 0 && r->trace[0].symbol[0] != 0) {
        fmt_str(f, " at ");
        fmt_name(f, r->trace[0].symbol, sizeof r->trace[0].symbol);
    }
}

void render_crash_row(struct fmt *f, const struct nos_crash_record *r)
{
    size_t line = f->len;

    fmt_u64_right(f, r->seq, 5);
    fmt_char(f, ' ');
    fmt_time(f, r->info.ended_ns);
    fmt_pad(f, line, 16);
    fmt_u64_right(f, r->info.id, 7);
    fmt_char(f, ' ');
    fmt_name(f, r->info.name, sizeof r->info.name);
    fmt_pad(f, line, 41);
    cause(f, r);
    fmt_char(f, '\n');
}

static void label(struct fmt *f, const char *what)
{
    size_t line = f->len;
    fmt_str(f, what);
    fmt_pad(f, line, 10);
}

static void number(struct fmt *f, const char *before, uint64_t n)
{
    fmt_str(f, before);
    fmt_u64(f, n);
}

static void who(struct fmt *f, const struct nos_crash_record *r)
{
    const struct nos_capsule_info *c = &r->info;

    number(f, "death ", r->seq);
    number(f, ": capsule ", c->id);
    fmt_char(f, ' ');
    fmt_name(f, c->name, sizeof c->name);
    fmt_char(f, '\n');
    label(f, "cause");
    cause(f, r);
    fmt_char(f, '\n');
    label(f, "module");
    fmt_bytes(f, SPAN_OF(c->module_id));
    fmt_char(f, '\n');
    label(f, "time");
    fmt_str(f, "ended at ");
    fmt_time(f, c->ended_ns);
    fmt_str(f, " s, up ");
    fmt_time(f, c->ended_ns - c->started_ns);
    fmt_str(f, " s, ran ");
    fmt_time(f, c->cpu_ns);
    fmt_str(f, " s\n");
    label(f, "memory");
    fmt_size(f, (uint64_t)c->mem_pages * PAGE_BYTES);
    fmt_str(f, " of ");
    fmt_size(f, (uint64_t)c->mem_limit * PAGE_BYTES);
    number(f, "; threads ", c->threads);
    number(f, ", earlier starts ", c->restarts);
    number(f, ", parent ", c->parent);
    fmt_char(f, '\n');
}

static void doing(struct fmt *f, const struct nos_crash_record *r)
{
    label(f, "doing");
    fmt_str(f, render_doing(r->doing));
    if ((r->flags & NOS_CR_MESSAGE) != 0) {
        number(f, ", answering a call of capsule ", r->client);
    }
    fmt_char(f, '\n');
    if ((r->flags & NOS_CR_MESSAGE) == 0 || (r->flags & NOS_CR_MEMORY) == 0) {
        return;
    }
    label(f, "message");
    fmt_str(f, "label ");
    fmt_hex(f, r->label, 1);
    fmt_str(f, ", registers");
    for (size_t i = 0; i < ARRAY_LEN(r->message); i++) {
        fmt_char(f, ' ');
        fmt_hex(f, r->message[i], 1);
    }
    fmt_char(f, '\n');
}

static void registers(struct fmt *f, const struct nos_crash_record *r)
{
#define X(name) #name,
    static const char *const names[] = { NOS_CR_REGS(X) };
#undef X
    fmt_str(f, "registers\n");
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        size_t at = f->len;
        fmt_str(f, "  ");
        fmt_str(f, names[i]);
        fmt_pad(f, at, 9);
        fmt_hex(f, r->regs[i], 16);
        fmt_str(f, i % REGS_A_LINE == REGS_A_LINE - 1 ? "\n" : "");
    }
}

static void trace(struct fmt *f, const struct nos_crash_record *r)
{
    fmt_str(f, r->n_trace == 0 ? "trace     none: it was not in its image\n" : "trace\n");
    for (size_t i = 0; i < r->n_trace; i++) {
        fmt_str(f, "  ");
        fmt_hex(f, r->trace[i].ip, 16);
        fmt_str(f, "  image+0x");
        fmt_hex(f, r->trace[i].ip - r->image_base, 1);
        fmt_str(f, "  ");
        fmt_name(f, r->trace[i].symbol, sizeof r->trace[i].symbol);
        fmt_char(f, '\n');
    }
}

static void dump(struct fmt *f, const char *what, uint64_t at, span_t bytes)
{
    fmt_str(f, what);
    fmt_str(f, bytes.len == 0 ? ": not in its memory\n" : "\n");
    for (size_t i = 0; i < bytes.len; i++) {
        if (i % BYTES_A_LINE == 0) {
            fmt_str(f, i == 0 ? "  " : "\n  ");
            fmt_hex(f, at + i, 16);
            fmt_char(f, ' ');
        }
        fmt_char(f, ' ');
        fmt_hex(f, bytes.data[i], 2);
    }
    fmt_str(f, bytes.len == 0 ? "" : "\n");
}

static void handles(struct fmt *f, const struct nos_crash_record *r)
{
    number(f, "handles   ", r->info.handles);
    number(f, ", of which ", r->n_handles);
    fmt_str(f, " are here\n");
    for (size_t i = 0; i < r->n_handles; i++) {
        const struct nos_crash_handle *h = &r->handle[i];
        size_t line = f->len;
        fmt_str(f, "  ");
        fmt_hex(f, h->handle, 8);
        fmt_char(f, ' ');
        fmt_str(f, render_type(h->type));
        fmt_pad(f, line, 25);
        fmt_str(f, render_origin(h->origin));
        fmt_pad(f, line, 33);
        fmt_name(f, h->name, sizeof h->name);
        fmt_pad(f, line, 50);
        render_rights(f, h->rights);
        fmt_char(f, '\n');
    }
}

static void log_lines(struct fmt *f, const struct nos_crash_record *r)
{
    fmt_str(f, "log\n");
    for (size_t i = 0; i < r->log_len;) {
        size_t n = 0;
        while (i + n < r->log_len && r->log[i + n] != '\n') {
            n++;
        }
        fmt_str(f, "  ");
        fmt_safe(f, span_of(r->log + i, n));
        fmt_char(f, '\n');
        i += n + 1;
    }
}

void render_crash_page(struct fmt *f, const struct nos_crash_record *r)
{
    who(f, r);
    if ((r->flags & NOS_CR_THREAD) != 0) {
        doing(f, r);
        trace(f, r);
    }
    if ((r->flags & NOS_CR_MEMORY) != 0) {
        registers(f, r);
        dump(f, "code", r->code_at, span_of(r->code, r->code_len));
        dump(f, "stack", r->regs[NOS_REG_rsp], span_of(r->stack, r->stack_len));
    }
    if ((r->flags & NOS_CR_PRIVATE) != 0) {
        label(f, "private");
        fmt_str(f, "its manifest wants no registers, stack or message kept\n");
    }
    handles(f, r);
    log_lines(f, r);
}
