/*
 * The steady load, and who upgrades under it. Four threads ask for their lane's next number, each
 * as soon as it has the last one, one of them in a way that is answered later: a number that is
 * missing, twice, or out of order shows here. Meanwhile the main thread has the counter replaced
 * GOOD times, by its two builds in turn, and BAD times by builds that must be rolled back, each
 * with its own status. Argument: GOOD BAD.
 */
#include <string.h>

#include "abi/info.h"
#include "lib/status.h"
#include "modules/counter/counter.h"
#include "sdk/ipc.h"
#include "sdk/print.h"
#include "sdk/start.h"

enum {
    THREADS = 4,
    STACK = 8192,
    BUILDS = 16,
    PRIORITY = 8 /* the counter's */,
    APART_NS = 1000000
};

static struct lane {
    uint64_t asked, wrong, failed, late_ns;
    nos_status_t last;
    struct nos_thread start;
    uint8_t stack[STACK] __attribute__((aligned(16)));
} lanes[THREADS];

static bool stop;

static void one(struct lane *l, struct nos_msg *m, uint64_t *seen, uint64_t *all)
{
    uint64_t begun_ns = nos_now_ns();

    m->label = l == &lanes[0] ? COUNTER_HOLD : COUNTER_NEXT;
    m->word[0] = (uint64_t)(l - lanes);
    m->n_words = 1;
    m->n_handles = 0;
    nos_status_t st = nos_call(nos_find_handle(NOS_CAP_ENDPOINT, "counter"), m, NOS_DEADLINE_NEVER);
    st = st == NOS_OK ? nos_msg_status(m) : st;
    l->asked++;
    if (st != NOS_OK || m->n_words != 2) {
        l->failed++;
        l->last = st;
        return;
    }
    uint64_t took_ns = nos_now_ns() - begun_ns;
    l->late_ns = took_ns > l->late_ns ? took_ns : l->late_ns;
    bool first = *seen == 0;  // others may have asked before
    l->wrong += (!first && m->word[0] != *seen + 1) || m->word[1] <= *all ? 1 : 0;
    *seen = m->word[0];
    *all = m->word[1];
}

static void run(void *arg, uint64_t *ipc_buffer)
{
    struct nos_msg m;
    struct lane *l = arg;
    uint64_t seen = 0, all = 0;

    m.buffer = ipc_buffer;
    while (!__atomic_load_n(&stop, __ATOMIC_RELAXED)) {
        one(l, &m, &seen, &all);
    }
}

/* ---- the builds of the counter that this machine has ---- */

static struct build {
    uint8_t id[32];
    uint32_t patch;  // 0.2.N: bad in the way N; 0.1.0 and 0.2.0 are good
    bool good;
} builds[BUILDS];
static size_t n_builds;

static void find_builds(void)
{
    nos_handle_t node = nos_find_handle(NOS_CAP_NODE, NULL);
    struct nos_module_info m;
    uint64_t got;

    for (uint64_t i = 0; n_builds < BUILDS && nos_sys_node_info(node, NOS_TOPIC_MODULES, i, &m,
                                                                sizeof(m), &got) == NOS_OK;
         i++) {
        if (m.status == NOS_OK && nos_name_is(m.name, "counter")) {
            struct build *b = &builds[n_builds++];
            memcpy(b->id, m.module_id, sizeof(b->id));
            b->patch = (uint32_t)(m.version & 0xffff);
            b->good = b->patch == 0;
        }
    }
}

static const struct build *nth(bool good, uint64_t n)
{
    uint64_t count = 0;

    for (size_t i = 0; i < n_builds; i++) {
        count += builds[i].good == good ? 1 : 0;
    }
    n = count == 0 ? 0 : n % count;
    for (size_t i = 0; i < n_builds; i++) {
        if (builds[i].good == good && n-- == 0) {
            return &builds[i];
        }
    }
    return NULL;
}

static nos_status_t expected(const struct build *b)
{
    static const nos_status_t of[] = { NOS_OK,       NOS_UPG_ENDED, NOS_UPG_STATE,
                                       NOS_UPG_HUNG, NOS_UPG_HUNG,  NOS_UPG_ENDED,
                                       NOS_OK,       NOS_UPG_OLDER, NOS_UPG_OTHER };
    return b->patch < sizeof(of) / sizeof(of[0]) ? of[b->patch] : NOS_INVALID;
}

static uint32_t counter_id(void)
{
    nos_handle_t node = nos_find_handle(NOS_CAP_NODE, NULL);
    struct nos_capsule_info c;
    uint64_t got;
    uint32_t id = 0;

    for (uint64_t i = 0;
         nos_sys_node_info(node, NOS_TOPIC_CAPSULES, i, &c, sizeof(c), &got) == NOS_OK; i++) {
        if (c.state == NOS_CAPSULE_RUNNING && nos_name_is(c.name, "counter")) {
            id = c.id;
        }
    }
    return id;
}

static nos_status_t upgrade(const struct build *b, uint32_t *id, uint64_t *pause_ns)
{
    static struct nos_msg m;

    m.label = NOS_INIT_UPGRADE;
    if (!nos_msg_put(&m, 1, b->id, sizeof(b->id))) {
        return NOS_TOO_BIG;
    }
    m.word[0] = *id;
    nos_status_t st = nos_call(nos_find_handle(NOS_CAP_ENDPOINT, "init"), &m, NOS_DEADLINE_NEVER);
    st = st == NOS_OK ? nos_msg_status(&m) : st;
    if (st == NOS_OK) {
        *id = (uint32_t)m.word[0];
        *pause_ns = m.word[1] > *pause_ns ? m.word[1] : *pause_ns;
    }
    return st;
}

static uint64_t number(const char *text)
{
    uint64_t n = 0;

    for (; *text >= '0' && *text <= '9' && n < 1000000; text++) {
        n = n * 10 + (uint64_t)(*text - '0');
    }
    return n;
}

static uint64_t drive(uint64_t good, uint64_t bad, uint64_t *pause_ns)
{
    uint64_t done = 0, surprises = 0, bad_done = 0;
    uint32_t id = counter_id();

    while (done < good || bad_done < bad) {
        bool want_bad = bad_done < bad && (done == good || bad_done * good <= done * bad);
        const struct build *b = nth(!want_bad, want_bad ? bad_done : done + 1);
        uint32_t was = id;
        nos_ignore(nos_sys_sleep(nos_now_ns() + APART_NS));
        if (b == NULL) {
            return surprises + 1;
        }
        nos_status_t st = upgrade(b, &id, pause_ns), want = expected(b);
        if (st != want || (id != was) != (want == NOS_OK)) {
            surprises++;
            nos_print("TALLY %s to 0.?.%u: %s\n", want_bad ? "bad" : "good", b->patch,
                      status_name(st));
        }
        *(want_bad ? &bad_done : &done) += 1;
    }
    return surprises;
}

/* Parts of the kernel's books that do not agree. */
static uint64_t broken(void)
{
    nos_handle_t node = nos_find_handle(NOS_CAP_NODE, NULL);
    struct nos_check_info c;
    uint64_t got, n = 0;

    for (uint64_t i = 0; nos_sys_node_info(node, NOS_TOPIC_CHECK, i, &c, sizeof(c), &got) == NOS_OK;
         i++) {
        n += c.broken[0] != '\0' ? 1 : 0;
    }
    return n;
}

static nos_status_t begin(void)
{
    nos_handle_t thread;
    nos_status_t st = NOS_OK;

    for (size_t i = 0; st == NOS_OK && i < THREADS; i++) {
        lanes[i].start = (struct nos_thread){ .run = run, .arg = &lanes[i] };
        st = nos_thread_start(&lanes[i].start, lanes[i].stack, STACK, PRIORITY, &thread);
    }
    return st;
}

int nos_main(void)
{
    char copy[NOS_ARG_MAX + 1], *words[2] = { NULL, NULL };
    uint64_t wrong = 0, failed = 0, asked = 0, pause_ns = 0, late_ns = 0;

    if (nos_arg_words(copy, words, 2) != 2) {
        nos_print("TALLY needs two numbers\n");
        return 1;
    }
    find_builds();
    nos_status_t st = begin();
    uint64_t surprises = st == NOS_OK ? drive(number(words[0]), number(words[1]), &pause_ns) : 1;
    __atomic_store_n(&stop, true, __ATOMIC_RELAXED);
    surprises += broken();
    for (size_t i = 0; i < THREADS; i++) {
        wrong += lanes[i].wrong;
        failed += lanes[i].failed;
        asked += lanes[i].asked;
        late_ns = lanes[i].late_ns > late_ns ? lanes[i].late_ns : late_ns;
    }
    nos_print("TALLY asked %llu wrong %llu failed %llu surprises %llu pause %llu late %llu\n",
              (unsigned long long)asked, (unsigned long long)wrong, (unsigned long long)failed,
              (unsigned long long)surprises, (unsigned long long)pause_ns,
              (unsigned long long)late_ns);
    nos_print("TALLY %s\n", wrong + failed + surprises == 0 ? "ok" : "BAD");
    return 0;
}
