#pragma once
/* The signing service without system calls: a key, who may ask how often, and a record of each
 * signature. */
#include "abi/signer.h"
#include "abi/status.h"
#include "lib/crypto/ed25519.h"
#include "lib/span.h"
#include "sdk/rate.h"

enum {
    DESK_CLIENTS = 16, /* modules; those that the policy lets ask are fewer */
    DESK_RECORDS = 256,
    DESK_WORDS = 14, /* of an answer, at most */
};
#define DESK_EACH_NS 100000000ull /* one signature in so much time, for each module */
enum { DESK_BURST = 20 };

struct desk {
    uint8_t sk[ED25519_SK_LEN]; /* leaves this struct in no function */
    uint8_t pk[ED25519_PK_LEN];
    uint64_t made; /* signatures */
    struct nos_client clients[DESK_CLIENTS];
    struct nos_signer_record record[DESK_RECORDS]; /* number n at n % DESK_RECORDS */
};

struct asker { /* by the kernel's word */
    uint32_t capsule;
    struct nos_who who;
};

struct desk_question {
    uint64_t label;
    span_t words; /* whole words */
};

struct desk_answer {
    nos_status_t status;
    uint32_t n_words;
    uint64_t word[DESK_WORDS];
    const struct nos_signer_record *made; /* a signature was: to be told. Borrows: the desk */
    uint64_t untold;                      /* refusals before it that were not */
    bool tell;                            /* the status is a refusal that is to be told */
};

/** Take the key that this seed makes. The caller wipes the seed. */
void desk_open(struct desk *d, const uint8_t seed[ED25519_SEED_LEN]);

/** Answer one request. Errors, in the answer: abi/signer.h's; BAD_MESSAGE. */
void desk_serve(struct desk *d, const struct asker *by, const struct desk_question *q,
                uint64_t now_ns, struct desk_answer *out);

/** No byte of the key stays, nor of anything else. */
void desk_close(struct desk *d);
