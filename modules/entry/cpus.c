/* From CPU to CPU: two threads' FPU states, moved while they compute; and a server that is called
 * from each CPU on each CPU. Each thread may run on one CPU alone, so what goes on runs there. */
#include "modules/entry/entry.h"

#include "sdk/ipc.h"
#include "sdk/print.h"
#include "sdk/start.h"

enum {
    STACK = 4096,
    PRIORITY = 5,
    CPUS_MAX = 8,
    SLICE = 50000, /* rounds: some milliseconds, and more in QEMU, so that a move falls inside */
    TURNS = 12,
    CALLS = 100,
    PATIENCE_NS = 1000000,
    PATIENCE = 20000
};

static struct mover {
    _Alignas(16) uint8_t stack[STACK];
    struct nos_thread thread;
    nos_handle_t h;
    uint64_t seed;
    volatile uint64_t slices, wrong;
    volatile bool stop, stopped;
} mover[2];

static struct {
    nos_handle_t endpoint;
    volatile uint64_t wanted, answered, wrong; /* calls that the client has to make, has made */
    volatile bool stop;
} talk;

static void compute(void *arg, uint64_t *ipc_buffer)
{
    struct mover *m = arg;
    (void)ipc_buffer;
    while (!m->stop) {
        m->wrong |= fpu_spin(m->seed + m->slices * 32, SLICE);  // never what was there before
        m->slices++;
    }
    m->stopped = true;
    nos_sys_thread_exit();
}

static void serve(void *arg, uint64_t *ipc_buffer)
{
    static struct nos_msg m;
    (void)arg;
    m.buffer = ipc_buffer;
    nos_status_t st = nos_recv(talk.endpoint, &m, NOS_DEADLINE_NEVER);
    while (st == NOS_OK) {
        m.word[0]++;
        st = nos_reply_recv(talk.endpoint, &m, NOS_DEADLINE_NEVER);
    }
    nos_sys_thread_exit();
}

static void ask(void *arg, uint64_t *ipc_buffer)
{
    static struct nos_msg m;
    (void)arg;
    m.buffer = ipc_buffer;
    while (!talk.stop) {
        if (talk.answered == talk.wanted) {
            nos_ignore(nos_sys_yield());
            continue;
        }
        m.label = 1;
        m.n_words = 1;
        m.word[0] = talk.answered;
        nos_status_t st = nos_call(talk.endpoint, &m, NOS_DEADLINE_NEVER);
        talk.wrong += st == NOS_OK && m.word[0] == talk.answered + 1 ? 0 : 1;
        talk.answered++;
    }
    nos_sys_thread_exit();
}

/* False: it does not come. */
static bool reaches(const volatile uint64_t *count, uint64_t goal)
{
    for (unsigned i = 0; i < PATIENCE && *count < goal; i++) {
        nos_ignore(nos_sys_sleep(nos_now_ns() + PATIENCE_NS));
    }
    return *count >= goal;
}

static nos_status_t start(unsigned i, void (*run)(void *, uint64_t *))
{
    struct mover *m = &mover[i];
    m->thread = (struct nos_thread){ .run = run, .arg = m };
    return nos_thread_start(&m->thread, m->stack, STACK, PRIORITY, &m->h);
}

static bool put_on(unsigned i, unsigned cpu)
{
    return nos_sys_thread_set(mover[i].h, PRIORITY, 1ull << cpu) == NOS_OK;
}

static unsigned cpus(void)
{
    unsigned n = 0;
    while (n < CPUS_MAX && put_on(0, n)) {
        n++;
    }
    return n;
}

/* Apart, and every third turn both on one. */
static bool move_them(unsigned n)
{
    bool went = true;
    for (unsigned turn = 0; turn < TURNS && went; turn++) {
        uint64_t goal[2] = { mover[0].slices + 2, mover[1].slices + 2 };
        went = put_on(0, turn % n) && put_on(1, (turn + (turn % 3 == 0 ? 0 : 1)) % n) &&
               reaches(&mover[0].slices, goal[0]) && reaches(&mover[1].slices, goal[1]);
    }
    return went;
}

unsigned fpu_over_cpus(uint64_t wrong[2], bool *went)
{
    mover[0].seed = 0x3000;
    mover[1].seed = 0x7000;
    *went = start(0, compute) == NOS_OK && start(1, compute) == NOS_OK;
    unsigned n = *went ? cpus() : 0;
    *went = n != 0 && move_them(n);
    for (unsigned i = 0; i < 2; i++) {
        mover[i].stop = true;
        while (*went && !mover[i].stopped) {
            nos_ignore(nos_sys_yield());
        }
        wrong[i] = mover[i].wrong;
        nos_ignore(nos_sys_handle_close(mover[i].h));
    }
    return n;
}

uint64_t calls_over_cpus(bool *went)
{
    *went = nos_sys_endpoint_create(&talk.endpoint) == NOS_OK && start(0, serve) == NOS_OK &&
            start(1, ask) == NOS_OK;
    unsigned n = *went ? cpus() : 0;
    for (unsigned pair = 0; pair < n * n && *went; pair++) {
        *went = put_on(0, pair / n) && put_on(1, pair % n);
        talk.wanted += CALLS;
        *went = *went && reaches(&talk.answered, talk.wanted);
    }
    talk.stop = true;
    return talk.wrong == 0 ? talk.answered : 0;
}
