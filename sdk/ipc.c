/*
 * Words 0..7 go through registers (ipc_raw.S), the others through the thread's IPC buffer, which
 * the kernel reaches at any time. Only as many words as the message has are copied: the rest of
 * either side's memory never travels.
 */
#include "sdk/ipc.h"

#include <string.h>

#include "lib/secret.h"

_Static_assert(offsetof(struct nos_ipc_regs, word) == 32 && sizeof(struct nos_ipc_regs) == 96,
               "ipc_raw.S uses these offsets");

extern uint64_t *nos_ipc_first_buffer;  // start.c

static uint64_t *buffer_of(const struct nos_msg *m)
{
    return m->buffer != NULL ? m->buffer : nos_ipc_first_buffer;
}

static struct nos_ipc_buffer *handles_of(const struct nos_msg *m)
{
    return (struct nos_ipc_buffer *)(void *)buffer_of(m);
}

static void load_words(const struct nos_msg *m, struct nos_ipc_regs *r)
{
    uint32_t n = m->n_words <= NOS_MSG_WORDS ? m->n_words : NOS_MSG_WORDS;
    uint32_t handles = m->n_handles <= NOS_MSG_HANDLES ? m->n_handles : NOS_MSG_HANDLES;

    r->rsi = nos_msg_info(m->label, n) | handles << NOS_MSG_HANDLES_SHIFT;
    for (uint32_t i = 0; i < handles; i++) {
        handles_of(m)->pass[i] = m->pass[i];
    }
    for (uint32_t i = 0; i < NOS_MSG_REG_WORDS; i++) {
        r->word[i] = i < n ? m->word[i] : 0;
    }
    if (n > NOS_MSG_REG_WORDS) {
        memcpy(buffer_of(m) + NOS_MSG_REG_WORDS, m->word + NOS_MSG_REG_WORDS,
               (n - NOS_MSG_REG_WORDS) * sizeof(uint64_t));
    }
}

static void store_words(struct nos_msg *m, const struct nos_ipc_regs *r)
{
    uint32_t n = r->rsi & 0x7f;

    n = n <= NOS_MSG_WORDS ? n : NOS_MSG_WORDS;
    m->label = r->rsi >> NOS_MSG_LABEL_SHIFT;
    m->n_words = n;
    m->sender = (uint32_t)(r->rax >> 32);
    m->badge = r->rdi;
    m->token = r->rbx;
    m->notified = (r->rsi & NOS_MSG_NOTIFICATION) != 0;
    m->n_handles = r->rsi >> NOS_MSG_HANDLES_SHIFT & 7;
    for (uint32_t i = 0; i < m->n_handles && i < NOS_MSG_HANDLES; i++) {
        m->pass[i] = handles_of(m)->pass[i];
    }
    for (uint32_t i = 0; i < NOS_MSG_REG_WORDS; i++) {
        m->word[i] = i < n ? r->word[i] : 0;  // what lies past the count is nobody's
    }
    if (n > NOS_MSG_REG_WORDS) {
        memcpy(m->word + NOS_MSG_REG_WORDS, buffer_of(m) + NOS_MSG_REG_WORDS,
               (n - NOS_MSG_REG_WORDS) * sizeof(uint64_t));
    }
}

static nos_status_t status_of(const struct nos_ipc_regs *r)
{
    return (nos_status_t)(int32_t)(uint32_t)r->rax;
}

static nos_status_t exchange(uint64_t nr, nos_handle_t ep, struct nos_msg *m, uint64_t deadline_ns)
{
    struct nos_ipc_regs r = { .rax = nr, .rdi = ep.v, .rbx = deadline_ns };

    if (nr != NOS_SYS_IPC_RECV) {
        load_words(m, &r);
    }
    nos_ipc_raw(&r);
    nos_status_t st = status_of(&r);
    if (st == NOS_OK) {
        store_words(m, &r);
    }
    return st;
}

nos_status_t nos_call(nos_handle_t ep, struct nos_msg *m, uint64_t deadline_ns)
{
    return exchange(NOS_SYS_IPC_CALL, ep, m, deadline_ns);
}

nos_status_t nos_send(nos_handle_t ep, const struct nos_msg *m, uint64_t deadline_ns)
{
    struct nos_ipc_regs r = { .rax = NOS_SYS_IPC_SEND, .rdi = ep.v, .rbx = deadline_ns };

    load_words(m, &r);
    nos_ipc_raw(&r);
    return status_of(&r);
}

nos_status_t nos_recv(nos_handle_t ep, struct nos_msg *m, uint64_t deadline_ns)
{
    return exchange(NOS_SYS_IPC_RECV, ep, m, deadline_ns);
}

nos_status_t nos_reply_recv(nos_handle_t ep, struct nos_msg *m, uint64_t deadline_ns)
{
    return exchange(NOS_SYS_IPC_REPLY_RECV, ep, m, deadline_ns);
}

nos_status_t nos_reply(const struct nos_msg *m)
{
    struct nos_ipc_regs r = { .rax = NOS_SYS_IPC_REPLY, .rbx = m->token };

    load_words(m, &r);
    nos_ipc_raw(&r);
    return status_of(&r);
}

uint64_t nos_hold(const struct nos_msg *m)
{
    nos_ignore(
        nos_sys_ipc_hold(m->token));  // NOT_FOUND: it waits no more, and the answer finds nobody
    return m->token;
}

static NOINLINE void wipe_stack(void)
{
    uint8_t below[960];
    secret_wipe(below, sizeof below);
}

void nos_msg_wipe(struct nos_msg *m)
{
    secret_wipe(m->word, sizeof m->word);
    secret_wipe(buffer_of(m) + NOS_MSG_REG_WORDS,
                (NOS_MSG_WORDS - NOS_MSG_REG_WORDS) * sizeof(uint64_t));
    wipe_stack();
}

void nos_msg_answer(struct nos_msg *m, nos_status_t st)
{
    m->label = (uint32_t)st;
    m->n_words = 0;
    m->n_handles = 0;
}

static bool add_handle(struct nos_msg *m, nos_handle_t h, uint32_t rights)
{
    if (m->n_handles >= NOS_MSG_HANDLES) {
        return false;
    }
    m->pass[m->n_handles++] = (struct nos_pass){ .handle = h.v, .rights = rights };
    return true;
}

bool nos_msg_copy(struct nos_msg *m, nos_handle_t h, uint32_t rights)
{
    return add_handle(m, h, rights & NOS_RIGHT_ALL);
}

bool nos_msg_move(struct nos_msg *m, nos_handle_t h, uint32_t rights)
{
    return add_handle(m, h, (rights & NOS_RIGHT_ALL) | NOS_PASS_MOVE);
}

uint32_t nos_msg_accept(const struct nos_msg *m, uint32_t n)
{
    uint32_t was = handles_of(m)->accept;
    handles_of(m)->accept = n;
    return was;
}

nos_status_t nos_msg_status(const struct nos_msg *m)
{
    return (nos_status_t)(int32_t)(uint32_t)m->label;
}

bool nos_msg_put(struct nos_msg *m, size_t at, const void *text, size_t len)
{
    if (at > NOS_MSG_WORDS || len > (NOS_MSG_WORDS - at) * sizeof(uint64_t)) {
        return false;
    }
    size_t words = (len + 7) / 8;
    if (len > 0) {
        memset(m->word + at, 0, words * sizeof(uint64_t));
        memcpy(m->word + at, text, len);
    }
    m->n_words = (uint32_t)(at + words);
    return true;
}

bool nos_msg_get(const struct nos_msg *m, size_t at, size_t len, span_t *out)
{
    span_t all = span_of(m->word, m->n_words * sizeof(uint64_t));
    return span_cut(all, at * sizeof(uint64_t), len, out);
}
