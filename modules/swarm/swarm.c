/* The driver. It gives each worker, with the answer to each report, handles to another's capsule
 * and to the module, so that programs can kill, spawn, map into and look after each other's faults.
 */
#include "modules/swarm/swarm.h"

#include <string.h>

#include "abi/caps.h"
#include "abi/info.h"
#include "lib/fmt.h"
#include "lib/status.h"
#include "sdk/format.h"
#include "sdk/ipc.h"
#include "sdk/print.h"
#include "sdk/start.h"

enum { WORDS = 3, CHECK_EVERY = 64 /* reports */, STUCK_NS = 2000000000, LINES = 10 };

static struct {
    nos_handle_t node, module, reports, ended;
    nos_handle_t capsule[WORKERS];
    uint64_t heard_ns[WORKERS];
    uint64_t programs, calls_ok, starts, stuck, seed, wanted;
    bool broken;
} sw;

static nos_status_t start_worker(unsigned i)
{
    char arg[64];

    nos_ignore(nos_sys_handle_close(sw.capsule[i]));  // 0 at first
    uint64_t seed = sw.seed + sw.starts;
    nos_format(arg, sizeof(arg), "work %llu %u", (unsigned long long)seed, i);
    nos_status_t st = nos_sys_capsule_spawn(sw.module, arg, strlen(arg), sw.ended, 1ull << i,
                                            (nos_handle_t){ 0 }, &sw.capsule[i]);
    sw.starts++;
    sw.heard_ns[i] = nos_now_ns();
    return st;
}

static nos_status_t open_all(void)
{
    sw.node = nos_find_handle(NOS_CAP_NODE, NULL);
    sw.reports = nos_find_handle(NOS_CAP_ENDPOINT, "swarm-report");
    nos_status_t st = nos_sys_module_open(sw.node, "swarmer", 7, &sw.module);
    st = st == NOS_OK ? nos_sys_notify_create(&sw.ended) : st;
    st = st == NOS_OK ? nos_sys_notify_bind(sw.ended, sw.reports) : st;
    for (unsigned i = 0; i < WORKERS && st == NOS_OK; i++) {
        st = start_worker(i);
    }
    return st;
}

/* Each part of the kernel's own check; the record says what is broken. */
static void check(void)
{
    struct nos_check_info c;
    uint64_t got, i = 0;

    while (nos_sys_node_info(sw.node, NOS_TOPIC_CHECK, i++, &c, sizeof(c), &got) == NOS_OK) {
        if (c.broken[0] != '\0') {
            sw.broken = true;
            nos_print("SWARM broken: %.*s (capsule %u)\n", (int)sizeof(c.broken), c.broken,
                      c.capsule);
        }
    }
}

static void lines(uint64_t before)
{
    uint64_t part = sw.wanted / LINES == 0 ? 1 : sw.wanted / LINES;
    if (before / part != sw.programs / part) {
        nos_print("SWARM %llu of %llu programs\n", (unsigned long long)sw.programs,
                  (unsigned long long)sw.wanted);
    }
}

/* The answer carries a capsule of the swarm and the module; a worker that takes fewer is told so by
 * a message without. */
static void answer(uint64_t token, uint64_t n)
{
    struct nos_ipc_buffer *b = (struct nos_ipc_buffer *)nos_self()->ipc_buffer;
    struct nos_ipc_regs r = { .rax = NOS_SYS_IPC_REPLY, .rbx = token };

    b->pass[0] = (struct nos_pass){ sw.capsule[n % WORKERS].v, NOS_RIGHT_ALL };
    b->pass[1] = (struct nos_pass){ sw.module.v, NOS_RIGHT_ALL };
    r.rsi = 2u << NOS_MSG_HANDLES_SHIFT;
    nos_ipc_raw(&r);
    if ((int32_t)(uint32_t)r.rax != NOS_OK) {
        r = (struct nos_ipc_regs){ .rax = NOS_SYS_IPC_REPLY, .rbx = token };
        nos_ipc_raw(&r);
    }
}

static void hear(const struct nos_msg *m)
{
    static uint64_t reports;
    uint64_t before = sw.programs;

    if (m->label != REPORT_LABEL || m->n_words != 3 || m->word[0] >= WORKERS ||
        m->word[1] > REPORT_PROGRAMS || m->word[2] > REPORT_PROGRAMS * PROGRAM_CALLS) {
        answer(m->token, 0);  // a random message
        return;
    }
    sw.programs += m->word[1];
    sw.calls_ok += m->word[2];
    sw.heard_ns[m->word[0]] = nos_now_ns();
    if (reports++ % CHECK_EVERY == 0) {
        check();
    }
    lines(before);
    answer(m->token, reports);
}

static void watch(uint64_t now)
{
    for (unsigned i = 0; i < WORKERS; i++) {
        if (now > sw.heard_ns[i] + STUCK_NS) {  // e.g. its page fault waits for another's answer
            sw.stuck++;
            sw.heard_ns[i] = now;
            nos_ignore(nos_sys_capsule_kill(sw.capsule[i], NOS_KILL_ASKED));
        }
    }
}

static nos_status_t drive(void)
{
    static struct nos_msg m;
    nos_status_t st = open_all();

    while (st == NOS_OK && sw.programs < sw.wanted) {
        uint64_t now = nos_now_ns();
        st = nos_recv(sw.reports, &m, now + STUCK_NS / 2);
        if (st == NOS_OK && m.notified) {
            for (unsigned i = 0; i < WORKERS && st == NOS_OK; i++) {
                st = (m.word[0] >> i & 1) != 0 ? start_worker(i) : NOS_OK;
            }
        } else if (st == NOS_OK) {
            hear(&m);
        }
        st = st == NOS_TIMED_OUT ? NOS_OK : st;
        watch(nos_now_ns());
    }
    for (unsigned i = 0; i < WORKERS; i++) {
        nos_ignore(nos_sys_capsule_kill(sw.capsule[i], NOS_KILL_ASKED));
    }
    return st;
}

static bool number(const char *text, uint64_t *out)
{
    return parse_u64(span_of(text, strlen(text)), out);
}

int nos_main(void)
{
    char copy[NOS_ARG_MAX + 1];
    char *word[WORDS];
    size_t n = nos_arg_words(copy, word, WORDS);
    uint64_t index;

    if (n == 3 && number(word[1], &sw.seed) && number(word[2], &index) && index < WORKERS) {
        return worker(sw.seed, index);
    }
    if (n != 2 || !number(word[0], &sw.seed) || !number(word[1], &sw.wanted)) {
        return 2;  // a program of a worker's started it with any argument
    }
    nos_status_t st = drive();
    check();
    nos_print("SWARM %s: seed %llu, %llu programs, %llu calls succeeded, %llu starts, "
              "%llu stuck, %s\nSWARM done\n",
              st == NOS_OK ? "ran" : status_text(st), (unsigned long long)sw.seed,
              (unsigned long long)sw.programs, (unsigned long long)sw.calls_ok,
              (unsigned long long)sw.starts, (unsigned long long)sw.stuck,
              sw.broken ? "BROKEN" : "all invariants hold");
    return st == NOS_OK && !sw.broken ? 0 : 1;
}
