/* Placement, theft, affinity and budgets on faked CPUs: every rule of docs/scheduling.md that needs
 * no hardware. */
#define sched_yield libc_sched_yield /* the kernel has one of its own */
#include <pthread.h>
#undef sched_yield

#include "tests/host/kernel_host.h"
#include "tests/host/test.h"

#include "tests/host/kernel_host_impl.h"

#include "kernel/core/lock.c"
#include "kernel/sched/budget.c"
#include "kernel/sched/queue.c"
#include "kernel/sched/sched.c"
#include "kernel/sched/timer.c"

static unsigned kicks[CPUS_MAX];
static uint64_t armed[CPUS_MAX];

void obj_put(struct obj *o)
{
    o->refs--;
}

static uint64_t due; /* of the background */
static unsigned steps;

bool background_step(void)
{
    steps++;
    return false;
}

uint64_t background_due(void)
{
    return due;
}

nos_status_t continuation_step(struct thread *t, bool *done)
{
    (void)t;
    *done = true;
    return NOS_OK;
}

void continuation_drop(struct thread *t)
{
    (void)t;
}

void thread_wait_cancel(struct thread *t)
{
    (void)t;
}

void arch_timer_arm(uint64_t deadline_ns)
{
    armed[host_cpu] = deadline_ns;
}

void arch_root_load(uint64_t root)
{
    (void)root;
}

static const struct arch_space *loaded, *left;

void arch_space_switch(const struct arch_space *s)
{
    loaded = s;
}

void arch_space_leave(const struct arch_space *s)
{
    left = s;
}

static struct {
    const struct arch_fpu *saved, *loaded;
} fpu;

void arch_fpu_set_tls(struct arch_fpu *f, uint64_t base)
{
    (void)f, (void)base;
}

void arch_fpu_switch(struct arch_fpu *old, const struct arch_fpu *next)
{
    fpu.saved = old;
    fpu.loaded = next;
}

void arch_kick(unsigned cpu)
{
    kicks[cpu]++;
}

static struct thread *left_by_its_client; /* while interrupts are let in */

void arch_irq_window(void)
{
    if (left_by_its_client != NULL) {
        left_by_its_client->payer = left_by_its_client->capsule;
    }
}

void arch_irq_open(void)
{
}

void arch_irq_close(void)
{
}

static struct thread *wakes; /* what the interrupt that ends the idling makes ready */

/* An idle CPU is asked by nobody: it has nothing of a capsule's loaded, and is nobody's time. */
/* On the host the stack stays, and its caller gives back the lock. */
struct arch_context *arch_rest(void)
{
    struct arch_context *next = up_idle();
    (void)kernel_lock();
    return next;
}

static unsigned cleaned;

void arch_stack_clean(void)
{
    assert_int_equal(cpus_idle, 0);  // before it waits
    cleaned++;
}

void arch_idle(void)
{
    assert_non_null(wakes);
    assert_null(cpus[host_cpu].space);
    assert_null(loaded);
    assert_null(cpus[host_cpu].payer);
    assert_int_equal(cpus_idle, cpus[host_cpu].bit);
    assert_int_equal(big_lock.next, big_lock.serving);
    sched_ready(wakes);
}

void arch_clock_params(uint64_t *hz, uint64_t *mult, uint64_t *base)
{
    *hz = 1000000000;
    *mult = 1ull << 32;
    *base = 0;
}

enum { THREADS = 12, CPUS = 4 };
static struct capsule a, b;
static struct thread th[THREADS];

static struct thread *make(int n, struct capsule *c, uint32_t priority, uint32_t cpu)
{
    struct thread *t = &th[n];
    *t = (struct thread){ .capsule = c,
                          .payer = c,
                          .priority = priority,
                          .base_priority = priority,
                          .cpus = CPUS_ALL,
                          .cpu = cpu,
                          .state = THREAD_SLEEP };
    t->obj.refs = 1;
    return t;
}

/* `t` is what CPU `id` runs. */
static void runs(unsigned id, struct thread *t)
{
    unsigned was = host_cpu;
    host_become(id);
    sched_enter(&cpus[id], t);
    host_become(was);
}

static void idles(unsigned id)
{
    cpus[id].idle = true;
    cpus[id].current = NULL;
    cpus_idle |= cpus[id].bit;
}

static int setup(void **state)
{
    (void)state;
    host_start();
    memset(kicks, 0, sizeof kicks);
    memset(armed, 0, sizeof armed);
    memset(&a, 0, sizeof a);
    memset(&b, 0, sizeof b);
    cpus_idle = 0;
    background_by = NULL;
    loaded = left = NULL;
    wakes = NULL;
    big_lock = (struct ticket_lock){ 0 };
    due = steps = 0;
    cpus_running = (1u << CPUS) - 1;
    host_now = 1000000;
    for (unsigned i = 0; i < CPUS; i++) {
        runs(i, make((int)i, &a, 10, i));
    }
    return 0;
}

static void woken_where_it_ran(void **state)
{
    (void)state;
    struct thread *t = make(5, &a, 12, 2);  // more urgent than what runs there
    idles(3);
    sched_ready(t);
    assert_int_equal(t->cpu, 2);
    assert_int_equal(kicks[2], 1);
    assert_true(cpus[2].resched);
    sched_ready(make(6, &a, 12, 2));  // one interrupt is on its way
    assert_int_equal(kicks[2], 1);
    host_become(2);
    sched_kicked();
    host_become(0);
    sched_ready(make(7, &a, 12, 2));  // it has come: the next is not lost
    assert_int_equal(kicks[2], 2);
}

static void else_to_an_idle_one(void **state)
{
    (void)state;
    struct thread *t = make(5, &a, 10, 2);
    idles(3);
    sched_ready(t);
    assert_int_equal(t->cpu, 3);
    assert_int_equal(kicks[3], 1);
    assert_int_equal(kicks[2], 0);
}

static void an_idle_one_of_its_mask(void **state)
{
    (void)state;
    struct thread *t = make(5, &a, 10, 2);
    t->cpus = 1u << 1 | 1u << 2;
    idles(3);
    sched_ready(t);
    assert_int_equal(t->cpu, 2);  // 3 is idle, and not for it
    assert_int_equal(kicks[3], 0);
    assert_int_equal(kicks[2], 1);  // as urgent as what runs: they share from now on
    assert_false(cpus[2].resched);
}

static void no_interrupt_for_the_less_urgent(void **state)
{
    (void)state;
    sched_ready(make(5, &a, 9, 2));
    assert_int_equal(th[5].cpu, 2);
    assert_int_equal(kicks[2], 0);
}

static void never_outside_its_mask(void **state)
{
    (void)state;
    struct thread *t = make(5, &a, 31, 0);
    t->cpus = 1u << 3 | 1u << 7;  // 7 does not run
    sched_ready(t);
    assert_int_equal(t->cpu, 3);
    t = make(6, &a, 31, 3);
    t->cpus = 1u << 3;
    assert_false(sched_may_switch(&cpus[0], t));
    assert_true(sched_may_switch(&cpus[3], make(7, &a, 31, 3)) == !cpus[3].resched);
}

static void theft(void **state)
{
    (void)state;
    sched_ready(make(5, &a, 8, 1));
    sched_ready(make(6, &a, 9, 2));
    struct thread *pinned = make(7, &a, 10, 2);
    pinned->cpus = 1u << 2;
    sched_ready(pinned);
    assert_ptr_equal(steal(&cpus[3]), &th[6]);  // the most urgent that may come
    host_become(3);
    assert_ptr_equal(sched_pick(&cpus[3]), &th[6]);
    assert_ptr_equal(sched_pick(&cpus[3]), &th[5]);
    assert_null(sched_pick(&cpus[3]));
    host_become(2);
    assert_ptr_equal(sched_pick(&cpus[2]), pinned);
    assert_int_equal(cpus[2].ready_mask, 0);
}

static void urgent_first_then_in_turn(void **state)
{
    (void)state;
    sched_ready(make(5, &a, 5, 0));
    sched_ready(make(6, &a, 5, 0));
    sched_ready(make(7, &a, 9, 0));
    assert_ptr_equal(sched_pick(&cpus[0]), &th[7]);
    assert_ptr_equal(sched_pick(&cpus[0]), &th[5]);
    assert_ptr_equal(sched_pick(&cpus[0]), &th[6]);
}

static void moved_away(void **state)
{
    (void)state;
    sched_set_cpus(&th[1], 1u << 2);  // it runs on 1
    assert_true(cpus[1].resched);
    assert_int_equal(kicks[1], 1);
    host_become(1);
    leave(&cpus[1]);
    assert_int_equal(th[1].cpu, 2);
    assert_int_equal(th[1].state, THREAD_READY);
    sched_set_cpus(&th[1], 1u << 3);  // it is queued at 2
    assert_int_equal(th[1].cpu, 3);
    assert_int_equal(cpus[2].ready_mask, 0);
}

/* Somebody less urgent waits on 1; what runs there falls to as urgent, then below. */
static void lowered_while_it_runs(void **state)
{
    (void)state;
    sched_ready(make(5, &a, 5, 1));
    sched_reprioritise(&th[1], 5);
    assert_int_equal(kicks[1], 0);
    sched_reprioritise(&th[1], 4);
    assert_true(cpus[1].resched);
    assert_int_equal(kicks[1], 1);
    host_become(1);
    leave(&cpus[1]);
    assert_ptr_equal(sched_pick(&cpus[1]), &th[5]);
    assert_ptr_equal(sched_pick(&cpus[1]), &th[1]);
}

static void use(struct cpu *cpu, uint64_t ticks)
{
    cpu->switch_tsc = arch_tsc() - ticks;
}

static void a_spent_budget_parks(void **state)
{
    (void)state;
    b.sched = (struct nos_sched){ .budget_us = 2000000, .period_us = 10000000 };
    runs(0, make(5, &b, 10, 0));
    assert_int_equal(b.budget.until_ns, host_now + 10000000000);
    assert_in_range(armed[0], host_now + 1000000000, host_now + 2000000001);
    use(&cpus[0], 1000000000);
    sched_tick();
    assert_false(cpus[0].resched);
    use(&cpus[0], 1100000000);
    sched_tick();
    assert_true(is_spent(&b) && cpus[0].resched);
    leave(&cpus[0]);
    assert_true(th[5].parked);
    assert_int_equal(cpus[0].ready_mask, 0);
    host_now += 9000000000;
    sched_tick();
    assert_true(th[5].parked);
    host_now += 1000000000;
    sched_tick();
    assert_false(th[5].parked);
    assert_int_equal(cpus[0].ready_mask, 1u << 10);
    assert_null(cpus[0].parked);
    assert_ptr_equal(sched_pick(&cpus[0]), &th[5]);
    runs(0, &th[5]);  // with a whole budget again
    use(&cpus[0], 1000000000);
    sched_tick();
    assert_false(is_spent(&b));
}

/* No time is left: nothing that can be done to a thread makes it run before the period ends. */
static void parked_whatever_is_done(void **state)
{
    (void)state;
    b.sched = (struct nos_sched){ .budget_us = 2000000, .period_us = 10000000 };
    runs(0, make(5, &b, 10, 0));
    use(&cpus[0], 3000000000);
    sched_tick();
    leave(&cpus[0]);
    idles(1);
    sched_reprioritise(&th[5], 31);
    assert_true(th[5].parked);
    sched_set_cpus(&th[5], 2);
    assert_true(th[5].parked);
    sched_unqueue(&th[5]);  // as a kill, or whatever takes it up, would
    sched_ready(&th[5]);
    assert_true(th[5].parked);
    for (unsigned i = 0; i < CPUS; i++) {
        assert_int_equal(cpus[i].ready_mask, 0);
    }
    assert_int_equal(kicks[1], 0);
    host_now += 10000000000;
    sched_tick();
    assert_false(th[5].parked);
    assert_int_equal(th[5].priority, 31);
    assert_int_equal(th[5].cpu, 1);
}

/* The only one that is parked goes, another comes: the capsule is watched for once. */
static void parked_one_after_the_other(void **state)
{
    (void)state;
    b.sched = (struct nos_sched){ .budget_us = 2000000, .period_us = 10000000 };
    runs(0, make(5, &b, 10, 0));
    use(&cpus[0], 3000000000);
    sched_tick();
    leave(&cpus[0]);
    sched_unqueue(&th[5]);
    sched_ready(make(6, &b, 10, 0));
    assert_true(th[6].parked);
    assert_ptr_equal(cpus[0].parked, &b);
    assert_null(b.budget.next_parked);
    sched_forget_payer(&b);
    assert_null(cpus[0].parked);
}

static void all_that_were_parked_come_back(void **state)
{
    (void)state;
    b.sched = (struct nos_sched){ .budget_us = 2000000, .period_us = 10000000 };
    runs(0, make(5, &b, 10, 0));
    use(&cpus[0], 3000000000);
    sched_tick();
    leave(&cpus[0]);
    sched_ready(make(6, &b, 10, 0));
    sched_ready(make(7, &b, 10, 0));
    assert_true(th[5].parked && th[6].parked && th[7].parked);
    host_now += 10000000000;
    sched_tick();
    assert_false(th[5].parked || th[6].parked || th[7].parked);
    assert_null(cpus[0].parked);
}

static void a_server_goes_on_on_its_own(void **state)
{
    (void)state;
    b.sched = (struct nos_sched){ .budget_us = 2000000, .period_us = 10000000 };
    make(5, &a, 10, 0);
    th[5].payer = &b;
    runs(0, &th[5]);
    use(&cpus[0], 3000000000);
    sched_tick();
    assert_false(cpus[0].resched);
    assert_ptr_equal(th[5].payer, &a);
    assert_ptr_equal(cpus[0].payer, &a);
    assert_true(b.cpu_tsc >= 3000000000);
}

/* A loan to a thread on another CPU ends. Its timer is armed by nobody else, nor thought to be. */
static void on_its_own_on_another_cpu(void **state)
{
    (void)state;
    b.sched = (struct nos_sched){ .budget_us = 2000000, .period_us = 10000000 };
    make(5, &b, 10, 1);
    th[5].payer = &a;
    runs(1, &th[5]);
    th[5].payer = &b;
    sched_pay(&cpus[1], &b);
    assert_int_equal(armed[0] | cpus[1].timer_ns, 0);
    assert_int_equal(kicks[1], 1);
    host_become(1);
    sched_kicked();
    assert_ptr_equal(sched_exit(), &th[5].ctx);
    assert_ptr_equal(cpus[1].payer, &b);
    assert_in_range(armed[1], host_now + 1, host_now + 2000000001);
    assert_int_equal(armed[0], 0);
    use(&cpus[1], 3000000000);
    sched_tick();
    assert_true(cpus[1].resched);
}

/* Between two steps of a long call the loan ends: the call's rest, and what follows, is not its
 * client's any more. */
static void a_client_leaves_in_the_middle_of_a_step(void **state)
{
    (void)state;
    make(5, &b, 10, 0);
    th[5].payer = &a;
    runs(0, &th[5]);
    th[5].cont = CONT_ZERO;
    left_by_its_client = &th[5];
    (void)kernel_lock();
    assert_ptr_equal(sched_exit(), &th[5].ctx);
    kernel_unlock();
    left_by_its_client = NULL;
    assert_ptr_equal(cpus[0].payer, &b);
}

static void parked_and_killed(void **state)
{
    (void)state;
    b.sched = (struct nos_sched){ .budget_us = 2000000, .period_us = 10000000 };
    runs(0, make(5, &b, 10, 0));
    use(&cpus[0], 3000000000);
    sched_tick();
    leave(&cpus[0]);
    assert_true(th[5].parked);
    runs(3, make(6, &b, 10, 3));
    sched_unqueue(&th[5]);
    assert_null(b.budget.parked.first);
    sched_forget_payer(&b);
    assert_null(cpus[0].parked);
    for (unsigned i = 0; i < CPUS; i++) {
        assert_ptr_not_equal(cpus[i].payer, &b);
    }
}

static void a_space_that_goes_is_forgotten(void **state)
{
    (void)state;
    cpus[3].space = &b.space.arch;
    sched_forget_space(&a.space.arch);
    for (unsigned i = 0; i < 3; i++) {
        assert_null(
            cpus[i].space);  // else who comes next at its address runs in what is left of it
    }
    assert_ptr_equal(cpus[3].space, &b.space.arch);
    assert_ptr_equal(left, &a.space.arch);
}

static void time_is_charged_when_the_payer_changes(void **state)
{
    (void)state;
    use(&cpus[0], 5000);
    uint64_t since = cpus[0].switch_tsc;
    runs(0, make(5, &a, 10, 0));
    assert_int_equal(cpus[0].switch_tsc, since);
    runs(0, make(6, &b, 10, 0));
    assert_true(a.cpu_tsc >= 5000);
    assert_int_not_equal(cpus[0].switch_tsc, since);
}

/* ---- the short ways ---- */

static struct arch_fpu *const SOME_FPU = (struct arch_fpu *)&th[0];

/* Two of one priority on CPU 0: th[5] runs, th[6] is ready, and there is a slice to share. */
static void two_in_turn(void)
{
    make(6, &a, 10, 0);
    runs(0, make(5, &a, 10, 0));
    sched_ready(&th[6]);
    assert_true(cpus[0].slice_armed);
}

static void yield_in_turn(void **state)
{
    (void)state;
    two_in_turn();
    for (unsigned i = 0; i < 4; i++) {
        struct thread *from = &th[5 + i % 2], *to = &th[6 - i % 2];
        assert_true(sched_yield_fast(&cpus[0], from));
        assert_int_equal(from->state, THREAD_READY);
        assert_ptr_equal(sched_next_fast(&cpus[0]), &to->ctx);
        assert_ptr_equal(cpus[0].current, to);
        assert_ptr_equal(cpus[0].ctx, &to->ctx);
        assert_int_equal(to->state, THREAD_RUNNING);
        assert_int_equal(cpus[0].ready_mask, 1u << 10);
    }
}

/* What the short yield leaves to the long one: somebody more urgent, nobody of its own priority, a
 * budget, a CPU that it must leave. */
static void no_short_yield(void **state)
{
    (void)state;
    runs(0, make(5, &a, 10, 0));
    assert_false(sched_yield_fast(&cpus[0], &th[5]));
    two_in_turn();
    cpus[0].ready_mask |= 1u << 11;
    assert_false(sched_yield_fast(&cpus[0], &th[5]));
    cpus[0].ready_mask &= ~(1u << 11);
    cpus[0].resched = true;
    assert_false(sched_yield_fast(&cpus[0], &th[5]));
    cpus[0].resched = false;
    a.sched.budget_us = 1;
    assert_false(sched_yield_fast(&cpus[0], &th[5]));
    assert_int_equal(th[5].state, THREAD_RUNNING);
}

static void not_short(void)
{
    struct cpu was = cpus[0];
    assert_null(sched_next_fast(&cpus[0]));
    assert_memory_equal(&was, &cpus[0], sizeof was);
    assert_int_equal(th[6].state, THREAD_READY);
}

/* A step may want the FPU registers: whose state is in them has it in memory meanwhile. */
static void a_step_has_the_fpu(void **state)
{
    (void)state;
    two_in_turn();
    struct thread *t = cpus[0].current;
    t->fpu = SOME_FPU;
    cpus[0].fpu_owner = t;
    kernel_lock();
    sched_step_begin(t);
    assert_ptr_equal(fpu.saved, SOME_FPU);
    assert_null(fpu.loaded);
    assert_null(cpus[0].fpu_owner);
    assert_true(sched_step_end(t));
    assert_null(fpu.saved);
    assert_ptr_equal(fpu.loaded, SOME_FPU);
    assert_ptr_equal(cpus[0].fpu_owner, t);
    t->fpu = NULL;
    cpus[0].fpu_owner = NULL;
    fpu.loaded = SOME_FPU;
    sched_step_begin(t);
    assert_true(sched_step_end(t));
    assert_ptr_equal(fpu.loaded, SOME_FPU);  // nobody has a state: nothing was moved
}

/* What the short way to the next thread leaves to the long one, each alone. */
static void no_short_switch(void **state)
{
    (void)state;
    two_in_turn();
    sched_ready(make(7, &a, 10, 0));
    sched_block(THREAD_SLEEP, NULL, 0);
    th[6].fpu = SOME_FPU;
    not_short();
    th[6].fpu = NULL;
    cpus[0].fpu_owner = &th[5];
    not_short();
    cpus[0].fpu_owner = NULL;
    th[6].cont = CONT_ZERO;
    not_short();
    th[6].cont = CONT_NONE;
    background_news = 1;
    not_short();
    background_news = 0;
    cpus[0].slice_armed = false;
    not_short();
    cpus[0].slice_armed = true;
    cpus[0].payer = NULL;
    not_short();
    cpus[0].payer = &b;
    b.sched.budget_us = 1;
    not_short();
    b.sched.budget_us = 0;
    a.sched.budget_us = 1;
    not_short();
    a.sched.budget_us = 0;
    assert_ptr_equal(sched_next_fast(&cpus[0]), &th[6].ctx);
    assert_ptr_equal(cpus[0].payer, &a);
    assert_ptr_equal(cpus[0].ready[10].first, &th[7]);
}

static void not_ready_here(struct thread *t)
{
    struct cpu was = cpus[0];
    assert_false(sched_ready_fast(&cpus[0], t));
    assert_memory_equal(&was, &cpus[0], sizeof was);
    assert_int_equal(t->state, THREAD_SLEEP);
}

static void no_short_ready(void **state)
{
    struct thread *t = make(6, &b, 12, 0);
    (void)state;
    runs(0, make(5, &a, 10, 0));
    t->cpu = 1;
    not_ready_here(t);
    t->cpu = 0;
    cpus_idle = 2;
    not_ready_here(t);
    cpus_idle = 0;
    t->cpus = 2;
    not_ready_here(t);
    t->cpus = CPUS_ALL;
    b.sched.budget_us = 1;
    not_ready_here(t);
    b.sched.budget_us = 0;
    cpus[0].current = NULL;
    not_ready_here(t);
    cpus[0].current = &th[5];
    assert_true(sched_ready_fast(&cpus[0], t));
    assert_true(cpus[0].resched);
}

/* th[6] sleeps for a second on CPU 0, th[5] runs there, less urgent; the second is over. */
static struct thread *a_sleeper(void)
{
    struct thread *t = make(6, &b, 12, 0);
    runs(0, t);
    sched_block(THREAD_SLEEP, NULL, host_now + 1000000000);
    runs(0, make(5, &a, 10, 0));
    host_now += 1000000000;
    return t;
}

static void no_short_tick(void)
{
    struct cpu was = cpus[0];
    struct thread t = th[6], c = th[5];
    assert_null(sched_tick_fast());
    assert_memory_equal(&was, &cpus[0], sizeof was);
    assert_memory_equal(&t, &th[6], sizeof t);
    assert_memory_equal(&c, &th[5], sizeof c);
}

#define WHILE(place, value) \
    for (uint64_t was_ = (uint64_t)(place), once_ = ((place) = (value), 1); once_ != 0; \
         once_ = 0, (place) = (typeof(place))was_)

static void what_the_short_tick_leaves(void **state)
{
    struct thread *t = a_sleeper(), *c = &th[5];
    (void)state;
    WHILE(host_now, host_now - 1)
    {
        no_short_tick();
    }
    WHILE(cpus[0].deadlines, (struct thread *)NULL)
    {
        no_short_tick();
    }
    WHILE(cpus[0].current, (struct thread *)NULL)
    {
        no_short_tick();
    }
    WHILE(cpus[0].background_ns, host_now)
    {
        no_short_tick();
    }
    WHILE(cpus[0].parked, &a)
    {
        no_short_tick();
    }
    WHILE(cpus[0].payer, &b)
    {
        no_short_tick();
    }
    WHILE(cpus[0].ready_mask, 1u << 12)
    {
        no_short_tick();
    }
    WHILE(cpus[0].fpu_owner, c)
    {
        no_short_tick();
    }
    WHILE(background_news, 1)
    {
        no_short_tick();
    }
    WHILE(t->state, THREAD_RECV)
    {
        no_short_tick();
    }
    WHILE(c->state, THREAD_DEAD)
    {
        no_short_tick();
    }
    WHILE(t->cont, CONT_ZERO)
    {
        no_short_tick();
    }
    WHILE(c->cont, CONT_ZERO)
    {
        no_short_tick();
    }
    WHILE(t->fpu, SOME_FPU)
    {
        no_short_tick();
    }
    WHILE(t->priority, 10)
    {
        no_short_tick();
    }
    WHILE(t->cpus, 2)
    {
        no_short_tick();
    }
    WHILE(c->cpus, 2)
    {
        no_short_tick();
    }
    WHILE(a.sched.budget_us, 1)
    {
        no_short_tick();
    }
    WHILE(b.sched.budget_us, 1)
    {
        no_short_tick();
    }
    struct thread *also = make(7, &b, 11, 0);
    also->deadline_ns = host_now;
    t->t_next = also;
    no_short_tick();  // two at once
    t->t_next = NULL;
    assert_non_null(sched_tick_fast());
}

static void a_short_tick(void **state)
{
    struct thread *t = a_sleeper(), *later = make(7, &b, 11, 0);
    (void)state;
    later->deadline_ns = host_now + 500;
    later->t_prev = t;
    t->t_next = later;
    cpus[0].background_ns = host_now + 900;
    cpus[0].slice_armed = true;
    assert_ptr_equal(sched_tick_fast(), &t->ctx);
    assert_int_equal(t->ctx.nr, NOS_OK);
    assert_int_equal(t->state, THREAD_RUNNING);
    assert_int_equal(t->deadline_ns, 0);
    assert_null(t->t_next);
    assert_ptr_equal(cpus[0].current, t);
    assert_ptr_equal(cpus[0].deadlines, later);
    assert_null(later->t_prev);
    assert_int_equal(armed[0], host_now + 500);
    assert_int_equal(cpus[0].background_ns, host_now + 900);
    assert_false(cpus[0].slice_armed);
    assert_ptr_equal(cpus[0].payer, &b);
    assert_int_equal(th[5].state, THREAD_READY);
    assert_ptr_equal(cpus[0].ready[10].last, &th[5]);
    assert_int_equal(cpus[0].ready_mask, 1u << 10);
    runs(0, t);
    sched_block(THREAD_SLEEP, NULL, host_now + 400);
    cpus[0].deadlines->t_next = NULL;
    runs(0, &th[5]);
    cpus[0].ready_mask = 0;
    cpus[0].ready[10] = (struct ready_queue){ 0 };
    host_now += 400;
    assert_non_null(sched_tick_fast());
    assert_int_equal(armed[0], host_now + 500);  // the background's
}

/* Whoever was to be woken is, when anything else looks; and what is asked for next arms the timer.
 */
static void a_lost_interrupt(void **state)
{
    struct thread *t = a_sleeper();
    (void)state;
    host_now -= 1;
    assert_false(sched_overdue());
    assert_int_equal(t->state, THREAD_SLEEP);
    host_now += 1;
    armed[0] = 0;  // it came to nothing
    assert_true(sched_overdue());
    assert_int_not_equal(t->state, THREAD_SLEEP);
    assert_false(sched_overdue());
    runs(0, &th[5]);
    sched_block(THREAD_SLEEP, NULL, host_now + 700);
    assert_int_equal(armed[0], host_now + 700);
}

/* ---- the way out of the kernel ---- */

static void killed_meanwhile(void **state)
{
    (void)state;
    two_in_turn();
    th[5].state = THREAD_DEAD;
    th[5].obj.refs = 2;
    assert_ptr_equal(sched_exit(), &th[6].ctx);
    assert_int_equal(th[5].obj.refs, 1);  // the CPU's
    assert_int_equal(cpus[0].ready_mask, 0);
}

static void who_waits_is_in_no_queue(void **state)
{
    (void)state;
    two_in_turn();
    sched_block(THREAD_SLEEP, NULL, 0);
    assert_ptr_equal(sched_exit(), &th[6].ctx);
    assert_int_equal(th[5].state, THREAD_SLEEP);
    assert_int_equal(cpus[0].ready_mask, 0);
}

static void sent_away(void **state)
{
    (void)state;
    two_in_turn();
    sched_set_cpus(&th[5], 1u << 2);
    assert_ptr_equal(sched_exit(), &th[6].ctx);
    assert_int_equal(th[5].cpu, 2);
    assert_int_equal(kicks[2], 1);
    assert_int_equal(cpus[0].ready_mask, 0);
    assert_int_equal(cpus[2].ready_mask, 1u << 10);
}

static void nothing_to_do(void **state)
{
    (void)state;
    (void)kernel_lock();
    cpus[0].stale = true;  // a capsule has been reclaimed: its registers may lie on this stack
    cleaned = 0;
    loaded = &a.space.arch;
    wakes = make(5, &a, 10, 0);
    sched_block(THREAD_SLEEP, NULL, 0);
    assert_ptr_equal(sched_exit(), &th[5].ctx);
    assert_int_equal(th[5].state, THREAD_RUNNING);
    assert_int_equal(cpus_idle, 0);
    assert_int_equal(cleaned, 1);
    assert_false(cpus[0].stale);
    assert_ptr_equal(cpus[0].space, &a.space.arch);
    kernel_unlock();
}

/* ---- the lock ---- */

static unsigned order[CPUS], n_order;
static bool waited[CPUS];

static void *takes_the_lock(void *id)
{
    unsigned cpu = (unsigned)(uintptr_t)id;
    host_become(cpu);
    waited[cpu] = kernel_lock();
    order[n_order++] = cpu;
    kernel_unlock();
    return NULL;
}

static void first_come_first_served(void **state)
{
    pthread_t thread[CPUS];
    (void)state;
    n_order = 0;
    assert_false(kernel_lock());
    for (unsigned i = 1; i < CPUS; i++) {
        uint32_t next = __atomic_load_n(&big_lock.next, __ATOMIC_ACQUIRE);
        assert_int_equal(pthread_create(&thread[i], NULL, takes_the_lock, (void *)(uintptr_t)i), 0);
        while (__atomic_load_n(&big_lock.next, __ATOMIC_ACQUIRE) == next) {
            usleep(100);
        }
    }
    assert_int_equal(n_order, 0);
    kernel_unlock();
    for (unsigned i = 1; i < CPUS; i++) {
        assert_int_equal(pthread_join(thread[i], NULL), 0);
    }
    assert_int_equal(n_order, CPUS - 1);
    for (unsigned i = 1; i < CPUS; i++) {
        assert_int_equal(order[i - 1], i);
        assert_true(waited[i]);
        assert_int_equal(cpus[i].lock_waits, 1);
    }
    host_become(0);
}

/* A timer for the background: one step when it comes, and not put off by who asks again. */
static void a_turn_for_the_background(void **state)
{
    (void)state;
    runs(0, make(5, &a, 10, 0));
    due = 1;
    sched_arm_background();
    uint64_t at = cpus[0].background_ns;
    assert_int_equal(at, host_now + BACKGROUND_NS);
    host_now += BACKGROUND_NS / 2;
    sched_arm_background();
    assert_int_equal(cpus[0].background_ns, at);
    sched_tick();
    assert_false(cpus[0].background_turn);
    assert_int_equal(armed[0], at);  // again, for the rest
    host_now = at;
    sched_tick();
    assert_true(cpus[0].background_turn && cpus[0].resched && background_news == 1);
    assert_int_equal(cpus[0].background_ns, 0);
    keep_up(&cpus[0]);
    assert_false(cpus[0].background_turn);
    assert_int_equal(steps, 1);
    assert_int_equal(background_news, 0);
    assert_int_equal(cpus[0].background_ns, host_now + BACKGROUND_NS);
    keep_up(&cpus[0]);
    assert_int_equal(steps, 1);
}

/* A thread that runs alone and gives way to nobody: the work that it made is timed all the same. */
static void a_turn_beside_one_that_runs_alone(void **state)
{
    (void)state;
    runs(0, make(5, &a, 10, 0));
    due = host_now + 1000000000;
    background_begins();
    assert_ptr_equal(sched_exit(), &th[5].ctx);
    assert_int_equal(armed[0], due);
    assert_int_equal(background_news, 0);
    assert_false(cpus[0].resched);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(woken_where_it_ran, setup),
        cmocka_unit_test_setup(else_to_an_idle_one, setup),
        cmocka_unit_test_setup(an_idle_one_of_its_mask, setup),
        cmocka_unit_test_setup(no_interrupt_for_the_less_urgent, setup),
        cmocka_unit_test_setup(never_outside_its_mask, setup),
        cmocka_unit_test_setup(theft, setup),
        cmocka_unit_test_setup(urgent_first_then_in_turn, setup),
        cmocka_unit_test_setup(moved_away, setup),
        cmocka_unit_test_setup(lowered_while_it_runs, setup),
        cmocka_unit_test_setup(a_spent_budget_parks, setup),
        cmocka_unit_test_setup(parked_whatever_is_done, setup),
        cmocka_unit_test_setup(parked_one_after_the_other, setup),
        cmocka_unit_test_setup(all_that_were_parked_come_back, setup),
        cmocka_unit_test_setup(a_server_goes_on_on_its_own, setup),
        cmocka_unit_test_setup(on_its_own_on_another_cpu, setup),
        cmocka_unit_test_setup(a_client_leaves_in_the_middle_of_a_step, setup),
        cmocka_unit_test_setup(parked_and_killed, setup),
        cmocka_unit_test_setup(a_space_that_goes_is_forgotten, setup),
        cmocka_unit_test_setup(time_is_charged_when_the_payer_changes, setup),
        cmocka_unit_test_setup(yield_in_turn, setup),
        cmocka_unit_test_setup(no_short_yield, setup),
        cmocka_unit_test_setup(a_step_has_the_fpu, setup),
        cmocka_unit_test_setup(no_short_switch, setup),
        cmocka_unit_test_setup(no_short_ready, setup),
        cmocka_unit_test_setup(killed_meanwhile, setup),
        cmocka_unit_test_setup(who_waits_is_in_no_queue, setup),
        cmocka_unit_test_setup(sent_away, setup),
        cmocka_unit_test_setup(nothing_to_do, setup),
        cmocka_unit_test_setup(first_come_first_served, setup),
        cmocka_unit_test_setup(a_turn_for_the_background, setup),
        cmocka_unit_test_setup(a_turn_beside_one_that_runs_alone, setup),
        cmocka_unit_test_setup(what_the_short_tick_leaves, setup),
        cmocka_unit_test_setup(a_short_tick, setup),
        cmocka_unit_test_setup(a_lost_interrupt, setup),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
