/* Messages, both ways; while the first thread waits for one another may run. */
#include "fuzz/world/world_impl.h"

#include "fuzz/fuzz.h"
#include "sdk/ipc.h"

static uint64_t others_page[PAGE / 8];

/* Of the thread that runs. */
static struct nos_ipc_buffer *buffer(void)
{
    return (struct nos_ipc_buffer *)(void *)(world.waited != 0 ? others_page : world_first_page);
}

/* What the capsule sends. Moved handles go when it is taken. */
static void outgoing(const struct nos_ipc_regs *r, bool taken)
{
    uint32_t words = r->rsi & 0x7f, n = r->rsi >> NOS_MSG_HANDLES_SHIFT & 7;

    PROMISE(words <= NOS_MSG_WORDS && n <= NOS_MSG_HANDLES && (r->rsi & NOS_MSG_RSV_MASK) == 0);
    for (uint32_t i = 0; i < n && taken; i++) {
        if ((buffer()->pass[i].rights & NOS_PASS_MOVE) != 0) {
            (void)!world_close(buffer()->pass[i].handle);
        }
    }
}

static uint32_t passed_handle(void)
{
    static const uint32_t type[] = { NOS_TYPE_REGION, NOS_TYPE_ENDPOINT, NOS_TYPE_NOTIFICATION,
                                     NOS_TYPE_REGION };
    uint8_t b = world_byte();
    return world_give(type[b % ARRAY_LEN(type)], 1 + b / 4u % PAGES_MAX);
}

static void notification(struct nos_ipc_regs *r)
{
    r->rax = r->rdi = r->rbx = 0;
    r->rsi = nos_msg_info(0, 1) | NOS_MSG_NOTIFICATION;
    r->word[0] = world_word();
    world.line = world_line != NULL ? world_line() : world.line;
}

static void incoming(struct nos_ipc_regs *r, bool answer)
{
    uint8_t shape = world_byte();
    if (!answer && (shape & 0x08) != 0) {
        notification(r);
        return;
    }
    uint32_t n = world_byte() % (NOS_MSG_WORDS + 1), accept = buffer()->accept;
    uint32_t handles = shape % 8u < accept ? shape % 8u : accept;
    uint64_t label = world_word() & 0xffff;

    label |= (shape & 0x10) != 0 ? (world_word() & 0xffffff) << 8 : 0;
    PROMISE(accept <= NOS_MSG_HANDLES);
    r->rax = (uint64_t)(answer ? 0 : world_byte()) << 32;
    r->rdi = answer ? 0 : world_badge != NULL ? world_badge(shape >> 6) : shape >> 6;
    r->rbx = answer || (shape & 0x20) != 0 ? 0 : 1000 + (uint64_t)world_byte();
    for (uint32_t i = 0; i < n; i++) {
        uint64_t w = world_word();
        if (i < NOS_MSG_REG_WORDS) {
            r->word[i] = w;
        } else {
            buffer()->word[i] = w;
        }
    }
    for (uint32_t i = 0; i < handles; i++) {
        buffer()->pass[i] =
            (struct nos_pass){ .handle = passed_handle(), .rights = (uint32_t)world_word() };
    }
    r->rsi = nos_msg_info(label, n) | handles << NOS_MSG_HANDLES_SHIFT;
}

/* What the first thread sends, for the target; and what the target has it receive. */
static bool target_says(struct nos_ipc_regs *r)
{
    static struct nos_msg m;
    const struct nos_ipc_regs sent = *r;
    nos_status_t st = NOS_OK;

    m = (struct nos_msg){ .label = r->rsi >> NOS_MSG_LABEL_SHIFT, .token = r->rbx };
    if (r->rax != NOS_SYS_IPC_RECV) {
        m.n_words = r->rsi & 0x7f;
        m.n_handles = r->rsi >> NOS_MSG_HANDLES_SHIFT & 7;
        memcpy(m.pass, buffer()->pass, sizeof m.pass);
        memcpy(m.word, buffer()->word, sizeof m.word);
        memcpy(m.word, r->word, sizeof r->word);
    }
    if (world_says == NULL || world.waited != 0 || !world_says(r->rax, r->rdi, &m, &st)) {
        return false;
    }
    if (sent.rax != NOS_SYS_IPC_RECV) {
        outgoing(&sent, st == NOS_OK);
    }
    r->rax = (uint64_t)m.sender << 32 | (uint32_t)st;
    if (st == NOS_OK && sent.rax != NOS_SYS_IPC_SEND && sent.rax != NOS_SYS_IPC_REPLY) {
        PROMISE(m.n_handles <= buffer()->accept);
        r->rdi = m.badge;
        r->rbx = m.token;
        r->rsi = nos_msg_info(m.label, m.n_words) | (uint64_t)m.n_handles << NOS_MSG_HANDLES_SHIFT |
                 (m.notified ? NOS_MSG_NOTIFICATION : 0);
        memcpy(r->word, m.word, sizeof r->word);
        memcpy(buffer()->word, m.word, sizeof m.word);
        memcpy(buffer()->pass, m.pass, sizeof m.pass);
    }
    return true;
}

/* While the first thread waits for a message one of the others may run, to where it waits again. */
static void others_run(void)
{
    uint8_t which = world_byte();

    if (which < world.n_threads && world.waited == 0) {
        const struct nos_thread *t = world.thread[which];
        world.waited = 1;
        if (setjmp(world.back) == 0) {
            memset(others_page, 0, sizeof others_page);
            t->run(t->arg, others_page);
        }
        world.waited = 0;
    }
}

void nos_ipc_raw(struct nos_ipc_regs *r)
{
    uint64_t nr = r->rax;

    if (target_says(r)) {
        return;
    }
    nos_status_t st = world_verdict();
    if (st == NOS_OK) {
        world_meddle();
    }
    if (world_asked != NULL && world.waited == 0) {
        world_asked(r);
    }
    if (nr == NOS_SYS_IPC_RECV) {
        others_run();
    } else {
        outgoing(r, st == NOS_OK);
    }
    if (st == NOS_OK && nr != NOS_SYS_IPC_SEND && nr != NOS_SYS_IPC_REPLY) {
        incoming(r, nr == NOS_SYS_IPC_CALL);
    }
    r->rax = (r->rax & ~0xffffffffull) | (uint32_t)st;
    r->rax = st == NOS_OK ? r->rax : (uint32_t)st;
}
