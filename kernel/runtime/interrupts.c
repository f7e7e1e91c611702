/* Interrupts become notifications; the timer becomes the scheduler's tick. */
#include "kernel/arch/api/upcalls.h"
#include "kernel/core/lock.h"
#include "kernel/core/log.h"
#include "kernel/ipc/named.h"
#include "kernel/ipc/notify.h"

static uint64_t spurious;

static void handle(unsigned line)
{
    if (line == UP_LINE_TIMER) {
        sched_tick();
        return;
    }
    (void)sched_overdue();
    if (line == UP_LINE_KICK) {
        sched_kicked();
        return;
    }
    struct irq *q = irq_at(line);
    if (q == NULL || !irq_is_bound(q)) {
        if (spurious++ == 0) {
            klog("an interrupt came that nobody asked for; more are only counted");
        }
        return;
    }
    q->pending = true;  // the port masked the line; irq_ack lets the next one in
    notify_signal(q->note, q->bits);
}

void up_irq(unsigned line)
{
    (void)kernel_lock();
    handle(line);
    kernel_unlock();
}

struct arch_context *up_irq_user(struct arch_context *ctx, unsigned line)
{
    (void)ctx;  // it is the current thread's own
    (void)kernel_lock();
    struct arch_context *next = line == UP_LINE_TIMER ? sched_tick_fast() : NULL;
    if (next == NULL) {
        handle(line);
        next = sched_exit();
    }
    kernel_unlock();
    return next;
}
