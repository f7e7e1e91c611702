/*
 * One key for all, so what is signed names who asked and what for: a signature that one module had
 * made, or had made for one purpose, is none of another. A record is written before the signature
 * is given out, so there is none that is on no record.
 */
#include "modules/signer/desk.h"

#include <string.h>

#include "lib/crypto/blake3.h"
#include "lib/secret.h"
#include "lib/text.h"
#include "sdk/signer.h"

static const struct nos_rate_limit signatures = { .each_ns = DESK_EACH_NS, .burst = DESK_BURST };

void desk_open(struct desk *d, const uint8_t seed[ED25519_SEED_LEN])
{
    memset(d, 0, sizeof *d);
    ed25519_keypair_from_seed(d->pk, d->sk, seed);
}

void desk_close(struct desk *d)
{
    secret_wipe(d, sizeof *d);
}

static nos_status_t admit(struct desk *d, const struct asker *by, uint64_t now_ns,
                          struct desk_answer *out)
{
    struct nos_client *c = nos_client_of(d->clients, DESK_CLIENTS, &by->who, now_ns);

    if (c == NULL) {
        return NOS_BUSY;
    }
    if (!nos_rate_take(&c->asks, &signatures, now_ns, &out->word[0])) {
        out->n_words = 1;
        out->tell = nos_client_tell(c, now_ns, &out->untold);
        return NOS_QUOTA;
    }
    return NOS_OK;
}

static struct nos_signer_record *write_down(struct desk *d, const struct asker *by, span_t context,
                                            span_t signed_bytes, uint64_t now_ns)
{
    struct nos_signer_record *r = &d->record[++d->made % DESK_RECORDS];

    *r = (struct nos_signer_record){ .number = d->made, .time_ns = now_ns, .capsule = by->capsule };
    memcpy(r->module, by->who.name, sizeof r->module);
    memcpy(r->context, context.data, context.len);
    blake3_hash(signed_bytes, r->digest);
    return r;
}

static nos_status_t sign(struct desk *d, const struct asker *by, const struct desk_question *q,
                         uint64_t now_ns, struct desk_answer *out)
{
    uint8_t bytes[NOS_SIGNER_SIGNED];
    span_t padded, message, text;
    size_t len = q->label >> 8;

    if (len > NOS_SIGNER_MESSAGE) {
        return NOS_TOO_BIG;
    }
    if (!span_cut(q->words, 0, NOS_SIGNER_CONTEXT, &padded) ||
        !span_cut(q->words, NOS_SIGNER_CONTEXT, len, &message) ||
        q->words.len != NOS_SIGNER_CONTEXT + (len + 7) / 8 * 8) {
        return NOS_BAD_MESSAGE;
    }
    if (!nos_signer_context(padded, &text)) {
        return NOS_INVALID;
    }
    nos_status_t st = admit(d, by, now_ns, out);
    if (st == NOS_OK) {
        span_t all = nos_signer_bytes(name16_span(by->who.name), text, message, bytes);
        struct nos_signer_record *r = write_down(d, by, text, all, now_ns);
        r->message_len = (uint32_t)len;
        out->made = r;
        ed25519_sign((uint8_t *)out->word, all, d->sk);
        out->word[8] = d->made;
        out->n_words = 9;
        secret_wipe(bytes, sizeof bytes);
    }
    return st;
}

static nos_status_t show(const struct desk *d, const struct desk_question *q,
                         struct desk_answer *out)
{
    uint64_t n, first = d->made < DESK_RECORDS ? 1 : d->made - DESK_RECORDS + 1;

    if (q->words.len != 8 || !span_le64(q->words, 0, &n)) {
        return NOS_BAD_MESSAGE;
    }
    n = n < first ? first : n;
    if (n > d->made) {
        return NOS_NOT_FOUND;
    }
    memcpy(out->word, &d->record[n % DESK_RECORDS], sizeof d->record[0]);
    out->n_words = sizeof d->record[0] / 8;
    return NOS_OK;
}

static nos_status_t tell_key(const struct desk *d, const struct desk_question *q,
                             struct desk_answer *out)
{
    if (q->words.len != 0) {
        return NOS_BAD_MESSAGE;
    }
    memcpy(out->word, d->pk, sizeof d->pk);
    out->word[4] = d->made;
    out->n_words = 5;
    return NOS_OK;
}

void desk_serve(struct desk *d, const struct asker *by, const struct desk_question *q,
                uint64_t now_ns, struct desk_answer *out)
{
    memset(out, 0, sizeof *out);
    if ((q->label & 0xff) == NOS_SIGNER_SIGN) {
        out->status = sign(d, by, q, now_ns, out);
    } else if (q->label == NOS_SIGNER_KEY) {
        out->status = tell_key(d, q, out);
    } else if (q->label == NOS_SIGNER_LOG) {
        out->status = show(d, q, out);
    } else {
        out->status = NOS_BAD_MESSAGE;
    }
}
