/* Wild system calls: what the victim asks for is replaced by a call drawn at random, made in its
 * name, with its handles and its addresses. Not `power`: that a capsule which may switch the
 * machine off can be made to do so is no finding. */
#include "abi/syscall_nr.h"
#include "kernel/storm/storm.h"
#include "lib/splitmix.h"

static uint32_t victim;
static uint64_t left, state;

uint64_t storm_mix(uint64_t *s)
{
    return splitmix64(s);
}

void storm_calls_begin(uint32_t capsule, uint64_t n, uint64_t seed)
{
    victim = capsule;
    left = n;
    state = seed;
}

static uint64_t below(uint64_t n)
{
    return storm_mix(&state) % n;
}

static uint64_t a_handle(const struct capsule *c)
{
    const struct handle_slot *s = NULL;
    for (unsigned tries = 0; tries < 16; tries++) {
        uint64_t i = below(c->handles.capacity);
        s = &c->handles.page[i / HANDLES_PER_PAGE][i % HANDLES_PER_PAGE];
        if (s->obj != NULL) {
            break;
        }
    }
    return s->name;
}

static uint64_t an_address(const struct capsule *c)
{
    const struct area *a = &c->space.area[below(c->space.n_areas == 0 ? 1 : c->space.n_areas)];
    return a->va + below((uint64_t)a->pages * PAGE_SIZE + 1);
}

static uint64_t an_argument(const struct capsule *c)
{
    switch (below(6)) {
    case 0:
    case 1:
        return a_handle(c);
    case 2:
        return an_address(c);
    case 3:
        return below(16);
    case 4:
        return arch_clock_ns() + below(100000);
    default:
        return storm_mix(&state) >> below(64);
    }
}

void storm_calls_change(struct thread *self)
{
    if (left == 0 || self->capsule->id != victim) {
        return;
    }
    const struct capsule *c = self->capsule;
    struct arch_context *ctx = &self->ctx;
    left--;
    storm.calls++;
    ctx->nr = below(32) == 0 ? storm_mix(&state) >> below(64) : below(NOS_SYS_COUNT);
    ctx->nr = ctx->nr == NOS_SYS_POWER || ctx->nr == NOS_SYS_STORM ? NOS_SYS_NULL : ctx->nr;
    ctx->arg0 = below(4) == 0 ? an_argument(c) : a_handle(c);
    ctx->arg1 = an_argument(c);
    for (unsigned i = 0; i < 4; i++) {
        ctx->w[i] = an_argument(c);
    }
}
