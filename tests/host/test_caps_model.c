/* Handles, derivation and revocation against a model of sets and lists: a handle is who it names
 * and the chain of cuts above it, and it is dead if one of them was made. No epochs, no tags, no
 * counts. Random capsules grant, narrow, derive, move, close, revoke, outlive deadlines and die. */
#include "tests/host/kernel_host.h"
#include "tests/host/test.h"

#include "tests/host/kernel_host_impl.h"

#include "kernel/memory/frame.c"
#include "kernel/object/cell.c"
#include "kernel/object/handle.c"
#include "kernel/object/object.c"
#include "kernel/syscall/handle.c"

enum {
    STEPS = 1000000,
    ALL_EVERY = 1024,
    CAPSULES = 4,
    OBJECTS = 6,
    LIVE = 160,
    OLD = 64,
    CUTS = 4 * LIVE,
    CELLS = 7 /* that one capsule may pay for here */
};

/* ---- the model ---- */

struct held {  /* a handle */
    int owner; /* capsule; -1 = none */
    uint32_t h;
    int obj, cut; /* cut: index of the nearest above it, -1 = none */
    uint32_t rights, depth;
    uint64_t deadline, badge;
};
struct cut {
    bool used, made;
    int above, payer; /* -1 = none */
};
static struct held hand[LIVE], old[OLD];
static struct cut cuts[CUTS];
static struct obj objects[OBJECTS];
static uint32_t classes[CAPSULES];

static bool is_cut(int c)
{
    for (; c >= 0; c = cuts[c].above) {
        if (cuts[c].made) {
            return true;
        }
    }
    return false;
}

static nos_status_t model_use(const struct held *m, uint32_t types, uint32_t need)
{
    if (m->owner < 0) {
        return NOS_BAD_HANDLE;
    }
    if ((types >> objects[m->obj].type & 1) == 0) {
        return NOS_WRONG_TYPE;
    }
    if (m->deadline != 0 && m->deadline <= host_now) {
        return NOS_EXPIRED;
    }
    return is_cut(m->cut) ? NOS_REVOKED : (need & ~m->rights) != 0 ? NOS_DENIED : NOS_OK;
}

static unsigned model_held(int owner)
{
    unsigned n = 0;
    for (unsigned i = 0; i < LIVE; i++) {
        n += hand[i].owner == owner;
    }
    return n;
}

/* Forget the cuts that no handle can be reached through; how many does `payer` pay for now? -2:
 * all. */
static unsigned model_cuts(int payer)
{
    bool reached[CUTS] = { false };
    unsigned n = 0;
    for (unsigned i = 0; i < LIVE; i++) {
        for (int c = hand[i].owner < 0 ? -1 : hand[i].cut; c >= 0; c = cuts[c].above) {
            reached[c] = true;
        }
    }
    for (unsigned c = 0; c < CUTS; c++) {
        cuts[c].used = reached[c];
        n += reached[c] && (payer == -2 || cuts[c].payer == payer);
    }
    return n;
}

static unsigned model_servers(int obj)
{
    unsigned n = 0;
    for (unsigned i = 0; i < LIVE; i++) {
        n += hand[i].owner >= 0 && hand[i].obj == obj && (hand[i].rights & NOS_RIGHT_RECV) != 0 &&
             objects[obj].type == NOS_TYPE_ENDPOINT && !is_cut(hand[i].cut);
    }
    return n;
}

/* Handles that keep it alive: a region is let go by those that were cut. */
static unsigned model_keepers(int obj)
{
    unsigned n = 0;
    for (unsigned i = 0; i < LIVE; i++) {
        n += hand[i].owner >= 0 && hand[i].obj == obj &&
             (objects[obj].type != NOS_TYPE_REGION || !is_cut(hand[i].cut));
    }
    return n;
}

/* ---- the machine around the code under test ---- */

static struct capsule capsules[CAPSULES];
static struct thread threads[CAPSULES];
static unsigned servers[OBJECTS], done_ok, refused[32];

bool up_reclaim(void)
{
    return false;
}

void cell_gone(void)
{
}

bool obj_ended(const struct obj *o)
{
    (void)o;
    return false;
}

void handle_describe(uint32_t h, const struct handle_slot *s, struct nos_handle_info *out)
{
    (void)h, (void)s, (void)out;
}

nos_status_t copy_out(uint64_t dst, const void *src, size_t len)
{
    (void)dst, (void)src, (void)len;
    return NOS_OK;
}

void obj_handle_opened(struct obj *o, uint32_t rights)
{
    if (o->type == NOS_TYPE_ENDPOINT) {
        servers[o - objects] += (rights & NOS_RIGHT_RECV) != 0;
    }
}

void obj_handle_closed(struct obj *o, uint32_t rights)
{
    if (o->type == NOS_TYPE_ENDPOINT) {
        servers[o - objects] -= (rights & NOS_RIGHT_RECV) != 0;
    }
}

static void never(struct obj *o)
{
    fail_msg("object of type %u lost its last reference", o->type);
}

void (*const obj_destroy[NOS_TYPE_COUNT])(struct obj *) = {
    [NOS_TYPE_REGION] = never, [NOS_TYPE_ENDPOINT] = never, [NOS_TYPE_PORTS] = never
};

/* As the system-call entry does: the short look first. */
static nos_status_t use(int owner, uint32_t h, uint32_t types, uint32_t need,
                        struct handle_slot **out)
{
    struct handle_table *t = &capsules[owner].handles;
    struct handle_slot *fast = handle_fast(t, h, HANDLE_WANT(types, need));
    nos_status_t st = handle_get(t, h, types, need, out);
    if (fast != NULL) {
        assert_int_equal(st, NOS_OK);
        assert_ptr_equal(fast, *out);
    }
    return st;
}

/* ---- steps ---- */

static uint32_t below(uint32_t n)
{
    return (uint32_t)(vault_random64() % n);
}

static uint32_t some_rights(void)
{
    return (uint32_t)(vault_random64() | vault_random64()) & NOS_RIGHT_ALL;
}

static struct held *a_place(void)
{
    for (unsigned i = 0; i < LIVE; i++) {
        if (hand[i].owner < 0) {
            return &hand[i];
        }
    }
    return NULL;
}

static void check(const struct held *m, int owner)
{
    static const uint32_t types[] = { HANDLE_TYPE_ANY, 1u << NOS_TYPE_ENDPOINT,
                                      1u << NOS_TYPE_REGION | 1u << NOS_TYPE_PORTS };
    uint32_t t = types[below(4) % 3], need = below(2) == 0 ? 0 : 1u << below(16);
    struct handle_slot *s;
    nos_status_t want = model_use(m, t, need), got = use(owner, m->h, t, need, &s);
    if (want != got) {
        fail_msg("handle %x of capsule %d: %d, the model says %d", m->h, owner, got, want);
    }
    if (got == NOS_OK) {
        assert_ptr_equal(s->obj, &objects[m->obj]);
        assert_int_equal(s->rights, m->rights);
        assert_int_equal(s->badge, m->badge);
        assert_int_equal(s->deadline_ns, m->deadline);
    }
}

static void check_all(void)
{
    uint32_t at;
    for (unsigned i = 0; i < LIVE; i++) {
        if (hand[i].owner >= 0) {
            check(&hand[i], hand[i].owner);
        }
    }
    assert_int_equal(cell_count(), model_cuts(-2));
    for (int c = 0; c < CAPSULES; c++) {
        assert_int_equal(capsules[c].handles.used, model_held(c));
        assert_int_equal(capsules[c].handles.cells.used, model_cuts(c));
        for (at = 0; !handle_retire_step(&capsules[c].handles, &at);) {
        }
    }
    for (int o = 0; o < OBJECTS; o++) {
        assert_int_equal(servers[o], model_servers(o));
        assert_int_equal(objects[o].refs, 1 + model_keepers(o));
    }
}

/* A new handle came, or did not, as the model wants it. */
static void came(nos_status_t want, nos_status_t got, struct held m, uint32_t h)
{
    if (want != got) {
        fail_msg("a handle for capsule %d: %d, the model says %d", m.owner, got, want);
    }
    if (got == NOS_OK) {
        m.h = h;
        *a_place() = m;
        check(&m, m.owner);
        done_ok++;
    } else {
        refused[-got]++;
    }
}

static void gone(struct held *m)
{
    old[below(OLD)] = *m;
    m->owner = -1;
}

/* What was closed names nothing, whatever has come into its slot. */
static void check_stale(const struct held *m)
{
    struct handle_slot *s;
    if (m->h != 0) {
        assert_int_equal(use(m->owner, m->h, HANDLE_TYPE_ANY, 0, &s), NOS_BAD_HANDLE);
        assert_int_equal(handle_close(&capsules[m->owner].handles, m->h), NOS_BAD_HANDLE);
    }
}

static nos_status_t room(const struct held *m)
{
    const struct handle_table *t = &capsules[m->owner].handles;
    return (objects[m->obj].classes & ~classes[m->owner]) != 0 ? NOS_NO_CLASS
           : model_held(m->owner) >= t->limit                  ? NOS_QUOTA
                                                               : NOS_OK;
}

static uint64_t a_deadline(void)
{
    return below(3) == 0 ? host_now + 1 + below(3000) : 0;
}

static void step_add(void)
{
    struct held m = { .owner = (int)below(CAPSULES),
                      .obj = (int)below(OBJECTS),
                      .cut = -1,
                      .rights = some_rights(),
                      .depth = 4,
                      .deadline = a_deadline() };
    uint32_t h = 0;
    nos_status_t st = handle_add(&capsules[m.owner].handles, &objects[m.obj], m.rights, m.deadline,
                                 NOS_ORIGIN_MADE, &h);
    came(room(&m), st, m, h);
}

static uint64_t nearer(uint64_t a, uint64_t ttl)
{
    return ttl != 0 && (a == 0 || host_now + ttl < a) ? host_now + ttl : a;
}

static void step_narrow(const struct held *from, bool derive)
{
    uint32_t rights =
        below(4) == 0 ? some_rights() : from->rights & (some_rights() | NOS_RIGHT_DUP);
    uint64_t ttl = a_deadline() == 0 ? 0 : 1 + below(3000),
             badge = below(4) == 0 ? 1 + below(9) : 0;
    uint32_t depth = below(3) == 0 ? below(5) : from->depth - 1;  // of none: too much
    struct thread *t = &threads[from->owner];
    struct held m = *from;
    struct handle_slot *s;

    nos_status_t want = model_use(from, HANDLE_TYPE_ANY, NOS_RIGHT_DUP);
    nos_status_t got = use(from->owner, from->h, HANDLE_TYPE_ANY, NOS_RIGHT_DUP, &s);
    assert_int_equal(want, got);
    if (got != NOS_OK) {
        return;
    }
    t->ctx.arg1 = rights;
    t->ctx.w[0] = ttl;
    t->ctx.w[1] = badge;
    t->ctx.w[2] = depth;
    got = derive ? sys_cap_derive(t, &t->ctx, s) : sys_handle_dup(t, &t->ctx, s);
    uint32_t extra = derive ? (uint32_t)NOS_RIGHT_REVOKE : 0;
    m.rights = rights;
    m.deadline = nearer(from->deadline, ttl);
    want = (rights & ~(from->rights | extra)) != 0 ? NOS_DENIED : NOS_OK;
    if (derive) {
        bool endpoint = objects[m.obj].type == NOS_TYPE_ENDPOINT;
        want = badge != 0 && !endpoint                              ? NOS_INVALID
               : want != NOS_OK || (badge != 0 && from->badge != 0) ? NOS_DENIED
               : depth >= from->depth                               ? NOS_DEPTH
               : model_cuts(from->owner) >= CELLS                   ? NOS_QUOTA
                                                                    : NOS_OK;
        m.depth = depth;
        m.badge = from->badge | badge;
        for (m.cut = 0; cuts[m.cut].used; m.cut++) {
        }
    }
    want = want == NOS_OK ? room(&m) : want;
    if (derive && want == NOS_OK) {
        cuts[m.cut] = (struct cut){ .used = true, .above = from->cut, .payer = from->owner };
    }
    came(want, got, m, (uint32_t)t->ctx.w[0]);
}

/* To another table, as a message does it. */
static void step_move(struct held *from)
{
    struct held m = *from;
    struct handle_slot *s;
    uint32_t h = 0;
    m.owner = (int)below(CAPSULES);
    m.rights &= some_rights() | NOS_RIGHT_DUP;
    if (use(from->owner, from->h, HANDLE_TYPE_ANY, 0, &s) == NOS_OK) {
        struct handle_slot like = *s;
        like.rights = m.rights;
        nos_status_t st = handle_insert(&capsules[m.owner].handles, &like, &h);
        came(room(&m), st, m, h);
        if (st == NOS_OK) {
            assert_int_equal(handle_close(&capsules[from->owner].handles, from->h), NOS_OK);
            gone(from);
        }
    }
}

static void step_revoke(const struct held *m)
{
    struct thread *t = &threads[m->owner];
    struct handle_slot *s;
    if (use(m->owner, m->h, HANDLE_TYPE_ANY, NOS_RIGHT_REVOKE, &s) == NOS_OK) {
        nos_status_t st = sys_cap_revoke(t, &t->ctx, s);
        assert_int_equal(st, m->cut < 0 ? NOS_BAD_STATE : NOS_OK);
        if (st == NOS_OK) {
            cuts[m->cut].made = true;
            done_ok++;
        }
        check(m, m->owner);
    }
}

static void step_die(int c)
{
    handle_close_all(&capsules[c].handles);
    assert_int_equal(capsules[c].handles.used, 0);
    handle_table_init(&capsules[c].handles, 24 + below(16), classes[c]);
    capsules[c].handles.cells.limit = CELLS;
    for (unsigned i = 0; i < LIVE; i++) {
        hand[i].owner = hand[i].owner == c ? -1 : hand[i].owner;
    }
    for (unsigned i = 0; i < OLD; i++) {  // its numbers begin again
        old[i].h = old[i].owner == c ? 0 : old[i].h;
    }
    for (unsigned i = 0; i < CUTS; i++) {
        cuts[i].payer = cuts[i].payer == c ? -1 : cuts[i].payer;
    }
}

static void one_step(void)
{
    struct held *m = &hand[below(LIVE)];
    uint32_t what = below(100);
    host_now += below(4);
    if (what < 4) {
        if (a_place() != NULL) {
            step_add();
        }
        return;
    }
    if (what == 99 && below(20) == 0) {
        step_die((int)below(CAPSULES));
        return;
    }
    if (m->owner < 0) {
        return;
    }
    if (what < 50 && a_place() != NULL && (what >= 47 || model_held(m->owner) < 24)) {
        model_cuts(-2);
        step_narrow(m, what < 36);
    } else if (what < 56 && a_place() != NULL) {
        step_move(m);
    } else if (what < 72 || (what < 88 && model_use(m, HANDLE_TYPE_ANY, 0) != NOS_OK)) {
        assert_int_equal(handle_close(&capsules[m->owner].handles, m->h), NOS_OK);
        gone(m);
    } else if (what < 76) {
        step_revoke(m);
    } else {
        check(m, m->owner);
        check_stale(&old[below(OLD)]);
    }
}

static void a_million_steps(void **state)
{
    static const enum nos_type types[OBJECTS] = { NOS_TYPE_REGION,   NOS_TYPE_ENDPOINT,
                                                  NOS_TYPE_ENDPOINT, NOS_TYPE_PORTS,
                                                  NOS_TYPE_REGION,   NOS_TYPE_ENDPOINT };
    (void)state;
    host_start();
    frame_init(&host_bi);
    uint64_t frames = frame_stats().free;
    memset(hand, 0xff, sizeof hand);
    memset(old, 0, sizeof old);
    for (unsigned i = 0; i < OBJECTS; i++) {
        obj_init(&objects[i], types[i]);
    }
    for (int c = 0; c < CAPSULES; c++) {
        classes[c] = c == 3 ? NOS_CLASS_ALL & ~(uint32_t)NOS_CLASS_IO : NOS_CLASS_ALL;
        threads[c].capsule = &capsules[c];
        handle_table_init(&capsules[c].handles, 0, 0);
        step_die(c);
    }
    for (unsigned i = 0; i < STEPS; i++) {
        one_step();
        if (i % ALL_EVERY == 0) {
            check_all();
        }
    }
    check_all();
    printf("%u done; refused: %u denied, %u depth, %u quota, %u class, %u badges\n", done_ok,
           refused[-NOS_DENIED], refused[-NOS_DEPTH], refused[-NOS_QUOTA], refused[-NOS_NO_CLASS],
           refused[-NOS_INVALID]);
    for (int c = 0; c < CAPSULES; c++) {
        handle_close_all(&capsules[c].handles);
    }
    for (unsigned i = 0; i < OBJECTS; i++) {
        assert_int_equal(objects[i].refs, 1);
        assert_int_equal(servers[i], 0);
    }
    assert_int_equal(cell_count(), 0);
    assert_int_equal(handle_derived_keepers(), 0);
    assert_int_equal(no_region.obj.refs, 1);
    assert_int_equal(frame_stats().free, frames);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(a_million_steps) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
