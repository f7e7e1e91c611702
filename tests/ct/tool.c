/* nonosctl's keys: made, kept in a file, read, used. Its own objects; what is not secret in a key
 * file is told apart here. */
#include <fcntl.h>
#include <stdlib.h>
#include <sys/random.h>
#include <unistd.h>

#include "cli/hex.h"
#include "cli/kel.h"
#include "cli/keyfile.h"
#include "cli/report.h"
#include "lib/frame.h"
#include "lib/secret.h"
#include "tests/ct/ct.h"

static char path[] = "/tmp/n0n-ct-XXXXXX";
static char file[sizeof path + 4];

/* Memory that is the same at each run. */
static _Alignas(16) uint8_t heap[1 << 18];
static size_t heap_used;

void *malloc(size_t n)
{
    size_t at = heap_used;
    if (n > sizeof heap - at - 32) {
        abort();
    }
    memcpy(heap + at, &n, sizeof n);
    heap_used = (at + 16 + n + 15) & ~(size_t)15;
    return heap + at + 16;
}

void free(void *p)
{
    (void)p;
}

void *calloc(size_t n, size_t each)
{
    return memset(malloc(n * each), 0, n * each);
}

void *realloc(void *p, size_t n)
{
    void *to = malloc(n);
    if (p != NULL) {
        size_t old;
        memcpy(&old, (uint8_t *)p - 16, sizeof old);
        memcpy(to, p, old < n ? old : n);
    }
    return to;
}

/* Random bytes are the secret. */
ssize_t __wrap_getrandom(void *to, size_t n, unsigned flags);
ssize_t __wrap_getrandom(void *to, size_t n, unsigned flags)
{
    (void)flags;
    ct_secret(to, n);
    return (ssize_t)n;
}

/* A public key is public. */
void __real_ed25519_keypair_from_seed(uint8_t *pk, uint8_t *sk, const uint8_t *seed);
void __wrap_ed25519_keypair_from_seed(uint8_t *pk, uint8_t *sk, const uint8_t *seed);
void __wrap_ed25519_keypair_from_seed(uint8_t *pk, uint8_t *sk, const uint8_t *seed)
{
    __real_ed25519_keypair_from_seed(pk, sk, seed);
    ct_declare(pk, 32);
    ct_declare(sk + 32, 32);
}

void __real_ed25519_sign(uint8_t *sig, span_t msg, const uint8_t *sk);
void __wrap_ed25519_sign(uint8_t *sig, span_t msg, const uint8_t *sk);
void __wrap_ed25519_sign(uint8_t *sig, span_t msg, const uint8_t *sk)
{
    __real_ed25519_sign(sig, msg, sk);
    ct_declare(sig, 64);
}

/* Whether something is hexadecimal digits is public. */
bool __real_hex_decode(const char *text, size_t len, mspan_t out);
bool __wrap_hex_decode(const char *text, size_t len, mspan_t out);
bool __wrap_hex_decode(const char *text, size_t len, mspan_t out)
{
    return ct_known(__real_hex_decode(text, len, out));
}

/* What is read from a file is known to be what was written: here the seed's digits are hidden
 * again. */
int __real_file_read(const char *name, size_t max, struct buf *out);
int __wrap_file_read(const char *name, size_t max, struct buf *out);
int __wrap_file_read(const char *name, size_t max, struct buf *out)
{
    int rc = __real_file_read(name, max, out);
    uint8_t *seed = rc == DONE ? memmem(out->data, out->len, "seed ", 5) : NULL;
    if (seed != NULL) {
        ct_hide(seed + 5, 64);
    }
    return rc;
}

/* What is written into the file is the file's. */
int __real_file_write_new(const char *name, span_t bytes, mode_t mode);
int __wrap_file_write_new(const char *name, span_t bytes, mode_t mode);
int __wrap_file_write_new(const char *name, span_t bytes, mode_t mode)
{
    ct_declare((void *)(uintptr_t)bytes.data, bytes.len);
    return __real_file_write_new(name, bytes, mode);
}

static void use_key(enum key_type type)
{
    static struct key_secret k, again;
    static uint8_t next[32], event[KEL_EVENT_LEN], sig[200];
    size_t len;

    heap_used = 0;
    unlink(file);
    key_generate(type, next, &k);
    if (key_save_secret(file, &k) != DONE) {
        abort();
    }
    if (key_load_secret(file, &again) != DONE) {
        abort();
    }
    kel_inception(again.sk, again.pub.pk, next, event);
    if (mg_sign(MSPAN_OF(sig), 8, 1, next, 1, again.sk, &len) != NOS_OK) {
        abort();
    }
    ct_public(event, sizeof event);
    ct_public(sig, sizeof sig);
    key_wipe(&k);
    key_wipe(&again);
}

static void operator_key(void)
{
    use_key(KEY_OPERATOR);
}

static void publisher_key(void)
{
    use_key(KEY_PUBLISHER);
}

int main(int argc, char **argv)
{
    static const struct use uses[] = {
        { .name = "an operator's key: made, written, read, used", .run = operator_key },
        { .name = "a publisher's key: made, written, read, used", .run = publisher_key },
    };
    if (mkdtemp(path) == NULL) {
        abort();
    }
    strcpy(file, path);
    strcat(file, "/key");
    int status = ct_main(argc, argv, uses, sizeof uses / sizeof *uses);
    unlink(file);
    rmdir(path);
    return status;
}
