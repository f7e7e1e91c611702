/* Quiet is when the CPU would go to sleep and nothing is owed: the driver then goes on at once,
 * instead of asking again and again. */
#include "kernel/core/lock.h"
#include "kernel/memory/frame.h"
#include "kernel/runtime/capsule.h"
#include "kernel/storm/storm.h"

enum { KICK = 0x41 /* of irq.h: look at your queues */ };

static struct thread
    *waits; /* asleep until then: THREAD_SLEEP, so a deadline or its end is enough */

void storm_wait_quiet(struct thread *self, uint64_t most_ns)
{
    waits = self;
    self->ctx.nr = (uint64_t)(int64_t)NOS_TIMED_OUT;
    sched_block(THREAD_SLEEP, NULL, arch_clock_ns() + most_ns);
}

static bool is_quiet(void)
{
    return storm.waiting == 0 && storm_has_fired() && !capsule_reclaim_pending() &&
           !frame_reclaim_pending();
}

void storm_idles(void)
{
    (void)kernel_lock();
    if (waits != NULL && is_quiet()) {
        struct thread *t = waits;
        waits = NULL;
        sched_wake(t, NOS_OK);
        storm_raise(KICK);  // so that this CPU does not sleep
    }
    kernel_unlock();
}
