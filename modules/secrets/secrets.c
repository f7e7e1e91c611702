/*
 * Holds secrets in seven kinds of places and ends as it is told: for the proof that nothing of them
 * is left (docs/zero-state.md). They come from a seed, so that the test knows them and no file,
 * argument or log line has them. A new version that takes its place is handed nothing, and plants
 * nothing.
 *
 *   secrets SEED exit|crash|stay     plants them; `stay`: until it is killed or the machine ends
 *   secrets take                     has the shared region mapped from then on
 *   secrets revoke                   the first one cuts the region, gives up region and port, and
 *                                    stays
 *   secrets end                      the first one ends as it was told
 *   secrets knots exit|stay          holds no secret, but objects in every kind of ring that can
 *                                    be tied
 */
#include <string.h>

#include "abi/caps.h"
#include "abi/syscall_nr.h"
#include "lib/splitmix.h"
#include "sdk/control.h"
#include "sdk/ipc.h"
#include "sdk/net.h"
#include "sdk/print.h"
#include "sdk/start.h"
#include "sdk/upgrade.h"

enum place { HEAP, STACK, REGISTERS, FPU, MESSAGE, REGION, SERVICE };
enum { WORDS = 32 /* 8 secrets of 32 bytes in each place */ };
enum { TAKE = 1, REVOKE = 2, END = 3 };
enum {
    HOLDERS = 3, /* threads with REGISTERS, 12 words each: the last 4 are no secrets */
    HOLDER_WORDS = 12,
    CALLERS = 4,
    CALLER_WORDS = 8,
    THREADS = HOLDERS + 1 + CALLERS,
    THREAD_STACK = 4096,
    PRIORITY = 4,
    PROT_RW = 3,
    PATIENCE_NS = 1000000
};
enum {
    PASS = NOS_RIGHT_TRANSFER | NOS_RIGHT_DUP | NOS_RIGHT_REVOKE,
    LEND = NOS_RIGHT_READ | NOS_RIGHT_WRITE | NOS_RIGHT_MAP | PASS,
    CALL = NOS_RIGHT_CALL | NOS_RIGHT_GRANT | PASS
};

_Noreturn void plant_registers(uint64_t *from);
_Noreturn void plant_fpu(uint64_t *from);
_Noreturn void plant_call(uint64_t *from, uint64_t endpoint, uint64_t nr, uint64_t info);
_Noreturn void crash_with(uint64_t *from);

volatile uint32_t planted; /* plant.S counts */

static struct {
    uint64_t seed;
    nos_handle_t served, nowhere, region, lent;
    void *mapped;
    struct nos_port port;
} s;

static struct holder {
    _Alignas(16) uint8_t stack[THREAD_STACK];
    _Alignas(16) uint64_t words[WORDS];
    struct nos_thread thread;
    nos_handle_t h;
} holder[THREADS];

static bool is(const char *word, const char *want)
{
    return span_equal(span_of(word, strlen(word)), span_of(want, strlen(want)));
}

/* SplitMix64, so that the test can do the same. */
static uint64_t word(uint64_t n)
{
    uint64_t at = s.seed + n * SPLITMIX64_STEP;
    return splitmix64(&at);
}

static void derive(volatile uint64_t *to, enum place p, unsigned first, unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        to[i] = word((uint64_t)p * WORDS + first + i);
    }
}

static void hold(void *arg, uint64_t *ipc_buffer)
{
    struct holder *h = arg;
    unsigned i = (unsigned)(h - holder);
    (void)ipc_buffer;
    if (i < HOLDERS) {
        plant_registers(h->words);
    }
    if (i == HOLDERS) {
        plant_fpu(h->words);
    }
    plant_call(h->words, s.nowhere.v, NOS_SYS_IPC_CALL, nos_msg_info(1, CALLER_WORDS));
}

static nos_status_t start_holder(unsigned i)
{
    struct holder *h = &holder[i];
    if (i < HOLDERS) {
        derive(h->words, REGISTERS, i * HOLDER_WORDS, HOLDER_WORDS);
    } else if (i == HOLDERS) {
        derive(h->words, FPU, 0, WORDS);
    } else {
        derive(h->words, MESSAGE, (i - HOLDERS - 1) * CALLER_WORDS, CALLER_WORDS);
    }
    h->thread = (struct nos_thread){ .run = hold, .arg = h };
    return nos_thread_start(&h->thread, h->stack, THREAD_STACK, PRIORITY, &h->h);
}

static nos_status_t start_holders(void)
{
    nos_status_t st = nos_sys_endpoint_create(&s.nowhere);
    for (unsigned i = 0; st == NOS_OK && i < THREADS; i++) {
        st = start_holder(i);
    }
    while (st == NOS_OK && planted < THREADS) {
        st = nos_sys_sleep(nos_now_ns() + PATIENCE_NS);
    }
    return st;
}

/* Memory of its own: what a capsule gets while it runs comes in regions. */
static nos_status_t plant_in_region(enum place p, nos_handle_t *region, void **at)
{
    nos_status_t st = nos_sys_region_create(1, region);
    if (st == NOS_OK) {
        st = nos_sys_region_map(*region, PROT_RW, at);
    }
    if (st == NOS_OK) {
        derive(*at, p, 0, WORDS);
    }
    return st;
}

static nos_status_t plant_in_service(void)
{
    static uint64_t words[WORDS];
    nos_status_t st = nos_net_bind(0, &s.port);
    derive(words, SERVICE, 0, WORDS);
    if (st == NOS_OK) {
        st = nos_net_send(&s.port, s.port.number, span_of(words, sizeof words));
    }
    memset(words, 0, sizeof words);
    return st;
}

static nos_status_t plant(uint64_t *stack)
{
    nos_handle_t heap;
    void *at;
    derive(stack, STACK, 0, WORDS);
    nos_status_t st = plant_in_service();
    if (st == NOS_OK) {
        st = plant_in_region(HEAP, &heap, &at);
    }
    if (st == NOS_OK) {
        st = plant_in_region(REGION, &s.region, &s.mapped);
    }
    if (st == NOS_OK) {
        st = nos_sys_cap_derive(s.region, LEND, 0, 0, 0, &s.lent);
    }
    return st == NOS_OK ? start_holders() : st;
}

static nos_status_t give_up(void)
{
    nos_status_t st = nos_sys_cap_revoke(s.lent);
    if (st == NOS_OK) {
        st = nos_sys_region_unmap(s.mapped);
    }
    nos_ignore(nos_sys_handle_close(s.lent));
    nos_ignore(nos_sys_handle_close(s.region));
    nos_net_close(&s.port);
    return st;
}

/* ---- from one version to the next: a state of no records ---- */

enum { FORM = 1, ROOM = 4096 };
static bool heir;

static nos_status_t save(struct nos_state_out *out)
{
    (void)out;
    return NOS_OK;
}

static nos_status_t load(const struct nos_state_in *in)
{
    heir = in->form == FORM;
    return heir ? NOS_OK : NOS_NOT_SUPPORTED;
}

/* True: it is to end. */
static bool serve(struct nos_msg *m)
{
    uint64_t op = m->label;
    nos_msg_answer(m, NOS_OK);
    if (op == TAKE && !nos_msg_copy(m, s.lent, NOS_RIGHT_ALL)) {
        nos_msg_answer(m, NOS_TOO_BIG);
    } else if (op == REVOKE) {
        nos_msg_answer(m, give_up());
    }
    nos_ignore(nos_reply(m));
    return op == END;
}

/* ---- rings: a parked message names what it waits at, or who sends it ---- */

enum knot { ITSELF, BOUND, CUT, THREAD, CAPSULE, MEMORY, OTHER, BACK, KNOTS };
static nos_handle_t knot_handle[KNOTS];

static void tie(void *arg, uint64_t *ipc_buffer)
{
    unsigned i = (unsigned)((struct holder *)arg - holder);
    struct nos_msg m = { .label = 1, .buffer = ipc_buffer };
    nos_handle_t at = i == BACK ? knot_handle[OTHER] : s.nowhere;
    if (nos_msg_copy(&m, knot_handle[i], NOS_RIGHT_ALL)) {
        __atomic_fetch_add(&planted, 1, __ATOMIC_SEQ_CST);
        nos_ignore(nos_call(at, &m, NOS_DEADLINE_NEVER));
    }
    nos_sys_thread_exit();
}

static nos_status_t make_knots(void)
{
    void *at;
    nos_handle_t node = nos_find_handle(NOS_CAP_NODE, NULL);
    nos_status_t st[] = {
        nos_sys_endpoint_create(&s.nowhere),
        nos_sys_endpoint_create(&knot_handle[OTHER]),
        nos_sys_notify_create(&knot_handle[BOUND]),
        nos_sys_notify_bind(knot_handle[BOUND], s.nowhere),
        nos_sys_cap_derive(s.nowhere, CALL, 0, 0, 0, &knot_handle[CUT]),
        nos_sys_capsule_open(node, nos_self()->capsule, &knot_handle[CAPSULE]),
        nos_sys_region_create(1, &knot_handle[MEMORY]),
        nos_sys_region_map(knot_handle[MEMORY], PROT_RW, &at),
    };
    knot_handle[ITSELF] = knot_handle[BACK] = s.nowhere;
    for (unsigned i = 0; i < sizeof st / sizeof st[0]; i++) {
        if (st[i] != NOS_OK) {
            return st[i];
        }
    }
    return NOS_OK;
}

static int knots(const char *end)
{
    nos_status_t st = make_knots();
    for (unsigned i = 0; st == NOS_OK && i < KNOTS; i++) {
        struct holder *h = &holder[i];
        h->thread = (struct nos_thread){ .run = tie, .arg = h };
        if (i == THREAD) {
            knot_handle[THREAD] = holder[ITSELF].h;
        }
        st = nos_thread_start(&h->thread, h->stack, THREAD_STACK, PRIORITY, &h->h);
    }
    while (st == NOS_OK && planted < KNOTS) {
        st = nos_sys_sleep(nos_now_ns() + PATIENCE_NS);
    }
    nos_print("secrets: %s\n", st == NOS_OK ? "tied" : "cannot tie");
    while (st == NOS_OK && is(end, "stay")) {
        nos_ignore(nos_sys_sleep(UINT64_MAX));
    }
    return st == NOS_OK ? 0 : 1;
}

static int own(const char *end)
{
    static const struct nos_upgrade u = { .form = FORM, .room = ROOM, .save = save, .load = load };
    uint64_t stack[WORDS];
    static struct nos_msg m;

    nos_upgradable(&u);
    nos_status_t st = heir ? NOS_OK : plant(stack);
    if (st != NOS_OK) {
        nos_print("secrets: cannot plant: %d\n", st);
        return 1;
    }
    nos_print("secrets: %s\n", heir ? "took over" : "planted");
    do {
        st = nos_recv(s.served, &m, NOS_DEADLINE_NEVER);
    } while (st == NOS_OK && (nos_control(&m) || !serve(&m)));
    if (is(end, "crash")) {
        crash_with(stack);
    }
    return is(end, "exit") ? (int)(stack[0] & 0) : 1;
}

static int ask(uint64_t op)
{
    static struct nos_msg m;
    void *at;
    m.label = op;
    nos_msg_accept(&m, 1);
    nos_status_t st = nos_call(s.served, &m, NOS_DEADLINE_NEVER);
    if (st == NOS_OK) {
        st = nos_msg_status(&m);
    }
    if (st == NOS_OK && op == TAKE) {
        st = m.n_handles == 1 ? nos_sys_region_map((nos_handle_t){ m.pass[0].handle }, PROT_RW, &at)
                              : NOS_BAD_MESSAGE;
    }
    nos_print("secrets: %s\n", st == NOS_OK ? "done" : "refused");
    if (st == NOS_OK && op == TAKE) {
        for (;;) {
            nos_ignore(nos_sys_sleep(UINT64_MAX));
        }
    }
    return st == NOS_OK ? 0 : 1;
}

static uint64_t number(const char *hex)
{
    uint64_t n = 0;
    for (; *hex != 0; hex++) {
        n = n << 4 | (uint64_t)(*hex <= '9' ? *hex - '0' : *hex - 'a' + 10);
    }
    return n;
}

int nos_main(void)
{
    char copy[NOS_ARG_MAX + 1], *words[2] = { "", "" };
    size_t n = nos_arg_words(copy, words, 2);
    s.served = nos_find_handle(NOS_CAP_ENDPOINT, "secrets");
    if (n == 1) {
        return ask(is(words[0], "take") ? TAKE : is(words[0], "revoke") ? REVOKE : END);
    }
    if (is(words[0], "knots")) {
        return knots(words[1]);
    }
    s.seed = number(words[0]);
    return own(words[1]);
}
