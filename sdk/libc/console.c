/* The three standard descriptors: the console, when the manifest asked for it and the policy
 * granted it. */
#include <errno.h>
#include <sys/ioctl.h>
#include <sys/uio.h>

#include "abi/services.h"
#include "sdk/ipc.h"
#include "sdk/libc/personality.h"

enum { STDIN, STDOUT, STDERR, STANDARD };
enum { READ_MAX = NOS_TEXT_MAX - 8 };

static nos_handle_t console(void)
{
    return nos_find_handle(NOS_CAP_ENDPOINT, "console");
}

/* One message: at most NOS_TEXT_MAX bytes. */
static nos_status_t send(const char *text, size_t len)
{
    struct nos_msg m;

    m.buffer = nos_libc_ipc_buffer();
    m.n_handles = 0;
    m.label = NOS_CONSOLE_WRITE | (uint64_t)len << 8;
    if (!nos_msg_put(&m, 0, text, len)) {
        return NOS_TOO_BIG;
    }
    nos_status_t st = nos_call(console(), &m, NOS_DEADLINE_NEVER);
    return st == NOS_OK ? nos_msg_status(&m) : st;
}

/* A console that is being replaced is not the end of who prints: what was not taken is said by the
 * count. */
static long write_to(long fd, const char *text, size_t len)
{
    size_t at = 0;

    if (fd != STDOUT && fd != STDERR) {
        return -EBADF;
    }
    while (at < len) {
        size_t n = len - at < NOS_TEXT_MAX ? len - at : NOS_TEXT_MAX;
        nos_status_t st = send(text + at, n);
        if (st != NOS_OK) {
            return at != 0 ? (long)at : -nos_libc_errno(st);
        }
        at += n;
    }
    return (long)len;
}

static long read_from(long fd, char *out, size_t len)
{
    struct nos_msg m;
    span_t got;

    if (fd != STDIN) {
        return -EBADF;
    }
    if (len == 0) {
        return 0;
    }
    size_t most = len < READ_MAX ? len : READ_MAX;
    m.buffer = nos_libc_ipc_buffer();
    m.n_handles = 0;
    m.n_words = 0;
    m.label = NOS_CONSOLE_READ | (uint64_t)most << 8;
    nos_status_t st = nos_call(console(), &m, NOS_DEADLINE_NEVER);
    st = st == NOS_OK ? nos_msg_status(&m) : st;
    if (st != NOS_OK) {
        return -nos_libc_errno(st);
    }
    if (m.n_words < 1 || m.word[0] > most || !nos_msg_get(&m, 1, m.word[0], &got)) {
        return -EIO;
    }
    for (size_t i = 0; i < got.len; i++) {
        out[i] = (char)got.data[i];
    }
    return (long)got.len;
}

long libc_write(const struct nos_libc_args *x)
{
    return write_to(x->a[0], (const char *)x->a[1], (size_t)x->a[2]);
}

long libc_read(const struct nos_libc_args *x)
{
    return read_from(x->a[0], (char *)x->a[1], (size_t)x->a[2]);
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

long libc_ioctl(const struct nos_libc_args *x)
{
    if (x->a[0] < 0 || x->a[0] >= STANDARD) {
        return -EBADF;
    }
    if (x->a[1] != TIOCGWINSZ || console().v == 0) {
        return -ENOTTY;
    }
    *(struct winsize *)x->a[2] = (struct winsize){ .ws_row = 24, .ws_col = 80 };
    return 0;
}

long libc_close(const struct nos_libc_args *x)
{
    return x->a[0] >= 0 && x->a[0] < STANDARD ? 0 : -EBADF;
}
