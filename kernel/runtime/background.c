/* What the kernel does when nobody waits for it, one bounded step at a time; and on shortage, at
 * once. */
#include "kernel/audit/audit.h"
#include "kernel/ipc/revoke.h"
#include "kernel/memory/frame.h"
#include "kernel/runtime/capsule.h"
#include "kernel/runtime/debug.h"

enum { STEP_FRAMES = 4 };

bool up_reclaim(void)
{
    return capsule_reclaim_step();
}

uint64_t background_due(void)
{
    if (revoke_pending() || capsule_reclaim_pending() || frame_reclaim_pending()) {
        return 1;
    }
    uint64_t sign = audit_checkpoint_due(), debug = debug_due();
    return sign == 0 || (debug != 0 && debug < sign) ? debug : sign;
}

bool background_step(void)
{
    return revoke_background_step() || capsule_reclaim_step() || frame_reclaim_step(STEP_FRAMES) ||
           debug_step(arch_clock_ns()) || audit_checkpoint_step(arch_clock_ns());
}
