/* The records of abi/info.h as lines. Columns are for eyes; scripts take nonosctl's JSON. */
#include "lib/render.h"

#include "abi/services.h"

#include "lib/cap.h"
#include "lib/status.h"
#include "lib/text.h"

enum { PAGE_BYTES = 4096 };

/* A table's column: text that starts at `at` characters after the line's start. */
static void column(struct fmt *f, size_t line, size_t at)
{
    if (f->len != line) {
        fmt_pad(f, line, at);
    }
}

const char *render_state(uint32_t state)
{
    switch (state) {
    case NOS_CAPSULE_RUNNING:
        return "running";
    case NOS_CAPSULE_EXITED:
        return "exited";
    case NOS_CAPSULE_CRASHED:
        return "crashed";
    case NOS_CAPSULE_KILLED:
        return "killed";
    default:
        return "?";
    }
}

const char *render_type(uint32_t type)
{
    switch (type) {
#define X(name, value, text) \
    case value: \
        return text;
        NOS_TYPE_LIST(X)
#undef X
    default:
        return "?";
    }
}

const char *render_crash(uint64_t crash)
{
    switch (crash) {
#define X(name, value, text) \
    case value: \
        return text;
        NOS_CRASH_LIST(X)
#undef X
    default:
        return "?";
    }
}

const char *render_origin(uint32_t origin)
{
    static const char *const text[] = { "-",    "policy", "made",    "dup",  "spawn",
                                        "load", "derive", "message", "token" };
    return origin < ARRAY_LEN(text) ? text[origin] : "?";
}

/* One word of a comma-separated list. */
static void list_word(struct fmt *f, size_t from, const char *word)
{
    if (f->len != from) {
        fmt_char(f, ',');
    }
    fmt_str(f, word);
}

static void list_end(struct fmt *f, size_t from)
{
    if (f->len == from) {
        fmt_char(f, '-');
    }
}

void render_rights(struct fmt *f, uint32_t rights)
{
    size_t from = f->len;
#define X(name, bit, text) \
    if ((rights & NOS_RIGHT_##name) != 0) { \
        list_word(f, from, text); \
    }
    NOS_RIGHT_LIST(X)
#undef X
    list_end(f, from);
}

void render_classes(struct fmt *f, uint32_t classes)
{
    size_t from = f->len;
#define X(name, bit, text, doc) \
    if ((classes & NOS_CLASS_##name) != 0) { \
        list_word(f, from, text); \
    }
    NOS_CLASS_LIST(X)
#undef X
    list_end(f, from);
}

const char *render_kill(uint64_t why)
{
    switch (why) {
#define X(name, value, text) \
    case value: \
        return text;
        NOS_KILL_LIST(X)
#undef X
    default:
        return "?";
    }
}

void render_ps_head(struct fmt *f)
{
    fmt_str(f, "   ID MODULE           STATE    THR HANDLES  MEMORY     LIMIT      RESTARTS CPU s  "
               "   UP s\n");
}

void render_ps(struct fmt *f, const struct nos_capsule_info *c, uint64_t now_ns)
{
    size_t line = f->len;
    uint64_t end = c->state == NOS_CAPSULE_RUNNING ? now_ns : c->ended_ns;

    fmt_u64_right(f, c->id, 5);
    fmt_char(f, ' ');
    fmt_name(f, c->name, sizeof c->name);
    column(f, line, 23);
    fmt_str(f, render_state(c->state));
    column(f, line, 31);
    fmt_u64_right(f, c->threads, 4);
    fmt_u64_right(f, c->handles, 8);
    column(f, line, 45);
    fmt_size(f, (uint64_t)c->mem_pages * PAGE_BYTES);
    column(f, line, 56);
    fmt_size(f, (uint64_t)c->mem_limit * PAGE_BYTES);
    column(f, line, 67);
    fmt_u64_right(f, c->restarts, 8);
    column(f, line, 76);
    fmt_time(f, c->cpu_ns);
    column(f, line, 86);
    fmt_time(f, end >= c->started_ns ? end - c->started_ns : 0);
    fmt_char(f, '\n');
}

void render_end(struct fmt *f, const struct nos_capsule_info *c)
{
    fmt_str(f, render_state(c->state));
    if (c->state == NOS_CAPSULE_EXITED) {
        fmt_str(f, " with code ");
        fmt_u64(f, c->exit_code);
    }
    if (c->state == NOS_CAPSULE_KILLED && c->exit_code != NOS_KILL_ASKED) {
        fmt_str(f, ": ");
        fmt_str(f, render_kill(c->exit_code));
    }
    if (c->state != NOS_CAPSULE_CRASHED) {
        return;
    }
    fmt_str(f, ": ");
    fmt_str(f, render_crash(c->exit_code));
    if (c->fault_symbol[0] != 0) {
        fmt_str(f, " at ");
        fmt_name(f, c->fault_symbol, sizeof c->fault_symbol);
    }
    fmt_str(f, " (ip ");
    fmt_hex(f, c->fault_ip, 1);
    fmt_str(f, ", address ");
    fmt_hex(f, c->fault_addr, 1);
    fmt_char(f, ')');
}

void render_stop(struct fmt *f, const char *name, uint64_t way, uint64_t dependants, uint64_t ms)
{
    static const char *const words[] = { " is being stopped, and so is who asked",
                                         " stopped by itself after ",
                                         " did not stop in time and was killed after ",
                                         " cannot be asked and was killed after " };
    fmt_str(f, name);
    fmt_str(f, way < ARRAY_LEN(words) ? words[way] : "?");
    if (way != NOS_STOP_UNDER_WAY) {
        fmt_u64(f, ms);
        fmt_str(f, " ms");
    }
    if (dependants != 0) {
        fmt_str(f, "; stopped before it, because they need it: ");
        fmt_u64(f, dependants);
    }
    fmt_char(f, '\n');
}

void render_upgrade(struct fmt *f, uint64_t old, uint64_t id, uint64_t pause_ns)
{
    fmt_str(f, "capsule ");
    fmt_u64(f, id == 0 ? old : id);
    if (id == 0) {
        fmt_str(f, " is being upgraded, and it is who asked: `log` tells how it went\n");
        return;
    }
    fmt_str(f, " took the place of capsule ");
    fmt_u64(f, old);
    fmt_str(f, "; callers waited ");
    fmt_u64(f, pause_ns / 1000);
    fmt_str(f, " us at most\n");
}

void render_caps_head(struct fmt *f)
{
    fmt_str(f, "HANDLE   TYPE         FROM    ENDS IN s  OBJECT                    RIGHTS\n");
}

void render_handle_object(struct fmt *f, const struct nos_handle_info *h)
{
    switch (h->type) {
    case NOS_TYPE_PORTS:
        fmt_hex(f, h->a, 4);
        fmt_str(f, "..");
        fmt_hex(f, h->b == 0 ? h->a : h->a + h->b - 1, 4);
        break;
    case NOS_TYPE_IRQ:
        fmt_str(f, "line ");
        fmt_u64(f, h->a);
        break;
    case NOS_TYPE_REGION:
        fmt_size(f, h->a * PAGE_BYTES);
        break;
    case NOS_TYPE_CAPSULE:
        fmt_name(f, h->name, sizeof h->name);
        fmt_str(f, " (");
        fmt_u64(f, h->a);
        fmt_char(f, ')');
        break;
    default:
        fmt_name(f, h->name, sizeof h->name);
        fmt_str(f, h->name[0] != 0 ? " #" : "#");
        fmt_u64(f, h->object);
        break;
    }
}

void render_cap(struct fmt *f, const struct nos_handle_info *h, uint64_t now_ns)
{
    size_t line = f->len;

    fmt_hex(f, h->handle, 8);
    column(f, line, 9);
    fmt_str(f, render_type(h->type));
    column(f, line, 22);
    fmt_str(f, render_origin(h->origin));
    column(f, line, 30);
    if (h->deadline_ns == 0) {
        fmt_str(f, "never");
    } else if (h->deadline_ns <= now_ns) {
        fmt_str(f, "expired");
    } else {
        fmt_time(f, h->deadline_ns - now_ns);
    }
    column(f, line, 41);
    render_handle_object(f, h);
    column(f, line, 67);
    render_rights(f, h->rights);
    fmt_char(f, '\n');
}

void render_modules_head(struct fmt *f)
{
    fmt_str(f, "NAME             VERSION      SEC RUNS SIZE       PUBLISHER        MODULE ID       "
               " STATUS\n");
}

void render_module(struct fmt *f, const struct nos_module_info *m)
{
    size_t line = f->len;

    fmt_name(f, m->name, sizeof m->name);
    column(f, line, 17);
    if (m->status != NOS_OK) {
        fmt_str(f, "refused: ");  // nothing else in it was verified, so nothing else is shown
        fmt_str(f, status_name(m->status));
        fmt_str(f, " (");
        fmt_str(f, status_text(m->status));
        fmt_str(f, ")\n");
        return;
    }
    if (m->semver[0] != 0) {
        fmt_name(f, m->semver, sizeof m->semver);
    } else {
        fmt_version(f, m->version);
    }
    column(f, line, 29);
    fmt_u64_right(f, m->sec_version, 4);
    fmt_u64_right(f, m->capsules, 5);
    column(f, line, 39);
    fmt_size(f, m->image_len);
    column(f, line, 50);
    fmt_short_id(f, m->publisher_id);
    column(f, line, 67);
    fmt_short_id(f, m->module_id);
    fmt_str(f, " verified\n");
}

static void row(struct fmt *f, const char *label, uint64_t bytes)
{
    size_t line = f->len;
    fmt_str(f, label);
    column(f, line, 18);
    fmt_size(f, bytes);
    fmt_char(f, '\n');
}

static void count(struct fmt *f, const char *label, uint64_t n)
{
    size_t line = f->len;
    fmt_str(f, label);
    column(f, line, 18);
    fmt_u64(f, n);
    fmt_char(f, '\n');
}

void render_mem(struct fmt *f, const struct nos_mem_info *m)
{
    row(f, "usable", m->usable);
    row(f, "free", m->free);
    row(f, "used", m->used);
    row(f, "  kernel image", m->kernel_image);
    row(f, "  metadata", m->metadata);
    row(f, "  page tables", m->page_tables);
    row(f, "  objects", m->objects);
    row(f, "  live capsules", m->capsules - m->ended);
    row(f, "  reclaiming", m->ended + m->reclaim);
    row(f, "  modules", m->modules);
    row(f, "free, dirty", m->dirty_free);
    row(f, "wiped so far", m->zeroed_frames * PAGE_BYTES);
    count(f, "capsules", m->n_capsules);
    count(f, "threads", m->n_threads);
    count(f, "objects", m->n_objects);
    count(f, "waits for lock", m->lock_waits);
    count(f, "  longest, us", m->lock_wait_longest_ns / 1000);
}

static void id_row(struct fmt *f, const char *label, const uint8_t id[32])
{
    size_t line = f->len;
    fmt_str(f, label);
    column(f, line, 18);
    fmt_bytes(f, span_of(id, 32));
    fmt_char(f, '\n');
}

static void ticks_row(struct fmt *f, const char *label, uint64_t ticks, uint64_t hz)
{
    size_t line = f->len;
    fmt_str(f, label);
    column(f, line, 18);
    uint64_t us_ticks = hz / 1000000;
    fmt_u64(f, us_ticks == 0 ? 0 : ticks / us_ticks);
    fmt_str(f, " us\n");
}

void render_about(struct fmt *f, const struct nos_about *a)
{
    fmt_name(f, a->release, sizeof a->release);
    fmt_str(f, " on ");
    fmt_name(f, a->cpu, sizeof a->cpu);
    fmt_char(f, '\n');
    count(f, "processors", a->cpus);
    fmt_str(f, "secure boot       ");
    fmt_str(f, (a->flags & 1) != 0 ? "on\n" : "off\n");
    fmt_str(f, "panic             ");
    fmt_str(f, (a->flags & 2) != 0 ? "hold (RAM is kept)\n" : "wipe\n");
    fmt_str(f, "screen            ");
    fmt_str(f, (a->flags & 4) != 0 ? "framebuffer and serial\n" : "serial only\n");
    fmt_str(f, "kernel address    ");
    fmt_str(f, (a->flags & 8) != 0 ? "random\n" : "fixed (too little entropy)\n");
    fmt_str(f, "up                ");
    fmt_time(f, a->uptime_ns);
    fmt_str(f, " s\n");
    ticks_row(f, "boot, loader", a->tsc_kernel - a->tsc_loader, a->tsc_hz);
    ticks_row(f, "  in firmware", a->tsc_firmware, a->tsc_hz);
    count(f, "policy epoch", a->policy_epoch);
    id_row(f, "policy", a->policy_hash);
    id_row(f, "kernel", a->kernel_id);
    id_row(f, "root set", a->root_set);
    id_row(f, "operator key", a->operator_pk);
    id_row(f, "boot id", a->boot_id);
    id_row(f, "issuer key", a->issuer_pk);
}
