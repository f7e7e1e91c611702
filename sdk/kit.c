/* See kit.h. */
#include "sdk/kit.h"

#include <string.h>

enum { TEXT_AT = 3, TEXT_ROOM = (NOS_MSG_WORDS - TEXT_AT) * 8 };

static nos_status_t text(const struct nos_kit *k, struct nos_msg *m)
{
    uint64_t at = m->word[0];
    span_t rest;

    if (m->n_words != 1 || at > k->text.len || !span_cut(k->text, at, k->text.len - at, &rest)) {
        return NOS_BAD_MESSAGE;
    }
    nos_msg_answer(m, NOS_OK);
    m->word[0] = k->text.len;
    m->word[1] = k->n_args;
    m->word[2] = k->n_env;
    m->n_words = TEXT_AT;
    size_t n = rest.len < TEXT_ROOM ? rest.len : TEXT_ROOM;
    return n == 0 || nos_msg_put(m, TEXT_AT, rest.data, n) ? NOS_OK : NOS_TOO_BIG;
}

static bool pass(struct nos_msg *m, const struct nos_kit_given *g, int from, int to)
{
    bool fits = true;

    const bool has = g->kind == NOS_KIT_PIPE || g->kind == NOS_KIT_FILE;

    for (int i = from; has && i < to; i++) {
        fits = fits && nos_msg_copy(m, g->end.h[i], NOS_RIGHT_ALL);
    }
    return fits;
}

static nos_status_t stream(const struct nos_kit *k, struct nos_msg *m)
{
    uint64_t fd = m->word[0];

    if (m->n_words != 1) {
        return NOS_BAD_MESSAGE;
    }
    while (fd < NOS_KIT_STREAMS && k->stream[fd].kind == 0) {
        fd++;
    }
    if (fd >= NOS_KIT_STREAMS) {
        return NOS_NOT_FOUND;
    }
    const struct nos_kit_given *g = &k->stream[fd];
    nos_msg_answer(m, NOS_OK);
    m->word[0] = fd;
    m->word[1] = g->kind;
    m->word[2] = g->detail;
    m->n_words = TEXT_AT;
    if (g->kind == NOS_KIT_OPEN &&
        (strlen(g->path) >= TEXT_ROOM || !nos_msg_put(m, TEXT_AT, g->path, strlen(g->path) + 1))) {
        return NOS_TOO_BIG;
    }
    return pass(m, g, NOS_PIPE_REGION, NOS_PIPE_LIFE) ? NOS_OK : NOS_TOO_BIG;
}

static nos_status_t life(struct nos_kit *k, struct nos_msg *m, struct nos_kit_given **out)
{
    uint64_t fd = m->word[0];

    if (m->n_words != 1 || fd >= NOS_KIT_STREAMS || k->stream[fd].kind != NOS_KIT_PIPE) {
        return NOS_BAD_MESSAGE;
    }
    *out = &k->stream[fd];
    nos_msg_answer(m, NOS_OK);
    return pass(m, *out, NOS_PIPE_LIFE, NOS_PIPE_HANDLES) ? NOS_OK : NOS_TOO_BIG;
}

nos_status_t nos_kit_answer(struct nos_kit *k, struct nos_msg *m)
{
    struct nos_kit_given *given = NULL;
    nos_status_t st = m->label == NOS_KIT_TEXT     ? text(k, m)
                      : m->label == NOS_KIT_STREAM ? stream(k, m)
                      : m->label == NOS_KIT_LIFE   ? life(k, m, &given)
                                                   : NOS_BAD_MESSAGE;
    if (st == NOS_OK) {
        st = nos_reply(m);
        if (st == NOS_OK && given != NULL) {
            nos_pipe_drop(&given->end);
        }
        if (st == NOS_OK || st == NOS_NOT_FOUND) {
            return st;
        }
    }
    nos_msg_answer(m, st);  // it has no class Memory, or no room for handles
    nos_ignore(nos_reply(m));
    return st;
}

void nos_kit_drop(struct nos_kit *k)
{
    for (int i = 0; i < NOS_KIT_STREAMS; i++) {
        nos_pipe_drop(&k->stream[i].end);
        k->stream[i].kind = 0;
    }
}
