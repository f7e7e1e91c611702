/* What of each secret stands in a dump, at any offset: how often it does whole, how often
 * byte-reversed, and which of its pieces of eight bytes do (bit n: piece n, as it is; bit 4 + n:
 * piece n reversed). Secrets come as lines of hexadecimal digits; a line `whole reversed pieces`
 * comes back for each.
 *
 *   search FILE < secrets */
#include <fcntl.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum { SECRET = 32, PIECE = 8, SECRETS = 4096, TABLE = 1 << 16 };

struct secret {
    uint8_t bytes[SECRET], back[SECRET];
    uint64_t whole, reversed, pieces;
};

struct piece {
    uint64_t value;
    uint32_t secret, next; /* 0 = none */
    uint8_t bit;
    bool first, back; /* the first of its secret's, of the reversed one's */
};

static struct secret secret[SECRETS];
static struct piece piece[1 + SECRETS * 8];
static uint32_t table[TABLE], n_secrets, n_pieces;

static uint32_t slot(uint64_t v)
{
    return (uint32_t)(v * 0x9e3779b97f4a7c15 >> 48);
}

static void add_piece(uint32_t s, const uint8_t *from, unsigned at, bool back)
{
    struct piece *p = &piece[++n_pieces];
    memcpy(&p->value, from + at, PIECE);
    p->secret = s;
    p->first = at == 0;
    p->bit = (uint8_t)(back ? 7 - at / PIECE : at / PIECE);
    p->back = back;
    p->next = table[slot(p->value)];
    table[slot(p->value)] = n_pieces;
}

static bool add_secret(const char *hex)
{
    struct secret *s = &secret[n_secrets];
    for (unsigned i = 0; i < SECRET; i++) {
        unsigned byte;
        if (sscanf(hex + 2 * i, "%2x", &byte) != 1) {
            return false;
        }
        s->bytes[i] = s->back[SECRET - 1 - i] = (uint8_t)byte;
    }
    for (unsigned at = 0; at < SECRET; at += PIECE) {
        add_piece(n_secrets, s->bytes, at, false);
        add_piece(n_secrets, s->back, at, true);
    }
    n_secrets++;
    return true;
}

static void look(const uint8_t *at, size_t left, uint64_t v)
{
    for (uint32_t i = table[slot(v)]; i != 0; i = piece[i].next) {
        struct secret *s = &secret[piece[i].secret];
        const uint8_t *whole = piece[i].back ? s->back : s->bytes;
        if (piece[i].value != v) {
            continue;
        }
        s->pieces |= 1u << piece[i].bit;
        if (piece[i].first && left >= SECRET && memcmp(at, whole, SECRET) == 0) {
            *(piece[i].back ? &s->reversed : &s->whole) += 1;
        }
    }
}

int main(int argc, char **argv)
{
    char line[256];
    struct stat st;
    int fd = argc == 2 ? open(argv[1], O_RDONLY) : -1;
    if (fd < 0 || fstat(fd, &st) != 0) {
        fprintf(stderr, "usage: search FILE < secrets\n");
        return 2;
    }
    while (fgets(line, sizeof line, stdin) != NULL) {
        if (n_secrets == SECRETS || !add_secret(line)) {
            fprintf(stderr, "search: not a secret of 32 bytes: %s", line);
            return 2;
        }
    }
    size_t size = (size_t)st.st_size;
    const uint8_t *ram = mmap(NULL, size, PROT_READ, MAP_PRIVATE, fd, 0);
    if (ram == MAP_FAILED) {
        perror("search");
        return 2;
    }
    for (size_t i = 0; i + PIECE <= size; i++) {
        uint64_t v;
        memcpy(&v, ram + i, PIECE);
        if (table[slot(v)] != 0) {
            look(ram + i, size - i, v);
        }
    }
    for (uint32_t i = 0; i < n_secrets; i++) {
        printf("%" PRIu64 " %" PRIu64 " %" PRIu64 "\n", secret[i].whole, secret[i].reversed,
               secret[i].pieces);
    }
    return 0;
}
