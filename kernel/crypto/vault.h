/* The vault: this boot's secrets. Nothing in it outlives the machine's power. Spec: docs/vault.md.
 * Locks: all of it is under the kernel lock. */
#pragma once

#include "abi/bootinfo.h"
#include "kernel/core/types.h"

enum { VAULT_CREDIT_MIN = 256 /* bits */, VAULT_MSG_MAX = 512 /* bytes */ };

/**
 * Mix the loader's entropy (wiped from `bi` whatever the answer), the CPU's and the clocks by
 * BLAKE3 into the root; derive boot id, random stream and issuing key. Call once, after
 * arch_machine_init.
 * Errors: NO_ENTROPY: fewer than VAULT_CREDIT_MIN bits are credited. The vault stays shut and the
 *         kernel must stop.
 * Spec:   docs/vault.md, "Opening".
 */
MUST_CHECK nos_status_t vault_init(struct nos_bootinfo *bi);

/** Random bytes; what was given out cannot be computed from what the vault holds afterwards. The
 * vault is open. */
void vault_random(void *out, size_t len);
uint64_t vault_random64(void);

const uint8_t *vault_boot_id(void);   /* 32 bytes */
const uint8_t *vault_issuer_pk(void); /* 32 bytes */

/** Sign `domain` \0 || `msg` with the per-boot issuing key. `msg` is at most VAULT_MSG_MAX bytes.
 */
void vault_sign(const char *domain, span_t msg, uint8_t sig[64]);

/* The checkpoint keys: one after the other, each made from the one before and gone once it has
 * signed (docs/vault.md, "The ratchet"). The vault is open. */
const uint8_t *vault_audit_pk(void);      /* 32 bytes: signs next */
bool vault_audit_ready(void);             /* is the one after it made? */
void vault_audit_prepare(void);           /* make it */
const uint8_t *vault_audit_next_pk(void); /* 32 bytes; ready */

/** Sign the text as it is, which says whose it is in its first line. The key is then gone. Ready.
 */
void vault_audit_sign(span_t text, uint8_t sig[64]);

/** Forget everything: panic, power-off. The vault is shut for good. */
void vault_wipe(void);
