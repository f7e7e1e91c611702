/* Interrupts that get lost, and the one that brings a fault. */
#include "kernel/core/lock.h"
#include "kernel/storm/storm.h"

enum { RESCUE_TICKS = 1000000 };

struct arch_context *__real_up_irq_user(struct arch_context *ctx, unsigned line);
void __real_up_irq(unsigned line);
struct arch_context *__wrap_up_irq_user(struct arch_context *ctx, unsigned line);
void __wrap_up_irq(unsigned line);

static unsigned losing;
static bool lose, rescue;

void storm_lose(unsigned line)
{
    losing = line;
    lose = true;
}

/* The line as the kernel hears of it. A lost timer interrupt is followed a while later by one that
 * nobody asked for: hardware that loses the last interrupt of all leaves a machine asleep, whatever
 * its kernel does. */
static bool arrives(unsigned *line)
{
    if (*line == UP_LINE_TIMER && storm_timer_due()) {
        if (rescue) {
            rescue = false;
            *line = UP_LINE_SPURIOUS;
            return true;
        }
        (void)kernel_lock();
        storm_fire();
        kernel_unlock();
    }
    if (lose && *line == losing) {
        lose = false;
        storm.lost_irqs++;
        rescue = *line == UP_LINE_TIMER;
        storm_timer_set(rescue ? RESCUE_TICKS : 0);
        return false;
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
