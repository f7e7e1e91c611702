/* A token: 1 to 4 blocks, back to back. Spec: docs/formats.md, "Token".
 * sig by the vault's per-boot issuing key, then by the next_pk of the block before, over
 * NOS_DOMAIN_CAP \0 || BLAKE3(whole block before; 32 zero bytes for the first) || block[0..132).
 * token_id = BLAKE3 of the blocks without their signatures. */
#pragma once

#include <stddef.h>
#include <stdint.h>

struct __attribute__((packed)) nos_token_block { /* 196 bytes; offsets only, bytes are never cast */
    uint16_t len;                                /* 196 */
    uint8_t ver;                                 /* 1 */
    uint8_t kind;                                /* enum nos_type of the object */
    uint8_t audience[32];                        /* module_id that may import */
    uint32_t classes;                            /* class mask */
    uint32_t rights;
    uint8_t obj[32];   /* NOS_CTX_OBJECT over boot id || serial8 */
    uint64_t nbf, exp; /* ns since boot; exp 0 = as long as this boot */
    uint8_t depth;     /* further blocks allowed */
    uint8_t rsv[3];    /* 0 */
    uint32_t nonce;
    uint8_t next_pk[32]; /* key that may sign the next block; 0 with depth 0 */
    uint8_t sig[64];
};
_Static_assert(sizeof(struct nos_token_block) == 196, "ABI");
_Static_assert(offsetof(struct nos_token_block, sig) == 132, "what the signature covers");

enum { NOS_TOKEN_BLOCKS_MAX = 4 };

struct nos_token_request { /* what token_issue is asked for; 96 bytes, reserved = 0 */
    uint8_t audience[32];  /* module_id that may import */
    uint8_t next_pk[32];   /* may sign the next block; 0 with depth 0 */
    uint64_t nbf, exp;     /* ns since boot; exp 0 = as long as the handle */
    uint32_t classes;
    uint32_t rights;
    uint8_t depth; /* further blocks allowed, 0..3 */
    uint8_t rsv[7];
};
_Static_assert(sizeof(struct nos_token_request) == 96, "ABI");
