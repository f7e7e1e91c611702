#include "modules/shell/words.h"

#include <stdbool.h>
#include <string.h>

nos_status_t words_split(struct words *w, const char *line)
{
    size_t len = strlen(line), out = 0;
    bool in_word = false, quoted = false;

    w->n = 0;
    if (len >= sizeof(w->text)) {
        return NOS_TOO_BIG;
    }
    for (size_t i = 0; i < len; i++) {
        bool blank = (line[i] == ' ' || line[i] == '\t') && !quoted;
        if (blank && in_word) {
            w->text[out++] = '\0';
        } else if (!blank && !in_word) {
            if (w->n == WORDS_MAX) {
                return NOS_TOO_BIG;
            }
            w->word[w->n++] = w->text + out;
        }
        in_word = !blank;
        if (line[i] == '"') {
            quoted = !quoted;
        } else if (!blank) {
            w->text[out++] = line[i];
        }
    }
    w->text[out] = '\0';
    return quoted ? NOS_INVALID : NOS_OK;
}

size_t words_join(const struct words *w, size_t first, char *out, size_t cap)
{
    size_t len = 0;

    for (size_t i = first; i < w->n; i++) {
        size_t n = strlen(w->word[i]);
        if (len > 0 && len + 1 < cap) {
            out[len++] = ' ';
        }
        n = n < cap - 1 - len ? n : cap - 1 - len;
        memcpy(out + len, w->word[i], n);
        len += n;
    }
    out[len] = '\0';
    return len;
}
