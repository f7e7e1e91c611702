/* Tokens: the vault's signed word on what a capsule holds, for somebody off the machine. Spec:
 * docs/vault.md, "Tokens". */
#pragma once

#include "kernel/object/capsule.h"
#include "lib/token.h"

/**
 * The vault signs what slot `s` of `c` grants now: audience = the capsule's module_id, life = the
 * slot's. One block, not to be passed on. Audited before it is given out; `actor` asked.
 */
MUST_CHECK nos_status_t token_make(const struct capsule *c, const struct handle_slot *s,
                                   uint32_t actor, uint8_t out[TOKEN_BYTES]);
