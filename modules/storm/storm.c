/*
 * The driver of a fault storm, under a kernel of the storm flavour (docs/storm.md). For each fault:
 * draw it, ask for it, give the wards work meanwhile; then wait until whoever died is there again,
 * end who does not answer, and look whether everything holds. Highest priority and one thread: it
 * works only when it wants to, and a capsule that spins cannot keep it away.
 */
#include "modules/storm/storm.h"

#include <string.h>

#include "abi/caps.h"
#include "lib/fmt.h"
#include "lib/status.h"
#include "sdk/start.h"

enum {
    WORDS = 4,
    ASKS = 6,          /* of a load */
    LOAD_MS = 3,       /* patience while a fault may be at work */
    VICTIM_MS = 3,     /* afterwards, with a victim that has nobody to wait for */
    ALL_MS = 200,      /* and with everybody else */
    RESTART_MS = 2000, /* how long a restart may take at most */
    SPIN_MS = 1,       /* without quiet: somebody computes */
    AUDIT_EVERY = 512,
    DIGEST_EVERY = 50,
    SLACK = 16, /* frames: pages of objects that are not full */
    POWER_OFF = 1,
};

static struct {
    uint64_t seed, count, stop, leak; /* stop, leak: number of a fault from 1; 0 = none */
} order;
static uint64_t asked; /* faults */
static uint64_t by_kind[NOS_STORM_KINDS], hung, unrestarted, unhealthy;

static const char *kind_name(uint32_t kind)
{
    static const char *const names[NOS_STORM_KINDS] = {
#define X(name, value, text) [value] = (text),
        NOS_STORM_KIND_LIST(X)
#undef X
    };
    return names[kind];
}

/* ---- quiet: all who died are there again, and all memory of the dead is back ---- */

static bool all_there(void)
{
    bool all = true;
    for (unsigned w = 0; w < WHO_COUNT; w++) {
        all = all && who[w].id != 0;
    }
    return all;
}

/* A capsule that spins keeps the machine from being quiet, and nobody from being restarted. True:
 * it is quiet. */
static bool settle(void)
{
    struct nos_storm_state s;
    bool quiet;
    uint64_t until = nos_now_ns() + RESTART_MS * NS_PER_MS;

    do {
        quiet = node_quiet(SPIN_MS * NS_PER_MS) == NOS_OK;
        node_look(&s);
        who_refresh();
    } while (!(s.waiting == 0 && s.fired == asked && all_there()) && nos_now_ns() < until);
    for (unsigned w = 0; w < WHO_COUNT; w++) {
        if (who[w].id == 0) {
            unrestarted++;
            say_broken("%s was not restarted", who[w].name);
        }
    }
    return quiet;
}

static bool end_and_wait(unsigned w)
{
    node_end(who[w].id);
    return settle();
}

/* Somebody computes and computes. He may answer all the same, and be more urgent than others: who
 * was touched is ended, one after the other, until there is quiet. */
static void quieten(void)
{
    bool quiet = settle();
    for (unsigned w = WHO_COUNT; w-- > 0 && !quiet;) {
        if (who[w].touched) {
            hung++;
            quiet = end_and_wait(w);
        }
    }
}

/* ---- one fault ---- */

/* A line is slow: the serial port takes it byte by byte. Half of the wards use the FPU, so calls go
 * the short way and the long one. */
static uint64_t an_op(uint64_t *s, unsigned ward)
{
    static const uint8_t often[] = { WARD_ECHO, WARD_MEMORY, WARD_NEIGHBOUR, WARD_THREAD };
    uint64_t n = storm_below(s, 16);
    return n == 0                    ? (uint64_t)WARD_SAY
           : n == 1 && ward % 2 == 0 ? (uint64_t)WARD_FPU
                                     : often[storm_below(s, 4)];
}

static void load(struct storm_plan *p)
{
    bool deaf[WARDS] = { false };
    for (unsigned n = 0; n < ASKS; n++) {
        unsigned w = (unsigned)storm_below(&p->rest, WARDS);
        uint64_t op = an_op(&p->rest, w);
        nos_status_t did = NOS_OK;
        nos_status_t st = deaf[w] ? NOS_TIMED_OUT
                                  : who_ask(w, op, storm_draw(&p->rest), LOAD_MS * NS_PER_MS, &did);
        deaf[w] = st == NOS_TIMED_OUT;
        digest_add(&st, sizeof(st));
        digest_add(&did, sizeof(did));
    }
}

/* What has not been met by now is not to meet the checks. */
static void calm(void)
{
    const struct nos_storm_fault none = { .kind = NOS_STORM_MESSAGE };
    asked++;
    nos_ignore(node_fault(&none));
}

static bool hurts_one(uint32_t kind)
{
    return kind == NOS_STORM_MEMORY || kind == NOS_STORM_REGISTER || kind == NOS_STORM_CALLS;
}

static void say_plan(const struct storm_plan *p)
{
    const struct nos_storm_fault *f = &p->fault;
    say("%llu %s %s after %llu: %llx %llx %llx", (unsigned long long)at_fault, kind_name(f->kind),
        who[p->who].name, (unsigned long long)f->after, (unsigned long long)f->a,
        (unsigned long long)f->b, (unsigned long long)f->c);
}

static void act(struct storm_plan *p)
{
    struct who *w = &who[p->who];
    p->fault.victim = w->id;
    w->touched = w->touched || hurts_one(p->fault.kind);
    asked++;
    if (node_fault(&p->fault) != NOS_OK) {
        say_broken("the fault was refused");
    }
    if (p->restart != 0) {
        node_end(w->id);
    }
    if (p->fault.kind == NOS_STORM_MESSAGE) {
        act_messages(p);
    } else if (p->fault.kind == NOS_STORM_QUOTA) {
        act_quota(p);
    } else if (p->fault.kind == NOS_STORM_MODULE) {
        act_module(p);
    }
}

/* Who was touched may be silent or talk nonsense; who was not must answer. */
static void witness(unsigned w, uint64_t patience_ms)
{
    nos_status_t st = who_alive(w, patience_ms * NS_PER_MS);
    if (st != NOS_OK) {
        quieten();  // another one may keep it from answering
        st = who_alive(w, ALL_MS * NS_PER_MS);
    }
    if (st == NOS_OK) {
        return;
    }
    if (who[w].touched) {
        hung++;
    } else {
        unhealthy++;
        say_broken("%s, which no fault met: %s", who[w].name, status_text(st));
    }
    (void)end_and_wait(w);
    st = who_alive(w, ALL_MS * NS_PER_MS);
    if (st != NOS_OK) {
        unhealthy++;
        say_broken("%s, restarted: %s", who[w].name, status_text(st));
    }
}

/* Those that serve nobody here cannot be asked how they are. Then the most urgent first: who spins
 * keeps those below it from answering. */
static void witness_all(const struct storm_plan *p)
{
    static const uint8_t order_of[] = { WHO_CONSOLE, WHO_LOOPBACK, WHO_WARD1,
                                        WHO_WARD2,   WHO_WARD3,    WHO_WARD4 };
    if (p->who >= WHO_MANAGE && who[p->who].touched) {
        (void)end_and_wait(p->who);
    }
    if (who[p->who].touched) {
        witness(p->who, VICTIM_MS);
    }
    for (unsigned i = 0; i < ARRAY_LEN(order_of); i++) {
        witness(order_of[i], ALL_MS);
    }
    if (init_alive() != NOS_OK) {
        unhealthy++;
        say_broken("init does not answer");
    }
}

static void record(const struct storm_plan *p)
{
    struct nos_storm_state s;
    node_look(&s);
    digest_add(p, sizeof(*p));
    digest_add(&s, sizeof(s));
    look_deaths(p->fault.kind);
}

static void one(uint64_t i)
{
    struct storm_plan p;
    at_fault = i;
    storm_plan(order.seed, i, &p);
    if (i == order.leak) {
        p.fault = (struct nos_storm_fault){ .kind = NOS_STORM_LEAK, .after = 1 };
    }
    by_kind[p.fault.kind]++;
    say_plan(&p);
    node_pause(i == order.stop);
    act(&p);
    load(&p);
    (void)settle();
    calm();
    quieten();
    witness_all(&p);
    quieten();
    look_check();
    if (i % AUDIT_EVERY == 0) {
        look_audit();
    }
    record(&p);
}

/* ---- all ---- */

static void progress(uint64_t i)
{
    char digest[65];
    if (i % DIGEST_EVERY == 0 || i == order.count) {
        digest_text(digest);
        say("at %llu digest %s", (unsigned long long)i, digest);
    }
}

/* Everybody new, so that first and last count are of the same machine. */
static uint64_t fresh_frames(void)
{
    struct nos_storm_state s;
    for (unsigned w = 0; w < WHO_COUNT; w++) {
        (void)end_and_wait(w);
    }
    (void)settle();
    node_look(&s);
    return s.free;
}

static void verdict(uint64_t first, uint64_t last)
{
    struct nos_storm_state s;
    node_look(&s);
    for (uint32_t k = 1; k < NOS_STORM_KINDS; k++) {
        say("kind %s faults %llu deaths %llu", kind_name(k), (unsigned long long)by_kind[k],
            (unsigned long long)deaths_by_kind[k]);
    }
    say("deaths %llu restarts %llu unrestarted %llu worst %llu mean %llu hung %llu unhealthy %llu",
        (unsigned long long)s.deaths, (unsigned long long)s.restarts,
        (unsigned long long)unrestarted, (unsigned long long)s.worst,
        (unsigned long long)(s.restarts == 0 ? 0 : s.total / s.restarts), (unsigned long long)hung,
        (unsigned long long)unhealthy);
    say("allocations %llu refused %llu calls %llu lost-interrupts %llu",
        (unsigned long long)s.allocs, (unsigned long long)s.refused, (unsigned long long)s.calls,
        (unsigned long long)s.lost_irqs);
    say("frames before %llu after %llu", (unsigned long long)first, (unsigned long long)last);
    say("done seed %llu faults %llu broken %llu", (unsigned long long)order.seed,
        (unsigned long long)order.count, (unsigned long long)broken);
}

static bool read_order(void)
{
    char copy[NOS_ARG_MAX + 1];
    char *word[WORDS];
    uint64_t *const to[WORDS] = { &order.seed, &order.count, &order.stop, &order.leak };
    bool ok = nos_arg_words(copy, word, WORDS) == WORDS;
    for (unsigned i = 0; i < WORDS && ok; i++) {
        ok = parse_u64(span_of(word[i], strlen(word[i])), to[i]);
    }
    return ok;
}

int nos_main(void)
{
    node_open();
    if (!read_order()) {
        say("broken order: SEED COUNT STOP LEAK are needed");
        return 2;
    }
    digest_begin();
    who_open();
    (void)settle();
    uint64_t first = fresh_frames(), last;
    look_begin();
    look_deaths(0);  // of those whom it has just ended itself
    // not how many faults: printing another number takes other instructions, so each later tick is
    // another
    say("begins: seed %llu", (unsigned long long)order.seed);
    for (uint64_t i = 1; i <= order.count; i++) {
        one(i);
        progress(i);
    }
    look_audit();
    last = fresh_frames();
    look_check();
    if (first > last + SLACK) {
        say_broken("%llu frames fewer are free than at first", (unsigned long long)(first - last));
    }
    verdict(first, last);
    nos_ignore(nos_sys_power(nos_find_handle(NOS_CAP_POWER, NULL), POWER_OFF));
    return 1;
}
