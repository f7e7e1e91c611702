/* What the kernel does when nobody waits for it, one bounded step at a time; and on shortage, at
 * once. */
#include "kernel/audit/audit.h"
#include "kernel/ipc/revoke.h"
#include "kernel/memory/frame.h"
#include "kernel/runtime/capsule.h"

enum { STEP_FRAMES = 4 };

bool up_reclaim(void)
{
    return capsule_reclaim_step();
}

uint64_t background_due(void)
{
    return revoke_pending() || capsule_reclaim_pending() || frame_reclaim_pending()
               ? 1
               : audit_checkpoint_due();
}

bool background_step(void)
{
    return revoke_background_step() || capsule_reclaim_step() || frame_reclaim_step(STEP_FRAMES) ||
           audit_checkpoint_step(arch_clock_ns());
}
