/* Our BLAKE3 for each length on standard input: its three modes and its long output from byte
 * `length` on, one line each; tests/diff/blake3.go prints the same by other code. In parts too: any
 * split must give the same hash. */
#include "lib/crypto/blake3.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "abi/module.h"

enum { LENGTH_MAX = 1 << 20, FAR = 131 };

static void print(const uint8_t *bytes, size_t n, const char *end)
{
    for (size_t i = 0; i < n; i++) {
        printf("%02x", bytes[i]);
    }
    fputs(end, stdout);
}

static void fill(uint8_t *bytes, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        bytes[i] = (uint8_t)((uint32_t)((uint32_t)i * 2654435761u) >> 24);
    }
}

/* Pieces of 1, 2, 4, ... bytes up to one and a half chunks, again and again. */
static bool same_in_parts(span_t in, const uint8_t want[BLAKE3_LEN])
{
    struct blake3_ctx c;
    uint8_t got[BLAKE3_LEN];
    size_t piece = 1;

    blake3_init(&c);
    for (size_t at = 0; at < in.len; at += piece) {
        piece = piece >= 1024 ? 1536 - piece % 3 : 2 * piece;
        piece = piece < in.len - at ? piece : in.len - at;
        blake3_update(&c, span_of(in.data + at, piece));
    }
    blake3_final(&c, got);
    return memcmp(got, want, sizeof got) == 0;
}

int main(void)
{
    uint8_t *input = malloc(LENGTH_MAX), key[77], hash[BLAKE3_LEN], far[FAR];
    struct blake3_ctx c;
    size_t n;

    if (input == NULL) {
        return 1;
    }
    fill(input, LENGTH_MAX);
    fill(key, sizeof key);
    while (scanf("%zu", &n) == 1 && n <= LENGTH_MAX) {
        span_t in = span_of(input, n);
        printf("%zu ", n);
        blake3_hash(in, hash);
        print(hash, sizeof hash, " ");
        if (!same_in_parts(in, hash)) {
            puts("differs in parts");
        }
        blake3_keyed(key + 45, in, hash);
        print(hash, sizeof hash, " ");
        blake3_derive(NOS_CTX_MODULE_ID, in, hash);
        print(hash, sizeof hash, " ");
        blake3_init(&c);
        blake3_update(&c, in);
        blake3_final_xof(&c, n, mspan_of(far, sizeof far));
        print(far, sizeof far, "\n");
    }
    free(input);
    return feof(stdin) ? 0 : 1;
}
