/* A second clock and a second use of the timer, in front of the port's. The clock is the
 * time-stamp counter as the kernel and every capsule see it; a jump moves both, as on a machine
 * whose counter jumps. */
#include "abi/start.h"
#include "kernel/core/panic.h"
#include "kernel/runtime/capsule.h"
#include "kernel/storm/storm.h"

uint64_t __real_arch_clock_ns(void);
void __real_arch_clock_params(uint64_t *hz, uint64_t *mult, uint64_t *base);
void __real_arch_timer_arm(uint64_t deadline_ns);
void __real_arch_idle(void);

uint64_t __wrap_arch_clock_ns(void);
void __wrap_arch_clock_params(uint64_t *hz, uint64_t *mult, uint64_t *base);
void __wrap_arch_timer_arm(uint64_t deadline_ns);
void __wrap_arch_idle(void);

uint64_t storm_idle_ticks;
static int64_t off;                /* ticks that the clock is ahead of the port's */
static uint64_t wanted;            /* by the kernel, on its clock; 0 = off */
static uint64_t due[STORM_TIMERS]; /* by us, on the port's; 0 = off */

static uint64_t to_ns(uint64_t ticks)
{
    uint64_t hz, mult, base;
    __real_arch_clock_params(&hz, &mult, &base);
    return (uint64_t)((unsigned __int128)ticks * mult >> 32);
}

void __wrap_arch_clock_params(uint64_t *hz, uint64_t *mult, uint64_t *base)
{
    __real_arch_clock_params(hz, mult, base);
    *base -= (uint64_t)off;
}

uint64_t __wrap_arch_clock_ns(void)
{
    uint64_t hz, mult, base;
    __real_arch_clock_params(&hz, &mult, &base);
    return to_ns(arch_tsc() - base + (uint64_t)off);
}

/* A deadline of the kernel's on the port's clock; what has passed fires at once. */
static uint64_t on_port(uint64_t deadline_ns)
{
    if (off < 0) {
        return deadline_ns + to_ns((uint64_t)-off);
    }
    uint64_t ahead = to_ns((uint64_t)off);
    return deadline_ns > ahead ? deadline_ns - ahead : 1;
}

void storm_timer_arm(void)
{
    uint64_t at = wanted == 0 ? 0 : on_port(wanted);
    for (unsigned i = 0; i < STORM_TIMERS; i++) {
        at = due[i] != 0 && (at == 0 || due[i] < at) ? due[i] : at;
    }
    __real_arch_timer_arm(at);
}

void __wrap_arch_timer_arm(uint64_t deadline_ns)
{
    wanted = deadline_ns;
    storm_timer_arm();
}

void storm_timer_set(enum storm_timer which, uint64_t after_ticks)
{
    due[which] = after_ticks == 0 ? 0 : __real_arch_clock_ns() + to_ns(after_ticks) + 1;
    storm_timer_arm();
}

bool storm_timer_due(enum storm_timer which)
{
    if (due[which] == 0 || __real_arch_clock_ns() < due[which]) {
        return false;
    }
    due[which] = 0;
    return true;
}

bool storm_timer_forget(void)
{
    if (wanted == 0 || __real_arch_clock_ns() < on_port(wanted)) {
        return false;
    }
    wanted = 0;
    return true;
}

void __wrap_arch_idle(void)
{
    storm_idles();
    uint64_t since = arch_tsc();
    __real_arch_idle();
    storm_idle_ticks += arch_tsc() - since;
}

/* Capsules read the counter themselves, from the base in their start page. */
static void move_base(struct capsule *c, uint64_t ticks)
{
    struct nos_start *s = c->start_va == 0 ? NULL : space_ptr(&c->space, c->start_va);
    if (s != NULL && c->state == NOS_CAPSULE_RUNNING) {
        s->tsc_base -= ticks;
    }
}

/* Never to before the machine's start, where no counter was; and no further ahead than the counter
 * itself is, for capsules take what they count from as a number that is not negative. */
void storm_clock_jump(uint64_t ticks, bool back)
{
    uint64_t hz, mult, base;
    __real_arch_clock_params(&hz, &mult, &base);
    uint64_t most = (arch_tsc() - base + (uint64_t)off) / 2;
    if (!back && off > 0 && ticks >= base - (uint64_t)off) {
        return;
    }
    ticks = back ? 0 - (ticks < most ? ticks : most) : ticks;
    off += (int64_t)ticks;
    for (uint32_t n = 0; capsule_nth(n) != NULL; n++) {
        move_base(capsule_nth(n), ticks);
    }
    storm_timer_arm();
}
