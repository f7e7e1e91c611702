/* signer: the input is what three askers say, one after the other, and how much time goes by. The
 * key is in no answer, each signature is on record, verifies for who asked, and there are not more
 * than the rate allows. */
#include "fuzz/fuzz.h"
#include "lib/text.h"
#include "modules/signer/desk.h"
#include "sdk/signer.h"

enum { HEAD = 8 };

static struct desk desk;

static void promises(const struct asker *by, const struct desk_question *q,
                     const struct desk_answer *a, uint64_t made)
{
    uint8_t room[NOS_SIGNER_SIGNED];
    span_t padded, context, message;

    PROMISE(a->n_words <= DESK_WORDS);
    for (size_t i = 0; i < ED25519_SEED_LEN; i += 8) {
        PROMISE(memmem(a->word, sizeof a->word, desk.sk + i, 8) == NULL);
    }
    PROMISE(desk.made == made + (a->made != NULL ? 1 : 0));
    if (a->made == NULL) {
        return;
    }
    PROMISE(a->status == NOS_OK && a->made->number == desk.made && a->made->capsule == by->capsule);
    PROMISE(span_cut(q->words, 0, NOS_SIGNER_CONTEXT, &padded));
    PROMISE(span_cut(q->words, NOS_SIGNER_CONTEXT, q->label >> 8, &message));
    PROMISE(nos_signer_context(padded, &context));
    span_t all = nos_signer_bytes(name16_span(by->who.name), context, message, room);
    PROMISE(ed25519_verify((const uint8_t *)a->word, all, desk.pk));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const uint8_t seed[ED25519_SEED_LEN] = { 1,  2,  3,  4,  5,  6,  7,  8,  9,  10, 11,
                                                    12, 13, 14, 15, 16, 1,  2,  3,  4,  5,  6,
                                                    7,  8,  9,  10, 11, 12, 13, 14, 15, 16 };
    static const char *const name[] = { "web", "api", "web" };
    struct desk_answer a;
    uint64_t now_ns = 1, made[3] = { 0 };

    desk_open(&desk, seed);
    for (size_t at = 0; at + HEAD <= size;) {  // op | bytes2 | who | words | time3, then the words
        const uint8_t *p = data + at;
        unsigned who = p[3] % 3, n = p[4] % 65;
        n = n > (size - at - HEAD) / 8 ? (unsigned)((size - at - HEAD) / 8) : n;
        struct asker by = { .capsule = who + 1 };
        memcpy(by.who.name, name[who], strlen(name[who]));
        by.who.publisher_id[0] = (uint8_t)(who / 2);
        const struct desk_question q = { .label = p[0] | (uint64_t)load_le16(p + 1) << 8,
                                         .words = span_of(p + HEAD, 8 * (size_t)n) };
        now_ns += load_le16(p + 5) * 1000ull * p[7];
        uint64_t before = desk.made;
        desk_serve(&desk, &by, &q, now_ns, &a);
        promises(&by, &q, &a, before);
        made[who] += desk.made - before;
        PROMISE(made[who] <= DESK_BURST + now_ns / DESK_EACH_NS);
        at += HEAD + 8 * (size_t)n;
    }
    desk_close(&desk);
    PROMISE(span_is_zero(span_of(&desk, sizeof desk)));
    return 0;
}
