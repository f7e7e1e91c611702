/*
 * Candidates are commands and programs for the first word of each command, verified modules after
 * `load`, programs and files after `run`, capsules after `caps`, `kill`, `stop` and `upgrade`, and
 * files everywhere else. What all of them share is inserted; when that is nothing new, they are
 * listed under the line.
 */
#include "modules/shell/complete.h"

#include <string.h>

#include "lib/text.h"
#include "modules/shell/act.h"
#include "modules/shell/info.h"
#include "modules/shell/job.h"
#include "modules/shell/place.h"
#include "modules/shell/shell.h"
#include "sdk/print.h"

struct match {
    span_t word;                   // what was typed of it
    char common[NOS_FS_NAME_MAX];  // what all candidates begin with
    size_t common_len;
    size_t n;
    bool list;  // second pass: print them
    bool dir;   // the last candidate is a directory
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

static void offer_commands(struct match *m)
{
    for (size_t i = 0; i < n_commands; i++) {
        offer(m, span_of(commands[i].name, strlen(commands[i].name)));
    }
}

/* The newest of a name stands for all of them. */
static void offer_modules(struct match *m, bool programs)
{
    struct nos_module_info mod, newest;

    for (uint64_t i = 0; INFO(NOS_TOPIC_MODULES, i, &mod) == NOS_OK; i++) {
        char name[NOS_NAME_MAX + 1] = { 0 };
        memcpy(name, mod.name, NOS_NAME_MAX);
        if (mod.status == NOS_OK && find_module(name, &newest) &&
            memcmp(newest.module_id, mod.module_id, sizeof(mod.module_id)) == 0 &&
            !(programs && is_service(&mod))) {
            offer(m, name16_span(mod.name));
        }
    }
}

static void offer_capsules(struct match *m)
{
    struct nos_capsule_info cap;

    for (uint64_t i = 0; INFO(NOS_TOPIC_CAPSULES, i, &cap) == NOS_OK; i++) {
        if (cap.state == NOS_CAPSULE_RUNNING) {
            offer(m, name16_span(cap.name));
        }
    }
}

/* A name is whatever some program made it: what a line would read as more than a name, or a
 * terminal as a command, is not put there. */
static void offer_entry(void *arg, span_t name, bool dir)
{
    struct match *m = arg;
    size_t before = m->n;

    if (line_is_plain(name)) {
        offer(m, name);
    }
    m->dir = m->n > before ? dir : m->dir;
}

/* What stands before the last slash, and the slash. */
static size_t dir_len(span_t path)
{
    size_t n = path.len;

    while (n > 0 && path.data[n - 1] != '/') {
        n--;
    }
    return n;
}

static void offer_files(struct match *m)
{
    char dir[EDIT_LINE] = ".";
    size_t slash = dir_len(m->word);

    if (slash > 0) {
        memcpy(dir, m->word.data, slash);
        dir[slash] = '\0';
        m->word = span_of(m->word.data + slash, m->word.len - slash);
    }
    place_list(dir, offer_entry, m);
}

/* `before`: what stands before the word in its command. */
static void offer_all(struct match *m, span_t before, bool file)
{
    if (file || dir_len(m->word) != 0) {
        offer_files(m);
    } else if (before.len == 0) {
        offer_commands(m);
        offer_modules(m, true);
    } else if (span_equal(before, SPAN_LIT("help "))) {
        offer_commands(m);
    } else if (span_equal(before, SPAN_LIT("load "))) {
        offer_modules(m, false);
    } else if (span_equal(before, SPAN_LIT("run "))) {
        offer_modules(m, true);
        offer_files(m);
    } else if (takes_capsule(before)) {
        offer_capsules(m);
    } else {
        offer_files(m);
    }
}

/* Where the command begins in which `at` is, and whether it is a file's turn there. */
static size_t command_start(const struct edit *e, size_t at, bool *file)
{
    size_t start = 0;
    char last = ' ';

    for (size_t i = 0; i < at; i++) {
        char c = e->line[i];
        if (c == '|' || c == '&' || c == ';') {
            start = i + 1;
        }
        last = c == ' ' ? last : c;
    }
    while (start < at && e->line[start] == ' ') {
        start++;
    }
    *file = last == '<' || last == '>';
    return start;
}

static bool ends_word(char c)
{
    return c == ' ' || c == '|' || c == '&' || c == ';' || c == '<' || c == '>';
}

void complete(struct edit *e)
{
    struct match m = { .n = 0 };
    size_t start = e->at;

    bool file;
    while (start > 0 && !ends_word(e->line[start - 1])) {
        start--;
    }
    size_t from = command_start(e, start, &file);
    span_t before = span_of(e->line + from, start - from);
    const span_t word = span_of(e->line + start, e->at - start);
    m.word = word;
    offer_all(&m, before, file);
    if (m.n == 0) {
        return;
    }
    size_t typed = m.word.len;
    if (m.common_len > typed || m.n == 1) {
        edit_insert(e, span_of(m.common + typed, m.common_len - typed));
        if (m.n == 1) {
            edit_insert(e, m.dir ? SPAN_LIT("/") : SPAN_LIT(" "));
        }
    } else {
        nos_print("\n");
        m.list = true;
        m.word = word;
        offer_all(&m, before, file);
        nos_print("\n");
    }
    edit_refresh(e);
}
