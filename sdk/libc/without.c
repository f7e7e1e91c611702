/* A program whose manifest asks for no tree has no files: the standard descriptors are the console
 * and stay so, and what would open something else says that it is not there. It is linked without
 * files/, in the place of which this comes out of the archive. */
#include <errno.h>
#include <spawn.h>
#include <sys/ioctl.h>
#include <sys/uio.h>
#include <unistd.h>

#include "sdk/libc/pipes.h"

enum { STDIN, STDOUT, STDERR, STANDARD };

static struct libc_stream table[STANDARD] = { { .kind = NOS_KIT_CONSOLE },
                                              { .kind = NOS_KIT_CONSOLE },
                                              { .kind = NOS_KIT_CONSOLE } };

void libc_begin_without(void)
{
    for (int i = 0; i < STANDARD; i++) {
        table[i] = (struct libc_stream){ .kind = 0 };
    }
}

void libc_begin_with(long fd, const struct libc_stream *s)
{
    if (fd < STANDARD) {
        table[fd] = s->kind == NOS_KIT_SAME ? table[s->same] : *s;
    }
}

long libc_begin_open(long fd, const char *path, uint64_t detail)
{
    (void)fd, (void)path, (void)detail;
    return -ENOENT;
}

long libc_begin_file(long fd, const nos_handle_t h[NOS_FS_PASSES], uint64_t flags)
{
    (void)fd, (void)h, (void)flags;
    return -ENOENT;
}

long nos_libc_kill_child(long pid, long sig)
{
    (void)pid, (void)sig;
    return -ESRCH;
}

/* In the place of musl's: no right to start modules was asked for. */
int posix_spawn(pid_t *restrict pid, const char *restrict path,
                const posix_spawn_file_actions_t *fa, const posix_spawnattr_t *restrict attr,
                char *const argv[restrict], char *const envp[restrict])
{
    (void)pid, (void)path, (void)fa, (void)attr, (void)argv, (void)envp;
    return EPERM;
}

/* Nor of memory for what a child would change. */
pid_t vfork(void)
{
    errno = ENOSYS;
    return -1;
}

static struct libc_stream *stream(long fd)
{
    return fd >= 0 && fd < STANDARD && table[fd].kind != 0 ? &table[fd] : NULL;
}

static long write_to(long fd, const void *text, size_t len)
{
    const struct libc_stream *s = stream(fd);

    if (s == NULL || (s->kind == NOS_KIT_CONSOLE && fd == STDIN)) {
        return -EBADF;
    }
    return s->kind == NOS_KIT_PIPE   ? libc_pipe_write(s->pipe, span_of(text, len), true)
           : s->kind == NOS_KIT_NULL ? (long)len
                                     : libc_console_write(text, len);
}

static long read_from(long fd, void *out, size_t len)
{
    const struct libc_stream *s = stream(fd);

    if (s == NULL || (s->kind == NOS_KIT_CONSOLE && fd != STDIN)) {
        return -EBADF;
    }
    return s->kind == NOS_KIT_PIPE   ? libc_pipe_read(s->pipe, mspan_of(out, len), true)
           : s->kind == NOS_KIT_NULL ? 0
                                     : libc_console_read(out, len);
}

long libc_write(const struct nos_libc_args *x)
{
    return write_to(x->a[0], (const void *)x->a[1], (size_t)x->a[2]);
}

long libc_read(const struct nos_libc_args *x)
{
    return read_from(x->a[0], (void *)x->a[1], (size_t)x->a[2]);
}

long libc_writev(const struct nos_libc_args *x)
{
    const struct iovec *v = (const struct iovec *)x->a[1];
    long done = 0;

    for (long i = 0; i < x->a[2]; i++) {
        long n = write_to(x->a[0], v[i].iov_base, v[i].iov_len);
        if (n < 0) {
            return done != 0 ? done : n;
        }
        done += n;
        if ((size_t)n < v[i].iov_len) {
            break;
        }
    }
    return done;
}

/* What is there, once: a second piece would wait for more to be typed. */
long libc_readv(const struct nos_libc_args *x)
{
    const struct iovec *v = (const struct iovec *)x->a[1];

    for (long i = 0; i < x->a[2]; i++) {
        if (v[i].iov_len != 0) {
            return read_from(x->a[0], v[i].iov_base, v[i].iov_len);
        }
    }
    return 0;
}

static long standard(const struct nos_libc_args *x, long answer)
{
    return stream(x->a[0]) != NULL ? answer : -EBADF;
}

long libc_ioctl(const struct nos_libc_args *x)
{
    const struct libc_stream *s = stream(x->a[0]);

    if (s == NULL) {
        return -EBADF;
    }
    bool terminal = s->kind == NOS_KIT_CONSOLE ? libc_console_granted() : s->terminal;
    if (x->a[1] != TIOCGWINSZ || !terminal) {
        return -ENOTTY;
    }
    *(struct winsize *)x->a[2] = (struct winsize){ .ws_row = 24, .ws_col = 80 };
    return 0;
}

/* A pipe that two of them are goes with the second one. */
long libc_close(const struct nos_libc_args *x)
{
    struct libc_stream *s = stream(x->a[0]);
    bool last = true;

    if (s == NULL) {
        return -EBADF;
    }
    struct libc_pipe *p = s->pipe;
    *s = (struct libc_stream){ .kind = 0 };
    for (int i = 0; i < STANDARD; i++) {
        last = last && table[i].pipe != p;
    }
    if (p != NULL && last) {
        libc_pipe_close(p);
    }
    return 0;
}

long libc_no_socket(const struct nos_libc_args *x)
{
    return standard(x, -ENOTSOCK);
}

long libc_lseek(const struct nos_libc_args *x)
{
    return standard(x, -ESPIPE);
}

long libc_map_file(long fd, size_t len, long prot, long flags, uint64_t at)
{
    (void)len, (void)prot, (void)flags, (void)at;
    return fd >= 0 && fd < STANDARD ? -ENODEV : -EBADF;
}

long libc_unmap_file(uint64_t at, size_t len)
{
    (void)at, (void)len;
    return 1;
}

#define WITHOUT(handler, error) \
    long handler(const struct nos_libc_args *x) \
    { \
        (void)x; \
        return -(error); \
    }
#include "sdk/libc/without.inc"
#undef WITHOUT
