/* offsets.h against the types that it describes. */
#include "kernel/arch/x86_64/offsets.h"

#include "kernel/arch/api/context.h"
#include "kernel/arch/x86_64/stacks.h"
#include "kernel/arch/x86_64/trap.h"
#include "kernel/core/percpu.h"

#define SAME(constant, type, member) \
    _Static_assert((constant) == offsetof(type, member), "offsets.h: " #constant)

SAME(CTX_NR, struct arch_context, nr);
SAME(CTX_ARG0, struct arch_context, arg0);
SAME(CTX_ARG1, struct arch_context, arg1);
SAME(CTX_W0, struct arch_context, w);
SAME(CTX_W7, struct arch_context, w[7]);
SAME(CTX_DL, struct arch_context, dl);
SAME(CTX_FP, struct arch_context, fp);
SAME(CTX_T0, struct arch_context, t0);
SAME(CTX_T1, struct arch_context, t1);
SAME(CTX_IP, struct arch_context, ip);
SAME(CTX_FLAGS, struct arch_context, flags);
SAME(CTX_SP, struct arch_context, sp);
SAME(CTX_FAST, struct arch_context, fast);
_Static_assert(ARCH_FAST == USER_MAX, "no address from USER_MAX up may reach sysret");

SAME(CPU_KSTACK, struct cpu, kstack_top);
SAME(CPU_SCRATCH, struct cpu, scratch);
SAME(CPU_CTX, struct cpu, ctx);

enum { FRAME_PUSHED = offsetof(struct trap_frame, vector) };
SAME(FRAME_PUSHED + PUSHED_ERROR, struct trap_frame, error);
SAME(FRAME_PUSHED + PUSHED_IP, struct trap_frame, ip);
SAME(FRAME_PUSHED + PUSHED_CS, struct trap_frame, cs);
SAME(FRAME_PUSHED + PUSHED_FLAGS, struct trap_frame, flags);
SAME(FRAME_PUSHED + PUSHED_SP, struct trap_frame, sp);

SAME(STACK_GUARD, struct stacks, kernel);
_Static_assert(sizeof(struct stacks) == STACK_KERNEL_TOP + STACK_FAULTS_LEN, "park");
