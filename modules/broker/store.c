/*
 * Who put a secret and who may have it are modules, not capsules: a capsule that is started again
 * is the same one, and one that has another's number or handle is not. To whom a secret is not to
 * be given it does not exist.
 */
#include "modules/broker/store.h"

#include <string.h>

#include "lib/secret.h"
#include "lib/text.h"

static const struct nos_rate_limit requests = { .each_ns = STORE_EACH_NS, .burst = STORE_BURST };

static bool same_name(const char a[NOS_NAME_MAX], const char b[NOS_NAME_MAX])
{
    return memcmp(a, b, NOS_NAME_MAX) == 0;
}

/* ---- what is kept ---- */

static void drop(struct secret *x)
{
    secret_wipe(x, sizeof *x);
}

static struct secret *find(struct store *s, const struct nos_who *owner, const char *name)
{
    for (unsigned i = 0; i < STORE_SECRETS; i++) {
        struct secret *x = &s->secret[i];
        if (x->until_ns != 0 && nos_who_same(&x->owner, owner) && same_name(x->name, name)) {
            return x;
        }
    }
    return NULL;
}

/* The place for one more of `owner`. */
static nos_status_t place(struct store *s, const struct nos_who *owner, struct secret **out)
{
    unsigned has = 0;

    *out = NULL;
    for (unsigned i = 0; i < STORE_SECRETS; i++) {
        struct secret *x = &s->secret[i];
        has += x->until_ns != 0 && nos_who_same(&x->owner, owner) ? 1 : 0;
        *out = x->until_ns == 0 ? x : *out;
    }
    return has >= NOS_BROKER_OWN ? NOS_QUOTA : *out == NULL ? NOS_NO_SLOT : NOS_OK;
}

uint64_t store_expire(struct store *s, uint64_t now_ns, unsigned *ended)
{
    uint64_t next_ns = 0;

    *ended = 0;
    for (unsigned i = 0; i < STORE_SECRETS; i++) {
        struct secret *x = &s->secret[i];
        if (x->until_ns != 0 && x->until_ns <= now_ns) {
            drop(x);
            (*ended)++;
        } else if (x->until_ns != 0 && (next_ns == 0 || x->until_ns < next_ns)) {
            next_ns = x->until_ns;
        }
    }
    return next_ns;
}

void store_close(struct store *s)
{
    secret_wipe(s, sizeof *s);
}

/* ---- requests ---- */

static bool take_name(const struct store_question *q, size_t word, char out[NOS_NAME_MAX])
{
    span_t bytes;

    if (!span_cut(q->words, 8 * word, NOS_NAME_MAX, &bytes)) {
        return false;
    }
    memcpy(out, bytes.data, NOS_NAME_MAX);
    return name16_ok(out);
}

/* At least one, each a name, none after a gap. */
static bool take_readers(const struct store_question *q, char out[NOS_BROKER_READERS][NOS_NAME_MAX])
{
    static const char none[NOS_NAME_MAX];
    bool ended = false;

    for (size_t i = 0; i < NOS_BROKER_READERS; i++) {
        bool good = take_name(q, 4 + 2 * i, out[i]);
        bool empty = same_name(out[i], none);
        if (!empty && (!good || ended)) {
            return false;
        }
        ended = ended || empty;
    }
    return !same_name(out[0], none);
}

static nos_status_t put(struct store *s, const struct nos_who *by, const struct store_question *q,
                        uint64_t now_ns, struct store_answer *out)
{
    struct secret new = { .owner = *by, .len = (uint32_t)(q->label >> 8) };
    uint64_t life_ms = 0, flags = 0;
    struct secret *to;
    span_t bytes;

    if (!take_name(q, 0, new.name) || !take_readers(q, new.reader) ||
        !span_le64(q->words, 16, &life_ms) || life_ms == 0 || life_ms > NOS_BROKER_LIFE_MS ||
        !span_le64(q->words, 24, &flags) || (flags & ~(uint64_t)NOS_BROKER_ONCE) != 0 ||
        new.len == 0 || !span_cut(q->words, NOS_BROKER_AT * 8, new.len, &bytes)) {
        return NOS_INVALID;
    }
    memcpy(out->name, new.name, sizeof out->name);
    to = find(s, by, new.name);
    nos_status_t st = to == NULL ? place(s, by, &to) : NOS_OK;
    if (st == NOS_OK) {
        drop(to);
        *to = new;
        memcpy(to->bytes, bytes.data, new.len);
        to->flags = (uint32_t)flags;
        to->until_ns = now_ns + life_ms * 1000000;
    }
    return st;
}

static bool may_have(const struct secret *x, const struct nos_who *by)
{
    bool named = false;

    for (unsigned i = 0; i < NOS_BROKER_READERS; i++) {
        named = named || same_name(x->reader[i], by->name);
    }
    return named;
}

static nos_status_t get(struct store *s, const struct nos_who *by, const struct store_question *q,
                        uint64_t now_ns, struct store_answer *out)
{
    struct nos_who owner = *by; /* so: of the asker's publisher */

    if (!take_name(q, 0, owner.name) || !take_name(q, 2, out->name)) {
        memset(out->name, 0, sizeof out->name);
        return NOS_INVALID;
    }
    memcpy(out->owner, owner.name, sizeof out->owner);
    struct secret *x = find(s, &owner, out->name);
    if (x == NULL || x->until_ns <= now_ns || !may_have(x, by)) {
        return NOS_NOT_FOUND;
    }
    out->word[0] = x->len;
    out->word[1] = (x->until_ns - now_ns) / 1000000;
    memcpy(out->word + NOS_BROKER_AT, x->bytes, x->len);
    out->n_words = NOS_BROKER_AT + (x->len + 7) / 8;
    x->given++;
    if ((x->flags & NOS_BROKER_ONCE) != 0) {
        drop(x);  // also when the answer finds nobody: once is at most once
    }
    return NOS_OK;
}

static nos_status_t delete (struct store *s, const struct nos_who *by,
                            const struct store_question *q, struct store_answer *out)
{
    if (!take_name(q, 0, out->name)) {
        memset(out->name, 0, sizeof out->name);
        return NOS_INVALID;
    }
    struct secret *x = find(s, by, out->name);
    if (x == NULL) {
        return NOS_NOT_FOUND;
    }
    drop(x);
    return NOS_OK;
}

static nos_status_t list(const struct store *s, const struct nos_who *by,
                         const struct store_question *q, uint64_t now_ns, struct store_answer *out)
{
    uint64_t n = load_le64(q->words.data);

    for (unsigned i = 0; i < STORE_SECRETS; i++) {
        const struct secret *x = &s->secret[i];
        if (x->until_ns <= now_ns || !nos_who_same(&x->owner, by) || n-- != 0) {
            continue;
        }
        struct nos_broker_entry e = { .left_ms = (x->until_ns - now_ns) / 1000000,
                                      .len = x->len,
                                      .given = x->given,
                                      .flags = x->flags };
        memcpy(e.name, x->name, sizeof e.name);
        memcpy(e.reader, x->reader, sizeof e.reader);
        memcpy(out->word, &e, sizeof e);
        out->n_words = sizeof e / 8;
        return NOS_OK;
    }
    return NOS_NOT_FOUND;
}

static bool well_formed(const struct store_question *q)
{
    uint64_t op = q->label & 0xff, bytes = q->label >> 8;

    switch (op) {
    case NOS_BROKER_PUT:  // too long a secret is told so, not that its words do not fit
        return bytes > NOS_BROKER_BYTES || q->words.len == NOS_BROKER_AT * 8 + (bytes + 7) / 8 * 8;
    case NOS_BROKER_GET:
        return bytes == 0 && q->words.len == 32;
    case NOS_BROKER_DELETE:
        return bytes == 0 && q->words.len == 16;
    case NOS_BROKER_LIST:
        return bytes == 0 && q->words.len == 8;
    default:
        return false;
    }
}

static nos_status_t carry_out(struct store *s, const struct nos_who *by,
                              const struct store_question *q, uint64_t now_ns,
                              struct store_answer *out)
{
    switch ((enum nos_broker_op)(q->label & 0xff)) {
    case NOS_BROKER_PUT:
        return q->label >> 8 > NOS_BROKER_BYTES ? NOS_TOO_BIG : put(s, by, q, now_ns, out);
    case NOS_BROKER_GET:
        return get(s, by, q, now_ns, out);
    case NOS_BROKER_DELETE:
        return delete (s, by, q, out);
    case NOS_BROKER_LIST:
        return list(s, by, q, now_ns, out);
    }
    return NOS_BAD_MESSAGE;
}

void store_serve(struct store *s, const struct nos_who *by, const struct store_question *q,
                 uint64_t now_ns, struct store_answer *out)
{
    memset(out, 0, sizeof *out);
    if (!well_formed(q)) {
        out->status = NOS_BAD_MESSAGE;
        return;
    }
    struct nos_client *c = nos_client_of(s->client, STORE_CLIENTS, by, now_ns);
    if (c == NULL) {
        out->status = NOS_BUSY;
        return;
    }
    if (!nos_rate_take(&c->asks, &requests, now_ns, &out->word[0])) {
        out->n_words = 1;
        out->status = NOS_BUSY;
    } else {
        out->status = carry_out(s, by, q, now_ns, out);
    }
    bool listed = (q->label & 0xff) == NOS_BROKER_LIST && out->status != NOS_BUSY;
    bool done = out->status == NOS_OK;
    out->tell = !listed && (done || nos_client_tell(c, now_ns, &out->untold));
}
