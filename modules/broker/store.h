#pragma once
/* The secret broker without system calls: what is kept for whom, how long, and who may have it. */
#include "abi/broker.h"
#include "abi/status.h"
#include "lib/span.h"
#include "sdk/rate.h"

enum {
    STORE_SECRETS = 64,
    STORE_CLIENTS = 16,
    STORE_BURST = 40,
    STORE_WORDS = NOS_BROKER_AT + NOS_BROKER_BYTES / 8,
};
#define STORE_EACH_NS 50000000ull /* one request in so much time, for each module */

struct secret {
    uint64_t until_ns; /* 0 = free: then all of it is zero */
    struct nos_who owner;
    char name[NOS_NAME_MAX];
    char reader[NOS_BROKER_READERS][NOS_NAME_MAX];
    uint32_t len, given, flags;
    uint8_t bytes[NOS_BROKER_BYTES];
};

struct store {
    struct secret secret[STORE_SECRETS];
    struct nos_client client[STORE_CLIENTS];
};

struct store_question {
    uint64_t label;
    span_t words; /* whole words */
};

struct store_answer { /* the caller wipes it */
    nos_status_t status;
    uint32_t n_words;
    uint64_t word[STORE_WORDS];
    bool tell;                                    /* put it on record: what was done, or refused */
    uint64_t untold;                              /* of this module, refused before and not told */
    char owner[NOS_NAME_MAX], name[NOS_NAME_MAX]; /* of the secret that it is about; or zero */
};

/** Answer one request. Errors, in the answer: abi/broker.h's; BAD_MESSAGE. */
void store_serve(struct store *s, const struct nos_who *by, const struct store_question *q,
                 uint64_t now_ns, struct store_answer *out);

/** Wipe what has expired, `ended` is told how many. Gives: when the next one does; 0 = never. */
uint64_t store_expire(struct store *s, uint64_t now_ns, unsigned *ended);

/** Wipe everything. */
void store_close(struct store *s);
