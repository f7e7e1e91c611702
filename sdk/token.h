#pragma once
/*
 * Tokens in the hands of a capsule: keys of its own, and blocks that pass on less of a token.
 * Issuing and importing are system calls (nos_sys_token_issue, nos_sys_token_import). Signing comes
 * out of a library: a module that uses none of this does not carry it.
 */
#include "lib/token.h"
#include "sdk/syscalls.h"

struct nos_token_key {  // wipe `sk` when it is no longer needed
    uint8_t pk[32];     // for `next_pk`, of a request or of a block
    uint8_t sk[64];
};

/** A fresh key. Needs class Crypto. Errors: those of nos_sys_random. */
MUST_CHECK nos_status_t nos_token_key_new(struct nos_token_key *out);

/**
 * Put a block behind the `*len` bytes of `token`, signed with the key that the last one names.
 * `*block` says what it still grants; nonce included, it is the caller's.
 * Errors: those that an importer would give, but for signatures and times: TOKEN_FORMAT,
 * TOKEN_DEPTH, TOKEN_OBJECT, TOKEN_RIGHTS, TOKEN_WINDOW, TOKEN_AUDIENCE. The token is then as it
 * was.
 */
MUST_CHECK nos_status_t nos_token_add(uint8_t token[TOKEN_CHAIN_BYTES], size_t *len,
                                      const struct token *block, const struct nos_token_key *key);

/** The same without a look at what is signed: block 0 or one more; for tests. */
void nos_token_sign(uint8_t *token, size_t at, const struct token *block,
                    const struct nos_token_key *key);
