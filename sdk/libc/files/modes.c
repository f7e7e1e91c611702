/* Modes, which memfs keeps for the program, and owners, which there is one of: the capsule. */
#include <sys/stat.h>

#include "sdk/libc/files/files.h"

uint64_t libc_mode(long mode)
{
    return ((uint64_t)mode & NOS_FS_MODE & ~(uint64_t)nos_libc_mask()) << NOS_FS_MODE_AT;
}

static long set_mode(struct libc_tree *t, uint64_t at, long mode, size_t len)
{
    struct nos_fs_answer a;
    return libc_ask(t, NOS_FS_CHMOD, 3, at, (uint64_t)mode & NOS_FS_MODE, len, 0, &a);
}

static long mode_of_path(long dirfd, const char *path, long mode)
{
    struct libc_place p;
    if (libc_is_null(path)) {
        return -EPERM;
    }
    long r = libc_name(dirfd, path, &p);
    return r == 0 ? set_mode(p.tree, p.at, mode, p.len) : r;
}

static bool is_in_tree(const struct libc_file *f)
{
    return f != NULL && (f->kind == LIBC_FILE || f->kind == LIBC_DIR);
}

static long mode_of_fd(long fd, long mode)
{
    const struct libc_file *f = libc_file(fd);
    return f == NULL ? -EBADF : !is_in_tree(f) ? -EPERM : set_mode(f->tree, f->number, mode, 0);
}

long libc_chmod(const struct nos_libc_args *x)
{
    LOCKED(mode_of_path(AT_FDCWD, (const char *)x->a[0], x->a[1]));
}

long libc_fchmod(const struct nos_libc_args *x)
{
    LOCKED(mode_of_fd(x->a[0], x->a[1]));
}

long libc_fchmodat(const struct nos_libc_args *x)
{
    LOCKED(mode_of_path(x->a[0], (const char *)x->a[1], x->a[2]));
}

/* ---- owners ---- */

/* -1 leaves it as it is, and it is 0. */
static long own(long there, long user, long group)
{
    bool stays = ((int)user == 0 || (int)user == -1) && ((int)group == 0 || (int)group == -1);
    return there != 0 ? there : stays ? 0 : -EPERM;
}

static long there(long dirfd, const char *path, bool last)
{
    struct nos_fs_answer a;
    struct libc_place p;
    if (libc_is_null(path)) {
        return 0;
    }
    long r = libc_name(dirfd, path, &p);
    return r == 0
               ? libc_ask(p.tree, NOS_FS_STAT, 3, p.at, last ? 0u : NOS_FS_NOFOLLOW, p.len, 0, &a)
               : r;
}

long libc_chown(const struct nos_libc_args *x)
{
    LOCKED(own(there(AT_FDCWD, (const char *)x->a[0], true), x->a[1], x->a[2]));
}

long libc_lchown(const struct nos_libc_args *x)
{
    LOCKED(own(there(AT_FDCWD, (const char *)x->a[0], false), x->a[1], x->a[2]));
}

long libc_fchown(const struct nos_libc_args *x)
{
    LOCKED(own(libc_file(x->a[0]) != NULL ? 0 : -EBADF, x->a[1], x->a[2]));
}

long libc_fchownat(const struct nos_libc_args *x)
{
    const char *path = (const char *)x->a[1];
    bool itself = (x->a[4] & AT_EMPTY_PATH) != 0 && path != NULL && path[0] == '\0';

    LOCKED(own(itself ? (libc_file(x->a[0]) != NULL ? 0 : -EBADF)
                      : there(x->a[0], path, (x->a[4] & AT_SYMLINK_NOFOLLOW) == 0),
               x->a[2], x->a[3]));
}
