/*
 * Candidates are commands for the first word, verified modules after `load`, capsules after `caps`,
 * `kill`, `stop` and `upgrade`. What all of them share is inserted; when that is nothing new, they
 * are listed under the line.
 */
#include "modules/shell/complete.h"

#include <string.h>

#include "lib/text.h"
#include "modules/shell/info.h"
#include "modules/shell/shell.h"
#include "sdk/print.h"

struct match {
    span_t word;      // what was typed of it
    char common[32];  // what all candidates begin with
    size_t common_len;
    size_t n;
    bool list;  // second pass: print them
};

static void offer(struct match *m, span_t name)
{
    size_t len = name.len < sizeof(m->common) ? name.len : sizeof(m->common);

    if (len < m->word.len ||
        (m->word.len > 0 && memcmp(name.data, m->word.data, m->word.len) != 0)) {
        return;
    }
    if (m->list) {
        nos_print("  %.*s", (int)name.len, (const char *)name.data);
        return;
    }
    if (m->n == 0) {
        memcpy(m->common, name.data, len);
        m->common_len = len;
    }
    size_t same = 0;
    while (same < m->common_len && same < len && m->common[same] == (char)name.data[same]) {
        same++;
    }
    m->common_len = same;
    m->n++;
}

/* The first word is a command that is about a capsule. */
static bool takes_capsule(span_t before)
{
    static const char *const verbs[] = { "caps ", "kill ", "stop ", "upgrade " };

    for (size_t i = 0; i < ARRAY_LEN(verbs); i++) {
        if (span_equal(before, span_of(verbs[i], strlen(verbs[i])))) {
            return true;
        }
    }
    return false;
}

static void offer_all(struct match *m, span_t before)
{
    struct nos_module_info mod;
    struct nos_capsule_info cap;

    if (before.len == 0) {
        for (size_t i = 0; i < n_commands; i++) {
            offer(m, span_of(commands[i].name, strlen(commands[i].name)));
        }
    } else if (span_equal(before, SPAN_LIT("help "))) {
        offer_all(m, SPAN_LIT(""));
    } else if (span_equal(before, SPAN_LIT("load "))) {
        for (uint64_t i = 0; INFO(NOS_TOPIC_MODULES, i, &mod) == NOS_OK; i++) {
            if (mod.status == NOS_OK) {
                offer(m, name16_span(mod.name));
            }
        }
    } else if (takes_capsule(before)) {
        for (uint64_t i = 0; INFO(NOS_TOPIC_CAPSULES, i, &cap) == NOS_OK; i++) {
            if (cap.state == NOS_CAPSULE_RUNNING) {
                offer(m, name16_span(cap.name));
            }
        }
    }
}

void complete(struct edit *e)
{
    struct match m = { .n = 0 };
    size_t start = e->at;

    while (start > 0 && e->line[start - 1] != ' ') {
        start--;
    }
    span_t before = span_of(e->line, start);
    m.word = span_of(e->line + start, e->at - start);
    offer_all(&m, before);
    if (m.n == 0) {
        return;
    }
    size_t typed = e->at - start;
    if (m.common_len > typed || m.n == 1) {
        edit_insert(e, span_of(m.common + typed, m.common_len - typed));
        if (m.n == 1) {
            edit_insert(e, SPAN_LIT(" "));
        }
    } else {
        nos_print("\n");
        m.list = true;
        offer_all(&m, before);
        nos_print("\n");
    }
    edit_refresh(e);
}
