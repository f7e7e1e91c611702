/* The working directory, and what directories hold. */
#include <dirent.h>
#include <string.h>

#include "sdk/libc/files/files.h"

/* ---- the working directory ---- */

static struct libc_file *cwd; /* holds a reference; NULL = "/" */

struct libc_file *libc_cwd(void)
{
    return cwd;
}

void libc_cwd_take(struct libc_file *f)
{
    struct libc_file *was = cwd;

    cwd = f;
    if (was != NULL && --was->refs == 0 && was->number != 0) {
        struct nos_fs_answer a;
        (void)libc_ask(was->tree, NOS_FS_CLOSE, 1, was->number, 0, 0, 0, &a);
    }
}

static long go_to(long fd)
{
    struct libc_file *f = libc_file(fd);

    if (f == NULL || f->kind != LIBC_DIR) {
        return f == NULL ? -EBADF : -ENOTDIR;
    }
    f->refs++;
    libc_cwd_take(f);
    return 0;
}

long libc_fchdir(const struct nos_libc_args *x)
{
    LOCKED(go_to(x->a[0]));
}

long libc_chdir(const struct nos_libc_args *x)
{
    const struct nos_libc_args open = { { x->a[0], O_RDONLY | O_DIRECTORY } };
    long fd = libc_open(&open);

    if (fd < 0) {
        return fd;
    }
    const struct nos_libc_args at = { { fd } };
    long r = libc_fchdir(&at);
    (void)libc_close(&at);
    return r;
}

static long where(char *out, size_t len)
{
    struct nos_fs_answer a;
    size_t n = 0;

    if (cwd == NULL) {
        return len < 2 ? -ERANGE : (memcpy(out, "/", 2), 2);
    }
    long r = libc_ask(cwd->tree, NOS_FS_WHERE, 1, cwd->number, 0, 0, 0, &a);
    if (r != 0) {
        return r;
    }
    size_t name = strlen(cwd->tree->name), path = a.word[0];
    if (name != 0 && path == 1) {
        path = 0;  // "/NAME", not "/NAME/"
    }
    if ((name == 0 ? 0 : name + 1) + path + 1 > len) {
        return -ERANGE;
    }
    if (name != 0) {
        out[0] = '/';
        memcpy(out + 1, cwd->tree->name, name);
        n = name + 1;
    }
    r = -libc_fs_errno(nos_fs_get(&cwd->tree->fs, 0, mspan_of(out + n, path)));
    out[n + path] = '\0';
    return r == 0 ? (long)(n + path + 1) : r;
}

long libc_getcwd(const struct nos_libc_args *x)
{
    LOCKED(where((char *)x->a[0], (size_t)x->a[1]));
}

/* ---- entries ---- */

/* One entry at `at`; 0: there is no room. */
static size_t put_entry(char *out, size_t at, size_t len, uint64_t ino, uint64_t next, int type,
                        const char *name, size_t name_len)
{
    size_t size = (offsetof(struct dirent, d_name) + name_len + 1 + 7) & ~(size_t)7;

    if (size > len - at) {
        return 0;
    }
    struct dirent *d = (struct dirent *)(void *)(out + at);
    d->d_ino = ino;
    d->d_off = (off_t)next;
    d->d_reclen = (unsigned short)size;
    d->d_type = (unsigned char)type;
    memcpy(d->d_name, name, name_len);
    d->d_name[name_len] = '\0';
    return size;
}

/* ".", "..", and at "/" the shares: they are in no tree. */
static size_t tell_others(struct libc_file *f, char *out, size_t len)
{
    size_t at = 0, n = 1;

    while (n != 0) {
        const struct libc_tree *share = f->told < 2 ? NULL : libc_tree(f->told - 1);
        bool root = f->number == 0 && f->tree == libc_tree(0);
        if (f->told >= 2 && (!root || share == NULL)) {
            break;
        }
        const char *name = f->told == 0 ? "." : f->told == 1 ? ".." : share->name;
        n = put_entry(out, at, len, NOS_FS_ROOT_INO, f->at, DT_DIR, name, strlen(name));
        at += n;
        f->told += n != 0;
    }
    return at;
}

static size_t tell_entry(struct libc_file *f, span_t *all, char *out, size_t at, size_t len)
{
    static const int type[] = { DT_UNKNOWN, DT_REG, DT_DIR, DT_LNK };
    uint8_t kind, name;
    uint64_t ino, cookie;
    span_t e;

    if (!span_u8(*all, NOS_FS_ENTRY_KIND, &kind) || !span_u8(*all, NOS_FS_ENTRY_LEN, &name) ||
        !span_le64(*all, NOS_FS_ENTRY_INO, &ino) ||
        !span_le64(*all, NOS_FS_ENTRY_COOKIE, &cookie) ||
        !span_take(all, NOS_FS_ENTRY_NAME + (size_t)name, &e)) {
        return 0;
    }
    size_t n = put_entry(out, at, len, ino, cookie, type[kind & 3],
                         (const char *)e.data + NOS_FS_ENTRY_NAME, name);
    f->at = n != 0 ? cookie : f->at;
    return n;
}

static long entries(struct libc_file *f, char *out, size_t len)
{
    uint8_t got[512];
    struct nos_fs_answer a;
    size_t at = tell_others(f, out, len), n = 1;

    while (n != 0) {
        long r = libc_ask(f->tree, NOS_FS_LIST, 3, f->number, f->at, sizeof got, 0, &a);
        if (r == 0 && a.word[0] > sizeof got) {
            r = -EIO;
        }
        r = r == 0 ? -libc_fs_errno(nos_fs_get(&f->tree->fs, 0, mspan_of(got, a.word[0]))) : r;
        if (r != 0) {
            return at != 0 ? (long)at : r;
        }
        span_t all = span_of(got, a.word[0]);
        if (all.len == 0) {
            return (long)at;
        }
        for (n = 1; n != 0 && all.len != 0; at += n) {
            n = tell_entry(f, &all, out, at, len);
        }
    }
    return at == 0 ? -EINVAL : (long)at;
}

static long list(long fd, char *out, size_t len)
{
    struct libc_file *f = libc_file(fd);
    return f == NULL ? -EBADF : f->kind != LIBC_DIR ? -ENOTDIR : entries(f, out, len);
}

long libc_getdents(const struct nos_libc_args *x)
{
    LOCKED(list(x->a[0], (char *)x->a[1], (size_t)x->a[2]));
}
