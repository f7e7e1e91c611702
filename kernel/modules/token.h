/* Tokens: the vault's signed word on what a capsule holds. As evidence for somebody off the machine
 * (export), and as a way for a right from one capsule to another that no message carries (issue,
 * import). No other call ever looks at one. Spec: docs/vault.md, "Tokens"; docs/capabilities.md. */
#pragma once

#include "kernel/object/capsule.h"
#include "lib/token.h"

enum { TOKEN_EXPORTS_MAX = 64 /* of a capsule, with those that only an id is left of */ };

/**
 * The vault signs what slot `s` of `c` grants now: audience = the capsule's module_id, life = the
 * slot's. One block, not to be passed on, which nobody can import. Audited before it is given out;
 * `actor` asked. Errors: EXPIRED.
 */
MUST_CHECK nos_status_t token_make(const struct capsule *c, const struct handle_slot *s,
                                   uint32_t actor, uint8_t out[TOKEN_BYTES]);

/**
 * The vault signs block 0 of a token for slot `s` of `c`, which has TRANSFER, and the kernel
 * remembers it, with a cell of its own below the slot's: until the slot's grant is cut, the token's
 * end, or that of `c`. It counts among the objects of `c`. Audited before it is given out.
 * Errors: INVALID, DENIED (rights, classes), DEPTH, QUOTA, NO_MEMORY.
 */
MUST_CHECK nos_status_t token_issue(struct capsule *c, const struct handle_slot *s,
                                    const struct nos_token_request *req, uint8_t out[TOKEN_BYTES]);

/** The token that `c` issued last was not handed over after all. */
void token_recall(struct capsule *c);

/* One import; it does not move between its steps. */
struct token_job {
    uint8_t bytes[TOKEN_CHAIN_BYTES];
    struct token_chain chain;
    uint32_t at;            /* next block whose signature is looked at */
    nos_status_t signature; /* of that block, once it has been looked at */
};

/** `len` of the job's bytes are the token. Errors: TOKEN_FORMAT, TOKEN_DEPTH. */
MUST_CHECK nos_status_t token_import_begin(struct token_job *j, size_t len);

/** Is the next step a signature? It needs nothing but the job: token_import_ahead looks at it,
 * without the kernel lock, before the step itself. */
bool token_import_is_pure(const struct token_job *j);
void token_import_ahead(struct token_job *j);

/**
 * One bounded step: one signature, and at last everything else.
 * Gives:  `*done`; then OK and in `*h` a handle of `c`, with a cell of its own below the export's.
 * Errors: TOKEN_ISSUER, TOKEN_LINK, TOKEN_OBJECT, TOKEN_RIGHTS, TOKEN_WINDOW, TOKEN_AUDIENCE,
 *         TOKEN_TIME; NOT_FOUND: no such export, or its issuer has ended; REVOKED; NO_CLASS, DEPTH,
 *         QUOTA, NO_SLOT, NO_MEMORY.
 */
MUST_CHECK nos_status_t token_import_step(struct token_job *j, struct capsule *c, bool *done,
                                          uint32_t *h);

/** `c` ends: what was imported with its tokens is dead from now on. True: there was something to
 * cut, so waiters and mappings are to be seen to. */
MUST_CHECK bool token_issuer_ends(struct capsule *c);
