/* Names: made, moved, taken away. */
#include <string.h>

#include "sdk/libc/files/files.h"

static long make_dir(long dirfd, const char *path, long mode)
{
    struct libc_place p;
    struct nos_fs_answer a;

    long r = libc_name(dirfd, path, &p);
    return r == 0 ? libc_ask(p.tree, NOS_FS_MKDIR, 3, p.at, p.len,
                             libc_mode(mode) >> NOS_FS_MODE_AT, 0, &a)
                  : r;
}

static long take_away(long dirfd, const char *path, bool dir)
{
    struct libc_place p;
    struct nos_fs_answer a;

    long r = libc_name(dirfd, path, &p);
    return r == 0
               ? libc_ask(p.tree, NOS_FS_UNLINK, 3, p.at, dir ? NOS_FS_DIRECTORY : 0u, p.len, 0, &a)
               : r;
}

/* Two paths in the window, one behind the other: of one tree. */
static long two_names(long fromfd, const char *from, long tofd, const char *to,
                      struct libc_place *p, struct libc_place *q)
{
    long r = libc_resolve(fromfd, from, p);

    r = r == 0 ? libc_resolve(tofd, to, q) : r;
    r = r == 0 && p->tree != q->tree ? -EXDEV : r;
    r = r == 0 ? libc_put_path(p, 0) : r;
    return r == 0 ? libc_put_path(q, p->len) : r;
}

static long move(long fromfd, const char *from, long tofd, const char *to)
{
    struct libc_place p, q;
    struct nos_fs_answer a;

    long r = two_names(fromfd, from, tofd, to, &p, &q);
    return r == 0 ? libc_ask(p.tree, NOS_FS_RENAME, 4, p.at, p.len, q.at, q.len, &a) : r;
}

static long one_more(long fromfd, const char *from, long tofd, const char *to, long flags)
{
    struct libc_place p, q;
    struct nos_fs_answer a;

    if ((flags & ~(long)AT_SYMLINK_FOLLOW) != 0) {
        return -EINVAL;
    }
    long r = two_names(fromfd, from, tofd, to, &p, &q);
    if (r != 0) {
        return r;
    }
    const uint64_t follow = (flags & AT_SYMLINK_FOLLOW) != 0 ? 0u : NOS_FS_NOFOLLOW,
                   word[] = { p.at, follow, p.len, q.at, q.len };
    p.tree->fs.buffer = nos_libc_ipc_buffer();
    nos_status_t st = nos_fs_ask(&p.tree->fs, NOS_FS_LINK, word, 5, &a);
    return st == NOS_FS_IS_DIR ? -EPERM : -libc_fs_errno(st);
}

static long make_link(const char *target, long dirfd, const char *path)
{
    struct libc_place p;
    struct nos_fs_answer a;

    long r = libc_name(dirfd, path, &p);
    if (r != 0 || target == NULL) {
        return r != 0 ? r : -EFAULT;
    }
    const struct libc_place q = { p.tree, 0, target, strnlen(target, NOS_FS_PATH_MAX + 1) };
    if (q.len > NOS_FS_PATH_MAX) {
        return -ENAMETOOLONG;
    }
    r = libc_put_path(&q, p.len);
    return r == 0 ? libc_ask(p.tree, NOS_FS_SYMLINK, 3, p.at, p.len, q.len, 0, &a) : r;
}

static long read_link(long dirfd, const char *path, char *out, size_t len)
{
    struct libc_place p;
    struct nos_fs_answer a;

    long r = libc_name(dirfd, path, &p);
    r = r == 0 ? libc_ask(p.tree, NOS_FS_READLINK, 2, p.at, p.len, 0, 0, &a) : r;
    if (r != 0) {
        return r;
    }
    size_t n = a.word[0] < len ? a.word[0] : len;
    r = -libc_fs_errno(nos_fs_get(&p.tree->fs, 0, mspan_of(out, n)));
    return r == 0 ? (long)n : r;
}

long libc_mkdir(const struct nos_libc_args *x)
{
    LOCKED(make_dir(AT_FDCWD, (const char *)x->a[0], x->a[1]));
}

long libc_mkdirat(const struct nos_libc_args *x)
{
    LOCKED(make_dir(x->a[0], (const char *)x->a[1], x->a[2]));
}

long libc_rmdir(const struct nos_libc_args *x)
{
    LOCKED(take_away(AT_FDCWD, (const char *)x->a[0], true));
}

long libc_unlink(const struct nos_libc_args *x)
{
    LOCKED(take_away(AT_FDCWD, (const char *)x->a[0], false));
}

long libc_unlinkat(const struct nos_libc_args *x)
{
    LOCKED((x->a[2] & ~AT_REMOVEDIR) != 0
               ? -EINVAL
               : take_away(x->a[0], (const char *)x->a[1], (x->a[2] & AT_REMOVEDIR) != 0));
}

long libc_rename(const struct nos_libc_args *x)
{
    LOCKED(move(AT_FDCWD, (const char *)x->a[0], AT_FDCWD, (const char *)x->a[1]));
}

long libc_renameat(const struct nos_libc_args *x)
{
    LOCKED(move(x->a[0], (const char *)x->a[1], x->a[2], (const char *)x->a[3]));
}

long libc_link(const struct nos_libc_args *x)
{
    LOCKED(one_more(AT_FDCWD, (const char *)x->a[0], AT_FDCWD, (const char *)x->a[1], 0));
}

long libc_linkat(const struct nos_libc_args *x)
{
    LOCKED(one_more(x->a[0], (const char *)x->a[1], x->a[2], (const char *)x->a[3], x->a[4]));
}

long libc_symlink(const struct nos_libc_args *x)
{
    LOCKED(make_link((const char *)x->a[0], AT_FDCWD, (const char *)x->a[1]));
}

long libc_symlinkat(const struct nos_libc_args *x)
{
    LOCKED(make_link((const char *)x->a[0], x->a[1], (const char *)x->a[2]));
}

long libc_readlink(const struct nos_libc_args *x)
{
    LOCKED(read_link(AT_FDCWD, (const char *)x->a[0], (char *)x->a[1], (size_t)x->a[2]));
}

long libc_readlinkat(const struct nos_libc_args *x)
{
    LOCKED(read_link(x->a[0], (const char *)x->a[1], (char *)x->a[2], (size_t)x->a[3]));
}
