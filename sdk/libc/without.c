/* A program whose manifest asks for no tree has no files: the standard descriptors are the console
 * and stay so, and what would open something else says that it is not there. It is linked without
 * files/, in the place of which this comes out of the archive. */
#include <errno.h>
#include <sys/ioctl.h>
#include <sys/uio.h>

#include "sdk/libc/personality.h"

enum { STDIN, STDOUT, STDERR, STANDARD };

static long write_to(long fd, const void *text, size_t len)
{
    return fd == STDOUT || fd == STDERR ? libc_console_write(text, len) : -EBADF;
}

static long read_from(long fd, void *out, size_t len)
{
    return fd == STDIN ? libc_console_read(out, len) : -EBADF;
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
    return x->a[0] >= 0 && x->a[0] < STANDARD ? answer : -EBADF;
}

long libc_ioctl(const struct nos_libc_args *x)
{
    long r = standard(x, 0);

    if (r != 0 || x->a[1] != TIOCGWINSZ || !libc_console_granted()) {
        return r != 0 ? r : -ENOTTY;
    }
    *(struct winsize *)x->a[2] = (struct winsize){ .ws_row = 24, .ws_col = 80 };
    return 0;
}

long libc_close(const struct nos_libc_args *x)
{
    return standard(x, 0);
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
