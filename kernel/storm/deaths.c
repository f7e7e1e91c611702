/* Ends of capsules whose manifest asks for a restart, and how much work it took until the successor
 * waits for something again. */
#include "abi/syscall_nr.h"
#include "kernel/core/panic.h"
#include "kernel/memory/cache.h"
#include "kernel/memory/frame.h"
#include "kernel/modules/module.h"
#include "kernel/object/cell.h"
#include "kernel/runtime/capsule.h"
#include "kernel/storm/storm.h"

enum { WAITING_MAX = 32 };
static struct {
    const struct module *module;
    uint32_t id;
    uint64_t work;
} waiting[WAITING_MAX];

void __real_capsule_end(struct capsule *c, enum nos_capsule_state how, uint64_t code);
void __wrap_capsule_end(struct capsule *c, enum nos_capsule_state how, uint64_t code);

static uint64_t work(void)
{
    return arch_tsc() - storm_idle_ticks;
}

/* Its place: that of an end before which nobody has made up for yet, or a new one. Who died before
 * it first waited was a restart all the same. */
static uint64_t place_for(const struct module *m)
{
    for (uint64_t i = 0; i < storm.waiting; i++) {
        if (waiting[i].module == m) {
            storm.restarts++;
            return i;
        }
    }
    KASSERT(storm.waiting < WAITING_MAX);  // as many as there are modules
    return storm.waiting++;
}

void __wrap_capsule_end(struct capsule *c, enum nos_capsule_state how, uint64_t code)
{
    bool began = c->threads != NULL || how != NOS_CAPSULE_KILLED;  // else its start failed
    if (began && c->state == NOS_CAPSULE_RUNNING && c->restart.when != NOS_RESTART_NEVER) {
        uint64_t i = place_for(c->module);
        waiting[i].module = c->module;
        waiting[i].id = c->id;
        waiting[i].work = work();
        storm.deaths++;
    }
    __real_capsule_end(c, how, code);
}

static bool is_wait(uint64_t nr)
{
    return nr == NOS_SYS_IPC_RECV || nr == NOS_SYS_IPC_REPLY_RECV || nr == NOS_SYS_NOTIFY_WAIT ||
           nr == NOS_SYS_IPC_CALL;
}

static void restarted(uint64_t i)
{
    uint64_t took = work() - waiting[i].work;
    storm.restarts++;
    storm.total += took;
    storm.worst = took > storm.worst ? took : storm.worst;
    waiting[i] = waiting[--storm.waiting];
}

void storm_watch(const struct thread *self, uint64_t nr)
{
    for (uint64_t i = 0; i < storm.waiting && is_wait(nr); i++) {
        if (waiting[i].module == self->capsule->module && self->capsule->id > waiting[i].id) {
            restarted(i);
            return;
        }
    }
}

/* All frames that somebody answers for. What is neither free nor here belongs to the kernel since
 * boot, and that never changes. */
void storm_count(struct nos_storm_state *out)
{
    struct frame_stats f = frame_stats();
    *out = storm;
    out->now = arch_tsc();
    out->idle = storm_idle_ticks;
    out->reclaiming = capsule_reclaim_pending() || frame_reclaim_pending() ? 1 : 0;
    out->free = f.free;
    out->known = f.free + f.deferred + cache_frames() + module_frames() + cell_frames();
    for (const struct capsule *c = capsule_nth(0); c != NULL; c = c->next) {
        out->known += c->space.pages + c->handles.capacity / HANDLES_PER_PAGE;
    }
}
