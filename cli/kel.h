#pragma once
/* The first event of a publisher's key event log, 240 bytes. Until rotation exists it is the only
 * one: its hash is the publisher's id, and it commits to the key that may follow. "NKE1" | type1 (1
 * = inception) | flags1 | rsv2 | sn8 | id32 | prev32 | cur_pk32 | next_commit32 | anchor32 | sig64
 * Spec: docs/formats.md, "Publisher identity". */
#include <stdbool.h>
#include <stdint.h>

#include "lib/compiler.h"
#include "lib/span.h"

/** Make and sign an inception event of `pk` that commits to `next_pk`. */
void kel_inception(const uint8_t sk[64], const uint8_t pk[32], const uint8_t next_pk[32],
                   uint8_t event[240]);

/** The id: BLAKE3 of the signed bytes with the id field zero. */
void kel_id(const uint8_t event[240], uint8_t id[32]);

/** Well-formed, names itself, signed by its own key? Gives: id and current key; untouched when
 * false. */
MUST_CHECK bool kel_check_inception(span_t event, uint8_t id[32], uint8_t pk[32]);
