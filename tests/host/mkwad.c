/* Wads that `nonosctl wad build` does not make: mkwad FILE PATH..., a good wad with one more asset
 * for each path, as it is given and in that order. With "-m FILE" first, its module is that
 * file, and it has a detached area.
 */
#include <stdio.h>

#include "tests/host/goldwad.h"

static struct buf read_file(const char *path)
{
    struct buf b = buf_new(1 << 20);
    FILE *f = fopen(path, "rb");
    if (f == NULL) {
        perror(path);
        exit(1);
    }
    b.len = fread(b.data, 1, b.len, f);
    fclose(f);
    return b;
}

int main(int argc, char **argv)
{
    static const uint8_t proof[] = { 1, 0x80, 0, 0, 2, 0, 0, 0, 'p', 'r' };
    struct goldwad_part p[GOLDWAD_MAX];
    span_t detached = { NULL, 0 };
    struct buf module = { NULL, 0 };
    size_t n = GOLDWAD_PARTS;
    memcpy(p, goldwad_parts, sizeof goldwad_parts);
    if (argc > 3 && strcmp(argv[1], "-m") == 0) {
        module = read_file(argv[2]);
        p[5].bytes = buf_span(module);
        detached = SPAN_OF(proof);
        argc -= 2;
        argv += 2;
    }
    if (argc < 2 || argc - 2 > GOLDWAD_MAX - GOLDWAD_PARTS) {
        fprintf(stderr, "usage: mkwad [-m MODULE] FILE PATH...\n");
        return 2;
    }
    for (int i = 2; i < argc; i++) {
        p[n++] = (struct goldwad_part){ NOS_WAD_ASSET, argv[i], SPAN_LIT("escaped\n") };
    }
    struct buf file = goldwad(p, n, detached);
    FILE *f = fopen(argv[1], "wb");
    if (f == NULL || fwrite(file.data, 1, file.len, f) != file.len || fclose(f) != 0) {
        perror(argv[1]);
        return 1;
    }
    buf_free(&file);
    buf_free(&module);
    return 0;
}
