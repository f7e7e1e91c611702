/* Signatures: what a capsule says to "signer", and what is said back. Spec: docs/signer.md.
 *
 * What is signed (Ed25519, RFC 8032) is never the message alone:
 *
 *     NOS_SIGNER_PREFIX \0 module \0 context \0 message
 *
 * `module` is the name of the module that asked, by the kernel's word, `context` what the signature
 * is for, by the asker's. A reply's label is a status. */
#pragma once

#include <stdint.h>

#include "abi/caps.h"

#define NOS_SIGNER_PREFIX "N0N/signer/v1"

enum {                           /* bytes */
       NOS_SIGNER_CONTEXT = 32,  /* zero padded; 1..32 of [a-z0-9._/-] */
       NOS_SIGNER_MESSAGE = 480, /* at most; of what is longer sign a hash */
       NOS_SIGNER_SIGNED = sizeof(NOS_SIGNER_PREFIX) + NOS_NAME_MAX + 1 + NOS_SIGNER_CONTEXT + 1 +
                           NOS_SIGNER_MESSAGE, /* at most */
};

enum nos_signer_op {
    NOS_SIGNER_SIGN = 1, /* label = op | bytes of message << 8; words 0..3 = context, words 4.. =
                          * message. Reply: words 0..7 = signature, word 8 = its record's number.
                          * INVALID: the context; TOO_BIG: the message; QUOTA: too often, word 0 =
                          * ns until the next; BUSY: too many others ask */
    NOS_SIGNER_KEY = 2,  /* no words. Reply: words 0..3 = public key, word 4 = records so far */
    NOS_SIGNER_LOG = 3,  /* word 0 = number: the first record kept that is not below it. Reply:
                          * struct nos_signer_record. NOT_FOUND: none is */
};

struct nos_signer_record { /* 112 bytes: one signature, written down before it is given out */
    uint64_t number;       /* from 1 on, without gaps */
    uint64_t time_ns;      /* since boot */
    uint32_t capsule;      /* who asked, */
    uint32_t message_len;
    char module[NOS_NAME_MAX]; /* and whose module it was */
    uint8_t context[NOS_SIGNER_CONTEXT];
    uint8_t digest[32]; /* BLAKE3 of what was signed */
    uint64_t rsv;       /* 0 */
};
_Static_assert(sizeof(struct nos_signer_record) == 112, "ABI");
