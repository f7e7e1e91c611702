/* broker: the input is what three modules ask, one after the other, and how much time goes by. Each
 * puts secrets with a mark of its own; nobody is given what was not for it, quotas hold, what has
 * expired is zero, and so is everything at the end. */
#include "fuzz/fuzz.h"
#include "lib/text.h"
#include "modules/broker/store.h"

enum { HEAD = 8, ASKERS = 3 };

static struct store store;

static bool names(const char reader[NOS_BROKER_READERS][NOS_NAME_MAX], const char *name)
{
    bool named = false;
    for (unsigned i = 0; i < NOS_BROKER_READERS; i++) {
        named = named || memcmp(reader[i], name, NOS_NAME_MAX) == 0;
    }
    return named;
}

/* By what was kept before the request. */
static void given(const struct store *before, const struct nos_who *by,
                  const struct store_question *q, const struct store_answer *a, uint64_t now_ns)
{
    bool right = false;

    for (unsigned i = 0; i < STORE_SECRETS; i++) {
        const struct secret *x = &before->secret[i];
        right = right || (x->until_ns > now_ns && x->len == a->word[0] &&
                          memcmp(x->bytes, a->word + NOS_BROKER_AT, x->len) == 0 &&
                          memcmp(x->owner.name, q->words.data, NOS_NAME_MAX) == 0 &&
                          memcmp(x->name, q->words.data + NOS_NAME_MAX, NOS_NAME_MAX) == 0 &&
                          memcmp(x->owner.publisher_id, by->publisher_id, 32) == 0 &&
                          names(x->reader, by->name));
    }
    PROMISE(right);
}

static void books(void)
{
    static const struct secret free_place;

    for (unsigned i = 0; i < STORE_SECRETS; i++) {
        const struct secret *x = &store.secret[i];
        unsigned has = 0;
        if (x->until_ns == 0) {
            PROMISE(memcmp(x, &free_place, sizeof *x) == 0);
            continue;
        }
        PROMISE(name16_ok(x->name) && x->len >= 1 && x->len <= NOS_BROKER_BYTES);
        for (unsigned k = 0; k < STORE_SECRETS; k++) {
            const struct secret *y = &store.secret[k];
            bool same = y->until_ns != 0 && nos_who_same(&x->owner, &y->owner);
            has += same ? 1 : 0;
            PROMISE(k == i || !same || memcmp(x->name, y->name, NOS_NAME_MAX) != 0);
        }
        PROMISE(has <= NOS_BROKER_OWN);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const name[ASKERS] = { "web", "api", "web" };
    static struct store before;
    static struct store_answer a;
    uint64_t now_ns = 1;
    unsigned ended;

    memset(&store, 0, sizeof store);
    for (size_t at = 0; at + HEAD <= size;) {  // op | bytes2 | who | words | time3, then the words
        const uint8_t *p = data + at;
        unsigned who = p[3] % ASKERS, n = p[4] % 65;
        n = n > (size - at - HEAD) / 8 ? (unsigned)((size - at - HEAD) / 8) : n;
        struct nos_who by = { .publisher_id = { (uint8_t)(who / 2) } };
        memcpy(by.name, name[who], strlen(name[who]));
        const struct store_question q = { .label = p[0] | (uint64_t)load_le16(p + 1) << 8,
                                          .words = span_of(p + HEAD, 8 * (size_t)n) };
        now_ns += load_le16(p + 5) * 1000ull * p[7];
        uint64_t next_ns = store_expire(&store, now_ns, &ended);
        PROMISE(next_ns == 0 || next_ns > now_ns);
        before = store;
        store_serve(&store, &by, &q, now_ns, &a);
        PROMISE(a.n_words <= STORE_WORDS);
        if (p[0] == NOS_BROKER_GET && a.status == NOS_OK) {
            given(&before, &by, &q, &a, now_ns);
        }
        books();
        at += HEAD + 8 * (size_t)n;
    }
    store_close(&store);
    PROMISE(span_is_zero(span_of(&store, sizeof store)));
    return 0;
}
