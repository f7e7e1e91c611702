/*
 * Two threads that only count, and what `thread_set` does to them while they run: with one CPU and
 * with several the same is seen. A thread that may not run, or not before a more urgent one, does
 * not count.
 */
#include <stdbool.h>

#include "abi/info.h"
#include "modules/probe/probe.h"
#include "sdk/start.h"

enum {
    STACK = 4096,
    LOW = 1,
    HIGH = 5, /* as the first thread: it is not shut out */
    ONE = 1,  /* the CPU that booted */
    ANY = 0xff,
    SOON_NS = 10000000,
    TURN_NS = 300000000, /* an emulator on one thread runs each processor for a while in turn */
    PATIENCE = 500
};

struct counter {
    _Alignas(16) uint8_t stack[STACK];
    struct nos_thread thread;
    nos_handle_t h;
    volatile uint64_t count;
};
static struct counter a, b;
static volatile bool over;

static void run(void *arg, uint64_t *buffer)
{
    struct counter *c = arg;
    (void)buffer;
    while (!over) {
        c->count = c->count + 1;
    }
}

static nos_status_t begin(struct counter *c)
{
    c->thread = (struct nos_thread){ .run = run, .arg = c };
    return nos_thread_start(&c->thread, c->stack, sizeof(c->stack), HIGH, &c->h);
}

static void wait(uint64_t ns)
{
    nos_ignore(nos_sys_sleep(nos_now_ns() + ns));
}

static bool counts(const struct counter *c)
{
    uint64_t then = c->count;
    for (unsigned i = 0; c->count == then && i < PATIENCE; i++) {
        wait(SOON_NS);
    }
    return c->count != then;
}

static bool stands(const struct counter *c)
{
    wait(SOON_NS);
    uint64_t then = c->count;
    wait(TURN_NS);
    return c->count == then;
}

static void set(const struct counter *c, uint64_t priority, uint64_t cpus)
{
    nos_status_t st = nos_sys_thread_set(c->h, priority, cpus);
    if (st != NOS_OK) {
        expect("thread_set/running", NOS_OK, st);
    }
}

static void seen(const char *name, bool is)
{
    expect(name, NOS_OK, is ? NOS_OK : NOS_BAD_STATE);
}

static uint32_t cpus(void)
{
    static struct nos_about about;
    uint64_t got;
    nos_ignore(nos_sys_node_info(target.node, NOS_TOPIC_ABOUT, 0, &about, sizeof(about), &got));
    return about.cpus;
}

/* `a` is sent to each of the others, where it runs, and called back to where `b` runs before it.
 * Some of them are not this thread's own CPU: there nothing but the call itself stops it. */
static void send_around(void)
{
    bool went = true, came = true;
    for (uint32_t cpu = 1; cpu < cpus(); cpu++) {
        set(&a, LOW, 1ull << cpu);
        went = went && counts(&a);
        set(&a, LOW, ONE);
        came = came && stands(&a);
    }
    seen("thread_set/sent-to-each-it-runs", went);
    seen("thread_set/called-from-each-it-waits", came && counts(&b));
}

static void move(void)
{
    set(&a, HIGH, ONE);
    set(&b, HIGH, ONE);
    seen("thread_set/on-one-cpu-both-run", counts(&a) && counts(&b) && counts(&a));
    set(&b, LOW, ONE);
    seen("thread_set/lowered-it-waits", stands(&b) && counts(&a));
    set(&a, LOW, ONE);
    set(&b, HIGH, ONE);
    seen("thread_set/raised-it-runs", stands(&a) && counts(&b));
    set(&a, LOW, ANY);
    seen("thread_set/let-go-it-finds-a-cpu", cpus() > 1 ? counts(&a) : stands(&a));
    set(&a, LOW, ONE);
    seen("thread_set/called-back-it-waits", stands(&a) && counts(&b));
    send_around();
}

void attack_placing(void)
{
    nos_status_t st = begin(&a);
    st = st == NOS_OK ? begin(&b) : st;
    expect("thread_set/two-threads", NOS_OK, st);
    if (st == NOS_OK) {
        move();
    }
    over = true;
    wait(TURN_NS);
    expect("thread_set/both-ended", NOS_BAD_STATE, nos_sys_thread_set(a.h, LOW, ONE));
    expect("thread_set/both-ended", NOS_BAD_STATE, nos_sys_thread_set(b.h, LOW, ONE));
    nos_ignore(nos_sys_handle_close(a.h));
    nos_ignore(nos_sys_handle_close(b.h));
}
