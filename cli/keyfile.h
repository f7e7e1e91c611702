#pragma once
/* Key files. A secret is a text file of mode 0600 (NAME.key); beside it lies what may be shown
 * (NAME.pub), and for publishers the inception event (NAME.kel) and the next key (NAME.next.key),
 * which belongs offline. Spec: docs/nonosctl.md, "Key files". */
#include <stdbool.h>
#include <stdint.h>

#include "cli/file.h"
#include "lib/compiler.h"
#include "lib/crypto/ed25519.h"

enum key_type { KEY_ROOT, KEY_PUBLISHER, KEY_OPERATOR, KEY_HOLDER, KEY_NEXT, KEY_TYPES };

enum { KEL_EVENT_LEN = 240, KEL_SIGNED_LEN = 176 };

struct key_public {
    enum key_type type;
    uint8_t pk[ED25519_PK_LEN];
    uint8_t key_id[32];               /* NOS_CTX_KEY_ID over pk */
    uint8_t publisher_id[32];         /* KEY_PUBLISHER only */
    uint8_t inception[KEL_EVENT_LEN]; /* KEY_PUBLISHER only */
};

struct key_secret { /* wipe with key_wipe */
    struct key_public pub;
    uint8_t seed[ED25519_SEED_LEN];
    uint8_t sk[ED25519_SK_LEN];
};

const char *key_type_name(enum key_type type);
bool key_type_parse(const char *name, enum key_type *out);

/** A fresh key from the host's random source; publishers get their inception event, which commits
 * to `next_pk`. */
void key_generate(enum key_type type, const uint8_t next_pk[ED25519_PK_LEN],
                  struct key_secret *out);
/** Wipe it, and the stack below the caller, where it was used. */
void key_wipe(struct key_secret *k);

/** Write `k` as a secret file of mode 0600 that did not exist before. Errors: IO_FAILED, reported.
 */
MUST_CHECK int key_save_secret(const char *path, const struct key_secret *k);
/** The text of a .pub file. */
struct buf key_public_text(const struct key_public *k);

/**
 * Read a secret file. A file that others may read is refused.
 * Errors: IO_FAILED; REFUSED when it is not a well-formed key; both reported.
 */
MUST_CHECK int key_load_secret(const char *path, struct key_secret *out);

/** Read a .pub file, a publisher's .kel file, or the public part of a secret file. Errors: as
 * above. */
MUST_CHECK int key_load_public(const char *path, struct key_public *out);

/** key_load_public, refusing every type but `want`. */
MUST_CHECK int key_load_public_as(const char *path, enum key_type want, struct key_public *out);
