/* System calls as C functions: nos_sys_NAME. `*out` is written on success only.
 * The message calls (kind M) are in sdk/ipc.h.
 * Made from abi/syscalls.tbl by tools/gen-syscalls: change the table, not this file. */
#pragma once
/* clang-format off */

#include <stddef.h>
#include <stdint.h>

#include "abi/status.h"
#include "abi/syscall_nr.h"
#include "lib/compiler.h"

typedef struct {  // a capsule-local number, as the kernel gave it; 0 names nothing
    uint32_t v;
} nos_handle_t;

/** For a status that changes nothing for the caller; a comment beside it says why. */
static inline void nos_ignore(nos_status_t st)
{
    (void)st;
}

/* nos_syscallN: any number, N arguments as they are; `value` may be NULL. The typed stubs below
 * stand on them, and so do tests that mean to pass nonsense. */
static inline nos_status_t nos_syscall0(uint64_t nr, uint64_t *value)
{
    register uint64_t rax __asm__("rax") = nr;
    register uint64_t rdx __asm__("rdx") = 0;
    __asm__ volatile("syscall"
                     : "+r"(rax), "+r"(rdx)
                     :
                     : "rcx", "r11", "memory");
    if (value != NULL) {
        *value = rdx;
    }
    return (nos_status_t)(int32_t)(uint32_t)rax;
}

static inline nos_status_t nos_syscall1(uint64_t nr, uint64_t a, uint64_t *value)
{
    register uint64_t rax __asm__("rax") = nr;
    register uint64_t rdx __asm__("rdx") = 0;
    register uint64_t rdi __asm__("rdi") = a;
    __asm__ volatile("syscall"
                     : "+r"(rax), "+r"(rdx)
                     : "r"(rdi)
                     : "rcx", "r11", "memory");
    if (value != NULL) {
        *value = rdx;
    }
    return (nos_status_t)(int32_t)(uint32_t)rax;
}

static inline nos_status_t nos_syscall2(uint64_t nr, uint64_t a, uint64_t b, uint64_t *value)
{
    register uint64_t rax __asm__("rax") = nr;
    register uint64_t rdx __asm__("rdx") = 0;
    register uint64_t rdi __asm__("rdi") = a;
    register uint64_t rsi __asm__("rsi") = b;
    __asm__ volatile("syscall"
                     : "+r"(rax), "+r"(rdx)
                     : "r"(rdi), "r"(rsi)
                     : "rcx", "r11", "memory");
    if (value != NULL) {
        *value = rdx;
    }
    return (nos_status_t)(int32_t)(uint32_t)rax;
}

static inline nos_status_t nos_syscall3(uint64_t nr, uint64_t a, uint64_t b, uint64_t c,
                                        uint64_t *value)
{
    register uint64_t rax __asm__("rax") = nr;
    register uint64_t rdx __asm__("rdx") = c;
    register uint64_t rdi __asm__("rdi") = a;
    register uint64_t rsi __asm__("rsi") = b;
    __asm__ volatile("syscall"
                     : "+r"(rax), "+r"(rdx)
                     : "r"(rdi), "r"(rsi)
                     : "rcx", "r11", "memory");
    if (value != NULL) {
        *value = rdx;
    }
    return (nos_status_t)(int32_t)(uint32_t)rax;
}

static inline nos_status_t nos_syscall4(uint64_t nr, uint64_t a, uint64_t b, uint64_t c, uint64_t d,
                                        uint64_t *value)
{
    register uint64_t rax __asm__("rax") = nr;
    register uint64_t rdx __asm__("rdx") = c;
    register uint64_t rdi __asm__("rdi") = a;
    register uint64_t rsi __asm__("rsi") = b;
    register uint64_t r10 __asm__("r10") = d;
    __asm__ volatile("syscall"
                     : "+r"(rax), "+r"(rdx)
                     : "r"(rdi), "r"(rsi), "r"(r10)
                     : "rcx", "r11", "memory");
    if (value != NULL) {
        *value = rdx;
    }
    return (nos_status_t)(int32_t)(uint32_t)rax;
}

static inline nos_status_t nos_syscall5(uint64_t nr, uint64_t a, uint64_t b, uint64_t c, uint64_t d,
                                        uint64_t e, uint64_t *value)
{
    register uint64_t rax __asm__("rax") = nr;
    register uint64_t rdx __asm__("rdx") = c;
    register uint64_t rdi __asm__("rdi") = a;
    register uint64_t rsi __asm__("rsi") = b;
    register uint64_t r10 __asm__("r10") = d;
    register uint64_t r8 __asm__("r8") = e;
    __asm__ volatile("syscall"
                     : "+r"(rax), "+r"(rdx)
                     : "r"(rdi), "r"(rsi), "r"(r10), "r"(r8)
                     : "rcx", "r11", "memory");
    if (value != NULL) {
        *value = rdx;
    }
    return (nos_status_t)(int32_t)(uint32_t)rax;
}

static inline nos_status_t nos_syscall6(uint64_t nr, uint64_t a, uint64_t b, uint64_t c, uint64_t d,
                                        uint64_t e, uint64_t f, uint64_t *value)
{
    register uint64_t rax __asm__("rax") = nr;
    register uint64_t rdx __asm__("rdx") = c;
    register uint64_t rdi __asm__("rdi") = a;
    register uint64_t rsi __asm__("rsi") = b;
    register uint64_t r10 __asm__("r10") = d;
    register uint64_t r8 __asm__("r8") = e;
    register uint64_t r9 __asm__("r9") = f;
    __asm__ volatile("syscall"
                     : "+r"(rax), "+r"(rdx)
                     : "r"(rdi), "r"(rsi), "r"(r10), "r"(r8), "r"(r9)
                     : "rcx", "r11", "memory");
    if (value != NULL) {
        *value = rdx;
    }
    return (nos_status_t)(int32_t)(uint32_t)rax;
}

/** Does nothing: the price of a system call. */
static inline nos_status_t nos_sys_null(void)
{
    return nos_syscall0(NOS_SYS_NULL, NULL);
}

/** End this capsule, all threads; never returns. */
static inline nos_status_t nos_sys_exit(uint64_t code)
{
    return nos_syscall1(NOS_SYS_EXIT, code, NULL);
}

/** Let another ready thread of this priority run. */
static inline nos_status_t nos_sys_yield(void)
{
    return nos_syscall0(NOS_SYS_YIELD, NULL);
}

/** Nanoseconds since boot. */
MUST_CHECK static inline nos_status_t nos_sys_clock(uint64_t *out)
{
    uint64_t value;
    nos_status_t st = nos_syscall0(NOS_SYS_CLOCK, &value);
    if (st == NOS_OK) {
        *out = value;
    }
    return st;
}

/** Wait until that time since boot. */
MUST_CHECK static inline nos_status_t nos_sys_sleep(uint64_t until_ns)
{
    return nos_syscall1(NOS_SYS_SLEEP, until_ns, NULL);
}

/** Start a thread of this capsule. */
MUST_CHECK static inline nos_status_t nos_sys_thread_create(uint64_t entry, uint64_t arg,
                                                            uint64_t stack_top, uint64_t priority,
                                                            nos_handle_t *out)
{
    uint64_t value;
    nos_status_t st = nos_syscall4(NOS_SYS_THREAD_CREATE, entry, arg, stack_top, priority, &value);
    if (st == NOS_OK) {
        *out = (nos_handle_t){ (uint32_t)value };
    }
    return st;
}

/** End this thread; the last one ends the capsule with code 0. */
static inline nos_status_t nos_sys_thread_exit(void)
{
    return nos_syscall0(NOS_SYS_THREAD_EXIT, NULL);
}

/** Struct nos_capsule_info of the caller. */
MUST_CHECK static inline nos_status_t nos_sys_self_info(void *buf, uint64_t len)
{
    return nos_syscall2(NOS_SYS_SELF_INFO, (uint64_t)buf, len, NULL);
}

/** Give a handle back, also one past its deadline. */
MUST_CHECK static inline nos_status_t nos_sys_handle_close(nos_handle_t h)
{
    return nos_syscall1(NOS_SYS_HANDLE_CLOSE, h.v, NULL);
}

/** A second handle with fewer rights and no later deadline. */
MUST_CHECK static inline nos_status_t nos_sys_handle_dup(nos_handle_t h, uint64_t rights,
                                                         uint64_t ttl_ns, nos_handle_t *out)
{
    uint64_t value;
    nos_status_t st = nos_syscall3(NOS_SYS_HANDLE_DUP, h.v, rights, ttl_ns, &value);
    if (st == NOS_OK) {
        *out = (nos_handle_t){ (uint32_t)value };
    }
    return st;
}

/** Struct nos_handle_info. */
MUST_CHECK static inline nos_status_t nos_sys_handle_info(nos_handle_t h, void *buf, uint64_t len)
{
    return nos_syscall3(NOS_SYS_HANDLE_INFO, h.v, (uint64_t)buf, len, NULL);
}

/** One line into the kernel log, marked with the capsule's name; needs the `log` grant. */
MUST_CHECK static inline nos_status_t nos_sys_log_write(const void *text, uint64_t len)
{
    return nos_syscall2(NOS_SYS_LOG_WRITE, (uint64_t)text, len, NULL);
}

/** Up to 256 bytes from the vault. */
MUST_CHECK static inline nos_status_t nos_sys_random(void *buf, uint64_t len)
{
    return nos_syscall2(NOS_SYS_RANDOM, (uint64_t)buf, len, NULL);
}

/** Zeroed memory. */
MUST_CHECK static inline nos_status_t nos_sys_region_create(uint64_t pages, nos_handle_t *out)
{
    uint64_t value;
    nos_status_t st = nos_syscall1(NOS_SYS_REGION_CREATE, pages, &value);
    if (st == NOS_OK) {
        *out = (nos_handle_t){ (uint32_t)value };
    }
    return st;
}

/** Map all of it at a random place; prot 1 = read, 3 = read and write. */
MUST_CHECK static inline nos_status_t nos_sys_region_map(nos_handle_t region, uint64_t prot,
                                                         void **out)
{
    uint64_t value;
    nos_status_t st = nos_syscall2(NOS_SYS_REGION_MAP, region.v, prot, &value);
    if (st == NOS_OK) {
        *out = (void *)value;
    }
    return st;
}

/** Undo a region_map, named by the address it gave. */
MUST_CHECK static inline nos_status_t nos_sys_region_unmap(void *addr)
{
    return nos_syscall1(NOS_SYS_REGION_UNMAP, (uint64_t)addr, NULL);
}

/** A private endpoint. */
MUST_CHECK static inline nos_status_t nos_sys_endpoint_create(nos_handle_t *out)
{
    uint64_t value;
    nos_status_t st = nos_syscall0(NOS_SYS_ENDPOINT_CREATE, &value);
    if (st == NOS_OK) {
        *out = (nos_handle_t){ (uint32_t)value };
    }
    return st;
}

/** A notification word, all bits clear. */
MUST_CHECK static inline nos_status_t nos_sys_notify_create(nos_handle_t *out)
{
    uint64_t value;
    nos_status_t st = nos_syscall0(NOS_SYS_NOTIFY_CREATE, &value);
    if (st == NOS_OK) {
        *out = (nos_handle_t){ (uint32_t)value };
    }
    return st;
}

/** Or bits into the word, wake a waiter. */
MUST_CHECK static inline nos_status_t nos_sys_notify_signal(nos_handle_t n, uint64_t bits)
{
    return nos_syscall2(NOS_SYS_NOTIFY_SIGNAL, n.v, bits, NULL);
}

/** Take and clear the word; waits while it is 0. */
MUST_CHECK static inline nos_status_t nos_sys_notify_wait(nos_handle_t n, uint64_t deadline_ns,
                                                          uint64_t *out)
{
    uint64_t value;
    nos_status_t st = nos_syscall2(NOS_SYS_NOTIFY_WAIT, n.v, deadline_ns, &value);
    if (st == NOS_OK) {
        *out = value;
    }
    return st;
}

/** Also wake a receiver of the endpoint; ep needs RECV. */
MUST_CHECK static inline nos_status_t nos_sys_notify_bind(nos_handle_t n, nos_handle_t ep)
{
    return nos_syscall2(NOS_SYS_NOTIFY_BIND, n.v, ep.v, NULL);
}

/** Read 1, 2 or 4 bytes from an I/O port of the window. */
MUST_CHECK static inline nos_status_t nos_sys_port_in(nos_handle_t ports, uint64_t port,
                                                      uint64_t width, uint64_t *out)
{
    uint64_t value;
    nos_status_t st = nos_syscall3(NOS_SYS_PORT_IN, ports.v, port, width, &value);
    if (st == NOS_OK) {
        *out = value;
    }
    return st;
}

/** Write 1, 2 or 4 bytes to an I/O port of the window. */
MUST_CHECK static inline nos_status_t nos_sys_port_out(nos_handle_t ports, uint64_t port,
                                                       uint64_t width, uint64_t value)
{
    return nos_syscall4(NOS_SYS_PORT_OUT, ports.v, port, width, value, NULL);
}

/** Signal these bits at each interrupt, and unmask; n needs SIGNAL. */
MUST_CHECK static inline nos_status_t nos_sys_irq_bind(nos_handle_t irq, nos_handle_t n,
                                                       uint64_t bits)
{
    return nos_syscall3(NOS_SYS_IRQ_BIND, irq.v, n.v, bits, NULL);
}

/** Let the next interrupt in. */
MUST_CHECK static inline nos_status_t nos_sys_irq_ack(nos_handle_t irq)
{
    return nos_syscall1(NOS_SYS_IRQ_ACK, irq.v, NULL);
}

/** 1 = off (needs OFF), 2 = reset (needs RESET); all RAM is wiped first; returns only when refused. */
MUST_CHECK static inline nos_status_t nos_sys_power(nos_handle_t power, uint64_t action)
{
    return nos_syscall2(NOS_SYS_POWER, power.v, action, NULL);
}

/** Verify the module in the region; the region is given away, and freed if refused. */
MUST_CHECK static inline nos_status_t nos_sys_module_load(nos_handle_t node, nos_handle_t region,
                                                          uint64_t len, nos_handle_t *out)
{
    uint64_t value;
    nos_status_t st = nos_syscall3(NOS_SYS_MODULE_LOAD, node.v, region.v, len, &value);
    if (st == NOS_OK) {
        *out = (nos_handle_t){ (uint32_t)value };
    }
    return st;
}

/** A verified module by name (the newest), or by 32-byte module_id. */
MUST_CHECK static inline nos_status_t nos_sys_module_open(nos_handle_t node, const void *name,
                                                          uint64_t len, nos_handle_t *out)
{
    uint64_t value;
    nos_status_t st = nos_syscall3(NOS_SYS_MODULE_OPEN, node.v, (uint64_t)name, len, &value);
    if (st == NOS_OK) {
        *out = (nos_handle_t){ (uint32_t)value };
    }
    return st;
}

/** Run it; bits are signalled on n (0 = none) when it ends; it is given a copy of the handle `give` (0 = none). */
MUST_CHECK static inline nos_status_t nos_sys_capsule_spawn(nos_handle_t module, const void *arg,
                                                            uint64_t len, nos_handle_t n,
                                                            uint64_t bits, nos_handle_t give,
                                                            nos_handle_t *out)
{
    uint64_t value;
    nos_status_t st = nos_syscall6(NOS_SYS_CAPSULE_SPAWN, module.v, (uint64_t)arg, len, n.v, bits,
                                   give.v, &value);
    if (st == NOS_OK) {
        *out = (nos_handle_t){ (uint32_t)value };
    }
    return st;
}

/** A capsule by the id that `ps` shows. */
MUST_CHECK static inline nos_status_t nos_sys_capsule_open(nos_handle_t node, uint64_t id,
                                                           nos_handle_t *out)
{
    uint64_t value;
    nos_status_t st = nos_syscall2(NOS_SYS_CAPSULE_OPEN, node.v, id, &value);
    if (st == NOS_OK) {
        *out = (nos_handle_t){ (uint32_t)value };
    }
    return st;
}

/** End it; why = enum nos_kill goes on record; BUSY: a debugger holds what the watchdog would kill. */
MUST_CHECK static inline nos_status_t nos_sys_capsule_kill(nos_handle_t capsule, uint64_t why)
{
    return nos_syscall2(NOS_SYS_CAPSULE_KILL, capsule.v, why, NULL);
}

/** Struct nos_capsule_info, also after its end. */
MUST_CHECK static inline nos_status_t nos_sys_capsule_info(nos_handle_t capsule, void *buf,
                                                           uint64_t len)
{
    return nos_syscall3(NOS_SYS_CAPSULE_INFO, capsule.v, (uint64_t)buf, len, NULL);
}

/** One record about the machine, abi/info.h; the topic names the right it needs. */
MUST_CHECK static inline nos_status_t nos_sys_node_info(nos_handle_t node, uint64_t topic,
                                                        uint64_t index, void *buf, uint64_t len,
                                                        uint64_t *out)
{
    uint64_t value;
    nos_status_t st = nos_syscall5(NOS_SYS_NODE_INFO, node.v, topic, index, (uint64_t)buf, len,
                                   &value);
    if (st == NOS_OK) {
        *out = value;
    }
    return st;
}

/** The vault signs what handle h of that capsule grants, 196 bytes. */
MUST_CHECK static inline nos_status_t nos_sys_token_export(nos_handle_t node, uint64_t capsule_id,
                                                           nos_handle_t h, void *buf, uint64_t len)
{
    return nos_syscall5(NOS_SYS_TOKEN_EXPORT, node.v, capsule_id, h.v, (uint64_t)buf, len, NULL);
}

/** A second handle with a revocation cell of its own: fewer rights, no later deadline, a badge (endpoints; 0 = as it is), at most `depth` further derivations. */
MUST_CHECK static inline nos_status_t nos_sys_cap_derive(nos_handle_t h, uint64_t rights,
                                                         uint64_t ttl_ns, uint64_t badge,
                                                         uint64_t depth, nos_handle_t *out)
{
    uint64_t value;
    nos_status_t st = nos_syscall5(NOS_SYS_CAP_DERIVE, h.v, rights, ttl_ns, badge, depth, &value);
    if (st == NOS_OK) {
        *out = (nos_handle_t){ (uint32_t)value };
    }
    return st;
}

/** Cut the cell of a derived handle: it and everything made from it are dead everywhere when this returns. */
MUST_CHECK static inline nos_status_t nos_sys_cap_revoke(nos_handle_t h)
{
    return nos_syscall1(NOS_SYS_CAP_REVOKE, h.v, NULL);
}

/** Take away system calls from this capsule for good: bit n of high:low stays set for those kept. */
static inline nos_status_t nos_sys_filter_narrow(uint64_t low, uint64_t high)
{
    return nos_syscall2(NOS_SYS_FILTER_NARROW, low, high, NULL);
}

/** End the wait of a blocked thread: it sees CANCELLED. */
MUST_CHECK static inline nos_status_t nos_sys_thread_cancel(nos_handle_t thread)
{
    return nos_syscall1(NOS_SYS_THREAD_CANCEL, thread.v, NULL);
}

/** Priority, and the CPUs it may run on as a mask. */
MUST_CHECK static inline nos_status_t nos_sys_thread_set(nos_handle_t thread, uint64_t priority,
                                                         uint64_t cpus)
{
    return nos_syscall3(NOS_SYS_THREAD_SET, thread.v, priority, cpus, NULL);
}

/** Page faults of that capsule become calls to the endpoint; ep needs CALL. */
MUST_CHECK static inline nos_status_t nos_sys_capsule_faults(nos_handle_t capsule, nos_handle_t ep)
{
    return nos_syscall2(NOS_SYS_CAPSULE_FAULTS, capsule.v, ep.v, NULL);
}

/** Map all of the region at that address of another capsule; capsule needs CONTROL. */
MUST_CHECK static inline nos_status_t nos_sys_region_map_into(nos_handle_t region,
                                                              nos_handle_t capsule, uint64_t at,
                                                              uint64_t prot)
{
    return nos_syscall4(NOS_SYS_REGION_MAP_INTO, region.v, capsule.v, at, prot, NULL);
}

/** The vault signs what this handle grants for another module to import: struct nos_token_request in, 196 bytes out. */
MUST_CHECK static inline nos_status_t nos_sys_token_issue(nos_handle_t h, const void *req,
                                                          uint64_t req_len, void *out,
                                                          uint64_t out_len)
{
    return nos_syscall5(NOS_SYS_TOKEN_ISSUE, h.v, (uint64_t)req, req_len, (uint64_t)out, out_len,
                        NULL);
}

/** Verify a token of 1 to 4 blocks made out to this module, and hold what it grants. */
MUST_CHECK static inline nos_status_t nos_sys_token_import(const void *token, uint64_t len,
                                                           nos_handle_t *out)
{
    uint64_t value;
    nos_status_t st = nos_syscall2(NOS_SYS_TOKEN_IMPORT, (uint64_t)token, len, &value);
    if (st == NOS_OK) {
        *out = (nos_handle_t){ (uint32_t)value };
    }
    return st;
}

/** Stop a capsule to debug it; the session ends with the handle, at its deadline at the latest. */
MUST_CHECK static inline nos_status_t nos_sys_debug_open(nos_handle_t node, uint64_t id,
                                                         uint64_t ttl_ns, nos_handle_t *out)
{
    uint64_t value;
    nos_status_t st = nos_syscall3(NOS_SYS_DEBUG_OPEN, node.v, id, ttl_ns, &value);
    if (st == NOS_OK) {
        *out = (nos_handle_t){ (uint32_t)value };
    }
    return st;
}

/** The first of its threads whose id is not below: struct nos_debug_thread. */
MUST_CHECK static inline nos_status_t nos_sys_debug_thread(nos_handle_t capsule, uint64_t index,
                                                           void *buf, uint64_t len)
{
    return nos_syscall4(NOS_SYS_DEBUG_THREAD, capsule.v, index, (uint64_t)buf, len, NULL);
}

/** Registers of a stopped thread: NOS_REG_COUNT words; its privileges are not among them. */
MUST_CHECK static inline nos_status_t nos_sys_debug_set(nos_handle_t capsule, uint64_t index,
                                                        const void *data, uint64_t len)
{
    return nos_syscall4(NOS_SYS_DEBUG_SET, capsule.v, index, (uint64_t)data, len, NULL);
}

/** Memory that the capsule itself could read, devices apart. */
MUST_CHECK static inline nos_status_t nos_sys_debug_read(nos_handle_t capsule, uint64_t at,
                                                         void *buf, uint64_t len)
{
    return nos_syscall4(NOS_SYS_DEBUG_READ, capsule.v, at, (uint64_t)buf, len, NULL);
}

/** Memory that the capsule itself could write, devices apart. */
MUST_CHECK static inline nos_status_t nos_sys_debug_write(nos_handle_t capsule, uint64_t at,
                                                          const void *data, uint64_t len)
{
    return nos_syscall4(NOS_SYS_DEBUG_WRITE, capsule.v, at, (uint64_t)data, len, NULL);
}

/** Set (1) or take away (0) a breakpoint in the capsule's own code. */
MUST_CHECK static inline nos_status_t nos_sys_debug_break(nos_handle_t capsule, uint64_t at,
                                                          uint64_t on)
{
    return nos_syscall3(NOS_SYS_DEBUG_BREAK, capsule.v, at, on, NULL);
}

/** Enum nos_debug_how, of one thread or (0) all. */
MUST_CHECK static inline nos_status_t nos_sys_debug_run(nos_handle_t capsule, uint64_t index,
                                                        uint64_t how)
{
    return nos_syscall3(NOS_SYS_DEBUG_RUN, capsule.v, index, how, NULL);
}

/** The endpoint where it takes control messages, to call; NOT_FOUND: its manifest names none, or the policy did not grant it. */
MUST_CHECK static inline nos_status_t nos_sys_capsule_control(nos_handle_t capsule,
                                                              nos_handle_t *out)
{
    uint64_t value;
    nos_status_t st = nos_syscall1(NOS_SYS_CAPSULE_CONTROL, capsule.v, &value);
    if (st == NOS_OK) {
        *out = (nos_handle_t){ (uint32_t)value };
    }
    return st;
}

/** Put on record what a supervisor decided about a capsule: enum nos_decision; id 0 = the system. */
MUST_CHECK static inline nos_status_t nos_sys_audit_decision(nos_handle_t node, uint64_t decision,
                                                             uint64_t id, uint64_t detail)
{
    return nos_syscall4(NOS_SYS_AUDIT_DECISION, node.v, decision, id, detail, NULL);
}

/** Whoever waits for an answer of the old capsule waits for one of the new; new needs CONTROL. */
MUST_CHECK static inline nos_status_t nos_sys_capsule_succeed(nos_handle_t old, nos_handle_t new)
{
    return nos_syscall2(NOS_SYS_CAPSULE_SUCCEED, old.v, new.v, NULL);
}

/** The caller whose message this thread received last, named by its token, goes on waiting when the thread receives again: it is answered later. */
MUST_CHECK static inline nos_status_t nos_sys_ipc_hold(uint64_t token)
{
    return nos_syscall1(NOS_SYS_IPC_HOLD, token, NULL);
}

/** The address that this thread finds thread-local storage by (the FS base); 0 = none. */
MUST_CHECK static inline nos_status_t nos_sys_thread_pointer(uint64_t base)
{
    return nos_syscall1(NOS_SYS_THREAD_POINTER, base, NULL);
}
