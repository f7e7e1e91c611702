/* What the three standard descriptors are to begin with: the console, when the manifest asked for
 * it and the policy granted it. */
#include <errno.h>

#include "abi/services.h"
#include "sdk/ipc.h"
#include "sdk/libc/personality.h"

enum { READ_MAX = NOS_TEXT_MAX - 8 };

static nos_handle_t console(void)
{
    return nos_find_handle(NOS_CAP_ENDPOINT, "console");
}

bool libc_console_granted(void)
{
    return console().v != 0;
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
long libc_console_write(const char *text, size_t len)
{
    size_t at = 0;

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

long libc_console_read(char *out, size_t len)
{
    struct nos_msg m;
    span_t got;

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
