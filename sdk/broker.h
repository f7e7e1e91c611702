#pragma once
/*
 * The client's side of the secret broker (abi/broker.h, docs/broker.md). The capsule needs
 * { "kind": "endpoint", "name": "broker", "rights": ["call"] }. No byte of a secret stays in a
 * message or its buffer; what the caller has in its own memory is the caller's to wipe
 * (lib/secret.h).
 */
#include <stdint.h>

#include "abi/broker.h"
#include "abi/status.h"
#include "lib/compiler.h"
#include "lib/span.h"

struct nos_secret_rule {                     // for whom, and how long
    uint64_t life_ms;                        // 1 ms to a day, from now on
    uint32_t flags;                          // NOS_BROKER_ONCE
    const char *reader[NOS_BROKER_READERS];  // names of modules, at least one; NULL = no more
};

/*
 * Errors of all: BUSY (asks too often), BAD_HANDLE (not granted), TIMED_OUT (nobody answers within
 * 5 s), BAD_MESSAGE.
 */

/** Put a secret, in the place of an older one of that name. Errors: INVALID, TOO_BIG, QUOTA,
 * NO_SLOT. */
MUST_CHECK nos_status_t nos_secret_put(const char *name, span_t bytes,
                                       const struct nos_secret_rule *rule);

/** Have the secret `name` that the module `owner` put there. Gives: bytes used of `out`. Errors:
 * NOT_FOUND: there is none for this module. */
MUST_CHECK nos_status_t nos_secret_get(const char *owner, const char *name,
                                       uint8_t out[NOS_BROKER_BYTES], size_t *len);

/** Delete one of the caller's own. Errors: NOT_FOUND. */
MUST_CHECK nos_status_t nos_secret_delete(const char *name);

/** The caller's own, from n = 0 on. Errors: NOT_FOUND: no more. */
MUST_CHECK nos_status_t nos_secret_list(uint64_t n, struct nos_broker_entry *out);
