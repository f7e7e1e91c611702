#pragma once
/* What is left of secrets where code that knew them has been. docs/constant-time.md */

/**
 * Zero the stack below the caller, 2 KiB of it or 8, and the registers that a call may change: what
 * a function leaves there that has just returned. Signing, sealing and MACs (lib/crypto) do it
 * themselves; hashes do not, because nearly all that is hashed is public: whoever hashes a secret
 * scrubs, deep after a hash in one call, whose state lies on the stack.
 */
void secret_scrub(void);
void secret_scrub_deep(void);
