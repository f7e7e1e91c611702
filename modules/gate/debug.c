/* What a debugger must not get: time without end, itself, another's memory, a breakpoint in data,
 * registers that user mode does not have; and what is left of a session when it is over. */
#include "abi/audit.h"
#include "abi/debug.h"
#include "abi/info.h"
#include "modules/gate/gate.h"
#include "sdk/format.h"
#include "sdk/start.h"

#define SECOND 1000000000ull
#define MOMENT 20000000ull /* ns */
#define FLAG_IOPL 0x3000ull
#define FLAG_NT 0x4000ull
#define FLAG_VM 0x20000ull
#define FLAG_IF 0x200ull
#define FLAG_ZERO 0x40ull

static struct nos_debug_thread thread;

static nos_handle_t node(void)
{
    return things.of[NOS_TYPE_NODE];
}

static void opening(void)
{
    uint64_t self = nos_self()->capsule, id = child_id(things.spinner);
    nos_handle_t h;

    expect("debug_open/itself", NOS_INVALID, nos_sys_debug_open(node(), self, SECOND, &h));
    expect("debug_open/no-end", NOS_INVALID, nos_sys_debug_open(node(), things.child, 0, &h));
    expect("debug_open/two-hours", NOS_INVALID,
           nos_sys_debug_open(node(), things.child, 7200 * SECOND, &h));
    expect("debug_open/endless", NOS_INVALID,
           nos_sys_debug_open(node(), things.child, UINT64_MAX, &h));
    expect("debug_open/nobody", NOS_NOT_FOUND, nos_sys_debug_open(node(), 0xffff, SECOND, &h));
    expect("debug_open/above-32-bits", NOS_NOT_FOUND,
           nos_sys_debug_open(node(), 1ull << 32 | things.child, SECOND, &h));
    expect("debug_open/twice", NOS_BUSY, nos_sys_debug_open(node(), id, SECOND, &h));
    expect("debug_open/first", NOS_DENIED, nos_sys_debug_open(node(), 1, SECOND, &h));
}

/* Addresses that are not the child's, or not for this. */
static void memory(void)
{
    static const struct {
        const char *name;
        uint64_t at;
    } bad[] = {
        { "null", 0 },
        { "unmapped", 0x123456789000 },
        { "last-user-page", 0x00007ffffffff000 },
        { "kernel-image", 0xffffffff80000000 },
        { "kernel-direct", 0xffff800000000000 },
        { "non-canonical", 0x0000800000000000 },
        { "wrapping", UINT64_MAX - 3 },
    };
    nos_handle_t h = things.debugged;
    uint8_t *page = things.page;
    char name[64];

    for (unsigned i = 0; i < ARRAY_LEN(bad); i++) {
        nos_format(name, sizeof(name), "debug_read/%s", bad[i].name);
        expect(name, NOS_BAD_ADDRESS, nos_sys_debug_read(h, bad[i].at, page, 8));
        nos_format(name, sizeof(name), "debug_write/%s", bad[i].name);
        expect(name, NOS_BAD_ADDRESS, nos_sys_debug_write(h, bad[i].at, page, 8));
        nos_format(name, sizeof(name), "debug_break/%s", bad[i].name);
        expect(name, NOS_BAD_ADDRESS, nos_sys_debug_break(h, bad[i].at, 1));
    }
    expect("debug_read/ours", NOS_BAD_ADDRESS, nos_sys_debug_read(h, (uint64_t)page, page, 8));
    expect("debug_write/code", NOS_BAD_ADDRESS, nos_sys_debug_write(h, things.ip, page, 1));
    expect("debug_read/nothing", NOS_TOO_BIG, nos_sys_debug_read(h, things.ip, page, 0));
    expect("debug_read/long", NOS_TOO_BIG, nos_sys_debug_read(h, things.ip, page, PAGE + 1));
    expect("debug_read/past-the-end", NOS_BAD_ADDRESS,
           nos_sys_debug_read(h, (things.sp | (PAGE - 1)) - 3, page, 8));
    expect("debug_write/past-the-end", NOS_BAD_ADDRESS,
           nos_sys_debug_write(h, (things.sp | (PAGE - 1)) - 3, page, 8));
    expect("debug_read/endless", NOS_TOO_BIG, nos_sys_debug_read(h, things.ip, page, UINT64_MAX));
    expect("debug_write/long", NOS_TOO_BIG,
           nos_sys_debug_write(h, things.sp, page, NOS_DEBUG_WRITE_MAX + 1));
    expect("debug_write/endless", NOS_TOO_BIG, nos_sys_debug_write(h, things.sp, page, UINT64_MAX));
}

static void breakpoints(void)
{
    nos_handle_t h = things.debugged;
    uint64_t code = things.ip & ~(uint64_t)(PAGE - 1);
    uint8_t before[NOS_DEBUG_BREAKS], during[NOS_DEBUG_BREAKS];
    nos_status_t all = nos_sys_debug_read(h, code, before, sizeof(before));

    expect("debug_break/in-data", NOS_BAD_ADDRESS, nos_sys_debug_break(h, things.sp, 1));
    expect("debug_break/two", NOS_INVALID, nos_sys_debug_break(h, code, 2));
    expect("debug_break/none-there", NOS_NOT_FOUND, nos_sys_debug_break(h, code, 0));
    for (unsigned i = 0; all == NOS_OK && i < NOS_DEBUG_BREAKS; i++) {
        all = nos_sys_debug_break(h, code + i, 1);
    }
    expect("debug_break/as-many", NOS_OK, all);
    expect("debug_break/again", NOS_OK, nos_sys_debug_break(h, code, 1));
    expect("debug_break/one-more", NOS_QUOTA, nos_sys_debug_break(h, code + NOS_DEBUG_BREAKS, 1));
    all = nos_sys_debug_read(h, code, during, sizeof(during));
    for (unsigned i = 0; i < NOS_DEBUG_BREAKS; i++) {
        all = before[i] != during[i] ? NOS_BAD_STATE : all;
        nos_ignore(nos_sys_debug_break(h, code + i, 0));
    }
    expect("debug_read/under-breakpoints", NOS_OK, all);
}

static nos_status_t set(unsigned reg, uint64_t value)
{
    struct nos_debug_thread t = thread;
    t.regs[reg] = value;
    return nos_sys_debug_set(things.debugged, t.id, t.regs, sizeof(t.regs));
}

static void registers(void)
{
    nos_handle_t h = things.debugged;
    uint64_t flags = thread.regs[NOS_REG_rflags];

    expect("debug_set/iopl", NOS_INVALID, set(NOS_REG_rflags, flags | FLAG_IOPL));
    expect("debug_set/nested", NOS_INVALID, set(NOS_REG_rflags, flags | FLAG_NT));
    expect("debug_set/virtual-8086", NOS_INVALID, set(NOS_REG_rflags, flags | FLAG_VM));
    expect("debug_set/interrupts-off", NOS_INVALID, set(NOS_REG_rflags, flags & ~FLAG_IF));
    expect("debug_set/high-flag", NOS_INVALID, set(NOS_REG_rflags, flags | 1ull << 63));
    expect("debug_set/ip-kernel", NOS_INVALID, set(NOS_REG_rip, 0xffffffff80000000));
    expect("debug_set/ip-non-canonical", NOS_INVALID, set(NOS_REG_rip, 0x0000800000000000));
    expect("debug_set/ip-last-page", NOS_INVALID, set(NOS_REG_rip, 0x00007ffffffff000));
    expect("debug_set/zero-flag", NOS_OK, set(NOS_REG_rflags, flags ^ FLAG_ZERO));
    expect("debug_set/as-it-was", NOS_OK, set(NOS_REG_rflags, flags));
    expect("debug_set/short", NOS_TOO_BIG, nos_sys_debug_set(h, thread.id, things.page, 8));
    expect("debug_set/no-thread", NOS_NOT_FOUND,
           nos_sys_debug_set(h, thread.id + 1, thread.regs, sizeof(thread.regs)));
    expect("debug_set/id-below", NOS_NOT_FOUND,
           nos_sys_debug_set(h, thread.id - 1ull, thread.regs, sizeof(thread.regs)));
    expect("debug_run/id-below", NOS_NOT_FOUND,
           nos_sys_debug_run(h, thread.id - 1ull, NOS_DEBUG_STOP));
    expect("debug_run/how", NOS_INVALID, nos_sys_debug_run(h, 0, NOS_DEBUG_PASS + 1));
    expect("debug_run/no-thread", NOS_NOT_FOUND, nos_sys_debug_run(h, UINT64_MAX, NOS_DEBUG_GO));
    expect("debug_thread/short", NOS_TOO_BIG, nos_sys_debug_thread(h, 0, things.page, 8));
    expect("debug_thread/past-the-last", NOS_NOT_FOUND,
           nos_sys_debug_thread(h, thread.id + 1ull, &thread, sizeof(thread)));
}

/* One that waits is held too, but its registers are its message. */
static void waiting(void)
{
    struct nos_debug_thread t = { 0 };
    nos_handle_t h = { 0 };

    expect("debug_open/sleeper", NOS_OK, nos_sys_debug_open(node(), things.child, SECOND, &h));
    expect("debug_thread/sleeper", NOS_OK, nos_sys_debug_thread(h, 0, &t, sizeof(t)));
    expect("debug_set/sleeper", NOS_BAD_STATE, nos_sys_debug_set(h, t.id, t.regs, sizeof(t.regs)));
    expect("debug_run/step-of-sleeper", NOS_OK, nos_sys_debug_run(h, t.id, NOS_DEBUG_STEP));
    expect("handle_close/sleeper", NOS_OK, nos_sys_handle_close(h));
}

static uint64_t ran_ns(void)
{
    struct nos_capsule_info info = { 0 };
    nos_ignore(nos_sys_capsule_info(things.spinner, &info, sizeof(info)));
    return info.cpu_ns;
}

static bool runs(void)
{
    uint64_t before = ran_ns();
    nos_ignore(nos_sys_sleep(nos_now_ns() + MOMENT));
    return ran_ns() != before;
}

/* A session that is over: by its time, by its handle, by the end of who was debugged. */
static void over(void)
{
    uint64_t id = child_id(things.spinner);
    uint8_t byte = 0;
    nos_handle_t h = things.debugged;

    expect("debug_run/held", NOS_OK, runs() ? NOS_BAD_STATE : NOS_OK);
    expect("handle_close/debugged", NOS_OK, nos_sys_handle_close(h));
    expect("handle_close/runs-again", NOS_OK, runs() ? NOS_OK : NOS_BAD_STATE);
    nos_status_t opened = nos_sys_debug_open(node(), id, MOMENT, &h);
    nos_status_t set_there = nos_sys_debug_break(h, things.ip, 1);
    expect("debug_open/brief", NOS_OK, opened);
    expect("debug_break/brief", NOS_OK, set_there);
    nos_ignore(nos_sys_sleep(nos_now_ns() + 5 * MOMENT));
    expect("debug_read/too-late", NOS_EXPIRED, nos_sys_debug_read(h, things.ip, &byte, 1));
    expect("debug_run/too-late", NOS_EXPIRED, nos_sys_debug_run(h, 0, NOS_DEBUG_STOP));
    expect("debug_open/late-runs-again", NOS_OK, runs() ? NOS_OK : NOS_BAD_STATE);
    expect("debug_open/late-handle", NOS_BUSY, nos_sys_debug_open(node(), id, SECOND, &h));
    expect("handle_close/late", NOS_OK, nos_sys_handle_close(h));
    expect("debug_open/last", NOS_OK, nos_sys_debug_open(node(), id, SECOND, &h));
    (void)runs();  // on another processor it goes on until that has heard of it
    expect("debug_open/stops-it", NOS_OK, runs() ? NOS_BAD_STATE : NOS_OK);
    expect("capsule_kill/watchdog-of-debugged", NOS_BUSY,
           nos_sys_capsule_kill(things.spinner, NOS_KILL_WATCHDOG));
    expect("capsule_kill/why", NOS_INVALID, nos_sys_capsule_kill(things.spinner, NOS_KILL_COUNT));
    expect("capsule_kill/debugged", NOS_OK, nos_sys_capsule_kill(things.spinner, NOS_KILL_ASKED));
    expect("debug_read/ended", NOS_BAD_STATE, nos_sys_debug_read(h, things.ip, &byte, 1));
    expect("debug_break/ended", NOS_BAD_STATE, nos_sys_debug_break(h, things.ip, 1));
    expect("debug_run/ended", NOS_BAD_STATE, nos_sys_debug_run(h, 0, NOS_DEBUG_GO));
    expect("debug_thread/ended", NOS_BAD_STATE,
           nos_sys_debug_thread(h, 0, &thread, sizeof(thread)));
    expect("debug_set/ended", NOS_BAD_STATE,
           nos_sys_debug_set(h, thread.id, thread.regs, sizeof(thread.regs)));
    nos_ignore(nos_sys_handle_close(h));
    expect("debug_open/ended", NOS_BAD_STATE, nos_sys_debug_open(node(), id, SECOND, &h));
}

/* What a supervisor puts on record: no decision that there is none of, no number that does not fit.
 */
static void decisions(void)
{
    uint64_t self = nos_self()->capsule, above = 1ull << 32;

    expect("audit_decision/none", NOS_INVALID, nos_sys_audit_decision(node(), 0, self, 0));
    expect("audit_decision/one-more", NOS_INVALID,
           nos_sys_audit_decision(node(), NOS_DECISION_COUNT, self, 0));
    expect("audit_decision/id", NOS_INVALID,
           nos_sys_audit_decision(node(), NOS_DECISION_RESTARTED, above | self, 0));
    expect("audit_decision/detail", NOS_INVALID,
           nos_sys_audit_decision(node(), NOS_DECISION_RESTARTED, self, above));
}

void attack_debug(void)
{
    nos_ignore(nos_sys_debug_thread(things.debugged, 0, &thread, sizeof(thread)));
    opening();
    memory();
    breakpoints();
    registers();
    waiting();
    over();
    decisions();
    things_sweep();
}
