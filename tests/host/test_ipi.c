/* CPUs asking each other, on faked ones: who is asked, what he does before he answers, and what he
 * knows then. A sent interrupt is taken at once. */
#include <setjmp.h>

#include "tests/host/kernel_host.h"
#include "tests/host/test.h"

#include "tests/host/kernel_host_impl.h"

#include "kernel/arch/x86_64/cpu.h"
#include "kernel/arch/x86_64/paging.h"

static struct {
    unsigned pages, spaces; /* flushed: one by one, all at once */
    uint64_t va;            /* the last of them */
    bool late;              /* one of them after the answer */
    bool user;              /* was told to leave user mode */
    unsigned nmis, cleaned;
    bool fpu_clean; /* its registers were wiped */
} seen[CPUS_MAX];

static void note_flush(bool all)
{
    seen[host_cpu].pages += all ? 0 : 1;
    seen[host_cpu].spaces += all ? 1 : 0;
    seen[host_cpu].late |= host_cpu != 0 && cpus[host_cpu].asked == 0;
}

void port_answer(void);
#define arch_answer port_answer /* kernel_host_impl.h has an empty one */
#define invlpg(at) (seen[host_cpu].va = (at), note_flush(false))
#define write_cr3(v) ((void)(v), note_flush(true))
static uint32_t looks_at(const uint32_t *word);
#define __atomic_load_n(word, order) looks_at(word)
#include "kernel/arch/x86_64/ipi.c"
#undef __atomic_load_n
#undef arch_answer
#undef invlpg
#undef write_cr3

enum { CPUS = 4, KERNEL = 0x1000, ASKED = 0x2000, OTHER = 0x3000 };
static const struct arch_space space = { .root = { ASKED } };
static jmp_buf parked;
struct stacks *cpu_stacks[CPUS_MAX];

void arch_space_switch(const struct arch_space *s)
{
    assert_null(s);
    cpus[host_cpu].root = KERNEL;
    seen[host_cpu].late |= host_cpu != 0 && cpus[host_cpu].asked == 0;
}

void arch_stack_clean(void)
{
    seen[host_cpu].cleaned++;
    seen[host_cpu].late |= host_cpu != 0 && cpus[host_cpu].asked == 0;
}

void fpu_wipe(void)
{
    seen[host_cpu].fpu_clean = true;
}

void park(struct stacks *s, uint32_t *halted)
{
    (void)s;
    *halted = 1;
    longjmp(parked, 1);
}

static void taken(uint32_t apic_id, uint32_t what)
{
    unsigned was = host_cpu;
    host_become(apic_id);
    if (what == LAPIC_NMI) {
        seen[apic_id].nmis++;
        if (setjmp(parked) == 0) {
            ipi_nmi();
        }
    } else {
        seen[apic_id].user |= ipi_take((uint8_t)what);
    }
    host_become(was);
}

/* CPUs that take their time: an interrupt is taken when its sender has looked so often at what the
 * CPU says. One that is `dead` never takes it. */
static struct {
    unsigned looks, dead;
    struct {
        uint32_t what;
        unsigned looks;
    } of[CPUS_MAX];
    uint32_t asked_meanwhile; /* of CPU 1, right after it has looked */
} slow;

void lapic_send(uint32_t apic_id, uint32_t what)
{
    if (slow.looks == 0) {
        taken(apic_id, what);
    } else {
        slow.of[apic_id].what = what;
    }
}

static uint32_t looks_at(const uint32_t *word)
{
    for (unsigned i = 0; i < CPUS; i++) {
        bool its = word == &cpus[i].asked || word == &cpus[i].halted;
        if (!its || i == host_cpu) {
            continue;
        }
        slow.of[i].looks++;
        assert_true(slow.of[i].looks <= 2 * STOP_SPINS);
        if (slow.of[i].what != 0 && slow.of[i].looks == slow.looks && i != slow.dead) {
            taken(i, slow.of[i].what);
        }
    }
    uint32_t v = *word;
    if (slow.asked_meanwhile != 0 && word == &cpus[1].asked) {
        cpus[1].asked = slow.asked_meanwhile;
        slow.asked_meanwhile = 0;
    }
    return v;
}

/* 0 asks; 1 and 2 have the space loaded, 3 another. */
static int setup(void **state)
{
    (void)state;
    host_start();
    memset(seen, 0, sizeof seen);
    memset(&slow, 0, sizeof slow);
    stopper = 0;
    cpus_running = (1u << CPUS) - 1;
    for (unsigned i = 0; i < CPUS; i++) {
        cpus[i].apic_id = i;
        cpus[i].root = i == 3 ? OTHER : ASKED;
    }
    return 0;
}

static void flushed_where_it_is_loaded(void **state)
{
    (void)state;
    arch_flush(&space, 0x5000, 3);
    for (unsigned i = 0; i < CPUS; i++) {
        assert_int_equal(seen[i].pages, i == 3 ? 0 : 3);
        assert_int_equal(seen[i].va, i == 3 ? 0 : 0x5000 + 2 * PAGE_SIZE);
        assert_int_equal(seen[i].spaces, 0);
        assert_false(seen[i].late || seen[i].user);
    }
    assert_int_equal(cpus[0].ipis, 2);
}

static void many_pages_are_the_whole_space(void **state)
{
    (void)state;
    arch_flush(&space, 0x5000, FLUSH_SINGLY + 1);
    for (unsigned i = 0; i < CPUS; i++) {
        assert_int_equal(seen[i].pages, 0);
        assert_int_equal(seen[i].spaces, i == 3 ? 0 : 1);
        assert_false(seen[i].late);
    }
    arch_flush(&space, 0x5000, FLUSH_SINGLY);  // as many as go one by one
    assert_int_equal(seen[1].pages, FLUSH_SINGLY);
}

static void not_where_it_is_not(void **state)
{
    (void)state;
    cpus[0].root = OTHER;
    arch_flush(&space, 0x5000, 3);
    assert_int_equal(seen[0].pages, 0);
    assert_int_equal(seen[1].pages, 3);
    assert_int_equal(cpus[0].root, OTHER);
    cpus[0].root = ASKED;
    cpus[1].root = cpus[2].root = OTHER;  // nowhere but here: nobody is asked
    uint64_t asked = cpus[0].ipis;
    arch_flush(&space, 0x5000, 1);
    assert_int_equal(seen[0].pages, 1);
    assert_int_equal(cpus[0].ipis, asked);
}

static void left_by_all(void **state)
{
    (void)state;
    arch_space_leave(&space);
    for (unsigned i = 0; i < CPUS; i++) {
        assert_int_equal(cpus[i].root, i == 3 ? OTHER : KERNEL);
        assert_false(seen[i].late || seen[i].user);
    }
    cpus[0].root = OTHER;
    arch_space_leave(&space);
    assert_int_equal(cpus[0].root, OTHER);
}

/* Who is asked to leave user mode, or has work, goes by way of the scheduler; nobody else does. */
static void told_to_leave_user_mode(void **state)
{
    (void)state;
    arch_catch(2);
    arch_kick(3);
    assert_false(seen[1].user);
    assert_true(seen[2].user && seen[3].user);
    assert_int_equal(cpus[2].asked, 0);
    assert_int_equal(seen[2].pages + seen[2].spaces, 0);
    assert_int_equal(cpus[0].ipis, 2);
}

static void looking_answers_too(void **state)
{
    (void)state;
    flush_asked.va = 0x5000;
    flush_asked.pages = 2;
    cpus[1].asked = ASK_FLUSH;
    host_become(1);
    port_answer();
    port_answer();
    assert_int_equal(seen[1].pages, 2);
    assert_false(seen[1].late);
    assert_int_equal(cpus[1].asked, 0);
    assert_int_equal(cpus[1].root, ASKED);  // what was asked, and nothing else
    assert_int_equal(seen[1].cleaned, 0);
    cpus[1].asked = ASK_CLEAN;
    port_answer();
    assert_int_equal(seen[1].cleaned, 1);
    assert_int_equal(cpus[1].root, ASKED);
    cpus[1].asked = ASK_LEAVE;
    port_answer();
    assert_int_equal(cpus[1].root, KERNEL);
    assert_int_equal(seen[1].cleaned, 1);
    assert_int_equal(seen[1].pages + seen[1].spaces, 2);
}

static void all_stacks_are_cleaned(void **state)
{
    (void)state;
    arch_forget_ended();
    for (unsigned i = 0; i < CPUS; i++) {
        assert_int_equal(seen[i].cleaned, i == 0 ? 0 : 1);
        assert_false(seen[i].late);
    }
    assert_true(cpus[0].stale);  // its own, when it is idle
    cpus[0].stale = false;
}

static void all_others_stop(void **state)
{
    (void)state;
    ipi_nmi();  // nobody's end: returns
    arch_stop_others();
    for (unsigned i = 0; i < CPUS; i++) {
        assert_int_equal(seen[i].nmis, i == 0 ? 0 : 1);
        assert_int_equal(cpus[i].halted, i == 0 ? 0 : 1);
        assert_int_equal(seen[i].fpu_clean, i != 0);
    }
    ipi_nmi();  // who ends the machine goes on
    assert_int_equal(cpus[0].halted, 0);
}

/* Whoever asks waits for all that he has asked. */
static void answers_are_waited_for(void **state)
{
    (void)state;
    slow.looks = 3;
    arch_flush(&space, 0x5000, 3);
    assert_int_equal(seen[1].pages, 3);
    assert_int_equal(seen[2].pages, 3);
    assert_int_equal(cpus[1].asked | cpus[2].asked, 0);
    memset(&slow.of, 0, sizeof slow.of);
    arch_catch(3);
    assert_true(seen[3].user);
    assert_int_equal(cpus[3].asked, 0);
    memset(&slow.of, 0, sizeof slow.of);
    arch_stop_others();
    for (unsigned i = 1; i < CPUS; i++) {
        assert_int_equal(cpus[i].halted, 1);
        assert_true(slow.of[i].looks < STOP_SPINS);  // and no longer
    }
}

/* But not for ever when the machine ends: the others stop, and this one goes on. */
static void one_does_not_stop(void **state)
{
    (void)state;
    slow.looks = 3;
    slow.dead = 2;
    arch_stop_others();
    assert_int_equal(cpus[1].halted, 1);
    assert_int_equal(cpus[2].halted, 0);
    assert_int_equal(cpus[3].halted, 1);
}

/* What is asked right after a CPU has looked and found nothing is there at its next look. */
static void asked_a_moment_later(void **state)
{
    (void)state;
    host_become(1);
    slow.asked_meanwhile = ASK_CLEAN;
    port_answer();
    assert_int_equal(cpus[1].asked, ASK_CLEAN);
    assert_int_equal(seen[1].cleaned, 0);
    port_answer();
    assert_int_equal(cpus[1].asked, 0);
    assert_int_equal(seen[1].cleaned, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(flushed_where_it_is_loaded, setup),
        cmocka_unit_test_setup(many_pages_are_the_whole_space, setup),
        cmocka_unit_test_setup(not_where_it_is_not, setup),
        cmocka_unit_test_setup(left_by_all, setup),
        cmocka_unit_test_setup(told_to_leave_user_mode, setup),
        cmocka_unit_test_setup(looking_answers_too, setup),
        cmocka_unit_test_setup(all_stacks_are_cleaned, setup),
        cmocka_unit_test_setup(all_others_stop, setup),
        cmocka_unit_test_setup(answers_are_waited_for, setup),
        cmocka_unit_test_setup(one_does_not_stop, setup),
        cmocka_unit_test_setup(asked_a_moment_later, setup),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
