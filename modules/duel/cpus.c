/*
 * What is taken while another processor uses it: memory that a capsule writes, its life while it
 * computes, while it makes calls. When the call that takes it has returned, not one write more is
 * seen.
 */
#include "abi/caps.h"
#include "abi/info.h"
#include "modules/duel/duel.h"
#include "sdk/format.h"
#include "sdk/print.h"
#include "sdk/start.h"

enum {
    PAGE = 4096,
    READ_WRITE = 3,
    WAIT_NS = 1000000,
    PATIENCE = 5000, /* waits */
    STAGGER_NS = 7000
};

struct trial {
    const char *name;
    enum work work;
    uint32_t pages; /* of the region; above 32 a processor forgets the whole space at once */
    bool kill;      /* else the memory is taken: by a revocation, or by the capsule itself */
};
static const struct trial trials[] = {
    { "revoke-a-page", WORK_COMPUTE, 1, false }, { "revoke-64-pages", WORK_COMPUTE, 64, false },
    { "unmap", WORK_UNMAP, 1, false },           { "kill-computing", WORK_COMPUTE, 1, true },
    { "kill-calling", WORK_CALLS, 1, true },
};

static struct {
    nos_handle_t module, region, derived, capsule;
    void *at;
    volatile uint64_t *word; /* the counter's; the next one: writes through what was unmapped */
    uint64_t writes_after;
} it;

static void pause_ns(uint64_t ns)
{
    nos_ignore(nos_sys_sleep(nos_now_ns() + ns));
}

/* Its memory, and itself. */
static nos_status_t make(const struct trial *t)
{
    uint32_t rights = NOS_RIGHT_DUP | NOS_RIGHT_TRANSFER | NOS_RIGHT_READ | NOS_RIGHT_WRITE |
                      NOS_RIGHT_MAP | NOS_RIGHT_REVOKE;
    uint64_t offset = (uint64_t)(t->pages - 1) * PAGE;

    nos_status_t st = nos_sys_region_create(t->pages, &it.region);
    st = st == NOS_OK ? nos_sys_region_map(it.region, READ_WRITE, &it.at) : st;
    st = st == NOS_OK ? nos_sys_cap_derive(it.region, rights, 0, 0, 0, &it.derived) : st;
    st = st == NOS_OK ? nos_sys_capsule_spawn(it.module, "counter", 7, (nos_handle_t){ 0 }, 0,
                                              (nos_handle_t){ 0 }, &it.capsule)
                      : st;
    if (st != NOS_OK) {
        return st;
    }
    it.word = (uint64_t *)(void *)((char *)it.at + offset);
    fresh_message();
    duel.m.n_words = 1;
    duel.m.word[0] = offset;
    bool fits = nos_msg_copy(&duel.m, it.derived, NOS_RIGHT_READ | NOS_RIGHT_WRITE | NOS_RIGHT_MAP);
    return fits ? ask((enum order)t->work) : NOS_TOO_BIG;
}

static uint32_t state(void)
{
    struct nos_capsule_info c = { 0 };
    nos_ignore(nos_sys_capsule_info(it.capsule, &c, sizeof(c)));
    return c.state;
}

/* The writes of the capsule that unmaps are counted by itself: it must not come so far. */
static nos_status_t take(const struct trial *t, unsigned round)
{
    nos_status_t st = NOS_OK;
    for (unsigned i = 0; it.word[0] == 0 && i < PATIENCE; i++) {
        pause_ns(WAIT_NS / 10);
    }
    if (it.word[0] == 0) {
        return NOS_TIMED_OUT;
    }
    pause_ns((round + 1) * STAGGER_NS);
    if (t->work != WORK_UNMAP) {
        st = t->kill ? nos_sys_capsule_kill(it.capsule, NOS_KILL_ASKED)
                     : nos_sys_cap_revoke(it.derived);
        uint64_t then = it.word[0];
        pause_ns(WAIT_NS);
        it.writes_after += it.word[0] - then;
    }
    for (unsigned i = 0; state() == NOS_CAPSULE_RUNNING && i < PATIENCE; i++) {
        pause_ns(WAIT_NS);
    }
    it.writes_after += it.word[1];
    return st != NOS_OK || state() == (t->kill ? NOS_CAPSULE_KILLED : NOS_CAPSULE_CRASHED)
               ? st
               : NOS_BAD_STATE;
}

static void put_away(void)
{
    nos_ignore(nos_sys_region_unmap(it.at));
    nos_ignore(nos_sys_handle_close(it.capsule));
    nos_ignore(nos_sys_handle_close(it.derived));
    nos_ignore(nos_sys_handle_close(it.region));
}

static void again_and_again(const struct trial *t, unsigned rounds)
{
    char name[48];
    nos_status_t st = NOS_OK;

    it.writes_after = 0;
    for (unsigned i = 0; i < rounds && st == NOS_OK; i++) {
        st = make(t);
        st = st == NOS_OK ? take(t, i) : st;
        put_away();
    }
    nos_format(name, sizeof(name), "cpus/%s", t->name);
    row(name, NOS_OK, st);
    nos_format(name, sizeof(name), "cpus/%s/no-write-after", t->name);
    row(name, NOS_OK, it.writes_after == 0 ? NOS_OK : NOS_BAD_STATE);
}

/* The kernel's own check of its books. */
static nos_status_t books(void)
{
    struct nos_check_info c;
    uint64_t got, i = 0;
    nos_status_t st = NOS_OK;
    while (nos_sys_node_info(duel.node, NOS_TOPIC_CHECK, i++, &c, sizeof(c), &got) == NOS_OK) {
        st = c.broken[0] == '\0' ? st : NOS_BAD_STATE;
    }
    return i > 1 ? st : NOS_NOT_FOUND;
}

void attack_cpus(unsigned rounds)
{
    row("cpus/module", NOS_OK, nos_sys_module_open(duel.node, "duelcount", 9, &it.module));
    for (size_t i = 0; i < ARRAY_LEN(trials); i++) {
        again_and_again(&trials[i], rounds);
    }
    row("cpus/books", NOS_OK, books());
}
