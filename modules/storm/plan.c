/* Weights and ranges. A draw begins at a hash of seed and number, so no fault depends on another.
 */
#include "modules/storm/plan.h"

#include <stdbool.h>

#include "lib/splitmix.h"

enum {
    SOON = 40000,       /* ticks: as long as the load lasts */
    ALLOCS = 48,        /* as many as a load or a restart makes */
    CALLS = 6,          /* replaced in a row */
    JUMP_NS = 50000000, /* of the clock */
    FAR_NS = 2000000000,
    TIMER_LINE = 32, /* UP_LINE_TIMER of the kernel */
    CONSOLE_LINE = 4,
};

uint64_t storm_draw(uint64_t *state)
{
    return splitmix64(state);
}

uint64_t storm_below(uint64_t *state, uint64_t n)
{
    return storm_draw(state) % n;
}

/* Of a hundred. */
static uint32_t pick(uint64_t n, const uint8_t *weights, uint32_t count)
{
    uint32_t i = 0;
    while (i + 1 < count && n >= weights[i]) {
        n -= weights[i++];
    }
    return i;
}

static uint32_t a_kind(uint64_t *s)
{
    static const uint8_t weights[NOS_STORM_KINDS - 1] = {
        [NOS_STORM_MEMORY] = 20, [NOS_STORM_REGISTER] = 16, [NOS_STORM_CALLS] = 12,
        [NOS_STORM_ALLOC] = 14,  [NOS_STORM_KILL] = 14,     [NOS_STORM_SPURIOUS] = 5,
        [NOS_STORM_MISSING] = 3, [NOS_STORM_CLOCK] = 4,     [NOS_STORM_MESSAGE] = 8,
        [NOS_STORM_QUOTA] = 2,   [NOS_STORM_MODULE] = 2
    };
    return pick(storm_below(s, 100), weights, NOS_STORM_KINDS - 1);
}

static uint32_t a_victim(uint64_t *s)
{
    static const uint8_t weights[WHO_COUNT] = {
        [WHO_WARD1] = 18,  [WHO_WARD2] = 18,   [WHO_WARD3] = 18, [WHO_WARD4] = 18,
        [WHO_CONSOLE] = 8, [WHO_LOOPBACK] = 8, [WHO_MANAGE] = 6, [WHO_SHELL] = 6
    };
    return pick(storm_below(s, 100), weights, WHO_COUNT);
}

/* A quarter of them backwards; now and then by seconds. */
static void a_jump(uint64_t *s, struct nos_storm_fault *f)
{
    bool far = storm_below(s, 16) == 0;
    f->b = storm_below(s, 4) == 0 ? 1 : 0;
    f->a = 1 + storm_below(s, far && f->b == 0 ? FAR_NS : JUMP_NS);
}

static void details(uint64_t *s, struct nos_storm_fault *f)
{
    f->a = storm_draw(s);
    f->b = storm_draw(s);
    f->c = storm_draw(s);
    if (f->kind == NOS_STORM_CALLS) {
        f->b = 1 + f->b % CALLS;
    } else if (f->kind == NOS_STORM_ALLOC) {
        f->a = 1 + f->a % ALLOCS;
        f->b = f->b % 4 == 0 ? 2 + f->c % 6 : 1;
    } else if (f->kind == NOS_STORM_MISSING) {
        f->a = f->a % 4 == 0 ? CONSOLE_LINE : TIMER_LINE;
    } else if (f->kind == NOS_STORM_CLOCK) {
        a_jump(s, f);
    }
}

void storm_plan(uint64_t seed, uint64_t index, struct storm_plan *out)
{
    uint64_t s = seed, start = storm_draw(&s) ^ index * 0xd1342543de82ef95ull;

    *out = (struct storm_plan){ 0 };
    s = storm_draw(&start);
    out->fault.kind = a_kind(&s);
    out->who = a_victim(&s);
    out->fault.after = 1 + storm_below(&s, SOON);
    details(&s, &out->fault);
    out->restart = out->fault.kind == NOS_STORM_ALLOC && storm_below(&s, 2) == 0;
    out->rest = storm_draw(&s);
}
