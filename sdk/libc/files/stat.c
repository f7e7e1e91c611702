/* What a file is. Its owner is the capsule; its mode is data that memfs keeps, less the right to
 * write where the grant does not have it. */
#include <string.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <unistd.h>

#include <kstat.h>

#include "sdk/libc/clock.h"
#include "sdk/libc/files/files.h"

static long stat_of(struct libc_tree *t, uint64_t at, uint64_t flags, size_t len,
                    struct nos_fs_answer *a)
{
    return libc_ask(t, NOS_FS_STAT, 3, at, flags, len, 0, a);
}

static mode_t mode_of(const struct libc_tree *t, const uint64_t *w)
{
    const mode_t write = 0222, mode = (mode_t)(w[NOS_FS_STAT_LINKS] >> NOS_FS_MODE_AT);
    const uint64_t kind = w[NOS_FS_STAT_KIND];

    return (t->read_only ? mode & ~write : mode) | (kind == NOS_FS_KIND_DIR    ? S_IFDIR
                                                    : kind == NOS_FS_KIND_LINK ? S_IFLNK
                                                                               : S_IFREG);
}

static void tell(struct kstat *out, const struct libc_tree *t, const uint64_t *w)
{
    enum { NS = 1000000000, UNIT = 512 };

    memset(out, 0, sizeof *out);
    out->st_dev = 1 + (dev_t)(t - libc_tree(0));
    out->st_ino = w[NOS_FS_STAT_INO];
    out->st_nlink = w[NOS_FS_STAT_LINKS] & ((1u << NOS_FS_MODE_AT) - 1);
    out->st_mode = mode_of(t, w);
    out->st_size = (off_t)w[NOS_FS_STAT_SIZE];
    out->st_blksize = 4096;
    out->st_blocks = (blkcnt_t)(w[NOS_FS_STAT_HELD] / UNIT);
    out->st_atime_sec = (long)(w[NOS_FS_STAT_ACCESS] / NS);
    out->st_atime_nsec = (long)(w[NOS_FS_STAT_ACCESS] % NS);
    out->st_mtime_sec = (long)(w[NOS_FS_STAT_CHANGE] / NS);
    out->st_mtime_nsec = (long)(w[NOS_FS_STAT_CHANGE] % NS);
    out->st_ctime_sec = (long)(w[NOS_FS_STAT_STATUS] / NS);
    out->st_ctime_nsec = (long)(w[NOS_FS_STAT_STATUS] % NS);
}

static void tell_stream(struct kstat *out, mode_t mode)
{
    memset(out, 0, sizeof *out);
    out->st_mode = mode;
    out->st_nlink = 1;
}

static long stat_fd(long fd, struct kstat *out)
{
    const struct libc_file *f = libc_file(fd);
    struct nos_fs_answer a;

    if (f == NULL) {
        return -EBADF;
    }
    if (libc_is_stream(f)) {
        tell_stream(out, 0600 | (f->kind == LIBC_PIPE && !f->terminal ? S_IFIFO : S_IFCHR));
        return 0;
    }
    long r = stat_of(f->tree, f->number, 0, 0, &a);
    if (r == 0) {
        tell(out, f->tree, a.word);
    }
    return r;
}

static long stat_path(long dirfd, const char *path, struct kstat *out, long flags)
{
    struct libc_place p;
    struct nos_fs_answer a;

    if ((flags & AT_EMPTY_PATH) != 0 && path != NULL && path[0] == '\0') {
        return stat_fd(dirfd, out);
    }
    if (libc_is_null(path)) {
        tell_stream(out, S_IFCHR | 0666);
        return 0;
    }
    long r = libc_name(dirfd, path, &p);
    if (r == 0) {
        r = stat_of(p.tree, p.at, (flags & AT_SYMLINK_NOFOLLOW) != 0 ? NOS_FS_NOFOLLOW : 0u, p.len,
                    &a);
    }
    if (r == 0) {
        tell(out, p.tree, a.word);
    }
    return r;
}

long libc_stat(const struct nos_libc_args *x)
{
    LOCKED(stat_path(AT_FDCWD, (const char *)x->a[0], (struct kstat *)x->a[1], 0));
}

long libc_lstat(const struct nos_libc_args *x)
{
    LOCKED(
        stat_path(AT_FDCWD, (const char *)x->a[0], (struct kstat *)x->a[1], AT_SYMLINK_NOFOLLOW));
}

long libc_fstat(const struct nos_libc_args *x)
{
    LOCKED(stat_fd(x->a[0], (struct kstat *)x->a[1]));
}

long libc_newfstatat(const struct nos_libc_args *x)
{
    LOCKED(stat_path(x->a[0], (const char *)x->a[1], (struct kstat *)x->a[2], x->a[3]));
}

static long access_path(long dirfd, const char *path, long mode)
{
    struct libc_place p;
    struct nos_fs_answer a;

    if (libc_is_null(path)) {
        return (mode & X_OK) != 0 ? -EACCES : 0;
    }
    long r = libc_name(dirfd, path, &p);
    r = r == 0 ? stat_of(p.tree, p.at, 0, p.len, &a) : r;
    if (r != 0 || mode == F_OK) {
        return r;
    }
    if ((mode & X_OK) != 0 && a.word[NOS_FS_STAT_KIND] != NOS_FS_KIND_DIR) {
        return -EACCES;  // nothing is run from a tree
    }
    return (mode & W_OK) != 0 && p.tree->read_only ? -EROFS : 0;
}

long libc_access(const struct nos_libc_args *x)
{
    LOCKED(access_path(AT_FDCWD, (const char *)x->a[0], x->a[1]));
}

long libc_faccessat(const struct nos_libc_args *x)
{
    LOCKED(access_path(x->a[0], (const char *)x->a[1], x->a[2]));
}

static long room(struct libc_tree *t, struct statfs *out)
{
    struct nos_fs_answer a;

    long r = libc_ask(t, NOS_FS_ROOM, 0, 0, 0, 0, 0, &a);
    if (r == 0) {
        memset(out, 0, sizeof *out);
        out->f_bsize = out->f_frsize = 4096;
        out->f_blocks = a.word[1] / 4096;
        out->f_bfree = out->f_bavail = (a.word[1] - a.word[0]) / 4096;
        out->f_files = a.word[3];
        out->f_ffree = a.word[3] - a.word[2];
        out->f_namelen = NOS_FS_NAME_MAX;
    }
    return r;
}

static long room_of_path(const char *path, struct statfs *out)
{
    struct libc_place p;
    long r = libc_resolve(AT_FDCWD, path, &p);
    return r == 0 ? room(p.tree, out) : r;
}

static long room_of_fd(long fd, struct statfs *out)
{
    const struct libc_file *f = libc_file(fd);
    return f == NULL ? -EBADF : libc_is_stream(f) ? -ENOSYS : room(f->tree, out);
}

long libc_statfs(const struct nos_libc_args *x)
{
    LOCKED(room_of_path((const char *)x->a[0], (struct statfs *)x->a[1]));
}

long libc_fstatfs(const struct nos_libc_args *x)
{
    LOCKED(room_of_fd(x->a[0], (struct statfs *)x->a[1]));
}

/* ---- times ---- */

/* Of a symlink itself memfs has no way to set them; those of what it leads to are not meant. */
static long not_a_link(long dirfd, const char *path)
{
    struct kstat s;
    long r = stat_path(dirfd, path, &s, AT_SYMLINK_NOFOLLOW);
    return r == 0 && S_ISLNK(s.st_mode) ? -EOPNOTSUPP : r;
}

static long set_times(long dirfd, const char *path, const struct timespec *t, long flags)
{
    struct nos_fs_answer a;
    struct libc_place p;
    uint64_t now = nos_now_ns(), set[2] = { now, now }, number = 0;

    for (int i = 0; t != NULL && i < 2; i++) {
        if (t[i].tv_nsec != UTIME_NOW && t[i].tv_nsec != UTIME_OMIT &&
            !nos_libc_until(&t[i], &set[i])) {
            return -EINVAL;
        }
    }
    if ((flags & ~(long)AT_SYMLINK_NOFOLLOW) != 0) {
        return -EINVAL;
    }
    if (path != NULL && flags != 0) {
        long there = not_a_link(dirfd, path);
        if (there != 0) {
            return there;
        }
    }
    const struct libc_file *f = path == NULL ? libc_file(dirfd) : NULL;
    if (path == NULL && (f == NULL || libc_is_stream(f))) {
        return -EBADF;
    }
    struct libc_tree *tree = f == NULL ? NULL : f->tree;
    long r = 0;
    if (f == NULL) {
        r = libc_name(dirfd, path, &p);
        r = r == 0 ? libc_ask(p.tree, NOS_FS_OPEN, 3, p.at, 0, p.len, 0, &a) : r;
        tree = p.tree;
        number = a.word[0];
    } else {
        number = f->number;
    }
    if (r != 0) {
        return r;
    }
    r = libc_ask(tree, NOS_FS_STAT, 3, number, 0, 0, 0, &a);
    for (int i = 0; t != NULL && i < 2; i++) {
        set[i] = t[i].tv_nsec == UTIME_OMIT ? a.word[NOS_FS_STAT_ACCESS + i] : set[i];
    }
    r = r == 0 ? libc_ask(tree, NOS_FS_TIMES, 3, number, set[0], set[1], 0, &a) : r;
    if (f == NULL) {
        (void)libc_ask(tree, NOS_FS_CLOSE, 1, number, 0, 0, 0, &a);
    }
    return r;
}

long libc_utimensat(const struct nos_libc_args *x)
{
    LOCKED(set_times(x->a[0], (const char *)x->a[1], (const struct timespec *)x->a[2], x->a[3]));
}
