/*
 * What to do about a vector: hand it to the kernel's core as a fault of the current thread, as an
 * interrupt, or as the end of the machine. The only faults of the kernel's own that it survives are
 * those of a user copy.
 */
#include "kernel/arch/x86_64/trap.h"

#include "kernel/arch/api/upcalls.h"
#include "kernel/arch/x86_64/clock.h"
#include "kernel/arch/x86_64/cpu.h"
#include "kernel/arch/x86_64/fpu.h"
#include "kernel/arch/x86_64/insn.h"
#include "kernel/arch/x86_64/ipi.h"
#include "kernel/arch/x86_64/irq.h"
#include "kernel/arch/x86_64/lapic.h"
#include "kernel/core/percpu.h"

enum vector {
    VEC_DE = 0,
    VEC_DB = 1,
    VEC_NMI = 2,
    VEC_BP = 3,
    VEC_UD = 6,
    VEC_NM = 7,
    VEC_TS = 10,
    VEC_NP = 11,
    VEC_SS = 12,
    VEC_GP = 13,
    VEC_PF = 14,
    VEC_MF = 16,
    VEC_AC = 17,
    VEC_XM = 19,
    VEC_CP = 21,
};
enum { PF_PRESENT = 1, PF_WRITE = 2, PF_EXEC = 16 };

extern const uint8_t copy_begin[], copy_end[], copy_fault[], image_text[], image_text_end[];

/* ---- from user mode ---- */

static enum fault_kind kind_of(uint64_t vector)
{
    switch (vector) {
    case VEC_DE:
        return FAULT_DIVIDE;
    case VEC_DB:
        return FAULT_DEBUG;
    case VEC_BP:
        return FAULT_BREAK;
    case VEC_UD:
        return FAULT_ILLEGAL;
    case VEC_NM:  // only when there is no memory for its state
    case VEC_MF:
    case VEC_XM:
        return FAULT_FPU;
    case VEC_TS:
    case VEC_NP:
    case VEC_GP:
    case VEC_CP:
        return FAULT_PROTECTION;
    case VEC_SS:
        return FAULT_STACK;
    case VEC_PF:
        return FAULT_PAGE;
    case VEC_AC:
        return FAULT_ALIGN;
    default:
        return FAULT_UNEXPECTED;
    }
}

/* The instruction that was refused, as far as its page goes. */
static uint32_t user_illegal(uint64_t ip)
{
    uint8_t insn[INSN_UD1_MAX];
    size_t n = PAGE_SIZE - (ip & (PAGE_SIZE - 1));
    n = n < sizeof insn ? n : sizeof insn;
    if (!user_range(ip, n) || !arch_copy_from_user(insn, ip, n)) {
        return 0;
    }
    return insn_illegal(span_of(insn, n));
}

static struct arch_context *user_fault(struct arch_context *ctx, uint64_t vector, uint64_t error)
{
    struct fault f = { .kind = kind_of(vector), .code = vector << 32 | (error & UINT32_MAX) };

    if (vector == VEC_PF) {
        f.addr = read_cr2();
        f.present = (error & PF_PRESENT) != 0;
        f.write = (error & PF_WRITE) != 0;
        f.exec = (error & PF_EXEC) != 0;
    } else if (vector == VEC_UD) {
        uint32_t which = user_illegal(ctx->ip);
        f.code |= which;
        f.kind = which != 0 ? FAULT_UB : FAULT_ILLEGAL;
    }
    return up_fault(ctx, &f);
}

static struct arch_context *first_use(struct arch_context *ctx)
{
    struct arch_fpu *state = up_fpu_first_use();
    if (state == NULL) {
        return user_fault(ctx, VEC_NM, 0);
    }
    fpu_load(state);
    return ctx;
}

struct arch_context *trap_user(struct arch_context *ctx, uint64_t vector, uint64_t error)
{
    unsigned line;

    if (vector == VECTOR_IRQ && (error & 0xff) == VEC_TIMER) {  // the commonest, in a short way
        lapic_eoi();
        return clock_timer_due() ? up_irq_user(ctx, UP_LINE_TIMER) : ctx;
    }
    if (vector == VECTOR_IRQ) {
        return irq_take((uint8_t)(error & 0xff), &line) ? up_irq_user(ctx, line) : ctx;
    }
    return vector == VEC_NM ? first_use(ctx) : user_fault(ctx, vector, error);
}

struct arch_context *trap_bad_ip(struct arch_context *ctx)
{
    return user_fault(ctx, VEC_GP, 0);
}

/* ---- from kernel mode ---- */

static bool in_text(uint64_t ip)
{
    return ip >= (uint64_t)image_text && ip < (uint64_t)image_text_end;
}

static uint64_t kernel_code(const struct trap_frame *f)
{
    if (f->vector != VEC_UD || !in_text(f->ip)) {
        return f->error;
    }
    size_t n = (uint64_t)image_text_end - f->ip;
    return insn_illegal(span_of((const uint8_t *)f->ip, n < INSN_UD1_MAX ? n : INSN_UD1_MAX));
}

_Noreturn void trap_fatal(const struct trap_frame *f)
{
    const uint64_t regs[20] = { f->rax, f->rbx, f->rcx, f->rdx,   f->rsi, f->rdi, f->rbp,
                                f->r8,  f->r9,  f->r10, f->r11,   f->r12, f->r13, f->r14,
                                f->r15, f->ip,  f->cs,  f->flags, f->sp,  f->ss };
    if (f->vector == VEC_NMI) {
        ipi_nmi();
    }
    up_kernel_fault(f->vector, kernel_code(f), f->vector == VEC_PF ? read_cr2() : 0, regs);
}

/* Never covers a kernel address: that would turn a broken kernel pointer into a caller's bad
 * argument. */
static bool is_user_copy(const struct trap_frame *f)
{
    return f->vector == VEC_PF && f->ip >= (uint64_t)copy_begin && f->ip < (uint64_t)copy_end &&
           read_cr2() < USER_MAX;
}

void trap_kernel(struct trap_frame *f)
{
    struct cpu *cpu = this_cpu();
    unsigned line;

    if (f->vector == VECTOR_IRQ && cpu->in_window != 0) {
        bool simd = cpu->simd;
        cpu->simd = false;  // the registers are those of what was interrupted
        if (irq_take((uint8_t)(f->error & 0xff), &line)) {
            up_irq(line);
        }
        cpu->simd = simd;
    } else if (is_user_copy(f)) {
        f->ip = (uint64_t)copy_fault;
    } else {
        trap_fatal(f);
    }
}

/* ---- windows ---- */

void arch_idle(void)
{
    struct cpu *cpu = this_cpu();
    cpu->in_window = 1;
    __asm__ volatile("sti; hlt; cli"
                     :
                     :
                     : "memory");  // sti holds interrupts off until hlt waits: none is lost
    cpu->in_window = 0;
}

void arch_irq_open(void)
{
    this_cpu()->in_window = 1;
    __asm__ volatile("sti" : : : "memory");
}

void arch_irq_close(void)
{
    __asm__ volatile("cli" : : : "memory");
    this_cpu()->in_window = 0;
}

void arch_irq_window(void)
{
    struct cpu *cpu = this_cpu();
    cpu->in_window = 1;
    __asm__ volatile("sti; nop; cli" : : : "memory");  // the nop is where they come in
    cpu->in_window = 0;
}

void arch_context_init(struct arch_context *ctx, uint64_t ip, uint64_t sp, uint64_t arg0,
                       uint64_t arg1)
{
    *ctx = (struct arch_context){
        .arg0 = arg0, .arg1 = arg1, .ip = ip, .sp = sp, .flags = FLAG_FIXED | FLAG_IF, .fast = 0
    };
}
