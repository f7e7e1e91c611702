/* The prompt: keys into the line editor, or into what is typed for a program; each line that is
 * finished is read as commands, with the variables and files that lines before it have named. */
#include "fuzz/fuzz.h"
#include "modules/shell/edit.h"
#include "modules/shell/line.h"
#include "modules/shell/tty.h"
#include "modules/shell/vars.h"

enum { NAMES = 8, NAME = 24 };

static char file[NAMES][NAME];  // in every directory
static unsigned n_files;

static const char *lookup(const char *name, size_t len)
{
    return len == 1 && *name == '?' ? "7" : vars_get(name, len);
}

static void list(const char *path, void (*each)(void *arg, span_t name, bool dir), void *arg)
{
    PROMISE(strlen(path) < LINE_TEXT);
    for (unsigned i = 0; i < n_files; i++) {
        each(arg, span_of(file[i], strlen(file[i])), i % 3 == 0);
    }
}

static void check_words(const struct line *l, const struct words *w)
{
    char joined[64];

    for (size_t i = 0; i < w->n; i++) {
        const char *s = w->word[i];
        PROMISE(s >= l->text && s < l->text + LINE_TEXT);
        PROMISE(memchr(s, 0, (size_t)(l->text + LINE_TEXT - s)) != NULL);
        PROMISE(strpbrk(s, "\1\2") == NULL);  // marks are the parser's own
    }
    PROMISE(words_join(w, 0, joined, sizeof joined) < sizeof joined);
    PROMISE(w->word[w->n] == NULL || w->word + w->n < l->word + LINE_WORDS + 1);
}

static void check_line(const char *text)
{
    static struct line l;
    static const struct line_world world = { lookup, list };
    unsigned n = 0;

    for (const char *rest = text; rest != NULL && n < EDIT_LINE; rest = l.rest, n++) {
        PROMISE(rest >= text && rest <= text + strlen(text));
        nos_status_t st = line_parse(&l, rest, &world);
        PROMISE(st == NOS_OK || l.wrong != NULL);
        if (st != NOS_OK) {
            return;
        }
        PROMISE(l.n <= LINE_STAGES && l.n_words <= LINE_WORDS && l.len <= LINE_TEXT);
        for (size_t i = 0; i < l.n; i++) {
            PROMISE(l.stage[i].words.n >= 1);
            check_words(&l, &l.stage[i].words);
        }
        if (l.n == 1 && vars_is_assignment(l.stage[0].words.word[0])) {
            (void)!vars_set(l.stage[0].words.word[0]);
        } else if (l.n == 1 && l.stage[0].words.n == 2 && n_files < NAMES &&
                   strlen(l.stage[0].words.word[1]) < NAME) {
            strcpy(file[n_files++], l.stage[0].words.word[1]);
        }
    }
    PROMISE(n < EDIT_LINE);
}

static void check_vars(void)
{
    size_t len, n, seen = 0;
    const char *all = vars_all(&len, &n);

    PROMISE(len <= VARS_TEXT);
    for (size_t at = 0; at < len; at += strlen(all + at) + 1, seen++) {
        PROMISE(vars_is_assignment(all + at));
    }
    PROMISE(seen == n);
    for (; n > 0; n--) {  // nothing stays for the next run
        char name[VARS_TEXT];
        all = vars_all(&len, &seen);
        size_t name_len = (size_t)(strchr(all, '=') - all);
        memcpy(name, all, name_len);
        name[name_len] = '\0';
        vars_unset(name);
    }
}

static void type_edit(struct edit *e, uint8_t key)
{
    enum edit_event ev = edit_feed(e, key);

    PROMISE(e->len < EDIT_LINE && e->at <= e->len && e->line[e->len] == '\0');
    PROMISE(edit_take(e).len <= EDIT_OUT);
    if (ev == EDIT_COMPLETE) {
        edit_insert(e, SPAN_LIT("completed "));
        edit_refresh(e);
        PROMISE(e->len < EDIT_LINE && edit_take(e).len <= EDIT_OUT);
    }
    if (ev == EDIT_ENTER) {
        edit_remember(e, e->line);
        check_line(e->line);
    }
    if (ev == EDIT_ENTER || ev == EDIT_INTERRUPT || ev == EDIT_EOF) {
        edit_start(e);
        PROMISE(edit_take(e).len <= EDIT_OUT);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct edit e;
    static struct tty t;
    bool program = false;

    edit_init(&e, "> ");
    edit_start(&e);
    memset(&t, 0, sizeof t);
    n_files = 0;
    for (size_t i = 0; i < size; i++) {
        if (data[i] == 0xff) {  // who gets the keys from here on
            program = !program;
        } else if (program) {
            enum tty_event ev = tty_feed(&t, data[i]);
            PROMISE(t.len <= TTY_LINE && tty_take(&t).len <= TTY_OUT);
            PROMISE(ev == TTY_NONE || tty_line(&t).len <= TTY_LINE);
        } else {
            type_edit(&e, data[i]);
        }
    }
    for (size_t i = 0; edit_remembered(&e, i) != NULL; i++) {
        PROMISE(i < EDIT_HISTORY && strlen(edit_remembered(&e, i)) < EDIT_LINE);
    }
    check_vars();
    return 0;
}
