/* Commands that show: each walks one topic and prints its records with lib/render, as nonosctl
 * does. */
#include <string.h>

#include "abi/token.h"
#include "lib/audit.h"
#include "lib/captree.h"
#include "lib/render.h"
#include "lib/status.h"
#include "modules/shell/info.h"
#include "modules/shell/shell.h"
#include "sdk/print.h"
#include "sdk/start.h"

static char line[RENDER_LINE_MAX];  // one thread, one line at a time

static void finish(const char *what, nos_status_t st)
{
    if (st != NOS_NOT_FOUND && st != NOS_OK) {
        complain(what, st);
    }
}

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
    finish("ps", st);
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
    finish("modules", st);
}

static nos_status_t caps_of(const struct nos_capsule_info *c)
{
    struct nos_handle_info h;
    nos_status_t st;
    struct fmt f;

    FMT_INIT(&f, line);
    fmt_name(&f, c->name, NOS_NAME_MAX);
    fmt_str(&f, " (capsule ");
    fmt_u64(&f, c->id);
    fmt_str(&f, "), classes ");
    render_classes(&f, c->classes);
    fmt_char(&f, '\n');
    show(&f);
    FMT_INIT(&f, line);
    render_caps_head(&f);
    show(&f);
    for (uint64_t n = 0;; n++) {
        st = INFO(NOS_TOPIC_HANDLES, (uint64_t)c->id << 32 | n, &h);
        if (st != NOS_OK) {
            return st;
        }
        FMT_INIT(&f, line);
        render_cap(&f, &h, nos_now_ns());
        show(&f);
    }
}

/* A handle as `caps` shows it: hexadecimal, with or without 0x. */
static bool parse_handle(const char *text, uint64_t *out)
{
    char hex[20] = "0x";
    size_t len = strlen(text);

    if (len > 2 && text[0] == '0' && text[1] == 'x') {
        return parse_u64(span_of(text, len), out) && *out <= UINT32_MAX;
    }
    if (len == 0 || len > 8) {
        return false;
    }
    memcpy(hex + 2, text, len);
    return parse_u64(span_of(hex, len + 2), out);
}

NOINLINE static void export_token(const char *capsule, const char *handle)
{
    uint8_t token[sizeof(struct nos_token_block)];
    char hex[2 * sizeof(token) + 2];
    struct nos_capsule_info c;
    struct fmt f;
    uint64_t h;

    nos_status_t st = info_capsule(capsule, &c);
    if (st != NOS_OK) {
        fail("caps: no capsule '%s'; `ps` lists them", capsule);
        return;
    }
    if (!parse_handle(handle, &h)) {
        fail("caps: '%s' is not a handle; `caps %s` lists them", handle, capsule);
        return;
    }
    st =
        nos_sys_token_export(shell.node, c.id, (nos_handle_t){ (uint32_t)h }, token, sizeof(token));
    if (st == NOS_NOT_FOUND) {
        fail("caps: capsule %u has no handle %s; `caps %u` lists them", c.id, handle, c.id);
        return;
    }
    if (st != NOS_OK) {
        complain("caps --export", st);
        return;
    }
    FMT_INIT(&f, hex);
    fmt_bytes(&f, SPAN_OF(token));
    fmt_char(&f, '\n');
    show(&f);
}

NOINLINE static void all_caps(void)
{
    struct nos_capsule_info c;
    nos_status_t st;

    for (uint64_t i = 0; (st = INFO(NOS_TOPIC_CAPSULES, i, &c)) == NOS_OK; i++) {
        if (c.state == NOS_CAPSULE_RUNNING) {
            finish("caps", caps_of(&c));
        }
    }
    finish("caps", st);
}

enum { TREE_ROWS = 256 };
static struct captree_row tree[TREE_ROWS + 1]; /* the last one only tells that there are more */

static nos_status_t tree_of(const struct nos_capsule_info *c, uint32_t *n)
{
    for (uint64_t i = 0; *n <= TREE_ROWS; i++) {
        struct captree_row *r = &tree[*n];
        nos_status_t st = INFO(NOS_TOPIC_HANDLES, (uint64_t)c->id << 32 | i, &r->h);
        if (st != NOS_OK) {
            return st;
        }
        r->capsule = c->id;
        memcpy(r->name, c->name, sizeof(r->name));
        ++*n;
    }
    return NOS_TOO_BIG;
}

/* By object: who holds it, and what was made from what. */
NOINLINE static void caps_tree(void)
{
    static struct nos_capsule_info c;
    nos_status_t st = NOS_OK;
    uint32_t n = 0;
    struct fmt f;

    for (uint64_t i = 0; st != NOS_TOO_BIG && INFO(NOS_TOPIC_CAPSULES, i, &c) == NOS_OK; i++) {
        st = c.state == NOS_CAPSULE_RUNNING ? tree_of(&c, &n) : st;
    }
    n = st == NOS_TOO_BIG ? TREE_ROWS : n;
    captree_sort(tree, n);
    for (uint32_t i = 0; i < n; i++) {
        FMT_INIT(&f, line);
        if (captree_first(tree, i)) {
            captree_object(&f, &tree[i]);
        }
        captree_line(&f, &tree[i], nos_now_ns());
        show(&f);
    }
    if (st == NOS_TOO_BIG) {
        nos_print("caps: more than %u handles; `nonosctl caps --tree` shows all\n", TREE_ROWS);
    }
}

void cmd_caps(const struct words *w)
{
    static struct nos_capsule_info c;

    if (w->n == 2 && words_same(w->word[1], "--tree")) {
        caps_tree();
        return;
    }

    if (w->n >= 2 && words_same(w->word[1], "--export")) {
        if (w->n == 4) {
            export_token(w->word[2], w->word[3]);
        } else {
            fail("usage: caps --export CAPSULE HANDLE");
        }
        return;
    }
    if (w->n == 2) {
        if (info_capsule(w->word[1], &c) != NOS_OK) {
            fail("caps: no capsule '%s'; `ps` lists them", w->word[1]);
            return;
        }
        finish("caps", caps_of(&c));
        return;
    }
    if (w->n > 2) {
        fail("usage: caps [CAPSULE], caps --tree, or caps --export CAPSULE HANDLE");
        return;
    }
    all_caps();
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
    finish("log", st);
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
