/* `caps`: handles of a capsule, of all, as a tree; or a token for one. */
#include <string.h>

#include "abi/token.h"
#include "lib/captree.h"
#include "lib/render.h"
#include "lib/text.h"
#include "modules/shell/info.h"
#include "modules/shell/shell.h"
#include "sdk/print.h"
#include "sdk/start.h"

static char line[RENDER_LINE_MAX];  // one thread, one line at a time

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
            list_end("caps", caps_of(&c));
        }
    }
    list_end("caps", st);
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
        list_end("caps", caps_of(&c));
        return;
    }
    if (w->n > 2) {
        fail("usage: caps [CAPSULE], caps --tree, or caps --export CAPSULE HANDLE");
        return;
    }
    all_caps();
}
