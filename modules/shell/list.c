/* Commands that show: each walks one topic and prints its records with lib/render, as nonosctl
 * does. */
#include <string.h>

#include "lib/audit.h"
#include "lib/render.h"
#include "lib/status.h"
#include "modules/shell/info.h"
#include "modules/shell/shell.h"
#include "sdk/print.h"
#include "sdk/start.h"

static char line[RENDER_LINE_MAX];  // one thread, one line at a time

void cmd_ps(const struct words *w)
{
    struct nos_capsule_info c;
    nos_status_t st;
    struct fmt f;

    (void)w;
    FMT_INIT(&f, line);
    render_ps_head(&f);
    show(&f);
    for (uint64_t i = 0; (st = INFO(NOS_TOPIC_CAPSULES, i, &c)) == NOS_OK; i++) {
        FMT_INIT(&f, line);
        render_ps(&f, &c, nos_now_ns());
        show(&f);
    }
    list_end("ps", st);
}

void cmd_modules(const struct words *w)
{
    struct nos_module_info m;
    nos_status_t st;
    struct fmt f;

    (void)w;
    FMT_INIT(&f, line);
    render_modules_head(&f);
    show(&f);
    for (uint64_t i = 0; (st = INFO(NOS_TOPIC_MODULES, i, &m)) == NOS_OK; i++) {
        FMT_INIT(&f, line);
        render_module(&f, &m);
        show(&f);
    }
    list_end("modules", st);
}

void cmd_mem(const struct words *w)
{
    static char page[RENDER_PAGE_MAX];
    struct nos_mem_info m;
    struct fmt f;

    (void)w;
    nos_status_t st = INFO(NOS_TOPIC_MEM, 0, &m);
    if (st != NOS_OK) {
        complain("mem", st);
        return;
    }
    FMT_INIT(&f, page);
    render_mem(&f, &m);
    show(&f);
}

void cmd_log(const struct words *w)
{
    static uint8_t room[512 + sizeof(struct nos_log_head)];
    uint64_t from = 0;
    span_t text;
    nos_status_t st;

    (void)w;
    while ((st = info_log(&from, MSPAN_OF(room), &text)) == NOS_OK && text.len > 0) {
        if (nos_console_write(text) != NOS_OK) {
            return;
        }
    }
    list_end("log", st);
}

/* The checkpoints that cover what was checked so far. `*k` is the next one, `*got`: is there one?
 */
static nos_status_t audit_points(struct audit_checker *c, struct nos_audit_checkpoint *k, bool *got)
{
    nos_status_t st = NOS_OK;

    while (st == NOS_OK && c->keys.seq < c->head.checkpoints) {
        if (!*got) {
            st = INFO(NOS_TOPIC_CHECKPOINT, c->keys.seq, k);
            *got = st == NOS_OK;
        }
        if (st != NOS_OK || !audit_check_is_due(c, k)) {
            return st;
        }
        st = audit_check_checkpoint(c, k);
        *got = false;
    }
    return st;
}

static void audit_verdict(const struct audit_checker *c, nos_status_t st)
{
    struct fmt f;

    FMT_INIT(&f, line);
    if (st == NOS_OK) {
        fmt_str(&f, "chain good: ");
        fmt_u64(&f, c->next - c->head.first);
        fmt_str(&f, " records, ");
        fmt_u64(&f, c->checkpoints);
        fmt_str(&f, " signed checkpoints, ");
        fmt_u64(&f, c->head.dropped);
        fmt_str(&f, " dropped, head ");
        fmt_bytes(&f, SPAN_OF(c->head.head));
    } else {
        fmt_str(&f, "CHAIN BROKEN at record ");
        fmt_u64(&f, c->next);
        fmt_str(&f, ": ");
        fmt_str(&f, status_text(st));
    }
    fmt_char(&f, '\n');
    show(&f);
}

void cmd_audit(const struct words *w)
{
    static struct audit_checker c;
    static struct nos_audit_entry e;
    static struct nos_audit_head head;
    static struct nos_audit_checkpoint k;
    bool got = false;
    struct fmt f;

    (void)w;
    nos_status_t st = INFO(NOS_TOPIC_AUDIT_HEAD, 0, &head);
    if (st != NOS_OK) {
        complain("audit", st);
        return;
    }
    FMT_INIT(&f, line);
    render_audit_head(&f);
    show(&f);
    st = audit_check_begin(&c, &head);
    if (st == NOS_OK) {
        st = audit_points(&c, &k, &got);
    }
    for (uint64_t seq = head.first; st == NOS_OK && seq < head.next; seq++) {
        st = INFO(NOS_TOPIC_AUDIT, seq, &e);
        if (st == NOS_OK) {
            FMT_INIT(&f, line);
            render_audit(&f, &e);
            show(&f);
            st = audit_check_next(&c, &e);
        }
        if (st == NOS_OK) {
            st = audit_points(&c, &k, &got);
        }
    }
    if (st == NOS_OK) {
        st = audit_check_end(&c);
    }
    audit_verdict(&c, st);
}

static void fmt_ms(struct fmt *f, const char *what, uint64_t ticks, uint64_t hz)
{
    // ticks * 1000 / hz without overflow for any uptime: hz is at least a few million
    uint64_t us = hz == 0 ? 0 : ticks / hz * 1000000 + ticks % hz * 1000000 / hz;

    fmt_str(f, what);
    fmt_u64(f, us / 1000);
    fmt_char(f, '.');
    fmt_char(f, (char)('0' + us / 100 % 10));
    fmt_str(f, " ms, ");
    fmt_u64(f, ticks);
    fmt_str(f, " ticks\n");
}

void cmd_about(const struct words *w)
{
    static char page[RENDER_PAGE_MAX];
    struct nos_about a;
    struct fmt f;

    (void)w;
    nos_status_t st = INFO(NOS_TOPIC_ABOUT, 0, &a);
    if (st != NOS_OK) {
        complain("about", st);
        return;
    }
    FMT_INIT(&f, page);
    render_about(&f, &a);
    if (shell.tsc_ready > a.tsc_kernel && a.tsc_kernel > a.tsc_loader) {
        fmt_ms(&f, "boot, all         ", shell.tsc_ready - a.tsc_loader, a.tsc_hz);
        fmt_ms(&f, "boot, firmware    ", a.tsc_firmware, a.tsc_hz);
        fmt_ms(&f, "boot, to prompt   ", shell.tsc_ready - a.tsc_kernel, a.tsc_hz);
        fmt_str(&f, "idle by then      ");
        fmt_u64(&f, shell.idle_ready_ns);
        fmt_str(&f, " ns\n");
    }
    show(&f);
}

void cmd_uptime(const struct words *w)
{
    struct fmt f;

    (void)w;
    FMT_INIT(&f, line);
    fmt_str(&f, "up ");
    fmt_time(&f, nos_now_ns());
    fmt_str(&f, " s\n");
    show(&f);
}
