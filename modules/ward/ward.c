/*
 * A service with state, for storm to break. It does a little of everything that a service does, so
 * that a fault may meet it anywhere, and it looks at its state before each answer: a ward that was
 * changed from outside says so, if it still can.
 */
#include "modules/ward/ward.h"

#include <stdbool.h>

#include "abi/caps.h"
#include "lib/compiler.h"
#include "sdk/ipc.h"
#include "sdk/format.h"
#include "sdk/start.h"

enum { STATE = 64, READ_WRITE = 3, WORDS = 64, STACK = 4096, PATIENCE_NS = 1000000, HELD = 64 };

static uint64_t state[STATE];
static nos_handle_t endpoint, neighbour;

static uint64_t state_at(uint64_t i)
{
    return ward_answer(i + 1);
}

static bool state_whole(void)
{
    bool whole = true;
    for (uint64_t i = 0; i < STATE; i++) {
        whole = whole && state[i] == state_at(i);
    }
    return whole;
}

static nos_status_t fill_and_check(uint64_t *p, uint64_t number)
{
    for (uint64_t i = 0; i < WORDS; i++) {
        p[i] = number + i;
    }
    nos_status_t st = NOS_OK;
    for (uint64_t i = 0; i < WORDS; i++) {
        st = p[i] == number + i ? st : NOS_BAD_STATE;
    }
    return st;
}

static nos_status_t memory(uint64_t number)
{
    nos_handle_t region;
    void *at = NULL;
    nos_status_t st = nos_sys_region_create(1 + number % 4, &region);
    if (st != NOS_OK) {
        return st;
    }
    st = nos_sys_region_map(region, READ_WRITE, &at);
    if (st == NOS_OK) {
        st = fill_and_check(at, number);
        nos_ignore(nos_sys_region_unmap(at));
    }
    nos_ignore(nos_sys_handle_close(region));
    return st;
}

static nos_status_t ask_neighbour(uint64_t number)
{
    static struct nos_msg m;
    m = (struct nos_msg){ .label = WARD_ECHO, .n_words = 1, .word[0] = number };
    nos_status_t st = nos_call(neighbour, &m, nos_now_ns() + PATIENCE_NS);
    return st == NOS_OK ? nos_msg_status(&m) : st;
}

/* Not nos_print: that has patience for seconds, and a ward that waits looks like one that hangs. */
static nos_status_t say(uint64_t number)
{
    static struct nos_msg m;
    char text[2 * NOS_NAME_MAX + 8];
    size_t len = nos_format(text, sizeof(text), "%.*s %llx\n", NOS_NAME_MAX, nos_self()->name,
                            (unsigned long long)number);
    m = (struct nos_msg){ .label = NOS_CONSOLE_WRITE | (uint64_t)len << 8 };
    if (!nos_msg_put(&m, 0, text, len)) {
        return NOS_TOO_BIG;
    }
    return nos_call(nos_find_handle(NOS_CAP_ENDPOINT, "console"), &m, nos_now_ns() + PATIENCE_NS);
}

/* ---- a thread ---- */

static void signal_and_end(void *arg, uint64_t *ipc_buffer)
{
    (void)ipc_buffer;
    nos_ignore(nos_sys_notify_signal(*(nos_handle_t *)arg, 1));
}

static nos_status_t thread(void)
{
    static _Alignas(16) uint8_t stack[STACK];
    static struct nos_thread t;
    static nos_handle_t note;
    nos_handle_t made;
    uint64_t bits;

    nos_status_t st = nos_sys_notify_create(&note);
    if (st != NOS_OK) {
        return st;
    }
    t = (struct nos_thread){ signal_and_end, &note };
    st = nos_thread_start(&t, stack, sizeof(stack), 0, &made);
    if (st == NOS_OK) {
        st = nos_sys_notify_wait(note, nos_now_ns() + PATIENCE_NS, &bits);
        nos_ignore(nos_sys_handle_close(made));
    }
    nos_ignore(nos_sys_handle_close(note));
    if (st == NOS_TIMED_OUT) {
        nos_exit(3);  // it may still stand on the stack
    }
    return st;
}

/* ---- the FPU ---- */

enum { XMM_WORDS = 32 };
static uint64_t in_fpu; /* what its registers were filled from; 0 = not used yet */

#define EACH_XMM(op) \
    op(0) op(1) op(2) op(3) op(4) op(5) op(6) op(7) op(8) op(9) op(10) op(11) op(12) op(13) op(14) \
        op(15)
#define LOAD_XMM(n) "movups 16 * " #n "(%0), %%xmm" #n "\n"
#define STORE_XMM(n) "movups %%xmm" #n ", 16 * " #n "(%0)\n"

static void fpu_fill(uint64_t number)
{
    uint64_t w[XMM_WORDS];
    in_fpu = number | 1;
    for (uint64_t i = 0; i < XMM_WORDS; i++) {
        w[i] = ward_answer(in_fpu + i);
    }
    __asm__ volatile(EACH_XMM(LOAD_XMM) : : "r"(w) : "memory");
}

/* Compiled code here uses no FPU: what lies in it is what was put there, or somebody else's. */
static bool fpu_whole(void)
{
    uint64_t w[XMM_WORDS];
    bool whole = true;
    if (in_fpu == 0) {
        return true;
    }
    __asm__ volatile(EACH_XMM(STORE_XMM) : : "r"(w) : "memory");
    for (uint64_t i = 0; i < XMM_WORDS; i++) {
        whole = whole && w[i] == ward_answer(in_fpu + i);
    }
    return whole;
}

static nos_status_t floating(uint64_t number)
{
    bool whole = fpu_whole();
    if (whole) {
        fpu_fill(number);
    }
    return whole ? NOS_OK : NOS_BAD_STATE;
}

/* ---- until there is no more ---- */

static nos_status_t take(uint64_t what, nos_handle_t first, nos_handle_t *out)
{
    switch (what % 4) {
    case 0:
        return nos_sys_region_create(8, out);
    case 1:
        return nos_sys_notify_create(out);
    case 2:
        return nos_sys_endpoint_create(out);
    default:
        return first.v == 0 ? nos_sys_notify_create(out)
                            : nos_sys_cap_derive(first, NOS_RIGHT_SIGNAL, 0, 0, 0, out);
    }
}

/* The refusal that ended it is what was done. */
static nos_status_t eat(uint64_t what)
{
    nos_handle_t held[HELD] = { { 0 } };
    nos_status_t st = NOS_OK;
    unsigned n = 0;

    while (n < HELD && st == NOS_OK) {
        st = take(what, held[0], &held[n]);
        n += st == NOS_OK ? 1 : 0;
    }
    while (n > 0) {
        nos_ignore(nos_sys_handle_close(held[--n]));
    }
    return st;
}

static nos_status_t perform(uint64_t op, uint64_t number)
{
    switch (op) {
    case WARD_ECHO:
        return NOS_OK;
    case WARD_MEMORY:
        return memory(number);
    case WARD_NEIGHBOUR:
        return ask_neighbour(number);
    case WARD_SAY:
        return say(number);
    case WARD_THREAD:
        return thread();
    case WARD_EAT:
        return eat(number);
    case WARD_FPU:
        return floating(number);
    default:
        return NOS_BAD_MESSAGE;
    }
}

static void serve(struct nos_msg *m)
{
    uint64_t op = m->label, number = m->word[0];
    bool fits = m->n_words == 1 && op < WARD_OPS;
    nos_status_t did = fits ? perform(op, number) : NOS_BAD_MESSAGE;

    nos_msg_answer(m, !fits                          ? NOS_BAD_MESSAGE
                      : state_whole() && fpu_whole() ? NOS_OK
                                                     : NOS_BAD_STATE);
    m->n_words = 2;
    m->word[0] = ward_answer(number);
    m->word[1] = (uint64_t)(int64_t)did;
    nos_ignore(nos_reply(m));  // NOT_FOUND: it does not wait any more
}

static nos_handle_t other_endpoint(void)
{
    const struct nos_start *s = nos_self();
    for (uint32_t i = 0; i < s->n_handles; i++) {
        const struct nos_start_handle *h = &s->handle[i];
        if (h->kind == NOS_CAP_ENDPOINT && h->handle != endpoint.v &&
            !nos_name_is(h->name, "console")) {
            return (nos_handle_t){ h->handle };
        }
    }
    return (nos_handle_t){ 0 };
}

int nos_main(void)
{
    static struct nos_msg m;
    char name[NOS_NAME_MAX + 1] = { 0 };

    for (uint64_t i = 0; i < STATE; i++) {
        state[i] = state_at(i);
    }
    for (unsigned i = 0; i < NOS_NAME_MAX; i++) {
        name[i] = nos_self()->name[i];
    }
    endpoint = nos_find_handle(NOS_CAP_ENDPOINT, name);
    neighbour = other_endpoint();
    for (;;) {
        nos_status_t st = nos_recv(endpoint, &m, NOS_DEADLINE_NEVER);
        if (st == NOS_OK && m.token != 0) {
            serve(&m);
        } else if (st != NOS_OK && st != NOS_CANCELLED) {
            return 1;
        }
    }
}
