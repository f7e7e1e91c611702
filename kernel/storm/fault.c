/* One fault at a time: asked for now, it happens by an interrupt some ticks later, wherever the
 * machine then is; or at once. */
#include "kernel/core/panic.h"
#include "kernel/runtime/capsule.h"
#include "kernel/sched/switch.h"
#include "kernel/storm/storm.h"

/* Those that user mode can set itself: no other bit is a capsule's. */
#define USER_FLAGS 0x244dd5ull
enum { REGISTER_FLAGS = 16, FIRST_VECTOR = 32, VECTORS = 256, FXSAVE_REGISTERS = 32 /* bytes */ };
_Static_assert(offsetof(struct arch_context, flags) == 8 * REGISTER_FLAGS, "registers by number");

struct nos_storm_state storm;
static struct nos_storm_fault next;

static struct capsule *victim_of(const struct nos_storm_fault *f)
{
    struct capsule *c = capsule_find(f->victim);
    return c != NULL && c->state == NOS_CAPSULE_RUNNING ? c : NULL;
}

static bool is_private(const struct area *a)
{
    return a->kind == AREA_PRIVATE || a->kind == AREA_STACK;
}

static uint64_t private_pages(const struct space *s)
{
    uint64_t n = 0;
    for (uint32_t i = 0; i < s->n_areas; i++) {
        n += is_private(&s->area[i]) ? s->area[i].pages : 0;
    }
    return n;
}

/* Only of the capsule's own: a region is others' too. */
static void flip_memory(const struct space *s, uint64_t page, uint64_t bit)
{
    uint64_t pages = private_pages(s);
    page = pages == 0 ? 0 : page % pages;
    for (uint32_t i = 0; i < s->n_areas; i++) {
        const struct area *a = &s->area[i];
        if (!is_private(a)) {
            continue;
        }
        if (page < a->pages) {
            uint8_t *p = space_ptr(s, a->va + page * PAGE_SIZE);
            bit %= PAGE_SIZE * 8;
            if (p != NULL) {
                p[bit / 8] ^= (uint8_t)(1u << bit % 8);
            }
            storm.hit = (uint64_t)i << 32 | page;
            storm.hit_more = bit;
            return;
        }
        page -= a->pages;
    }
}

/* Registers alone: in the control words are bits that no FXRSTOR takes. */
static void flip_fpu(struct thread *t, uint64_t reg, uint64_t bit)
{
    struct cpu *cpu = this_cpu();
    bool loaded = cpu->fpu_owner == t;
    if (loaded) {
        sched_fpu_switch(cpu, NULL);
    }
    ((uint8_t *)t->fpu)[FXSAVE_REGISTERS + reg * 16 + bit / 8] ^= (uint8_t)(1u << bit % 8);
    if (loaded) {
        sched_fpu_switch(cpu, t);
    }
}

static void flip_register(struct capsule *c, const struct nos_storm_fault *f)
{
    struct thread *t = c->threads;
    for (uint64_t i = c->n_threads == 0 ? 0 : f->c % c->n_threads; i != 0; i--) {
        t = t->sibling;
    }
    if (t == NULL) {
        return;
    }
    uint64_t registers = NOS_STORM_REGISTERS + (t->fpu == NULL ? 0 : NOS_STORM_FPU_REGISTERS);
    uint64_t reg = f->a % registers, bit = 1ull << f->b % 64;
    if (reg >= NOS_STORM_REGISTERS) {
        flip_fpu(t, reg - NOS_STORM_REGISTERS, f->b % 128);
    } else if (reg != REGISTER_FLAGS || (bit & USER_FLAGS) != 0) {
        ((uint64_t *)&t->ctx)[reg] ^= bit;
    }
    storm.hit = t->ctx.ip - c->image_base;
    storm.hit_more = reg << 32 | t->state;
}

static void end_victim(struct capsule *c)
{
    storm.hit = c->threads == NULL ? 0 : c->threads->ctx.ip - c->image_base;
    storm.hit_more = c->threads == NULL ? 0 : c->threads->state;
    capsule_end(c, NOS_CAPSULE_KILLED, 0);
}

static void hurt(struct capsule *c, const struct nos_storm_fault *f)
{
    if (f->kind == NOS_STORM_MEMORY) {
        flip_memory(&c->space, f->a, f->b);
    } else if (f->kind == NOS_STORM_REGISTER) {
        flip_register(c, f);
    } else if (f->kind == NOS_STORM_CALLS) {
        storm_calls_begin(c->id, f->b, f->a);
    } else {
        end_victim(c);
    }
}

static void happen(const struct nos_storm_fault *f)
{
    struct capsule *c = victim_of(f);
    storm.fired++;
    storm.hit = storm.hit_more = 0;
    switch ((enum nos_storm_kind)f->kind) {
    case NOS_STORM_MEMORY:
    case NOS_STORM_REGISTER:
    case NOS_STORM_CALLS:
    case NOS_STORM_KILL:
        if (c != NULL) {
            hurt(c, f);
        }
        break;
    case NOS_STORM_ALLOC:
        storm_alloc_fail(f->a, f->b);
        break;
    case NOS_STORM_SPURIOUS:
        storm_raise((uint8_t)(FIRST_VECTOR + f->a % (VECTORS - FIRST_VECTOR)));
        break;
    case NOS_STORM_MISSING:
        storm_lose((unsigned)f->a);
        break;
    case NOS_STORM_CLOCK:
        storm_clock_jump(f->a, f->b != 0);
        break;
    case NOS_STORM_LEAK:
        storm_leak();
        break;
    case NOS_STORM_MESSAGE:
    case NOS_STORM_QUOTA:
    case NOS_STORM_MODULE:
    case NOS_STORM_KINDS:
        break;
    }
}

bool storm_has_fired(void)
{
    return next.kind == 0;
}

nos_status_t storm_begin(const struct nos_storm_fault *f)
{
    if (f->kind == 0 || f->kind >= NOS_STORM_KINDS) {
        return NOS_INVALID;
    }
    storm_calls_begin(0, 0, 0);  // what is left of the last one
    storm_alloc_fail(0, 0);
    if (f->after == 0) {
        storm_timer_set(STORM_FAULT, 0);
        happen(f);
    } else {
        next = *f;
        storm_timer_set(STORM_FAULT, f->after);
    }
    return NOS_OK;
}

void storm_fire(void)
{
    struct nos_storm_fault f = next;
    next = (struct nos_storm_fault){ 0 };
    happen(&f);
}
