/* Interrupts that get lost, and the one that brings a fault. */
#include "kernel/core/lock.h"
#include "kernel/storm/storm.h"

enum { RESCUE_TICKS = 1000000 };

struct arch_context *__real_up_irq_user(struct arch_context *ctx, unsigned line);
void __real_up_irq(unsigned line);
struct arch_context *__wrap_up_irq_user(struct arch_context *ctx, unsigned line);
void __wrap_up_irq(unsigned line);

static unsigned losing;
static bool lose;

void storm_lose(unsigned line)
{
    losing = line;
    lose = true;
}

/* A lost timer interrupt is followed a while later by one that nobody asked for: hardware that
 * loses the last interrupt of all leaves a machine asleep, whatever its kernel does. */
static bool is_lost(unsigned line)
{
    if (!lose || line != losing || (line == UP_LINE_TIMER && !storm_timer_forget())) {
        return false;
    }
    lose = false;
    storm.lost_irqs++;
    if (line == UP_LINE_TIMER) {
        storm_timer_set(STORM_RESCUE, RESCUE_TICKS);
    }
    return true;
}

/* The line as the kernel hears of it; false: it hears nothing. */
static bool arrives(unsigned *line)
{
    bool timer = *line == UP_LINE_TIMER, ours = timer && storm_timer_due(STORM_FAULT);
    bool rescue = timer && storm_timer_due(STORM_RESCUE);
    if (ours) {
        (void)kernel_lock();
        storm_fire();
        kernel_unlock();
    }
    if (is_lost(*line)) {
        return false;
    }
    if (ours || rescue) {
        storm_timer_arm();  // the one shot was ours: the kernel's is still to come
        *line = rescue ? UP_LINE_SPURIOUS : UP_LINE_TIMER;
    }
    return true;
}

struct arch_context *__wrap_up_irq_user(struct arch_context *ctx, unsigned line)
{
    return arrives(&line) ? __real_up_irq_user(ctx, line) : ctx;
}

void __wrap_up_irq(unsigned line)
{
    if (arrives(&line)) {
        __real_up_irq(line);
    }
}
