/* Tokens: what is accepted, written again, is the same bytes; and nothing here is signed by
 * anybody. */
#include "fuzz/fuzz.h"
#include "lib/token.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const uint8_t pk[32] = { 2 };
    struct token t;
    uint8_t body[TOKEN_BODY];

    if (token_parse(span_of(data, size), &t) != NOS_OK) {
        return 0;
    }
    token_write(&t, body);
    PROMISE(size == TOKEN_BYTES && memcmp(body, data, TOKEN_BODY) == 0);
    PROMISE(token_verify(span_of(data, size), pk, t.nbf, &t) == NOS_TOKEN_ISSUER);
    PROMISE(token_check_time(&t, t.nbf) == NOS_OK);
    return 0;
}
