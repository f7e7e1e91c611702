/* Secrets: what a capsule says to "broker", and what is said back. Spec: docs/broker.md.
 *
 * A secret belongs to the module that put it there, under a name of its own, and is given to the
 * modules that this one named: of the same publisher, all by the kernel's word. A reply's label is
 * a status. The bytes lie from word NOS_BROKER_AT on, which no register carries. */
#pragma once

#include <stdint.h>

#include "abi/caps.h"

enum {
    NOS_BROKER_BYTES = 256, /* of one secret, at most; at least 1 */
    NOS_BROKER_READERS = 4,
    NOS_BROKER_LIFE_MS = 86400000, /* at most; at least 1 */
    NOS_BROKER_AT = 12,
    NOS_BROKER_OWN = 8, /* secrets of one module */
};

enum nos_broker_flag { NOS_BROKER_ONCE = 1u << 0 /* gone when it has been given once */ };

enum nos_broker_op {
    NOS_BROKER_PUT = 1, /* label = op | bytes << 8; words 0, 1 = name, 2 = life in ms, 3 = flags,
                         * 4..11 = names of up to four modules that may have it; the bytes. In
                         * place of an older one of that name. INVALID: name, life, flags or
                         * readers; TOO_BIG: bytes; QUOTA: the module has eight; NO_SLOT */
    NOS_BROKER_GET = 2, /* words 0, 1 = module that put it, 2, 3 = its name. Reply: label = status,
                         * word 0 = bytes, word 1 = ms left; the bytes. NOT_FOUND: there is none,
                         * or none for this caller */
    NOS_BROKER_DELETE = 3, /* words 0, 1 = name of one of the caller's own. NOT_FOUND */
    NOS_BROKER_LIST = 4,   /* word 0 = n: the caller's own, from 0. Reply: struct
                            * nos_broker_entry. NOT_FOUND: there are no more */
    /* Each: BUSY, word 0 = ns until it may ask again, or 0: too many others ask */
};

struct nos_broker_entry { /* 104 bytes */
    char name[NOS_NAME_MAX];
    uint64_t left_ms;
    uint32_t len;   /* bytes */
    uint32_t given; /* times */
    uint32_t flags;
    uint32_t rsv; /* 0 */
    char reader[NOS_BROKER_READERS][NOS_NAME_MAX];
};
_Static_assert(sizeof(struct nos_broker_entry) == 104, "ABI");
