/* What capsules do with secrets: the signing service, the broker, keys of tokens. Their own
 * objects, without system calls. */
#include <stdlib.h>

#include "lib/secret.h"
#include "modules/broker/store.h"
#include "modules/signer/desk.h"
#include "sdk/token.h"
#include "tests/ct/ct.h"

static const struct nos_who who = { .name = "asker", .module_id = { 1 }, .publisher_id = { 2 } };

static void signer(void)
{
    static struct desk desk;
    static struct desk_answer a;
    static uint8_t seed[32];
    static const struct asker by = { .capsule = 7, .who = { .name = "asker" } };
    uint64_t words[NOS_SIGNER_CONTEXT / 8 + 2] = { 0 };
    const struct desk_question q = { .label = NOS_SIGNER_SIGN | 16 << 8, .words = SPAN_OF(words) };

    memcpy(words, "context", 7);
    ct_secret(seed, sizeof seed);
    desk_open(&desk, seed);
    secret_wipe(seed, sizeof seed);
    desk_serve(&desk, &by, &q, 1, &a);
    if (a.status != NOS_OK) {
        abort();
    }
    ct_public(&a, sizeof a);
    desk_close(&desk);
}

static void ask(struct store *s, uint64_t label, span_t words, nos_status_t want,
                struct store_answer *a)
{
    const struct store_question q = { .label = label, .words = words };
    store_serve(s, &who, &q, 1000, a);
    if (a->status != want) {
        abort();
    }
}

static void broker(void)
{
    static struct store s;
    static struct store_answer a;
    static uint64_t put[NOS_BROKER_AT + 8];
    unsigned ended;

    memset(&s, 0, sizeof s);
    memset(put, 0, sizeof put);
    memcpy(put, "name", 4);
    put[2] = 1000;
    memcpy(put + 4, "asker", 5);
    ct_secret(put + NOS_BROKER_AT, 64);
    ask(&s, NOS_BROKER_PUT | 64 << 8, SPAN_OF(put), NOS_OK, &a);
    ask(&s, NOS_BROKER_PUT | 64 << 8, SPAN_OF(put), NOS_OK,
        &a);  // once more: in the place of the first
    uint64_t get[4] = { 0 };
    memcpy(get, "asker", 5);
    memcpy(get + 2, "name", 4);
    ask(&s, NOS_BROKER_GET, SPAN_OF(get), NOS_OK, &a);
    secret_wipe(&a, sizeof a);
    put[3] = NOS_BROKER_ONCE;
    ask(&s, NOS_BROKER_PUT | 64 << 8, SPAN_OF(put), NOS_OK, &a);
    ask(&s, NOS_BROKER_GET, SPAN_OF(get), NOS_OK, &a);
    secret_wipe(&a, sizeof a);
    ask(&s, NOS_BROKER_GET, SPAN_OF(get), NOS_NOT_FOUND, &a);
    put[3] = 0;
    ask(&s, NOS_BROKER_PUT | 64 << 8, SPAN_OF(put), NOS_OK, &a);
    ask(&s, NOS_BROKER_LIST, span_of(&(uint64_t){ 0 }, 8), NOS_OK, &a);
    ask(&s, NOS_BROKER_DELETE, span_of(get + 2, 16), NOS_OK, &a);
    ask(&s, NOS_BROKER_PUT | 64 << 8, SPAN_OF(put), NOS_OK, &a);
    store_expire(&s, 2000000000, &ended);
    ask(&s, NOS_BROKER_GET, SPAN_OF(get), NOS_NOT_FOUND, &a);
    secret_wipe(put, sizeof put);
    secret_wipe(&a, sizeof a);
}

static void close_broker(void)
{
    static struct store s;
    static struct store_answer a;
    static uint64_t put[NOS_BROKER_AT + 8];

    memset(&s, 0, sizeof s);
    memcpy(put, "name", 4);
    put[2] = 1000;
    memcpy(put + 4, "asker", 5);
    ct_secret(put + NOS_BROKER_AT, 64);
    ask(&s, NOS_BROKER_PUT | 64 << 8, SPAN_OF(put), NOS_OK, &a);
    secret_wipe(put, sizeof put);
    store_close(&s);
}

static void token(void)
{
    static struct nos_token_key key;
    static uint8_t bytes[TOKEN_CHAIN_BYTES];
    static const struct token block = { .kind = 1, .rights = 3, .classes = 1, .exp = 5, .nbf = 1 };

    ct_secret(key.sk, sizeof key.sk);
    nos_token_sign(bytes, 0, &block, &key);
    ct_public(bytes, sizeof bytes);
    secret_wipe(&key, sizeof key);
}

int main(int argc, char **argv)
{
    static const struct use uses[] = {
        { .name = "signer: a signature", .run = signer },
        { .name = "broker: put, get, once, replace, delete, expire", .run = broker },
        { .name = "broker: its end", .run = close_broker },
        { .name = "a token's block", .run = token },
    };
    return ct_main(argc, argv, uses, sizeof uses / sizeof *uses);
}
