/* BLAKE3: the official code behind a context whose layout is not ours to show. */
#include "lib/crypto/blake3.h"

#include <blake3.h>

#include "lib/secret.h"

_Static_assert(sizeof(blake3_hasher) == sizeof(struct blake3_ctx), "opaque has the hasher's size");
_Static_assert(_Alignof(blake3_hasher) <= _Alignof(struct blake3_ctx), "and its alignment");
_Static_assert(BLAKE3_LEN == BLAKE3_OUT_LEN && BLAKE3_KEY_BYTES == BLAKE3_KEY_LEN, "lengths");

static blake3_hasher *hasher(struct blake3_ctx *c)
{
    return (blake3_hasher *)(void *)c;
}

void blake3_init(struct blake3_ctx *c)
{
    blake3_hasher_init(hasher(c));
}

void blake3_init_derive(struct blake3_ctx *c, const char *context)
{
    blake3_hasher_init_derive_key(hasher(c), context);
}

void blake3_init_keyed(struct blake3_ctx *c, const uint8_t key[BLAKE3_KEY_BYTES])
{
    blake3_hasher_init_keyed(hasher(c), key);
}

void blake3_update(struct blake3_ctx *c, span_t in)
{
    blake3_hasher_update(hasher(c), in.data, in.len);
}

void blake3_final_xof(const struct blake3_ctx *c, uint64_t seek, mspan_t out)
{
    blake3_hasher_finalize_seek((const blake3_hasher *)(const void *)c, seek, out.data, out.len);
}

void blake3_final(const struct blake3_ctx *c, uint8_t out[BLAKE3_LEN])
{
    blake3_final_xof(c, 0, mspan_of(out, BLAKE3_LEN));
}

/** Finish a one-shot hash. The input may have been a secret, so the context is wiped. Nothing is
 * put into it before: 2 KiB, of which init sets what is read. */
static void finish(struct blake3_ctx *c, span_t in, uint8_t out[BLAKE3_LEN])
{
    blake3_update(c, in);
    blake3_final(c, out);
    secret_wipe(c, sizeof(*c));
}

void blake3_hash(span_t in, uint8_t out[BLAKE3_LEN])
{
    UNINITIALIZED struct blake3_ctx c;
    blake3_init(&c);
    finish(&c, in, out);
}

void blake3_derive(const char *context, span_t in, uint8_t out[BLAKE3_LEN])
{
    UNINITIALIZED struct blake3_ctx c;
    blake3_init_derive(&c, context);
    finish(&c, in, out);
}

void blake3_keyed(const uint8_t key[BLAKE3_KEY_BYTES], span_t in, uint8_t out[BLAKE3_LEN])
{
    UNINITIALIZED struct blake3_ctx c;
    blake3_init_keyed(&c, key);
    finish(&c, in, out);
}
