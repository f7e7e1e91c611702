/* Handles and addresses: some good, some bad, some that were good; and a capsule that may be hurt.
 */
#include <stddef.h>
#include <string.h>

#include "abi/caps.h"
#include "abi/info.h"
#include "abi/token.h"
#include "lib/compiler.h"
#include "modules/sysfuzz/sysfuzz.h"
#include "sdk/ipc.h"
#include "sdk/start.h"

enum { READ = 1, READ_WRITE = 3, TTL_NS = 10000000, NAP_NS = 1000000, PATIENT = 200 };
#define PATIENCE_NS 10000000000ull
#define DERIVED_RIGHTS \
    (NOS_RIGHT_DUP | NOS_RIGHT_TRANSFER | NOS_RIGHT_INSPECT | NOS_RIGHT_READ | NOS_RIGHT_WRITE | \
     NOS_RIGHT_MAP)

uint32_t thing[THINGS];
uint8_t *page, *read_only;
uint32_t victim;
uint64_t victim_code;

static const uint8_t types[THINGS] = {
    [THING_REGION] = NOS_TYPE_REGION,     [THING_ENDPOINT] = NOS_TYPE_ENDPOINT,
    [THING_NOTE] = NOS_TYPE_NOTIFICATION, [THING_STALE] = NOS_TYPE_NOTIFICATION,
    [THING_NODE] = NOS_TYPE_NODE,         [THING_MODULE] = NOS_TYPE_MODULE,
    [THING_VICTIM] = NOS_TYPE_CAPSULE,    [THING_SERVICE] = NOS_TYPE_ENDPOINT,
    [THING_PORTS] = NOS_TYPE_PORTS,       [THING_IRQ] = NOS_TYPE_IRQ,
    [THING_THREAD] = NOS_TYPE_THREAD,     [THING_DERIVED] = NOS_TYPE_REGION,
    [THING_DEBUGGED] = NOS_TYPE_CAPSULE,
};

/* A thread that sleeps, whatever wakes it; it has no stack. */
__asm__(".text\n"
        "sysfuzz_sleeper:\n"
        "    movl $4, %eax\n"
        "    movq $-1, %rdi\n"
        "    syscall\n"
        "    jmp sysfuzz_sleeper\n");
extern const char sysfuzz_sleeper[] __asm__("sysfuzz_sleeper");
_Static_assert(NOS_SYS_SLEEP == 4, "sysfuzz_sleeper");

bool thing_is(unsigned i, uint32_t wanted)
{
    return (wanted >> types[i] & 1) != 0 && i != THING_NONE;
}

bool things_keep(uint64_t handle)
{
    for (uint32_t i = 0; i < nos_self()->n_handles; i++) {
        if (nos_self()->handle[i].handle == (uint32_t)handle) {
            return true;
        }
    }
    return handle != 0 && (uint32_t)handle == thing[THING_THREAD];
}

uint64_t things_bad(uint64_t n)
{
    const uint64_t bad[] = { 0,
                             8,
                             0x123456789000,
                             0xffffffff80000000,
                             0xffff800000000000,
                             0x0000800000000000,
                             0x00007ffffffff000,
                             0x00007fffffffffff,
                             (uint64_t)page + PAGE - 4,
                             (uint64_t)page + PAGE - 100,
                             (uint64_t)page - 8,
                             UINT64_MAX - 7,
                             UINT64_MAX,
                             (uint64_t)read_only,
                             (uint64_t)&things_bad & ~0xfffull,
                             (uint64_t)nos_self() };
    return bad[n % ARRAY_LEN(bad)];
}

static void close_all(void)
{
    nos_handle_t node = nos_find_handle(NOS_CAP_NODE, NULL);
    struct nos_handle_info h;
    uint64_t index = (uint64_t)nos_self()->capsule << 32, got;

    while (nos_sys_node_info(node, NOS_TOPIC_HANDLES, index, &h, sizeof h, &got) == NOS_OK) {
        if (things_keep(h.handle) || nos_sys_handle_close((nos_handle_t){ h.handle }) != NOS_OK) {
            index++;
        }
    }
}

/* Names, requests and arguments stand where programs point most often. */
static void fill_page(void)
{
    struct nos_capsule_info self = { 0 };
    nos_ignore(nos_sys_self_info(&self, sizeof self));
    memset(page, 0, PAGE);
    memcpy(page, "sysfuzz", 7);
    memcpy(page + 512, self.module_id, sizeof self.module_id);
    memcpy(page + 1024, self.module_id, sizeof self.module_id);  // a token's request begins so
    memset(page + 1024 + offsetof(struct nos_token_request, classes), 0xff, 8);
}

static nos_status_t memory_fresh(void)
{
    nos_handle_t region, derived;
    void *rw, *ro;
    nos_status_t st = nos_sys_region_create(1, &region);
    st = st == NOS_OK ? nos_sys_region_map(region, READ_WRITE, &rw) : st;
    st = st == NOS_OK ? nos_sys_region_map(region, READ, &ro) : st;
    st = st == NOS_OK ? nos_sys_cap_derive(region, DERIVED_RIGHTS, 0, 0, 3, &derived) : st;
    if (st == NOS_OK) {
        page = rw;
        read_only = ro;
        thing[THING_REGION] = region.v;
        thing[THING_DERIVED] = derived.v;
        fill_page();
    }
    return st;
}

static nos_status_t objects_fresh(void)
{
    nos_handle_t ep, note, stale;
    nos_status_t st = nos_sys_endpoint_create(&ep);
    st = st == NOS_OK ? nos_sys_notify_create(&note) : st;
    st = st == NOS_OK ? nos_sys_notify_create(&stale) : st;
    st = st == NOS_OK ? nos_sys_handle_close(stale) : st;
    if (st == NOS_OK) {
        thing[THING_ENDPOINT] = ep.v;
        thing[THING_NOTE] = note.v;
        thing[THING_STALE] = stale.v;
    }
    return st;
}

/* Once: threads have no end that another could give them. */
static nos_status_t thread_once(void)
{
    static uint8_t stack[64] __attribute__((aligned(16)));
    nos_handle_t t;
    if (thing[THING_THREAD] != 0) {
        return NOS_OK;
    }
    nos_status_t st = nos_sys_thread_create((uint64_t)sysfuzz_sleeper, 0,
                                            (uint64_t)(stack + sizeof stack), 1, &t);
    thing[THING_THREAD] = st == NOS_OK ? t.v : 0;
    return st;
}

static nos_status_t victim_fresh(bool held)
{
    nos_handle_t node = { thing[THING_NODE] }, module, c, debugged;
    struct nos_msg m = { 0 };
    struct nos_capsule_info info;

    nos_status_t st = nos_sys_module_open(node, "sysfuzz", 7, &module);
    st = st == NOS_OK ? nos_sys_capsule_spawn(module, "victim", 6, (nos_handle_t){ 0 }, 0,
                                              (nos_handle_t){ 0 }, &c)
                      : st;
    st = st == NOS_OK ? nos_sys_capsule_info(c, &info, sizeof info) : st;
    st = st == NOS_OK
             ? nos_call((nos_handle_t){ thing[THING_SERVICE] }, &m, nos_now_ns() + PATIENCE_NS)
             : st;
    if (st != NOS_OK) {
        return st;
    }
    thing[THING_MODULE] = module.v;
    thing[THING_VICTIM] = c.v;
    victim = info.id;
    victim_code = m.word[0];
    if (held && nos_sys_debug_open(node, victim, TTL_NS, &debugged) == NOS_OK) {
        thing[THING_DEBUGGED] = debugged.v;
    }
    return NOS_OK;
}

/* Whoever was started by this one, and may wait for what never comes. */
static void end_children(void)
{
    nos_handle_t node = nos_find_handle(NOS_CAP_NODE, NULL), child;
    struct nos_capsule_info c;
    uint64_t got, i = 0;

    while (nos_sys_node_info(node, NOS_TOPIC_CAPSULES, i++, &c, sizeof c, &got) == NOS_OK) {
        if (c.parent == nos_self()->capsule && c.state == NOS_CAPSULE_RUNNING &&
            nos_sys_capsule_open(node, c.id, &child) == NOS_OK) {
            nos_ignore(nos_sys_capsule_kill(child, NOS_KILL_ASKED));
            nos_ignore(nos_sys_handle_close(child));
        }
    }
}

/* One try. */
static nos_status_t make_fresh(bool debugged)
{
    close_all();
    end_children();
    if (page != NULL) {
        nos_ignore(nos_sys_region_unmap(page));
        nos_ignore(nos_sys_region_unmap(read_only));
    }
    uint32_t sleeper = thing[THING_THREAD];
    memset(thing, 0, sizeof thing);
    thing[THING_THREAD] = sleeper;
    thing[THING_NODE] = nos_find_handle(NOS_CAP_NODE, NULL).v;
    thing[THING_SERVICE] = nos_find_handle(NOS_CAP_ENDPOINT, "sysfuzz").v;
    thing[THING_PORTS] = nos_find_handle(NOS_CAP_PORTS, NULL).v;
    thing[THING_IRQ] = nos_find_handle(NOS_CAP_IRQ, NULL).v;
    nos_status_t st = memory_fresh();
    st = st == NOS_OK ? objects_fresh() : st;
    st = st == NOS_OK ? thread_once() : st;
    return st == NOS_OK ? victim_fresh(debugged) : st;
}

/* What has ended is given back when there is time for it. */
nos_status_t things_fresh(bool debugged)
{
    nos_status_t st = make_fresh(debugged);
    for (unsigned i = 0; i < PATIENT && (st == NOS_QUOTA || st == NOS_NO_MEMORY); i++) {
        nos_ignore(nos_sys_sleep(nos_now_ns() + NAP_NS));
        st = make_fresh(debugged);
    }
    return st;
}

/* What came along is given back, mapped, or closed. */
static void victim_takes(const struct nos_msg *m, struct nos_msg *answer)
{
    void *at;
    for (uint32_t i = 0; i < m->n_handles; i++) {
        nos_handle_t h = { m->pass[i].handle };
        if (m->word[0] == ASK_MAP) {
            nos_ignore(nos_sys_region_map(h, READ, &at));
        }
        if (m->word[0] != ASK_BACK || !nos_msg_move(answer, h, NOS_RIGHT_ALL)) {
            nos_ignore(nos_sys_handle_close(h));
        }
    }
}

/* False: its end. */
static bool victim_serves(const struct nos_msg *m, uint64_t *held)
{
    static struct nos_msg answer;
    answer = (struct nos_msg){ .token = m->token, .n_words = 1 };
    answer.word[0] = (uint64_t)&victim_main;
    victim_takes(m, &answer);
    switch (m->word[0]) {
    case ASK_READ:
        (void)*(const volatile uint8_t *)m->word[1];
        break;
    case ASK_WRITE:
        *(volatile uint8_t *)m->word[1] = 0;
        break;
    case ASK_LEAVE:
        return true;
    case ASK_HOLD:
        *held = nos_hold(m);
        return true;
    case ASK_END:
        return false;
    default:
        break;
    }
    nos_ignore(nos_reply(&answer));
    answer.token = *held;  // and who was held, if somebody is
    nos_ignore(nos_reply(&answer));
    return true;
}

int victim_main(void)
{
    nos_handle_t service = nos_find_handle(NOS_CAP_ENDPOINT, "sysfuzz");
    static struct nos_msg m;
    uint64_t held = 0;

    (void)nos_msg_accept(&m, NOS_MSG_HANDLES);
    for (bool on = true; on;) {
        nos_status_t st = nos_recv(service, &m, NOS_DEADLINE_NEVER);
        on = st == NOS_OK ? victim_serves(&m, &held) : st == NOS_CANCELLED || st == NOS_TIMED_OUT;
    }
    return 0;
}
