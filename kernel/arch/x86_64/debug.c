/* A thread's registers under a debugger. No segment is among them, and of the flags those that user
 * mode can change by itself: nothing here gives a privilege. */
#include <string.h>

#include "kernel/arch/api/arch.h"
#include "kernel/arch/x86_64/cpu.h"

enum {
    FLAG_ID = 1 << 21,
    FLAGS_ARITHMETIC = 0x8d5, /* CF PF AF ZF SF OF */
    FLAGS_FREE = FLAGS_ARITHMETIC | FLAG_DF | FLAG_AC | FLAG_ID
};
_Static_assert(offsetof(struct arch_context, fast) == NOS_REG_COUNT * sizeof(uint64_t) &&
                   offsetof(struct arch_context, t0) == NOS_REG_rcx * sizeof(uint64_t) &&
                   offsetof(struct arch_context, flags) == NOS_REG_rflags * sizeof(uint64_t),
               "registers are copied at once");

/* After a system call rcx and r11 are what it leaves in them. From here on it leaves by iret. */
static void settle(struct arch_context *ctx)
{
    if (ctx->fast != 0) {
        ctx->t0 = ctx->ip;
        ctx->t1 = ctx->flags & ~(uint64_t)FLAG_TF;
        ctx->fast = 0;
    }
}

/* sysret would trap before the instruction, and for ever. */
void arch_context_step(struct arch_context *ctx, bool on)
{
    settle(ctx);
    ctx->flags &= ~(uint64_t)FLAG_TF;
    ctx->flags |= on ? FLAG_TF : 0;
}

void arch_context_get(const struct arch_context *ctx, uint64_t regs[NOS_REG_COUNT])
{
    struct arch_context c = *ctx;
    settle(&c);
    c.flags &= ~(uint64_t)FLAG_TF;
    memcpy(regs, &c, NOS_REG_COUNT * sizeof regs[0]);
}

nos_status_t arch_context_set(struct arch_context *ctx, const uint64_t regs[NOS_REG_COUNT])
{
    uint64_t other = (regs[NOS_REG_rflags] ^ ctx->flags) & ~(uint64_t)(FLAGS_FREE | FLAG_TF);
    if (regs[NOS_REG_rip] >= USER_MAX || other != 0) {
        return NOS_INVALID;
    }
    memcpy(ctx, regs, NOS_REG_COUNT * sizeof regs[0]);
    ctx->flags &= ~(uint64_t)FLAG_TF;
    ctx->fast = 0;
    return NOS_OK;
}
