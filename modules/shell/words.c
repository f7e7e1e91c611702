#include "modules/shell/words.h"

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
