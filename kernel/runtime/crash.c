/* From a fault to plain words. The capsule dies, nothing else does: who, what and where go to the
 * log. */
#include <string.h>

#include "abi/guard.h"
#include "kernel/arch/api/upcalls.h"
#include "kernel/core/lock.h"
#include "kernel/core/names.h"
#include "kernel/core/panic.h"
#include "kernel/ipc/endpoint.h"
#include "kernel/runtime/capsule.h"
#include "kernel/runtime/death.h"
#include "kernel/runtime/debug.h"

enum { NULL_AREA = 0x10000 };

static const char *crash_text(enum nos_crash why)
{
#define X(name, value, text) [value] = (text),
    static const char *const texts[] = { NOS_CRASH_LIST(X) };
#undef X
    return texts[why];
}

static enum nos_crash classify_page(const struct capsule *c, const struct fault *f)
{
    bool guard = false;
    if (f->addr >= USER_MAX) {
        return NOS_CRASH_KERNEL_ADDRESS;
    }
    if (f->exec) {
        return NOS_CRASH_EXEC_BAD;
    }
    if (f->addr < NULL_AREA) {
        return f->write ? NOS_CRASH_WRITE_NULL : NOS_CRASH_READ_NULL;
    }
    const struct area *a = space_find(&c->space, f->addr, &guard);
    if (a != NULL && guard && a->kind == AREA_STACK && f->addr < a->va) {
        return NOS_CRASH_STACK_OVERFLOW;
    }
    return f->write ? NOS_CRASH_WRITE_BAD : NOS_CRASH_READ_BAD;
}

static enum nos_crash classify(const struct capsule *c, const struct fault *f)
{
    switch (f->kind) {
    case FAULT_PAGE:
        return classify_page(c, f);
    case FAULT_DIVIDE:
        return NOS_CRASH_DIVIDE;
    case FAULT_ILLEGAL:
        return NOS_CRASH_ILLEGAL;
    case FAULT_UB:
        return NOS_CRASH_TRAP_UB;
    case FAULT_STACK:
    case FAULT_ALIGN:
        return NOS_CRASH_ALIGNMENT;
    case FAULT_FPU:
        return NOS_CRASH_FPU;
    case FAULT_DEBUG:
    case FAULT_BREAK:
        return NOS_CRASH_DEBUG;
    case FAULT_PROTECTION:
    case FAULT_UNEXPECTED:
        break;
    }
    return NOS_CRASH_PROTECTION;
}

void capsule_crash(struct thread *t, enum nos_crash why, uint64_t addr)
{
    struct capsule *c = t->capsule;
    if (debug_catches(t, why, addr)) {
        return;
    }
    c->fault_addr = addr;
    c->fault_ip = t->ctx.ip;
    death_symbol(c->module, c->fault_ip - c->image_base, c->fault_symbol);
    klog("capsule %u %.*s crashed: %s; address 0x%lx, at image+0x%lx %s", c->id, NOS_NAME_MAX,
         c->module->name, crash_text(why), addr, c->fault_ip - c->image_base, c->fault_symbol);
    capsule_end(c, NOS_CAPSULE_CRASHED, why);
}

static uint32_t fault_kind(const struct fault *f)
{
    return (f->write ? NOS_FAULT_WRITE : 0u) | (f->exec ? NOS_FAULT_EXEC : 0u) |
           (f->present ? NOS_FAULT_PRESENT : 0u);
}

void capsule_crash_unhandled(struct thread *t)
{
    struct fault f = { .kind = FAULT_PAGE,
                       .addr = t->fault_addr,
                       .write = (t->fault & NOS_FAULT_WRITE) != 0,
                       .exec = (t->fault & NOS_FAULT_EXEC) != 0,
                       .present = (t->fault & NOS_FAULT_PRESENT) != 0 };
    capsule_crash(t, classify(t->capsule, &f), f.addr);
}

static struct arch_context *handled_at_once(struct thread *t, const struct fault *f)
{
    struct endpoint *ep = t->capsule->faults;
    return ep != NULL && f->kind == FAULT_PAGE && f->addr < USER_MAX
               ? endpoint_fault_fast(ep, t, f->addr, fault_kind(f))
               : NULL;
}

static bool handled_elsewhere(struct thread *t, const struct fault *f)
{
    struct endpoint *ep = t->capsule->faults;
    return ep != NULL && f->kind == FAULT_PAGE && f->addr < USER_MAX &&
           endpoint_fault(ep, t, f->addr, fault_kind(f));
}

/* It has said where it goes on if a page of that range is missing. What it says lies in its own
 * memory and may be anything: an ip that is not canonical is a protection fault on the way out, and
 * each word is read once. */
static bool guarded(struct thread *t, const struct fault *f)
{
    volatile struct nos_guard *g = (void *)((uint8_t *)t->ipc_buf + NOS_GUARD_AT);
    uint64_t ip = g->ip, into = f->addr - g->from;
    if (f->kind != FAULT_PAGE || f->exec || f->addr >= USER_MAX || ip == 0 || into >= g->len) {
        return false;
    }
    g->ip = 0;
    t->ctx.ip = ip;
    t->ctx.sp = g->sp;
    return true;
}

static void fault(struct thread *t, const struct fault *f)
{
    if (f->kind == FAULT_UB) {
        klog("trapped undefined behaviour: %s",
             arch_fault_name(f->code >> 32, f->code & UINT32_MAX));
    }
    if (f->kind == FAULT_BREAK && debug_trap_is_gone(t)) {
        return;
    }
    if (!handled_elsewhere(t, f) && !guarded(t, f)) {
        capsule_crash(t, classify(t->capsule, f), f->kind == FAULT_PAGE ? f->addr : t->ctx.ip);
    }
}

struct arch_context *up_fault(struct arch_context *ctx, const struct fault *f)
{
    struct thread *t = CONTAINER_OF(ctx, struct thread, ctx);
    (void)kernel_lock();
    KASSERT(t == this_cpu()->current);
    struct arch_context *next = NULL;
    if (t->state == THREAD_RUNNING) {  // else it was killed while it waited for the lock
        next = handled_at_once(t, f);
        if (next == NULL) {
            fault(t, f);
        }
    }
    next = next == NULL ? sched_exit() : next;
    kernel_unlock();
    return next;
}

void up_kernel_fault(uint64_t vector, uint64_t code, uint64_t addr, const uint64_t *regs)
{
    static const char *const names[] = { "rax", "rbx", "rcx", "rdx",    "rsi", "rdi", "rbp",
                                         "r8",  "r9",  "r10", "r11",    "r12", "r13", "r14",
                                         "r15", "rip", "cs",  "rflags", "rsp", "ss" };
    char place[PLACE_TEXT];
    panic_alone();
    log_serial(true);
    for (unsigned i = 0; regs != NULL && i < ARRAY_LEN(names); i += 4) {
        klog("  %s %016lx  %s %016lx  %s %016lx  %s %016lx", names[i], regs[i], names[i + 1],
             regs[i + 1], names[i + 2], regs[i + 2], names[i + 3], regs[i + 3]);
    }
    klog("  image at %016lx", arch_image_base());  // nobody is left who could use it
    panic_at(regs == NULL ? 0 : regs[6],
             "fault in the kernel: %s (vector %lu, code 0x%lx), address 0x%lx, at %s",
             arch_fault_name(vector, code), vector, code, addr,
             place_text(regs == NULL ? 0 : regs[15], place));
}
