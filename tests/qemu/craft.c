/* Hashes and signatures for the tests that build broken files and sign them properly: what nonosctl
 * refuses to make. Reads the message from standard input, writes raw bytes to standard output.
 *
 *   craft hash             BLAKE3
 *   craft derive CONTEXT   BLAKE3 in derive_key mode
 *   craft sign KEY         key_id32 | sig64
 *   craft id KEY           publisher_id32 (publisher keys) | key_id32 | pk32
 *   craft verify PK SIG    both in hexadecimal; exit code 0: PK signed the message */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/file.h"
#include "cli/hex.h"
#include "cli/keyfile.h"
#include "lib/crypto/blake3.h"
#include "lib/crypto/ed25519.h"

static struct buf read_all(void)
{
    struct buf b = { NULL, 0 };
    uint8_t part[65536];
    ssize_t n;
    while ((n = read(STDIN_FILENO, part, sizeof(part))) > 0) {
        buf_add(&b, span_of(part, (size_t)n));
    }
    return b;
}

static int put(const uint8_t *data, size_t len)
{
    return fwrite(data, 1, len, stdout) == len ? 0 : 1;
}

static int sign(const char *path, span_t message)
{
    struct key_secret key;
    uint8_t sig[ED25519_SIG_LEN];
    if (key_load_secret(path, &key) != 0) {
        return 1;
    }
    ed25519_sign(sig, message, key.sk);
    int rc = put(key.pub.key_id, sizeof(key.pub.key_id)) | put(sig, sizeof(sig));
    key_wipe(&key);
    return rc;
}

static int identify(const char *path)
{
    struct key_public key;
    if (key_load_public(path, &key) != 0) {
        return 1;
    }
    return put(key.publisher_id, 32) | put(key.key_id, 32) | put(key.pk, 32);
}

static int verify(const char *key, const char *signature, span_t message)
{
    uint8_t pk[ED25519_PK_LEN], sig[ED25519_SIG_LEN];
    if (!hex_decode(key, strlen(key), MSPAN_OF(pk)) ||
        !hex_decode(signature, strlen(signature), MSPAN_OF(sig))) {
        return 2;
    }
    return ed25519_verify(sig, message, pk) ? 0 : 1;
}

int main(int argc, char **argv)
{
    uint8_t hash[32];
    if (argc == 3 && strcmp(argv[1], "id") == 0) {
        return identify(argv[2]);
    }
    struct buf in = read_all();
    int rc = 2;
    if (argc == 2 && strcmp(argv[1], "hash") == 0) {
        blake3_hash(buf_span(&in), hash);
        rc = put(hash, sizeof(hash));
    } else if (argc == 3 && strcmp(argv[1], "derive") == 0) {
        blake3_derive(argv[2], buf_span(&in), hash);
        rc = put(hash, sizeof(hash));
    } else if (argc == 3 && strcmp(argv[1], "sign") == 0) {
        rc = sign(argv[2], buf_span(&in));
    } else if (argc == 4 && strcmp(argv[1], "verify") == 0) {
        rc = verify(argv[2], argv[3], buf_span(&in));
    } else {
        fprintf(stderr, "usage: craft hash | derive CONTEXT | sign KEY | id KEY | verify PK SIG\n");
    }
    buf_free(&in);
    return rc;
}
