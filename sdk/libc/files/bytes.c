/* Opening, and the bytes of files. Small pieces go through the session's window; a large read maps
 * the file once and copies out of it, so that 1 MiB costs one copy and a few hundred instructions.
 */
#include <limits.h>
#include <string.h>
#include <unistd.h>

#include "sdk/libc/files/files.h"

enum { MAP_FROM = 16384 /* bytes: a read as large as this maps the file */, READ = 1 };

/* ---- open ---- */

static uint64_t flags_of(long flags)
{
    uint64_t f = (flags & O_ACCMODE) == O_RDONLY   ? NOS_FS_READABLE
                 : (flags & O_ACCMODE) == O_WRONLY ? NOS_FS_WRITABLE
                                                   : NOS_FS_READABLE | NOS_FS_WRITABLE;

    f = (flags & O_PATH) != 0 ? 0 : f;
    f |= (flags & O_CREAT) != 0 ? NOS_FS_CREATE : 0u;
    f |= (flags & O_EXCL) != 0 ? NOS_FS_EXCLUSIVE : 0u;
    f |= (flags & O_TRUNC) != 0 && (f & NOS_FS_WRITABLE) != 0 ? NOS_FS_EMPTY : 0u;
    f |= (flags & O_DIRECTORY) != 0 ? NOS_FS_DIRECTORY : 0u;
    f |= (flags & O_NOFOLLOW) != 0 ? NOS_FS_NOFOLLOW : 0u;
    return f;
}

/* A tree's root has the number 0: from there a path can also lead into a share. */
static void settle_root(struct libc_file *f)
{
    struct nos_fs_answer a;

    if (libc_ask(f->tree, NOS_FS_STAT, 3, f->number, 0, 0, 0, &a) == 0 &&
        a.word[NOS_FS_STAT_INO] == NOS_FS_ROOT_INO) {
        (void)libc_ask(f->tree, NOS_FS_CLOSE, 1, f->number, 0, 0, 0, &a);
        f->number = 0;
    }
}

static long open_null(struct libc_file *f, long flags)
{
    if ((flags & O_DIRECTORY) != 0) {
        return -ENOTDIR;
    }
    if ((flags & O_CREAT) != 0 && (flags & O_EXCL) != 0) {
        return -EEXIST;
    }
    *f = (struct libc_file){ .kind = LIBC_NULL, .flags = flags };
    return libc_fd_new(f, 0, (flags & O_CLOEXEC) != 0);
}

static long open_file(long dirfd, const char *path, long flags, long mode)
{
    struct libc_place p;
    struct nos_fs_answer a;
    struct libc_file *f = libc_file_new();

    if ((flags & O_TMPFILE) == O_TMPFILE) {
        return -EOPNOTSUPP;
    }
    if (f == NULL) {
        return -EMFILE;
    }
    if (libc_is_null(path)) {
        return open_null(f, flags);
    }
    long r = libc_name(dirfd, path, &p);
    r = r == 0 ? libc_ask(p.tree, NOS_FS_OPEN, 3, p.at, flags_of(flags) | libc_mode(mode), p.len, 0,
                          &a)
               : r;
    if (r != 0) {
        return r;
    }
    *f = (struct libc_file){ .tree = p.tree, .number = a.word[0], .flags = flags };
    f->kind = a.word[1] == NOS_FS_KIND_DIR ? LIBC_DIR : LIBC_FILE;
    if (f->kind == LIBC_DIR) {
        settle_root(f);
    }
    r = libc_fd_new(f, 0, (flags & O_CLOEXEC) != 0);
    if (r < 0 && f->number != 0) {
        (void)libc_ask(f->tree, NOS_FS_CLOSE, 1, f->number, 0, 0, 0, &a);
    }
    return r;
}

long libc_open_path(const char *path, long flags, long mode)
{
    return open_file(AT_FDCWD, path, flags, mode);
}

long libc_openat(const struct nos_libc_args *x)
{
    libc_files_acquire();
    long r = open_file(x->a[0], (const char *)x->a[1], x->a[2], x->a[3]);
    libc_files_release();
    return r;
}

long libc_open(const struct nos_libc_args *x)
{
    libc_files_acquire();
    long r = open_file(AT_FDCWD, (const char *)x->a[0], x->a[1], x->a[2]);
    libc_files_release();
    return r;
}

/* ---- bytes ---- */

static long ask_file(struct libc_file *f, enum nos_fs_op op, uint64_t b, uint64_t c,
                     struct nos_fs_answer *a)
{
    const bool two = op == NOS_FS_TRUNCATE || op == NOS_FS_MAP || op == NOS_FS_SEEK;
    return libc_ask(f->tree, op, two ? 2 : 3, f->number, b, c, 0, a);
}

void libc_unmap_reads(struct libc_file *f)
{
    struct nos_fs_answer a;

    if (f->map != NULL) {
        nos_ignore(nos_sys_region_unmap(f->map));
        (void)libc_ask(f->tree, NOS_FS_CLOSE, 1, f->map_number, 0, 0, 0, &a);
        f->map = NULL;
        f->map_len = 0;
    }
}

/* Have the first `size` bytes mapped. False: they cannot be, and are read through the window. */
static bool map_reads(struct libc_file *f, uint64_t size)
{
    struct nos_fs_answer a;

    if (f->map != NULL && f->map_len >= size) {
        return true;
    }
    libc_unmap_reads(f);
    if (ask_file(f, NOS_FS_MAP, 0, 0, &a) != 0) {
        return false;
    }
    nos_status_t st = nos_sys_region_map(a.handle, READ, &f->map);
    nos_ignore(nos_sys_handle_close(a.handle));  // the mapping stays
    f->map_number = a.word[0];
    f->map_len = a.word[1];
    if (st != NOS_OK) {
        f->map = NULL;
        (void)libc_ask(f->tree, NOS_FS_CLOSE, 1, f->map_number, 0, 0, 0, &a);
    }
    return st == NOS_OK && f->map_len >= size;
}

/* Gives: -ENODEV when it has to go through the window. */
static long read_mapped(struct libc_file *f, void *out, size_t len, uint64_t at)
{
    struct nos_fs_answer a;
    long r = ask_file(f, NOS_FS_STAT, 0, 0, &a);  // how long it is now, whoever changes it

    if (r != 0) {
        return r;
    }
    uint64_t size = a.word[NOS_FS_STAT_SIZE];
    if (at >= size) {
        return 0;
    }
    if (size > NOS_FS_MAP_MAX || !map_reads(f, size)) {
        return -ENODEV;
    }
    size_t n = len < size - at ? len : (size_t)(size - at);
    return nos_fs_copy(&f->tree->fs, out, (const uint8_t *)f->map + at, n) ? (long)n : -EIO;
}

long libc_read_at(struct libc_file *f, void *out, size_t len, uint64_t at)
{
    struct nos_fs_answer a;
    size_t done = 0;

    if (len >= MAP_FROM && at != NOS_FS_HERE) {
        long r = read_mapped(f, out, len, at);
        if (r != -ENODEV) {
            return r;
        }
    }
    while (done < len) {
        size_t n = len - done < NOS_FS_WINDOW ? len - done : NOS_FS_WINDOW;
        long r = ask_file(f, NOS_FS_READ, at == NOS_FS_HERE ? at : at + done, n, &a);
        if (r == 0 && a.word[0] > n) {
            r = -EIO;
        }
        if (r == 0) {
            mspan_t to = mspan_of((uint8_t *)out + done, a.word[0]);
            r = -libc_fs_errno(nos_fs_get(&f->tree->fs, 0, to));
        }
        if (r != 0) {
            return done != 0 ? (long)done : r;
        }
        done += a.word[0];
        if (a.word[0] < n) {
            break;
        }
    }
    return (long)done;
}

long libc_write_at(struct libc_file *f, const void *in, size_t len, uint64_t at, uint64_t *behind)
{
    struct nos_fs_answer a;
    size_t done = 0;

    while (done < len) {
        size_t n = len - done < NOS_FS_WINDOW ? len - done : NOS_FS_WINDOW;
        f->tree->fs.buffer = nos_libc_ipc_buffer();
        long r =
            -libc_fs_errno(nos_fs_put(&f->tree->fs, 0, span_of((const uint8_t *)in + done, n)));
        r = r == 0 ? ask_file(f, NOS_FS_WRITE, at >= NOS_FS_HERE ? at : at + done, n, &a) : r;
        if (r != 0) {
            return done != 0 ? (long)done : r;
        }
        done += a.word[0] <= n ? a.word[0] : n;
        *behind = a.word[1];
        if (a.word[0] < n) {
            break;  // there is no room for the others
        }
    }
    return (long)done;
}

/* Where a file is that others have too: in f->at, or set. */
static long where(struct libc_file *f, uint64_t at)
{
    struct nos_fs_answer a;
    long r = f->lent ? ask_file(f, NOS_FS_SEEK, at, 0, &a) : 0;

    if (r == 0 && f->lent) {
        f->at = a.word[0];
    }
    return r;
}

long libc_offset(struct libc_file *f)
{
    return where(f, NOS_FS_HERE);
}

static long seek(struct libc_file *f, int64_t offset, long whence)
{
    struct nos_fs_answer a;
    int64_t base = 0;

    if (libc_is_stream(f)) {
        return -ESPIPE;
    }
    if (whence == SEEK_END && f->kind == LIBC_FILE) {
        long r = ask_file(f, NOS_FS_STAT, 0, 0, &a);
        if (r != 0) {
            return r;
        }
        base = (int64_t)a.word[NOS_FS_STAT_SIZE];
    } else if (whence == SEEK_CUR) {
        long r = where(f, NOS_FS_HERE);
        if (r < 0) {
            return r;
        }
        base = (int64_t)f->at;
    } else if (whence != SEEK_SET) {
        return -EINVAL;
    }
    if (__builtin_add_overflow(base, offset, &base)) {
        return -EOVERFLOW;
    }
    if (base < 0) {
        return -EINVAL;
    }
    long r = where(f, (uint64_t)base);
    if (r < 0) {
        return r;
    }
    f->at = (uint64_t)base;
    f->told = base == 0 ? 0 : f->told;  // rewinddir
    return base;
}

long libc_lseek(const struct nos_libc_args *x)
{
    libc_files_acquire();
    struct libc_file *f = libc_file(x->a[0]);
    long r = f == NULL ? -EBADF : seek(f, x->a[1], x->a[2]);
    libc_files_release();
    return r;
}

long libc_ftruncate(const struct nos_libc_args *x)
{
    struct nos_fs_answer a;

    if (x->a[1] < 0) {
        return -EINVAL;
    }
    libc_files_acquire();
    struct libc_file *f = libc_file(x->a[0]);
    bool may = f != NULL && f->kind == LIBC_FILE && (f->flags & O_ACCMODE) != O_RDONLY;
    long r = f == NULL ? -EBADF
             : !may    ? -EINVAL
                       : ask_file(f, NOS_FS_TRUNCATE, (uint64_t)x->a[1], 0, &a);
    libc_files_release();
    return r;
}

long libc_truncate(const struct nos_libc_args *x)
{
    const struct nos_libc_args open = { { x->a[0], O_WRONLY } };
    long fd = libc_open(&open);

    if (fd < 0) {
        return fd;
    }
    const struct nos_libc_args cut = { { fd, x->a[1] } }, shut = { { fd } };
    long r = libc_ftruncate(&cut);
    (void)libc_close(&shut);
    return r;
}

/* Memory is as lasting as this system's files get. */
long libc_fsync(const struct nos_libc_args *x)
{
    libc_files_acquire();
    const struct libc_file *f = libc_file(x->a[0]);
    long r = f == NULL ? -EBADF : libc_is_stream(f) ? -EINVAL : 0;
    libc_files_release();
    return r;
}
