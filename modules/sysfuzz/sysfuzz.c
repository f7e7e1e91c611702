/*
 * `sysfuzz run SEED COUNT` runs that many programs under the covered kernel; one that reached what
 * none before it did is kept, and later ones are made from it. `blind` instead of `run` keeps none,
 * to see what that is worth. `replay` runs what stands in `seeds` and no more. Spec:
 * docs/syscall-fuzzing.md.
 */
#include "modules/sysfuzz/sysfuzz.h"

#include <string.h>

#include "abi/caps.h"
#include "abi/covered.h"
#include "abi/info.h"
#include "lib/compiler.h"
#include "lib/fmt.h"
#include "lib/status.h"
#include "sdk/print.h"
#include "sdk/start.h"

enum { WORDS = 4, LINES = 10, CHECK_EVERY = 16 /* rounds */, ANEW = 2 };
_Static_assert(ROUND == (int)NOS_COVERED_REMEMBERED, "what a round did can be told");
_Static_assert(sizeof(struct program) <= NOS_COVERED_BUFFER, "a program can be told");

/* Put there by who signs the module (tests/qemu/sysfuzz.py). Volatile: it is not empty. */
static volatile struct {
    char mark[16];
    uint64_t n;
    struct program at[SEEDS_MAX];
} seeds = { .mark = "sysfuzz seeds at" };

static struct program corpus[CORPUS], now;
static struct {
    nos_handle_t node;
    uint64_t programs, calls_ok, kept, rounds;
    uint64_t regions, others; /* reached by programs; by all else, the boot among it */
    bool feedback, broken;
} fz;

static nos_status_t covered(enum nos_covered_op op, const struct program *p, uint64_t *found)
{
    return nos_syscall4(NOS_SYS_COVERED, fz.node.v, (uint64_t)op, (uint64_t)p, shape_len(p), found);
}

static void check(void)
{
    struct nos_check_info c;
    uint64_t got, i = 0;

    while (nos_sys_node_info(fz.node, NOS_TOPIC_CHECK, i++, &c, sizeof c, &got) == NOS_OK) {
        if (c.broken[0] != '\0') {
            fz.broken = true;
            nos_print("SYSFUZZ broken: %.*s (capsule %u)\n", (int)sizeof c.broken, c.broken,
                      c.capsule);
        }
    }
}

/* The books are checked before the round that broke them is forgotten. */
static nos_status_t round_begin(void)
{
    if (fz.rounds++ % CHECK_EVERY == 0) {
        check();
    }
    if (fz.broken) {
        return NOS_BAD_STATE;
    }
    nos_status_t st = things_fresh(fz.rounds % 2 == 0);
    st = st == NOS_OK ? covered(NOS_COVERED_FORGET, &now, NULL) : st;
    uint64_t found = 0;
    st = st == NOS_OK ? covered(NOS_COVERED_LOOK, &now, &found) : st;
    fz.others += (uint32_t)found;
    return st;
}

static void keep(void)
{
    corpus[fz.kept++ % CORPUS] = now;
}

static nos_status_t run_one(void)
{
    uint64_t found = 0;
    nos_status_t st = fz.programs % ROUND == 0 ? round_begin() : NOS_OK;

    st = st == NOS_OK ? covered(NOS_COVERED_NEXT, &now, NULL) : st;
    if (st != NOS_OK) {
        return st;
    }
    fz.calls_ok += run_program(&now);
    fz.programs++;
    st = covered(NOS_COVERED_LOOK, &now, &found);
    fz.regions += (uint32_t)found;
    if (st == NOS_OK && found != 0 && fz.feedback) {
        keep();
    }
    return st == NOS_OK && (uint32_t)found != 0 ? covered(NOS_COVERED_KEEP, &now, NULL) : st;
}

/* One that was kept; the newer, the likelier. */
static const struct program *pick(void)
{
    uint64_t n = fz.kept < CORPUS ? fz.kept : CORPUS;
    return &corpus[(fz.kept - 1 - draw_below(1 + draw_below(n))) % CORPUS];
}

static void next_program(void)
{
    now.n = 0;
    const struct program *other = &now;
    if (fz.kept != 0 && draw_below(ANEW) != 0) {
        now = *pick();
        other = pick();
    }
    shape_mutate(&now, other);
}

static nos_status_t run_seeds(void)
{
    nos_status_t st = NOS_OK;
    for (uint64_t i = 0; i < seeds.n && i < SEEDS_MAX && st == NOS_OK; i++) {
        now = seeds.at[i];
        now.n = now.n <= CALLS_MAX ? now.n : CALLS_MAX;
        st = run_one();
    }
    return st;
}

/* Once in a round of each kind: what they do may need the one or the other. */
static nos_status_t replay(void)
{
    nos_status_t st = run_seeds();
    fz.programs = 0;
    return st == NOS_OK ? run_seeds() : st;
}

static void line(uint64_t count)
{
    nos_print("SYSFUZZ %llu of %llu programs, %llu regions, %llu kept\n",
              (unsigned long long)fz.programs, (unsigned long long)count,
              (unsigned long long)fz.regions, (unsigned long long)fz.kept);
}

static nos_status_t drive(uint64_t count)
{
    uint64_t part = count / LINES == 0 ? 1 : count / LINES;
    nos_status_t st = run_seeds();

    while (st == NOS_OK && fz.programs < count) {
        next_program();
        st = run_one();
        if (fz.programs % part == 0) {
            line(count);
        }
    }
    return st;
}

static bool number(const char *text, uint64_t *out)
{
    return parse_u64(span_of(text, strlen(text)), out);
}

/* What is used up, if something is. */
static void tell_limits(void)
{
    struct nos_capsule_info self;
    if (nos_sys_self_info(&self, sizeof self) == NOS_OK) {
        nos_print("SYSFUZZ has %u threads, %u handles, %u of %u pages\n", self.threads,
                  self.handles, self.mem_pages, self.mem_limit);
    }
}

static int tell(nos_status_t st, uint64_t seed)
{
    check();
    if (st != NOS_OK) {
        tell_limits();
    }
    nos_print("SYSFUZZ %s: seed %llu, %llu programs, %llu calls succeeded, %llu regions and %llu "
              "without, %llu kept, %s\n"
              "SYSFUZZ done\n",
              st == NOS_OK ? "ran" : status_text(st), (unsigned long long)seed,
              (unsigned long long)fz.programs, (unsigned long long)fz.calls_ok,
              (unsigned long long)fz.regions, (unsigned long long)fz.others,
              (unsigned long long)fz.kept, fz.broken ? "BROKEN" : "all invariants hold");
    return st == NOS_OK && !fz.broken ? 0 : 1;
}

static bool is(const char *a, const char *b)
{
    return strlen(a) == strlen(b) && memcmp(a, b, strlen(a)) == 0;
}

int nos_main(void)
{
    char copy[NOS_ARG_MAX + 1];
    char *word[WORDS];
    size_t n = nos_arg_words(copy, word, WORDS);
    uint64_t seed = 0, count = 0;

    if (n == 1 && is(word[0], "victim")) {
        return victim_main();
    }
    bool again = n == 1 && is(word[0], "replay");
    if (!again && (n != 3 || !number(word[1], &seed) || !number(word[2], &count))) {
        return 2;  // a program started it with any argument
    }
    fz.node = nos_find_handle(NOS_CAP_NODE, NULL);
    fz.feedback = word[0][0] == 'r';
    draw_seed(seed);
    shape_init();
    return tell(again ? replay() : drive(count), seed);
}
