/* The busy one: it counts in memory that it was given until that or its life is taken. */
#include "abi/caps.h"
#include "modules/duel/duel.h"
#include "sdk/start.h"

enum {
    READ_WRITE = 3,
    STACK = 4096,
    PRIORITY = 5,
    KINDS = 4,
    SHORT_NS = 20000,
    LONG_NS = 1000000,
    PATIENCE = 1000
};

static _Alignas(16) uint8_t stack[STACK];

__attribute__((noreturn)) static void compute(volatile uint64_t *count)
{
    for (;;) {
        *count = *count + 1;
    }
}

/* In and out of the kernel, with something to leave behind each time. */
__attribute__((noreturn)) static void make_calls(volatile uint64_t *count)
{
    nos_handle_t h;
    for (;;) {
        uint64_t n = *count + 1;
        *count = n;
        if (n % KINDS == 0) {
            nos_ignore(nos_sys_sleep(nos_now_ns() + SHORT_NS));
        } else if (n % KINDS == 1) {
            nos_ignore(nos_sys_yield());
        } else if (nos_sys_notify_create(&h) == NOS_OK) {
            nos_ignore(nos_sys_handle_close(h));
        }
    }
}

static void compute_there(void *arg, uint64_t *buffer)
{
    (void)buffer;
    compute(arg);
}

/* Takes the mapping from under its other thread, whose next touch is the capsule's end. Both words
 * are seen through a second mapping. */
static void unmap(nos_handle_t region, void *first, uint64_t offset)
{
    static struct nos_thread t = { .run = compute_there };
    void *second = NULL;
    nos_handle_t thread;

    t.arg = (char *)first + offset;
    nos_status_t st = nos_sys_region_map(region, READ_WRITE, &second);
    volatile uint64_t *word = (uint64_t *)(void *)((char *)second + offset);
    st = st == NOS_OK ? nos_thread_start(&t, stack, sizeof(stack), PRIORITY, &thread) : st;
    while (st == NOS_OK && word[0] == 0) {
        nos_ignore(nos_sys_sleep(nos_now_ns() + SHORT_NS));
    }
    if (st != NOS_OK || nos_sys_region_unmap(first) != NOS_OK) {
        return;
    }
    uint64_t then = word[0];
    for (unsigned i = 0; i < PATIENCE; i++) {  // its end comes when its processor runs
        nos_ignore(nos_sys_sleep(nos_now_ns() + LONG_NS));
        word[1] = word[0] - then;
    }
}

int counter(void)
{
    static struct nos_msg m;
    nos_handle_t ep = nos_find_handle(NOS_CAP_ENDPOINT, "duel-serve");
    void *at = NULL;

    nos_msg_accept(&m, 1);
    if (nos_recv(ep, &m, NOS_DEADLINE_NEVER) != NOS_OK || m.n_handles != 1) {
        return 1;
    }
    nos_handle_t region = { m.pass[0].handle };
    enum work work = (enum work)m.label;
    uint64_t offset = m.word[0];
    nos_status_t st = nos_sys_region_map(region, READ_WRITE, &at);
    nos_msg_answer(&m, st);
    nos_ignore(nos_reply(&m));
    if (st == NOS_OK && work == WORK_UNMAP) {
        unmap(region, at, offset);
    } else if (st == NOS_OK) {
        uint64_t *count = (uint64_t *)(void *)((char *)at + offset);
        work == WORK_COMPUTE ? compute(count) : make_calls(count);
    }
    return 2;
}
