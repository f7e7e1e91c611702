/* See signer.h. A service that does not answer is not waited for for ever. */
#include "sdk/signer.h"

#include <string.h>

#include "sdk/ipc.h"
#include "sdk/start.h"

#define PATIENCE_NS 5000000000ull

static nos_status_t ask(struct nos_msg *m, uint32_t words)
{
    nos_handle_t signer = nos_find_handle(NOS_CAP_ENDPOINT, "signer");

    nos_status_t st = nos_call(signer, m, nos_now_ns() + PATIENCE_NS);
    st = st == NOS_OK ? nos_msg_status(m) : st;
    return st == NOS_OK && m->n_words != words ? NOS_BAD_MESSAGE : st;
}

nos_status_t nos_sign(span_t context, span_t message, struct nos_signature *out)
{
    struct nos_msg m = { .label = NOS_SIGNER_SIGN | (uint64_t)message.len << 8 };

    if (context.len > NOS_SIGNER_CONTEXT) {
        return NOS_INVALID;
    }
    if (message.len > NOS_SIGNER_MESSAGE ||
        !nos_msg_put(&m, NOS_SIGNER_CONTEXT / 8, message.data, message.len)) {
        return NOS_TOO_BIG;
    }
    if (context.len > 0) {
        memcpy(m.word, context.data, context.len);
    }
    nos_status_t st = ask(&m, 9);
    if (st == NOS_OK) {
        memcpy(out->bytes, m.word, sizeof out->bytes);
        out->number = m.word[8];
    }
    return st;
}

nos_status_t nos_signer_key(uint8_t pk[32])
{
    struct nos_msg m = { .label = NOS_SIGNER_KEY };

    nos_status_t st = ask(&m, 5);
    if (st == NOS_OK) {
        memcpy(pk, m.word, 32);
    }
    return st;
}

nos_status_t nos_signer_log(uint64_t number, struct nos_signer_record *out)
{
    struct nos_msg m = { .label = NOS_SIGNER_LOG, .n_words = 1, .word = { number } };

    nos_status_t st = ask(&m, sizeof *out / 8);
    if (st == NOS_OK) {
        memcpy(out, m.word, sizeof *out);
    }
    return st;
}
