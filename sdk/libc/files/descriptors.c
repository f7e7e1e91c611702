/* Descriptors: 0, 1 and 2 are the console to begin with, or what the starter gave; any of them can
 * be closed, and made another file's. Descriptors that were duplicated share one offset, as POSIX
 * has it. */
#include <sys/ioctl.h>
#include <sys/uio.h>
#include <unistd.h>

#include "sdk/libc/files/files.h"

static struct libc_file files[LIBC_FILES] = {
    { .kind = LIBC_CONSOLE, .refs = 3, .flags = O_RDWR }
};
struct descriptor {
    struct libc_file *file;
    bool cloexec;
};
static struct descriptor table[LIBC_FILES] = { { .file = &files[0] },
                                               { .file = &files[0] },
                                               { .file = &files[0] } },
                         of_parent[LIBC_FILES];
static bool is_kept;

struct libc_file *libc_file(long fd)
{
    return fd >= 0 && fd < LIBC_FILES ? table[fd].file : NULL;
}

void libc_begin_without(void)
{
    files[0].refs = 0;
    table[0].file = table[1].file = table[2].file = NULL;
}

bool libc_fd_cloexec(long fd)
{
    return table[fd].cloexec;
}

/* Before main, as what follows: there is one thread. */
long libc_begin_open(long fd, const char *path, uint64_t detail)
{
    const struct nos_libc_args open = { { (long)path, (long)(uint32_t)detail,
                                          (long)(detail >> 32) } };
    long at = libc_open(&open);

    if (at < 0 || at == fd) {
        return at;
    }
    const struct nos_libc_args from = { { at, fd } };
    long r = libc_dup2(&from);
    (void)libc_close(&from);
    return r;
}

long libc_begin_file(long fd, const nos_handle_t h[NOS_FS_PASSES], uint64_t flags)
{
    struct libc_tree *t = libc_tree_lent(h);
    struct libc_file *f = t == NULL ? NULL : libc_file_new();

    if (f == NULL) {
        if (t != NULL) {
            libc_tree_leave(t);
        }
        return -ENFILE;
    }
    *f = (struct libc_file){ .kind = LIBC_FILE, .tree = t, .number = 1, .lent = true };
    f->flags = (long)flags & (O_ACCMODE | O_APPEND);
    return libc_fd_new(f, fd, false);
}

void libc_begin_with(long fd, const struct libc_stream *s)
{
    static const enum libc_kind kind[] = {
        [NOS_KIT_CONSOLE] = LIBC_CONSOLE, [NOS_KIT_NULL] = LIBC_NULL, [NOS_KIT_PIPE] = LIBC_PIPE
    };
    struct libc_file *f = s->kind == NOS_KIT_SAME ? libc_file(s->same) : libc_file_new();

    if (f != NULL && s->kind != NOS_KIT_SAME) {
        *f = (struct libc_file){ .kind = kind[s->kind], .pipe = s->pipe, .terminal = s->terminal };
        f->flags = s->kind != NOS_KIT_PIPE ? O_RDWR : s->writer ? O_WRONLY : O_RDONLY;
    }
    if (f != NULL) {
        (void)libc_fd_new(f, fd, false);  // fd is free: they come in order
    }
}

struct libc_file *libc_file_new(void)
{
    for (unsigned i = 0; i < LIBC_FILES; i++) {
        if (files[i].refs == 0) {
            files[i] = (struct libc_file){ 0 };
            return &files[i];
        }
    }
    return NULL;
}

long libc_fd_new(struct libc_file *f, long from, bool cloexec)
{
    for (long fd = from; fd < LIBC_FILES; fd++) {
        if (table[fd].file == NULL) {
            table[fd].file = f;
            table[fd].cloexec = cloexec;
            f->refs++;
            return fd;
        }
    }
    return -EMFILE;
}

/* Locks of this capsule on the file go with any of its descriptors. */
long libc_fd_close(long fd)
{
    static const uint64_t all = UINT64_MAX;
    struct libc_file *f = libc_file(fd);
    struct nos_fs_answer a;

    if (f == NULL) {
        return -EBADF;
    }
    table[fd].file = NULL;
    f->refs--;
    if (f->refs != 0 && f->kind == LIBC_FILE && !is_kept) {
        (void)libc_ask(f->tree, NOS_FS_LOCK, 4, f->number, NOS_FS_UNLOCK, 0, all, &a);
    } else if (f->refs == 0 && f->kind == LIBC_PIPE) {
        libc_pipe_close(f->pipe);
    } else if (f->refs == 0 && !libc_is_stream(f)) {
        libc_unmap_reads(f);
        if (f->number != 0) {
            (void)libc_ask(f->tree, NOS_FS_CLOSE, 1, f->number, 0, 0, 0, &a);
        }
        libc_tree_leave(f->tree);
    }
    return 0;
}

void libc_fds_keep(void)
{
    for (long fd = 0; fd < LIBC_FILES; fd++) {
        of_parent[fd] = table[fd];
        if (of_parent[fd].file != NULL) {
            of_parent[fd].file->refs++;
        }
    }
    is_kept = true;
}

void libc_fds_restore(void)
{
    for (long fd = 0; fd < LIBC_FILES; fd++) {
        (void)libc_fd_close(fd);
        table[fd] = of_parent[fd];
    }
    is_kept = false;
}

long libc_close(const struct nos_libc_args *x)
{
    libc_files_acquire();
    long r = libc_fd_close(x->a[0]);
    libc_files_release();
    return r;
}

/* ---- dup and fcntl ---- */

static long dup_from(long fd, long from, bool cloexec)
{
    struct libc_file *f = libc_file(fd);
    return f == NULL                        ? -EBADF
           : from < 0 || from >= LIBC_FILES ? -EINVAL
                                            : libc_fd_new(f, from, cloexec);
}

static long dup_onto(long fd, long to, bool cloexec)
{
    struct libc_file *f = libc_file(fd);

    if (f == NULL || to < 0 || to >= LIBC_FILES) {
        return -EBADF;
    }
    if (fd != to) {
        (void)libc_fd_close(to);
        table[to].file = f;
        table[to].cloexec = cloexec;
        f->refs++;
    }
    return to;
}

long libc_dup(const struct nos_libc_args *x)
{
    libc_files_acquire();
    long r = dup_from(x->a[0], 0, false);
    libc_files_release();
    return r;
}

long libc_dup2(const struct nos_libc_args *x)
{
    libc_files_acquire();
    long r = dup_onto(x->a[0], x->a[1], false);
    libc_files_release();
    return r;
}

long libc_dup3(const struct nos_libc_args *x)
{
    if (x->a[0] == x->a[1] || (x->a[2] & ~O_CLOEXEC) != 0) {
        return -EINVAL;
    }
    libc_files_acquire();
    long r = dup_onto(x->a[0], x->a[1], x->a[2] != 0);
    libc_files_release();
    return r;
}

static long control(long fd, long op, long arg)
{
    const long kept = O_APPEND | O_NONBLOCK;
    struct libc_file *f = libc_file(fd);

    if (f == NULL) {
        return -EBADF;
    }
    if (op == F_DUPFD || op == F_DUPFD_CLOEXEC) {
        return dup_from(fd, arg, op == F_DUPFD_CLOEXEC);
    }
    if (op == F_GETFD) {
        return table[fd].cloexec ? FD_CLOEXEC : 0;
    }
    if (op == F_SETFD) {
        table[fd].cloexec = (arg & FD_CLOEXEC) != 0;
        return 0;
    }
    if (op == F_GETFL) {
        return f->flags & (O_ACCMODE | kept);
    }
    if (op == F_SETFL) {
        f->flags = (f->flags & ~kept) | (arg & kept);
        return 0;
    }
    return -EINVAL;
}

long libc_fcntl(const struct nos_libc_args *x)
{
    long op = x->a[1];

    if (op == F_GETLK || op == F_SETLK || op == F_SETLKW) {
        return libc_lock_file(x->a[0], op, (struct flock *)x->a[2]);
    }
    libc_files_acquire();
    long r = control(x->a[0], op, x->a[2]);
    libc_files_release();
    return r;
}

/* ---- reading and writing ---- */

static bool is_stream(const struct libc_file *f)
{
    return f != NULL && libc_is_stream(f);
}

static long stream(enum libc_kind kind, struct libc_pipe *p, void *buf, size_t len, bool write,
                   bool may_wait)
{
    if (kind == LIBC_PIPE) {
        return write ? libc_pipe_write(p, span_of(buf, len), may_wait)
                     : libc_pipe_read(p, mspan_of(buf, len), may_wait);
    }
    if (kind == LIBC_NULL) {
        return write ? (long)len : 0;
    }
    return write ? libc_console_write(buf, len) : libc_console_read(buf, len);
}

static long may(const struct libc_file *f, bool write)
{
    if (f == NULL || (f->flags & O_PATH) != 0 ||
        (f->flags & O_ACCMODE) == (write ? O_RDONLY : O_WRONLY)) {
        return -EBADF;
    }
    return f->kind == LIBC_DIR ? -EISDIR : 0;
}

/* At the file's own offset, which moves, or at `at`, which a stream has not. */
static long transfer(long fd, void *buf, size_t len, bool write, const uint64_t *at)
{
    libc_files_acquire();
    struct libc_file *f = libc_file(fd);
    if (is_stream(f)) {
        const struct libc_file was = *f;
        libc_files_release();
        return at != NULL
                   ? -ESPIPE
                   : stream(was.kind, was.pipe, buf, len, write, (was.flags & O_NONBLOCK) == 0);
    }
    long r = may(f, write);
    if (r == 0) {
        uint64_t from = at != NULL ? *at : f->lent ? NOS_FS_HERE : f->at, behind = 0;
        bool append = write && (f->flags & O_APPEND) != 0;
        r = write ? libc_write_at(f, buf, len, append ? UINT64_MAX : from, &behind)
                  : libc_read_at(f, buf, len, from);
        if (r > 0 && at == NULL && !f->lent) {
            f->at = append ? behind : from + (uint64_t)r;
        }
    }
    libc_files_release();
    return r;
}

long libc_read(const struct nos_libc_args *x)
{
    return transfer(x->a[0], (void *)x->a[1], (size_t)x->a[2], false, NULL);
}

long libc_write(const struct nos_libc_args *x)
{
    return transfer(x->a[0], (void *)x->a[1], (size_t)x->a[2], true, NULL);
}

static long transfer_at(const struct nos_libc_args *x, bool write)
{
    uint64_t at = (uint64_t)x->a[3];
    return x->a[3] < 0 ? -EINVAL : transfer(x->a[0], (void *)x->a[1], (size_t)x->a[2], write, &at);
}

long libc_pread(const struct nos_libc_args *x)
{
    return transfer_at(x, false);
}

long libc_pwrite(const struct nos_libc_args *x)
{
    return transfer_at(x, true);
}

/* Piece by piece, until one is not whole: of a stream, what there was once. `at`: as transfer's.
 */
static long transfer_all(const struct nos_libc_args *x, bool write, const uint64_t *at)
{
    const struct iovec *v = (const struct iovec *)x->a[1];
    long done = 0;

    if (x->a[2] < 0 || x->a[2] > 1024) {
        return -EINVAL;
    }
    for (long i = 0; i < x->a[2]; i++) {
        uint64_t here = at != NULL ? *at + (uint64_t)done : 0;
        long n = v[i].iov_len == 0 ? 0
                                   : transfer(x->a[0], v[i].iov_base, v[i].iov_len, write,
                                              at != NULL ? &here : NULL);
        if (n < 0) {
            return done != 0 ? done : n;
        }
        done += n;
        if ((size_t)n < v[i].iov_len || (done != 0 && !write && is_stream(libc_file(x->a[0])))) {
            break;
        }
    }
    return done;
}

long libc_readv(const struct nos_libc_args *x)
{
    return transfer_all(x, false, NULL);
}

long libc_writev(const struct nos_libc_args *x)
{
    return transfer_all(x, true, NULL);
}

long libc_preadv(const struct nos_libc_args *x)
{
    const uint64_t at = (uint64_t)x->a[3];
    return x->a[3] < 0 ? -EINVAL : transfer_all(x, false, &at);
}

long libc_pwritev(const struct nos_libc_args *x)
{
    const uint64_t at = (uint64_t)x->a[3];
    return x->a[3] < 0 ? -EINVAL : transfer_all(x, true, &at);
}

/* What is done with sockets, of which there are none. */
long libc_no_socket(const struct nos_libc_args *x)
{
    LOCKED(libc_file(x->a[0]) != NULL ? -ENOTSOCK : -EBADF);
}

/* Advice about a file: not taken. */
long libc_fadvise(const struct nos_libc_args *x)
{
    LOCKED(libc_file(x->a[0]) == NULL ? -EBADF : libc_is_stream(libc_file(x->a[0])) ? -ESPIPE : 0);
}

long libc_ioctl(const struct nos_libc_args *x)
{
    libc_files_acquire();
    const struct libc_file *f = libc_file(x->a[0]);
    bool there = f != NULL, console = there && f->kind == LIBC_CONSOLE;
    bool terminal = console ? libc_console_granted() : there && f->terminal;
    libc_files_release();
    if (!there) {
        return -EBADF;
    }
    if (!terminal || x->a[1] != TIOCGWINSZ) {
        return -ENOTTY;
    }
    *(struct winsize *)x->a[2] = (struct winsize){ .ws_row = 24, .ws_col = 80 };
    return 0;
}
