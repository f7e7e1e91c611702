/*
 * Which locks each CPU holds: they are taken in the order of their ranks, let go by who has them,
 * and none is held where the kernel is left or stands open for interrupts.
 */
#include "kernel/arch/api/upcalls.h"
#include "kernel/core/lock.h"
#include "kernel/core/percpu.h"
#include "kernel/sanitize/sanitize.h"

#define CALLER ((uint64_t)__builtin_return_address(0))

static uint32_t held[CPUS_MAX]; /* bit `rank` of each CPU's */
static bool begun;              /* the kernel lock has been taken once: from then on it guards */

static const char *const names[] = {
    [RANK_KERNEL] = "the kernel lock", [RANK_LEAF] = "a leaf lock"
};

static uint32_t *mine(void)
{
    return &held[this_cpu()->id];
}

void lock_wanted(enum lock_rank rank)
{
    if (*mine() >> rank != 0) {
        san_found(CALLER, "LOCK: %s is asked for while %s is held", names[rank],
                  names[*mine() >> RANK_LEAF != 0 ? RANK_LEAF : RANK_KERNEL]);
    }
}

void lock_got(enum lock_rank rank)
{
    *mine() |= 1u << rank;
    begun = true;
}

bool lock_let_go(enum lock_rank rank)
{
    if ((*mine() & 1u << rank) == 0) {
        san_found(CALLER, "LOCK: %s is let go by who does not hold it", names[rank]);
        return false;
    }
    *mine() &= ~(1u << rank);
    return true;
}

void lock_needed(uint64_t ip)
{
    if (begun && (*mine() & 1u << RANK_KERNEL) == 0) {
        san_found(ip, "LOCK: used without the kernel lock");
    }
}

static void none_held(const char *where, uint64_t ip)
{
    if (*mine() == 0) {
        return;
    }
    san_found(ip, "LOCK: held %s: %s", where,
              names[*mine() >> RANK_LEAF != 0 ? RANK_LEAF : RANK_KERNEL]);
    if ((*mine() & 1u << RANK_KERNEL) != 0) {
        kernel_unlock();
    }
}

void __real_kernel_lock_wait(uint32_t ticket);
struct arch_context *__real_up_syscall(struct arch_context *ctx);
struct arch_context *__real_up_fault(struct arch_context *ctx, const struct fault *f);
struct arch_context *__real_up_irq_user(struct arch_context *ctx, unsigned line);
struct arch_context *__real_up_idle(void);
void __real_arch_enter_user(struct arch_context *ctx);
void __real_arch_idle(void);
void __real_arch_irq_open(void);
void __real_arch_irq_window(void);

void __wrap_kernel_lock_wait(uint32_t ticket);
struct arch_context *__wrap_up_syscall(struct arch_context *ctx);
struct arch_context *__wrap_up_fault(struct arch_context *ctx, const struct fault *f);
struct arch_context *__wrap_up_irq_user(struct arch_context *ctx, unsigned line);
struct arch_context *__wrap_up_idle(void);
void __wrap_arch_enter_user(struct arch_context *ctx);
void __wrap_arch_idle(void);
void __wrap_arch_irq_open(void);
void __wrap_arch_irq_window(void);

void __wrap_kernel_lock_wait(uint32_t ticket)
{
    __real_kernel_lock_wait(ticket);
    lock_got(RANK_KERNEL);
}

static struct arch_context *leave(struct arch_context *ctx, uint64_t ip)
{
    none_held("on the way to user mode", ip);
    return ctx;
}

struct arch_context *__wrap_up_syscall(struct arch_context *ctx)
{
    struct arch_context *next = __real_up_syscall(ctx);
    san_faults_due();
    return leave(next, CALLER);
}

struct arch_context *__wrap_up_fault(struct arch_context *ctx, const struct fault *f)
{
    return leave(__real_up_fault(ctx, f), CALLER);
}

struct arch_context *__wrap_up_irq_user(struct arch_context *ctx, unsigned line)
{
    return leave(__real_up_irq_user(ctx, line), CALLER);
}

struct arch_context *__wrap_up_idle(void)
{
    return leave(__real_up_idle(), CALLER);
}

void __wrap_arch_enter_user(struct arch_context *ctx)
{
    none_held("on the way to user mode", CALLER);
    __real_arch_enter_user(ctx);
}

void __wrap_arch_idle(void)
{
    none_held("while idle", CALLER);
    __real_arch_idle();
}

void __wrap_arch_irq_open(void)
{
    none_held("where interrupts come in", CALLER);
    __real_arch_irq_open();
}

void __wrap_arch_irq_window(void)
{
    none_held("where interrupts come in", CALLER);
    __real_arch_irq_window();
}
