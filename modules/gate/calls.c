/* For each call, arguments with which nothing stands in its way. What a call uses up or changes is
 * made for it. */
#include <string.h>

#include "abi/debug.h"
#include "abi/audit.h"
#include "abi/info.h"
#include "abi/token.h"
#include "modules/gate/gate.h"
#include "sdk/ipc.h"
#include "sdk/start.h"

enum { BRIEFLY = 1000000000 /* ns */ };
enum { READ = 1, WIDTH = 1, TEXT = 8, RANDOM = 32, NOTHING = 9, PAST = 2, DEPTH = 0 };
enum { TOKEN_BYTES = sizeof(struct nos_token_block) };
#define AT_FREE 0x10000000ull /* page-aligned, where a child has nothing */

/* Ends at once, in a thread of its own. */
__asm__(".text\n"
        "gate_ending:\n"
        "    movl $6, %eax\n"
        "    syscall\n"
        "    ud2\n");
extern const char gate_ending[] __asm__("gate_ending");
_Static_assert(NOS_SYS_THREAD_EXIT == 6, "gate_ending");

uint32_t type_in(uint32_t mask)
{
    for (uint32_t t = 1; t < NOS_TYPE_COUNT; t++) {
        if ((mask >> t & 1) != 0 && things.of[t].v != 0) {
            return t;
        }
    }
    return NOS_TYPE_NONE;
}

static uint64_t fresh_region(void)
{
    nos_handle_t h = { 0 };
    nos_ignore(nos_sys_region_create(1, &h));
    return h.v;
}

static uint64_t fresh_endpoint(void)
{
    nos_handle_t h = { 0 };
    nos_ignore(nos_sys_endpoint_create(&h));
    return h.v;
}

static uint64_t fresh_notification(void)
{
    nos_handle_t h = { 0 };
    nos_ignore(nos_sys_notify_create(&h));
    return h.v;
}

static uint64_t fresh_mapping(void)
{
    void *at = NULL;
    nos_ignore(nos_sys_region_map(things.of[NOS_TYPE_REGION], READ, &at));
    things.mapping = (uint64_t)at;
    return things.mapping;
}

static uint64_t derived(uint32_t type)
{
    struct nos_handle_info info = { 0 };
    nos_handle_t h = { 0 };

    nos_ignore(nos_sys_handle_info(things.of[type], &info, sizeof(info)));
    nos_ignore(
        nos_sys_cap_derive(things.of[type], info.rights | NOS_RIGHT_REVOKE, 0, 0, DEPTH, &h));
    return h.v;
}

static uint64_t token_request(void)
{
    struct nos_token_request req = { .rights = NOS_RIGHT_INSPECT, .classes = NOS_CLASS_COREEXEC };
    memcpy(things.page, &req, sizeof(req));
    return (uint64_t)things.page;
}

/* Handles and buffers, as the table says; numbers 0. */
static void fill(const struct row *r, uint32_t type, uint64_t a[ARGS])
{
    memset(a, 0, ARGS * sizeof(uint64_t));
    for (unsigned i = 0; i < n_args; i++) {
        const struct arg *x = &args[i];
        if (x->nr == r->nr && x->kind == ARG_HANDLE && x->types != 0) {
            uint32_t t = x->index == 0 ? type : type_in(x->types);
            a[x->index] = thing_with(t, x->rights).v;
        } else if (x->nr == r->nr && (x->kind == ARG_IN || x->kind == ARG_OUT)) {
            a[x->index] = (uint64_t)things.page;
        }
    }
}

static void fill_objects(const struct row *r, uint32_t type, uint64_t a[ARGS])
{
    switch (r->nr) {
    case NOS_SYS_HANDLE_CLOSE:
        a[0] = fresh_notification();
        break;
    case NOS_SYS_NOTIFY_BIND:
        a[0] = fresh_notification();
        a[1] = fresh_endpoint();
        break;
    case NOS_SYS_CAP_REVOKE:
        a[0] = derived(type);
        break;
    case NOS_SYS_REGION_UNMAP:
        a[0] = fresh_mapping();
        break;
    case NOS_SYS_MODULE_LOAD:
        a[1] = fresh_region();
        a[2] = PAGE;
        break;
    case NOS_SYS_CAPSULE_KILL:
        a[0] = child_start("end").v;
        break;
    case NOS_SYS_TOKEN_ISSUE:
        a[0] = things.of[NOS_TYPE_NOTIFICATION].v;  // may be transferred
        a[1] = token_request();
        a[2] = sizeof(struct nos_token_request);
        a[3] = (uint64_t)things.page;
        a[4] = TOKEN_BYTES;
        break;
    case NOS_SYS_THREAD_CREATE:
        a[0] = (uint64_t)gate_ending;
        a[2] = (uint64_t)things.page + PAGE;
        break;
    default:
        break;
    }
}

static void fill_numbers(const struct row *r, uint64_t a[ARGS])
{
    switch (r->nr) {
    case NOS_SYS_SLEEP:
        a[0] = PAST;
        break;
    case NOS_SYS_SELF_INFO:
        a[1] = sizeof(struct nos_capsule_info);
        break;
    case NOS_SYS_HANDLE_INFO:
        a[2] = sizeof(struct nos_handle_info);
        break;
    case NOS_SYS_CAPSULE_INFO:
        a[2] = sizeof(struct nos_capsule_info);
        break;
    case NOS_SYS_LOG_WRITE:
        a[1] = TEXT;
        break;
    case NOS_SYS_RANDOM:
        a[1] = RANDOM;
        break;
    case NOS_SYS_REGION_CREATE:
    case NOS_SYS_REGION_MAP:
    case NOS_SYS_NOTIFY_SIGNAL:
    case NOS_SYS_NOTIFY_WAIT:  // a deadline of 1 does not wait
        a[r->nr == NOS_SYS_REGION_CREATE ? 0 : 1] = 1;
        break;
    case NOS_SYS_PORT_IN:
    case NOS_SYS_PORT_OUT:
        a[1] = things.port;
        a[2] = WIDTH;
        break;
    case NOS_SYS_IRQ_BIND:
        a[2] = 1;
        break;
    case NOS_SYS_POWER:
        a[1] = NOTHING;
        break;
    case NOS_SYS_MODULE_OPEN:
        memcpy(things.page, nos_self()->name, NOS_NAME_MAX);
        a[2] = NOS_NAME_MAX;
        break;
    case NOS_SYS_CAPSULE_SPAWN:
        memcpy(things.page, "end", 3);
        a[2] = 3;
        a[4] = 1;
        break;
    case NOS_SYS_CAPSULE_OPEN:
        a[1] = nos_self()->capsule;
        break;
    case NOS_SYS_AUDIT_DECISION:
        a[1] = NOS_DECISION_RESTARTED;
        a[2] = nos_self()->capsule;
        break;
    case NOS_SYS_NODE_INFO:
        a[1] = NOS_TOPIC_ABOUT;
        a[4] = sizeof(struct nos_about);
        break;
    case NOS_SYS_TOKEN_EXPORT:
        a[1] = nos_self()->capsule;
        a[2] = things.of[NOS_TYPE_NODE].v;
        a[4] = TOKEN_BYTES;
        break;
    case NOS_SYS_TOKEN_IMPORT:
        a[1] = TOKEN_BYTES;
        break;
    case NOS_SYS_FILTER_NARROW:
        a[0] = a[1] = UINT64_MAX;
        break;
    case NOS_SYS_THREAD_SET:
        a[2] = UINT64_MAX;
        break;
    case NOS_SYS_REGION_MAP_INTO:
        a[2] = AT_FREE;
        a[3] = READ;
        break;
    case NOS_SYS_DEBUG_OPEN:
        a[1] = things.child;
        a[2] = BRIEFLY;
        break;
    case NOS_SYS_DEBUG_THREAD:
        a[3] = sizeof(struct nos_debug_thread);
        break;
    case NOS_SYS_DEBUG_SET:
        a[3] = NOS_REG_COUNT * sizeof(uint64_t);
        break;
    case NOS_SYS_DEBUG_READ:
        a[1] = things.ip;
        a[3] = TEXT;
        break;
    case NOS_SYS_DEBUG_WRITE:
        a[1] = things.sp;
        a[3] = TEXT;
        break;
    case NOS_SYS_DEBUG_BREAK:
        a[1] = things.ip;
        break;
    default:
        break;
    }
}

void call_prepare(const struct row *r, uint32_t type, uint64_t a[ARGS])
{
    fill(r, type, a);
    fill_objects(r, type, a);
    fill_numbers(r, a);
}

static nos_status_t exits(const struct row *r)
{
    enum { EXIT_CODE = 42 };
    if (r->nr == NOS_SYS_EXIT) {
        return child_run("exit") == EXIT_CODE ? NOS_OK : NOS_BAD_STATE;
    }
    struct nos_capsule_info before = { 0 }, after = { 0 };
    nos_handle_t t;
    nos_ignore(nos_sys_self_info(&before, sizeof(before)));
    nos_status_t st =
        nos_sys_thread_create((uint64_t)gate_ending, 0, (uint64_t)things.page + PAGE, 0, &t);
    nos_ignore(nos_sys_sleep(nos_now_ns() + 20000000));
    nos_ignore(nos_sys_self_info(&after, sizeof(after)));
    return st == NOS_OK && before.threads != after.threads ? NOS_BAD_STATE : st;
}

nos_status_t call_make(const struct row *r, const uint64_t a[ARGS])
{
    if (r->nr == NOS_SYS_EXIT || r->nr == NOS_SYS_THREAD_EXIT) {
        return exits(r);
    }
    if (r->kind == 'G') {
        uint64_t value = 0;
        nos_status_t st = nos_syscall6(r->nr, a[0], a[1], a[2], a[3], a[4], a[5], &value);
        things.mapping = r->nr == NOS_SYS_REGION_MAP && st == NOS_OK ? value : things.mapping;
        return st;
    }
    struct nos_ipc_regs m = { .rax = r->nr, .rdi = a[0], .rbx = NOS_DEADLINE_POLL };
    nos_ipc_raw(&m);
    return (nos_status_t)(int32_t)(uint32_t)m.rax;
}
