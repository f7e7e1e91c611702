/* One handle of each type, and the same ones dead. */
#include <string.h>

#include "abi/debug.h"
#include "abi/info.h"
#include "modules/gate/gate.h"
#include "sdk/start.h"

enum {
    READ = 1,
    READ_WRITE = 3,
    ENDED = 1,
    CHILD_NS = 2000000000,
    BRIEF_NS = 1000,
    TAG_OF_OTHERS = 4,
    FOREIGN_NS = 10000000,
    FOREIGN_LOOKS = 500
};

struct things things;

/* A thread's whole life; it touches no stack. */
__asm__(".text\n"
        "gate_thread:\n"
        "    movl $4, %eax\n"  // sleep for ever
        "    movq $-1, %rdi\n"
        "    syscall\n"
        "    jmp gate_thread\n");
extern const char gate_thread[] __asm__("gate_thread");
_Static_assert(NOS_SYS_SLEEP == 4, "gate_thread");

static void map_page(void)
{
    void *rw = NULL, *ro = NULL;

    nos_ignore(nos_sys_region_create(1, &things.of[NOS_TYPE_REGION]));
    nos_ignore(nos_sys_region_map(things.of[NOS_TYPE_REGION], READ_WRITE, &rw));
    nos_ignore(nos_sys_region_map(things.of[NOS_TYPE_REGION], READ, &ro));
    things.page = rw;
    things.read_only = ro;
}

static void find_granted(void)
{
    const struct nos_start_handle *ports = nos_find(NOS_CAP_PORTS, NULL);

    things.of[NOS_TYPE_NODE] = nos_find_handle(NOS_CAP_NODE, NULL);
    things.of[NOS_TYPE_POWER] = nos_find_handle(NOS_CAP_POWER, NULL);
    things.of[NOS_TYPE_IRQ] = nos_find_handle(NOS_CAP_IRQ, NULL);
    things.of[NOS_TYPE_DEVICE] = nos_find_handle(NOS_CAP_FRAMEBUFFER, NULL);
    if (ports != NULL) {
        things.of[NOS_TYPE_PORTS] = (nos_handle_t){ ports->handle };
        things.port = ports->a;
    }
}

static nos_status_t open_self(nos_handle_t *out)
{
    const char *name = nos_self()->name;
    size_t len = 0;

    while (len < NOS_NAME_MAX && name[len] != '\0') {
        len++;
    }
    return nos_sys_module_open(things.of[NOS_TYPE_NODE], name, len, out);
}

static nos_handle_t made_notification(void)
{
    nos_handle_t n = { 0 };
    nos_ignore(nos_sys_notify_create(&n));
    return n;
}

nos_handle_t child_start(const char *arg)
{
    nos_handle_t capsule = { 0 }, none = { 0 };

    nos_ignore(nos_sys_capsule_spawn(things.of[NOS_TYPE_MODULE], arg, strlen(arg), none, 0,
                                     (nos_handle_t){ 0 }, &capsule));
    return capsule;
}

uint32_t child_id(nos_handle_t capsule)
{
    struct nos_capsule_info info = { 0 };
    nos_ignore(nos_sys_capsule_info(capsule, &info, sizeof(info)));
    return info.id;
}

uint64_t child_run(const char *arg)
{
    struct nos_capsule_info info = { 0 };
    nos_handle_t ended = made_notification(), capsule;
    uint64_t bits;

    nos_status_t st = nos_sys_capsule_spawn(things.of[NOS_TYPE_MODULE], arg, strlen(arg), ended,
                                            ENDED, (nos_handle_t){ 0 }, &capsule);
    if (st != NOS_OK) {
        nos_ignore(nos_sys_handle_close(ended));
        return UINT64_MAX;
    }
    st = nos_sys_notify_wait(ended, nos_now_ns() + CHILD_NS, &bits);
    nos_ignore(nos_sys_capsule_info(capsule, &info, sizeof(info)));
    nos_ignore(nos_sys_handle_close(capsule));
    nos_ignore(nos_sys_handle_close(ended));
    return st == NOS_OK && info.state == NOS_CAPSULE_EXITED ? info.exit_code : UINT64_MAX;
}

static bool all_foreign(void)
{
    struct nos_handle_info h;
    uint64_t got, index = (uint64_t)things.child << 32;

    while (nos_sys_node_info(things.of[NOS_TYPE_NODE], NOS_TOPIC_HANDLES, index++, &h, sizeof(h),
                             &got) == NOS_OK) {
        if (h.handle >> 16 > TAG_OF_OTHERS) {
            things.foreign[h.type] = h.handle;
        }
    }
    for (uint32_t t = 1; t < NOS_TYPE_COUNT; t++) {
        if (things.of[t].v != 0 && things.foreign[t] == 0) {
            return false;
        }
    }
    return true;
}

/* The child holds the same types under other numbers, when it has come so far. */
static void find_foreign(void)
{
    for (unsigned looks = 0; looks < FOREIGN_LOOKS && !all_foreign(); looks++) {
        nos_ignore(nos_sys_sleep(nos_now_ns() + FOREIGN_NS));
    }
}

nos_handle_t thing_with(uint32_t type, uint32_t rights)
{
    bool debug = type == NOS_TYPE_CAPSULE && (rights & NOS_RIGHT_DEBUG) != 0;
    return debug ? things.debugged : things.of[type];
}

static void make_debugged(void)
{
    enum { MINUTES_NS = 1000 };
    struct nos_debug_thread t = { 0 };

    nos_ignore(nos_sys_debug_open(things.of[NOS_TYPE_NODE], child_id(things.spinner),
                                  MINUTES_NS * 1000000000ull, &things.debugged));
    nos_ignore(nos_sys_debug_thread(things.debugged, 0, &t, sizeof(t)));
    things.ip = t.regs[NOS_REG_rip];
    things.sp = t.regs[NOS_REG_rsp] - sizeof(uint64_t);
}

static void make_dead(void)
{
    for (uint32_t t = 1; t < NOS_TYPE_COUNT; t++) {
        struct nos_handle_info info = { 0 };
        nos_handle_t h = things.of[t];
        if (h.v == 0 || nos_sys_handle_info(h, &info, sizeof(info)) != NOS_OK) {
            continue;
        }
        nos_ignore(nos_sys_handle_dup(h, info.rights, BRIEF_NS, &things.expired[t]));
        nos_ignore(
            nos_sys_cap_derive(h, info.rights | NOS_RIGHT_REVOKE, 0, 0, 0, &things.revoked[t]));
        nos_ignore(nos_sys_cap_revoke(things.revoked[t]));
    }
    nos_ignore(nos_sys_sleep(nos_now_ns() + 2 * BRIEF_NS));
}

void things_make(bool dead)
{
    find_granted();
    map_page();
    nos_ignore(nos_sys_endpoint_create(&things.of[NOS_TYPE_ENDPOINT]));
    things.of[NOS_TYPE_NOTIFICATION] = made_notification();
    things.stale = made_notification();
    nos_ignore(nos_sys_handle_close(things.stale));
    nos_ignore(nos_sys_thread_create((uint64_t)gate_thread, 0, (uint64_t)things.page + PAGE, 0,
                                     &things.of[NOS_TYPE_THREAD]));
    nos_ignore(open_self(&things.of[NOS_TYPE_MODULE]));
    if (!dead) {
        nos_ignore(nos_sys_capsule_open(things.of[NOS_TYPE_NODE], nos_self()->capsule,
                                        &things.of[NOS_TYPE_CAPSULE]));
        return;
    }
    things.of[NOS_TYPE_CAPSULE] = child_start("hold");
    things.child = child_id(things.of[NOS_TYPE_CAPSULE]);
    things.spinner = child_start("spin");
    find_foreign();
    make_debugged();
    make_dead();
}

static bool is_ours(uint32_t h)
{
    for (uint32_t t = 0; t < NOS_TYPE_COUNT; t++) {
        if (h == things.of[t].v || h == things.expired[t].v || h == things.revoked[t].v) {
            return true;
        }
    }
    return h == things.spinner.v || h == things.debugged.v ||
           h == nos_find_handle(NOS_CAP_ENDPOINT, "console").v;
}

static void sweep_handles(void)
{
    struct nos_handle_info h;
    uint64_t got, index = (uint64_t)nos_self()->capsule << 32;

    while (nos_sys_node_info(things.of[NOS_TYPE_NODE], NOS_TOPIC_HANDLES, index, &h, sizeof(h),
                             &got) == NOS_OK) {
        if (is_ours(h.handle) || nos_sys_handle_close((nos_handle_t){ h.handle }) != NOS_OK) {
            index++;
        }
    }
}

void things_sweep(void)
{
    if (things.mapping != 0) {  // NOT_FOUND when the call was region_unmap itself
        nos_ignore(nos_syscall1(NOS_SYS_REGION_UNMAP, things.mapping, NULL));
        things.mapping = 0;
    }
    sweep_handles();
}
