/* The vault: this boot's secrets. Spec: docs/vault.md. */
#pragma once

#include "abi/bootinfo.h"
#include "kernel/core/types.h"

/** Mix the loader's entropy (then wiped from `bi`), the CPU's and jitter by BLAKE3 into the root; derive boot id, random
 * stream and issuing key. With fewer than 256 bits credited the vault stays shut and the kernel does not go on. */
MUST_CHECK nos_status_t vault_init(struct nos_bootinfo *bi);

/** Random bytes: BLAKE3 keyed XOF stream, rekeyed after each use (backtracking resistance). */
void vault_random(void *out, size_t len);
uint64_t vault_random64(void);

const uint8_t *vault_boot_id(void);   /* 32 bytes */
const uint8_t *vault_issuer_pk(void); /* 32 bytes */

/** Sign with the per-boot issuing key: domain \0 || msg, msg <= 512 bytes. */
void vault_sign(const char *domain, span_t msg, uint8_t sig[64]);

void vault_wipe(void); /* panic, power-off */
