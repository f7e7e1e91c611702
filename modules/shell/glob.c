#include "modules/shell/glob.h"

#include <string.h>

#include "lib/text.h"

enum { DIR_MAX = 512 };

void glob_unmark(char *word)
{
    for (; *word != '\0'; word++) {
        *word = *word == GLOB_MANY ? '*' : *word == GLOB_ONE ? '?' : *word;
    }
}

/* The last * takes as little as will do, and one more each time it did not: no two of them need be
 * tried together, so it is no more than one's length times the other's. */
static bool fits(const char *p, span_t name)
{
    const char *many = NULL;
    size_t at = 0, from = 0;

    while (at < name.len) {
        if (*p == GLOB_MANY) {
            many = ++p;
            from = at;
        } else if (*p == GLOB_ONE || (*p != '\0' && *p == (char)name.data[at])) {
            p++;
            at++;
        } else if (many != NULL) {
            p = many;
            at = ++from;
        } else {
            return false;
        }
    }
    while (*p == GLOB_MANY) {
        p++;
    }
    return *p == '\0';
}

struct search {
    struct line *l;
    const char *word, *last;  // the pattern; its last step
    nos_status_t st;
};

/* The word's directory, and the name. */
static nos_status_t add(struct line *l, span_t dir, span_t name)
{
    char *to = l->text + l->len;

    if (l->len + dir.len + name.len + 1 > LINE_TEXT) {
        l->wrong = "the line is too long: * and ? fit too many names";
        return NOS_TOO_BIG;
    }
    memcpy(to, dir.data, dir.len);
    memcpy(to + dir.len, name.data, name.len);
    to[dir.len + name.len] = '\0';
    l->len += dir.len + name.len + 1;
    return line_add(l, to);
}

static void offer(void *arg, span_t name, bool dir)
{
    struct search *s = arg;
    bool hidden = name.len == 0 || (name.data[0] == '.' && *s->last != '.');

    (void)dir;
    if (s->st == NOS_OK && !hidden && text_ok(name) && fits(s->last, name)) {
        s->st = add(s->l, span_of(s->word, (size_t)(s->last - s->word)), name);
    }
}

static bool is_after(const char *a, const char *b)
{
    while (*a != '\0' && *a == *b) {
        a++;
        b++;
    }
    return (uint8_t)*a > (uint8_t)*b;
}

static void sort(char **word, size_t n)
{
    for (size_t i = 1; i < n; i++) {
        char *w = word[i];
        size_t k = i;
        for (; k > 0 && is_after(word[k - 1], w); k--) {
            word[k] = word[k - 1];
        }
        word[k] = w;
    }
}

nos_status_t glob(struct line *l, const char *word, const struct line_world *w)
{
    struct search s = { .l = l, .word = word, .last = word };
    size_t first = l->n_words;
    char dir[DIR_MAX] = ".";
    bool marked = false;

    for (const char *p = word; *p != '\0'; p++) {
        if (*p == '/' && marked) {
            return NOS_OK;
        }
        marked |= glob_is_mark(*p);
        s.last = *p == '/' ? p + 1 : s.last;
    }
    size_t len = (size_t)(s.last - word);
    if (!marked || len >= sizeof(dir)) {
        return NOS_OK;
    }
    if (len != 0) {
        memcpy(dir, word, len);
        dir[len] = '\0';
    }
    w->list(dir, offer, &s);
    sort(l->word + first, l->n_words - first);
    return s.st;
}
