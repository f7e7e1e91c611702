/* Secrets in every place that a file has for one, and nowhere else: for the proof that nothing of
 * them is left. They come from a seed, so that the test knows them and no argument has them. */
#include <string.h>

#include "lib/secret.h"
#include "lib/splitmix.h"
#include "modules/fsattack/fsattack.h"

enum { SECRET = 32, LARGE_AT = 300000, PIECE = 16384 };

/* SplitMix64, without zeros and slashes: any of them can be a name. */
static NOINLINE void put_secret(struct nos_fs *f, size_t at, uint64_t which)
{
    uint8_t secret[SECRET];
    uint64_t from = which * 4 * SPLITMIX64_STEP;

    for (size_t i = 0; i < SECRET; i += 8) {
        store_le64(secret + i, splitmix64(&from) | 0x8080808080808080ull);
    }
    nos_ignore(nos_fs_put(f, at, SPAN_OF(secret)));
    secret_wipe(secret, sizeof secret);
}

static void wipe_window(struct nos_fs *f)
{
    static const uint8_t zero[2 * SECRET];
    nos_ignore(nos_fs_put(f, 0, SPAN_OF(zero)));
}

static uint64_t made(struct nos_fs *f, const char *path)
{
    return open_(f, path, RW | NOS_FS_CREATE) == NOS_OK ? said.word[0] : 0;
}

static nos_status_t write_secret(struct nos_fs *f, uint64_t number, uint64_t at, uint64_t which)
{
    put_secret(f, 0, which);
    nos_status_t st = ask(f, NOS_FS_WRITE, 3, number, at, SECRET, 0);
    wipe_window(f);
    return st;
}

static nos_status_t close_(struct nos_fs *f, uint64_t number)
{
    return ask(f, NOS_FS_CLOSE, 1, number, 0, 0, 0);
}

static nos_status_t unlink_(struct nos_fs *f, const char *path)
{
    return ask(f, NOS_FS_UNLINK, 3, 0, 0, put(f, 0, path), 0);
}

static void stay(void)
{
    row("plant-small", NOS_OK, write_secret(&own, made(&own, "small"), 100, 0));
    uint64_t f = made(&own, "large");
    for (uint64_t at = 0; at < LARGE_AT + PIECE; at += PIECE) {
        nos_ignore(ask(&own, NOS_FS_WRITE, 3, f, at, PIECE, 0));
    }
    row("plant-large", NOS_OK, write_secret(&own, f, LARGE_AT, 1));
    put_secret(&own, 0, 2);
    row("plant-name", NOS_OK, ask(&own, NOS_FS_MKDIR, 3, 0, SECRET, 0755, 0));
    size_t n = put(&own, 0, "link");
    put_secret(&own, n, 3);
    row("plant-target", NOS_OK, ask(&own, NOS_FS_SYMLINK, 3, 0, n, SECRET, 0));
    row("plant-share", NOS_OK, write_secret(&share, made(&share, "planted"), 0, 4));
    wipe_window(&own);
}

static void pass(void)
{
    uint64_t f = made(&own, "deleted");
    row("plant-deleted", NOS_OK, write_secret(&own, f, 0, 5));
    row("delete-it", NOS_OK, unlink_(&own, "deleted") == NOS_OK ? close_(&own, f) : NOS_BAD_STATE);
    f = made(&own, "cut");
    row("plant-cut", NOS_OK, write_secret(&own, f, 50, 6));
    row("cut-it", NOS_OK, ask(&own, NOS_FS_TRUNCATE, 2, f, 40, 0, 0));
    f = made(&own, "replaced");
    row("plant-replaced", NOS_OK, write_secret(&own, f, 0, 7));
    nos_ignore(close_(&own, f));
    nos_ignore(close_(&own, made(&own, "new")));
    size_t n = put(&own, 0, "new");
    row("replace-it", NOS_OK, ask(&own, NOS_FS_RENAME, 4, 0, n, 0, put(&own, n, "replaced")));
    put_secret(&own, 0, 8);
    row("plant-lost-name", NOS_OK, ask(&own, NOS_FS_MKDIR, 3, 0, SECRET, 0755, 0));
    put_secret(&own, 0, 8);
    row("lose-it", NOS_OK, ask(&own, NOS_FS_UNLINK, 3, 0, NOS_FS_DIRECTORY, SECRET, 0));
    wipe_window(&own);
}

void plant(void)
{
    stay();
    pass();
    nos_print("FS planted\n");
    for (;;) {
        nos_ignore(nos_sys_sleep(nos_now_ns() + 1000000000));
    }
}

void uproot(void)
{
    row("uproot", NOS_OK, unlink_(&share, "planted"));
}
