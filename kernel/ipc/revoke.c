/* After a cut nothing new can be begun through a dead handle; here goes what had begun before.
 * Every step looks at what is dead now, not at which cell was cut, so steps of several revocations
 * may mix, and doing them twice is harmless. */
#include "kernel/ipc/revoke.h"

#include "kernel/object/region.h"

enum { THREADS_AT_ONCE = 512, CAPSULE_SHIFT = 32 };
enum { NOTHING = 0, WAITERS, EVERYTHING };

static uint64_t background_at;
static uint32_t wanted, doing;

static bool waits_through_a_handle(const struct thread *t)
{
    return t->state == THREAD_NOTE || t->state == THREAD_CALL || t->state == THREAD_SEND ||
           t->state == THREAD_REPLY || t->state == THREAD_RECV;
}

/* In steps, and not done yet. */
static bool works_through_a_handle(const struct thread *t)
{
    return t->cont == CONT_VERIFY || t->cont == CONT_SPAWN;
}

static void wake_if_dead(struct thread *t)
{
    if (t == NULL || t->via == 0) {
        return;
    }
    enum cell_state cell = cell_look(t->via);
    nos_status_t st = cell == CELL_REVOKED ? NOS_REVOKED : NOS_CANCELLED;
    if (cell == CELL_ALIVE) {
        return;
    }
    if (waits_through_a_handle(t)) {
        thread_wait_cancel(t);
        sched_wake(t, st);
    } else if (works_through_a_handle(t)) {
        continuation_drop(t);
        t->cont = CONT_NONE;
        t->ctx.nr = (uint64_t)(int64_t)st;
    }
}

static struct capsule *capsule_from(uint32_t id)
{
    struct capsule *c = capsule_nth(0);
    while (c != NULL && c->id < id) {
        c = c->next;
    }
    return c;
}

/* `*at`: below 2^32 the next thread; else capsule << 32 | its next slot. */
bool revoke_step(uint64_t *at)
{
    if (*at >> CAPSULE_SHIFT == 0) {
        for (uint32_t n = 0; *at < thread_top && n < THREADS_AT_ONCE; n++) {
            wake_if_dead(thread_at((uint32_t)(*at)++));
        }
        *at = *at < thread_top ? *at : 1ull << CAPSULE_SHIFT;
        return false;
    }
    struct capsule *c = capsule_from((uint32_t)(*at >> CAPSULE_SHIFT));
    uint32_t slot = (uint32_t)*at;
    if (c == NULL) {
        return true;
    }
    if (!region_revoke_step(&c->space)) {
        up_exports_prune(c);
        bool walked = handle_derived_keepers() == 0 || handle_retire_step(&c->handles, &slot);
        *at = walked ? (c->id + 1ull) << CAPSULE_SHIFT : (uint64_t)c->id << CAPSULE_SHIFT | slot;
    }
    return false;
}

/* ---- in the background ---- */

static void want(uint32_t what)
{
    if (wanted < what) {
        wanted = what;
        background_news = 1;
        sched_arm_background();
    }
}

void cell_gone(void)
{
    want(WAITERS);
}

void revoke_finish_later(void)
{
    want(EVERYTHING);
}

bool revoke_pending(void)
{
    return wanted != NOTHING || doing != NOTHING;
}

bool revoke_background_step(void)
{
    if (doing == NOTHING) {
        doing = wanted;
        wanted = NOTHING;
        background_at = 0;
    }
    if (doing == NOTHING) {
        return false;
    }
    if (revoke_step(&background_at) || (doing == WAITERS && background_at >> CAPSULE_SHIFT != 0)) {
        doing = NOTHING;
    }
    return true;
}
