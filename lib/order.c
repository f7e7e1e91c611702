/* See order.h. The sets are small: each question looks at every pair. */
#include "lib/order.h"

#include <string.h>

static bool same_name(const char *a, const char *b)
{
    return memcmp(a, b, NOS_NAME_MAX) == 0;
}

static uint32_t needs_of(const struct nos_supervision *who)
{
    return who->n_needs <= NOS_NEEDS_MAX ? who->n_needs : NOS_NEEDS_MAX;
}

bool order_needs(const struct nos_supervision *who, const struct nos_supervision *what)
{
    for (uint32_t i = 0; i < needs_of(who); i++) {
        if (same_name(who->needs[i], what->name)) {
            return true;
        }
    }
    return false;
}

bool order_has(const order_set set, const char name[NOS_NAME_MAX])
{
    for (size_t i = 0; i < ORDER_MAX; i++) {
        if (set[i] != NULL && same_name(set[i]->name, name)) {
            return true;
        }
    }
    return false;
}

/* Nobody that `i` needs is still to be placed. */
static bool is_free(const order_set set, const bool placed[ORDER_MAX], size_t i)
{
    for (size_t k = 0; k < ORDER_MAX; k++) {
        if (set[k] != NULL && !placed[k] && order_needs(set[i], set[k])) {
            return false;
        }
    }
    return true;
}

nos_status_t order_start(const order_set set, uint8_t out[ORDER_MAX], size_t *n)
{
    bool placed[ORDER_MAX] = { false };
    size_t count = 0, left = ORDER_MAX, next;

    do {
        left = next = ORDER_MAX;
        for (size_t i = 0; i < ORDER_MAX && next == ORDER_MAX; i++) {
            if (set[i] != NULL && !placed[i]) {
                left = left == ORDER_MAX ? i : left;
                next = is_free(set, placed, i) ? i : next;
            }
        }
        if (next != ORDER_MAX) {
            placed[next] = true;
            out[count++] = (uint8_t)next;
        }
    } while (next != ORDER_MAX);
    if (left != ORDER_MAX) {
        out[0] = (uint8_t)left;
        return NOS_NEED_CYCLE;
    }
    *n = count;
    return NOS_OK;
}

/* `i` needs one of the lost, and nobody of that name is left. */
static bool is_lost(const order_set set, const bool lost[ORDER_MAX], size_t i)
{
    for (uint32_t need = 0; need < needs_of(set[i]); need++) {
        bool had = false, has = false;
        for (size_t k = 0; k < ORDER_MAX; k++) {
            if (set[k] != NULL && same_name(set[k]->name, set[i]->needs[need])) {
                had = had || lost[k];
                has = has || !lost[k];
            }
        }
        if (had && !has) {
            return true;
        }
    }
    return false;
}

void order_dependants(const order_set set, bool lost[ORDER_MAX])
{
    bool more = true;

    while (more) {
        more = false;
        for (size_t i = 0; i < ORDER_MAX; i++) {
            if (set[i] != NULL && !lost[i] && is_lost(set, lost, i)) {
                lost[i] = more = true;
            }
        }
    }
}

static bool is_needed(const order_set set, const bool stopping[ORDER_MAX], size_t i)
{
    for (size_t k = 0; k < ORDER_MAX; k++) {
        if (k != i && set[k] != NULL && stopping[k] && order_needs(set[k], set[i])) {
            return true;
        }
    }
    return false;
}

void order_stop(const order_set set, const bool stopping[ORDER_MAX], bool now[ORDER_MAX])
{
    bool any = false;

    for (size_t i = 0; i < ORDER_MAX; i++) {
        now[i] = set[i] != NULL && stopping[i] && !is_needed(set, stopping, i);
        any = any || now[i];
    }
    for (size_t i = 0; i < ORDER_MAX && !any; i++) {
        now[i] = set[i] != NULL && stopping[i];
    }
}
