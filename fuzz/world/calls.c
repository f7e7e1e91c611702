/* System calls: where sdk/syscalls.h would have the instruction. */
#include "fuzz/world/world_impl.h"

#include "abi/info.h"
#include "fuzz/fuzz.h"
#include "fuzz/world/syscall.h"
#include "sdk/syscalls.h"

enum { BURST = 14, LSR = 5, IIR = 2, SCRATCH = 7, LSR_DATA = 0x01, LSR_EMPTY = 0x20 };

static nos_status_t give_handle(uint32_t type, uint32_t pages, uint64_t *value)
{
    nos_status_t st = world_verdict();
    if (st == NOS_OK) {
        *value = world_give(type, pages);
    }
    return st;
}

static nos_status_t copy_handle(uint64_t h, bool derived, uint64_t *value)
{
    const struct thing *t = world_find(h);

    if (t == NULL) {
        return NOS_BAD_HANDLE;
    }
    nos_status_t st = give_handle(t->type, t->pages, value);
    if (st == NOS_OK) {
        world.thing[*value].cell = derived ? world_cell(t->cell) : t->cell;
    }
    return st;
}

/* The region is given away, but when there is no memory. */
static nos_status_t load_module(uint64_t region, uint64_t *value)
{
    const struct thing *t = world_find(region);

    if (t == NULL || t->type != NOS_TYPE_REGION) {
        return t == NULL ? NOS_BAD_HANDLE : NOS_WRONG_TYPE;
    }
    PROMISE(world_memory(region).len == 0);  // mapped by nobody
    nos_status_t st = give_handle(NOS_TYPE_MODULE, 0, value);
    if (st != NOS_NO_MEMORY) {
        (void)!world_close(region);
    }
    return st;
}

static nos_status_t describe(uint64_t h, void *buf, size_t len)
{
    const struct thing *t = world_find(h);
    struct nos_handle_info info;

    PROMISE(len == sizeof info);
    if (t == NULL) {
        return NOS_BAD_HANDLE;
    }
    world_fill(&info, sizeof info);
    info.type = t->type;
    info.a = t->type == NOS_TYPE_REGION ? t->pages : info.a;
    memcpy(buf, &info, sizeof info);
    return NOS_OK;
}

static nos_status_t line_in(uint64_t port, uint64_t *value)
{
    span_t one;

    switch (port % 8) {
    case LSR:
        *value = LSR_EMPTY | (world.line.len > 0 ? LSR_DATA : 0);
        break;
    case IIR:
        *value = world.line.len >= BURST ? 4 : 1;
        break;
    case SCRATCH:
        *value = world.scratch;
        break;
    default:
        *value = span_take(&world.line, 1, &one) ? one.data[0] : 0;
    }
    return NOS_OK;
}

static nos_status_t line_out(uint64_t port, uint64_t value)
{
    if (port % 8 == 0 && world_sent != NULL) {
        world_sent((uint8_t)value);
    }
    world.scratch = port % 8 == SCRATCH ? (uint8_t)value : world.scratch;
    return NOS_OK;
}

static nos_status_t record(uint64_t buf, uint64_t len, uint64_t *value)
{
    nos_status_t st = world_verdict();
    if (st == NOS_OK) {
        world_fill((void *)buf, len);
        *value = len;
    }
    return st;
}

/* A thread that waits a second time has done what it was woken for. */
static nos_status_t wait_note(uint64_t *value)
{
    if (world.waited != 0 && world.waited++ > 1) {
        longjmp(world.back, 1);
    }
    nos_status_t st = world_verdict();
    if (st == NOS_OK) {
        world_meddle();
        *value = world_word();
    }
    return st;
}

nos_status_t world_syscall(uint64_t nr, const uint64_t a[6], uint64_t *value)
{
    nos_status_t told = NOS_OK;

    if (world_kernel != NULL && world_kernel(nr, a, value, &told)) {
        return told;
    }
    switch (nr) {
    case NOS_SYS_EXIT:
    case NOS_SYS_THREAD_EXIT:
        longjmp(world.out, 1);
    case NOS_SYS_HANDLE_CLOSE:
        PROMISE(world_numbers_lie || world_find(a[0]) != NULL);  // refused calls are audited
        return world_close(a[0]);
    case NOS_SYS_HANDLE_INFO:
        return describe(a[0], (void *)a[1], a[2]);
    case NOS_SYS_HANDLE_DUP:
    case NOS_SYS_CAP_DERIVE:
        return copy_handle(a[0], nr == NOS_SYS_CAP_DERIVE, value);
    case NOS_SYS_CAP_REVOKE:
        return world_revoke(a[0]);
    case NOS_SYS_REGION_CREATE:
        return a[0] == 0 || a[0] > PAGES_MAX ? NOS_QUOTA
                                             : give_handle(NOS_TYPE_REGION, (uint32_t)a[0], value);
    case NOS_SYS_REGION_MAP:
        return world_map(a[0], value);
    case NOS_SYS_REGION_UNMAP:
        return world_unmap(a[0]);
    case NOS_SYS_ENDPOINT_CREATE:
        return give_handle(NOS_TYPE_ENDPOINT, 0, value);
    case NOS_SYS_NOTIFY_CREATE:
        return give_handle(NOS_TYPE_NOTIFICATION, 0, value);
    case NOS_SYS_THREAD_CREATE:
        return give_handle(NOS_TYPE_THREAD, 0, value);
    case NOS_SYS_MODULE_OPEN:
        return give_handle(NOS_TYPE_MODULE, 0, value);
    case NOS_SYS_CAPSULE_SPAWN:
    case NOS_SYS_CAPSULE_OPEN:
    case NOS_SYS_DEBUG_OPEN:
        return give_handle(NOS_TYPE_CAPSULE, 0, value);
    case NOS_SYS_CAPSULE_CONTROL:
        return give_handle(NOS_TYPE_ENDPOINT, 0, value);
    case NOS_SYS_MODULE_LOAD:
        return load_module(a[1], value);
    case NOS_SYS_NODE_INFO:
        return record(a[3], a[4], value);
    case NOS_SYS_SELF_INFO:
        return record(a[0], a[1], value);
    case NOS_SYS_CAPSULE_INFO:
        return record(a[1], a[2], value);
    case NOS_SYS_DEBUG_THREAD:
    case NOS_SYS_DEBUG_READ:
        return record(a[2], a[3], value);
    case NOS_SYS_TOKEN_EXPORT:
        return record(a[3], a[4], value);
    case NOS_SYS_RANDOM:
        memset((void *)a[0], 0x5a, a[1]);
        return NOS_OK;
    case NOS_SYS_LOG_WRITE:
        (void)!span_is_zero(span_of((const void *)a[0], a[1]));  // all of it is there
        return NOS_OK;
    case NOS_SYS_PORT_IN:
        return line_in(a[1], value);
    case NOS_SYS_PORT_OUT:
        return line_out(a[1], a[3]);
    case NOS_SYS_NOTIFY_WAIT:
        return wait_note(value);
    default:
        return world_verdict();
    }
}
