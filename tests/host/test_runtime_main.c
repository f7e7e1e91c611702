/* kernel/runtime/main.c, background.c and interrupts.c: the order of the kernel's start, what it
 * believes of the loader's words, what it does for nobody in particular, and where interrupts go.
 */
#include "tests/host/kernel_host.h"
#include "tests/host/test.h"

#define HOST_HAS_CAPSULES
#include "tests/host/kernel_host_impl.h"

#include "kernel/core/lock.c"

static unsigned said;

#include "tests/host/panic_host.h"
#define panic panics
#define klog(...) ((void)said++)
#include "kernel/runtime/background.c"
#include "kernel/runtime/interrupts.c"
#include "kernel/runtime/main.c"
#undef panic
#undef klog

/* ---- the order of things ---- */

static char order[64];
static unsigned n;
static char fails;

static void step(char c)
{
    order[n++] = c;
}

void arch_cpu_init(void)
{
    step('c');
}

void arch_serial_init(void)
{
    step('s');
}

static struct nos_bootinfo info;

void names_init(const struct nos_bootinfo *bi)
{
    assert_ptr_equal(bi, &info);
    step('N');
}

void arch_cpus_reserve(struct nos_bootinfo *bi)
{
    assert_ptr_equal(bi, &info);
    step('r');
}

void frame_init(const struct nos_bootinfo *bi)
{
    assert_ptr_equal(bi, &info);
    step('f');
}

nos_status_t arch_kernel_space_init(const struct nos_bootinfo *bi)
{
    assert_ptr_equal(bi, &info);
    step('k');
    return fails == 'k' ? NOS_NO_MEMORY : NOS_OK;
}

void arch_machine_init(const struct nos_bootinfo *bi)
{
    assert_ptr_equal(bi, &info);
    step('m');
}

struct frame_stats frame_stats(void)
{
    return (struct frame_stats){ .total = 1 << 16 };
}

nos_status_t vault_init(struct nos_bootinfo *bi)
{
    assert_ptr_equal(bi, &info);
    step('v');
    return fails == 'v' ? NOS_NO_ENTROPY : NOS_OK;
}

static struct policy policy;

void policy_init(const struct nos_bootinfo *bi)
{
    assert_ptr_equal(bi, &info);
    step('p');
}

const struct policy *policy_get(void)
{
    return &policy;
}

static bool keeps;

void wipe_init(bool keep_memory)
{
    keeps = keep_memory;
    step('w');
}

void postmortem_init(void)
{
    step('P');
}

void audit_init(void)
{
    step('a');
}

void audit_reserve(void)
{
    step('A');
}

void death_init(void)
{
    step('d');
}

void audit_add(enum nos_audit_kind kind, uint32_t actor, nos_status_t status,
               const uint8_t subject[32], uint64_t a, uint64_t b, const char *text)
{
    assert_int_equal(kind, NOS_AUDIT_BOOT);
    assert_int_equal(actor, 0);
    assert_int_equal(status, NOS_OK);
    assert_ptr_equal(subject, info.kernel_id);
    assert_int_equal(a, info.policy.len);
    assert_int_equal(b, info.secure_boot);
    assert_string_equal(text, NOS_RELEASE);
    step('b');
}

void named_init(const struct nos_bootinfo *bi)
{
    assert_ptr_equal(bi, &info);
    step('n');
}

void node_init(const struct nos_bootinfo *bi, uint64_t tsc_kernel)
{
    assert_ptr_equal(bi, &info);
    assert_int_not_equal(tsc_kernel, 0);
    step('o');
}

void module_boot(const struct nos_bootinfo *bi)
{
    assert_ptr_equal(bi, &info);
    assert_int_equal(big_lock.next, big_lock.serving);
    step('M');
}

void arch_cpus_start(void)
{
    assert_int_equal(big_lock.next, big_lock.serving + 1);
    step('C');
}

uint32_t arch_cpu_count(void)
{
    return 4;
}

uint64_t arch_image_base(void)
{
    return NOS_KERNEL_BASE;
}

/* ---- frames: which come back ---- */

static uint64_t donated[64];
static unsigned n_donated;
static bool no_frames;
static struct nos_bootinfo *const copy = (void *)(NOS_DIRECT_BASE + 0x100000);

paddr_t frame_alloc(unsigned frame_order)
{
    assert_int_equal(frame_order, 2);
    return (paddr_t){ no_frames ? 0 : 0x100000 };
}

void frame_free(paddr_t p, unsigned frame_order)
{
    assert_int_equal(p.v, 0x100000);
    assert_int_equal(frame_order, 2);
    step('F');
}

void frame_donate(paddr_t base, uint64_t len)
{
    assert_int_equal(len, PAGE_SIZE);
    assert_memory_equal(copy, &info, 64);  // it reads a copy: its own frames go too
    donated[n_donated++] = base.v;
}

/* ---- the first capsule ---- */

static struct module a_module;
static struct spawn_job job;
static unsigned steps;

struct module *module_find(const char name[NOS_NAME_MAX])
{
    assert_memory_equal(name, policy.first, NOS_NAME_MAX);
    return fails == '1' ? NULL : &a_module;
}

void *job_alloc(void)
{
    return fails == '2' ? NULL : &job;
}

void job_free(void *j)
{
    assert_ptr_equal(j, &job);
    step('3');
}

nos_status_t spawn_begin(struct spawn_job *j, struct module *m, span_t arg, uint32_t parent)
{
    assert_ptr_equal(j, &job);
    assert_ptr_equal(m, &a_module);
    assert_int_equal(arg.len, 0);
    assert_int_equal(parent, 0);
    step('1');
    return fails == 'g' ? NOS_GRANT_NO_RULE : NOS_OK;
}

nos_status_t spawn_step(struct spawn_job *j, bool *done)
{
    assert_ptr_equal(j, &job);
    *done = ++steps == 3;
    return fails == 'l' ? NOS_QUOTA : NOS_OK;
}

void spawn_drop(struct spawn_job *j)
{
    assert_ptr_equal(j, &job);
    step('2');
}

/* ---- the scheduler ---- */

static struct arch_context context;
static bool fast;

struct arch_context *sched_exit(void)
{
    step('x');
    return &context;
}

_Noreturn void arch_enter_user(struct arch_context *ctx)
{
    assert_ptr_equal(ctx, &context);
    assert_int_equal(big_lock.next, big_lock.serving);
    step('E');
    longjmp(panicked, 1);
}

void sched_tick(void)
{
    step('t');
}

struct arch_context *sched_tick_fast(void)
{
    step('T');
    return fast ? &context : NULL;
}

bool sched_overdue(void)
{
    step('o');
    return false;
}

void sched_kicked(void)
{
    step('K');
}

/* ---- interrupts and the background ---- */

static struct irq line_of[16];
static struct notification note;
static bool bound;
static uint64_t bits;

struct irq *irq_at(uint32_t line)
{
    return line < 16 ? &line_of[line] : NULL;
}

bool irq_is_bound(struct irq *q)
{
    assert_true(q >= line_of && q < line_of + 16);
    return bound;
}

void notify_signal(struct notification *to, uint64_t with)
{
    assert_ptr_equal(to, &note);
    bits = with;
    step('S');
}

static unsigned has_work; /* bit n: source n of the background's work */
static uint64_t sign_due, debug_at;

bool revoke_pending(void)
{
    return (has_work & 1) != 0;
}

bool capsule_reclaim_pending(void)
{
    return (has_work & 2) != 0;
}

bool frame_reclaim_pending(void)
{
    return (has_work & 4) != 0;
}

static bool worked(unsigned source, char c)
{
    step(c);
    return (has_work >> source & 1) != 0;
}

bool revoke_background_step(void)
{
    return worked(0, 'r');
}

bool capsule_reclaim_step(void)
{
    return worked(1, 'c');
}

bool frame_reclaim_step(uint32_t budget)
{
    assert_int_equal(budget, 4);
    return worked(2, 'f');
}

bool debug_step(uint64_t now_ns)
{
    assert_int_equal(now_ns, host_now);
    return worked(3, 'd');
}

bool audit_checkpoint_step(uint64_t now_ns)
{
    assert_int_equal(now_ns, host_now);
    return worked(4, 'a');
}

uint64_t audit_checkpoint_due(void)
{
    return sign_due;
}

uint64_t debug_due(void)
{
    return debug_at;
}

static int fresh(void **state)
{
    (void)state;
    host_start();
    memset(&info, 0, sizeof info);
    memset(&policy, 0, sizeof policy);
    memset(order, 0, sizeof order);
    memset(line_of, 0, sizeof line_of);
    memcpy(info.magic, NOS_BOOTINFO_MAGIC, sizeof info.magic);
    info.size = sizeof info;
    info.kernel_virt = NOS_KERNEL_BASE;
    info.flags = NOS_BOOT_RANDOM_BASE;
    info.n_mem = 2;
    info.mem[0] = (struct nos_mem_range){ 0x1000, 0x9000, NOS_MEM_LOADER, 0 };
    info.mem[1] = (struct nos_mem_range){ 0x100000, 0x100000, NOS_MEM_FREE, 0 };
    info.kernel.base = 0x4000;
    info.kernel.len = 0x3000;
    info.policy.len = 77;
    info.secure_boot = 1;
    memcpy(policy.first, "init", 4);
    n = n_donated = steps = said = 0;
    has_work = 0;
    sign_due = debug_at = 0;
    fails = 0;
    no_frames = keeps = fast = false;
    big_lock = (struct ticket_lock){ 0 };
    return 0;
}

/* 1: user mode was entered; 2: a panic. */
static int boot(void)
{
    int how = setjmp(panicked);
    if (how == 0) {
        kernel_main(&info);
    }
    return how;
}

/* ---- start ---- */

static void in_order(void **state)
{
    (void)state;
    policy.view.flags = ~(uint32_t)NOS_POL_PANIC_HOLD;
    assert_int_equal(boot(), 1);
    assert_string_equal(order, "csNrfkmvpwaAdbnoMCF123xE");
    assert_int_equal(steps, 3);
    assert_false(keeps);
    assert_int_equal(said, 2);
    fresh(state);
    policy.view.flags = NOS_POL_PANIC_HOLD;
    info.flags = 0;
    assert_int_equal(boot(), 1);
    assert_string_equal(order, "csNrfkmvpwPaAdbnoMCF123xE");
    assert_true(keeps);
    assert_int_equal(said, 4);  // and of both
}

static void each_stop(void **state)
{
    static const struct {
        char at;
        const char *order, *words;
    } rows[] = {
        { 'k', "csNrfk", "kernel address space: status -12" },
        { 'v', "csNrfkmv", "vault: status -23" },
        { '1', "csNrfkmvpwaAdbnoMCF", "first capsule init: no such verified module" },
        { '2', "csNrfkmvpwaAdbnoMCF", "first capsule init: no such verified module" },
        { 'g', "csNrfkmvpwaAdbnoMCF1", "first capsule: grant: status -72" },
        { 'l', "csNrfkmvpwaAdbnoMCF1", "first capsule: load: status -13" },
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        fresh(state);
        fails = rows[i].at;
        assert_int_equal(boot(), 2);
        assert_string_equal(order, rows[i].order);
        assert_string_equal(panic_text, rows[i].words);
    }
}

static bool believed(void)
{
    int how = boot();
    if (how == 2) {
        assert_non_null(strstr(panic_text, "boot information is malformed"));
        assert_string_equal(order, "cs");
    }
    return how == 1;
}

static void words_of_the_loader(void **state)
{
    static const struct {
        uint64_t base, len;
        bool good;
    } symbols[] = {
        { 0x4000, 0x3000, true },  { 0x6000, 0x1000, true },      { 0x5000, 0x1fff, true },
        { 0x6000, 0x1001, false }, { 0x7000, 1, false },          { 0x3000, 0x1000, false },
        { 0x5001, 1, false },      { 0x5000, 0x2001, false },     { 0x8000, 1, false },
        { 0x5001, 0, true },       { 0x5000, UINT64_MAX, false },
    };
    for (unsigned why = 0; why < 9; why++) {
        fresh(state);
        bool good = why >= 7;
        info.magic[7] ^= why == 0;
        info.size -= why == 1;
        info.flags |= why == 2 ? 2 : 0;
        info.kernel_virt += why == 3 ? PAGE_SIZE : 0;
        info.n_mem = why == 4 ? 0 : why == 5 ? NOS_MEM_RANGES_MAX + 1 : info.n_mem;
        info.n_mem = why == 7 ? NOS_MEM_RANGES_MAX : info.n_mem;
        info.n_files = why == 6 ? NOS_BOOT_FILES_MAX + 1 : why == 8 ? NOS_BOOT_FILES_MAX : 0;
        assert_int_equal(believed(), good);
    }
    for (size_t i = 0; i < ARRAY_LEN(symbols); i++) {
        fresh(state);
        info.symbols_base = symbols[i].base;
        info.symbols_len = symbols[i].len;
        assert_int_equal(believed(), symbols[i].good);
    }
}

/* The loader's frames are given away, but for what somebody still reads. */
static void what_is_kept(void **state)
{
    (void)state;
    info.mem[0].len = 0x8000;
    info.mem[2] = (struct nos_mem_range){ 0xa000, 0x1000, NOS_MEM_LOADER, 0 };  // not one of n_mem
    info.policy = (struct nos_boot_file){ .base = 0x2000, .len = 0x1000 };
    info.symbols_base = 0x4000;
    info.symbols_len = 0x1001;
    info.n_files = 3;
    info.file[0] = (struct nos_boot_file){ .base = 0x7000, .len = 0x1000 };
    info.file[1] = (struct nos_boot_file){ .base = 0x1000, .len = 0 };  // was not read
    info.file[2] = (struct nos_boot_file){ .base = 0x8000, .len = 0x800 };
    assert_int_equal(boot(), 1);
    static const uint64_t want[] = { 0x1000, 0x3000, 0x6000 };
    assert_int_equal(n_donated, 3);
    assert_memory_equal(donated, want, sizeof want);
    fresh(state);
    no_frames = true;  // without a copy they stay where they are
    assert_int_equal(boot(), 1);
    assert_int_equal(n_donated, 0);
    assert_null(strchr(order, 'F'));
}

static void another_cpu(void **state)
{
    (void)state;
    int how = setjmp(panicked);
    if (how == 0) {
        up_cpu_started();
    }
    assert_int_equal(how, 1);
    assert_string_equal(order, "xE");
}

/* ---- interrupts ---- */

static void a_line(void **state)
{
    (void)state;
    line_of[5].note = &note;
    line_of[5].bits = 0x20;
    bound = true;
    up_irq(5);
    assert_string_equal(order, "oS");
    assert_true(line_of[5].pending);
    assert_int_equal(bits, 0x20);
    assert_int_equal(big_lock.next, big_lock.serving);
    bound = false;
    spurious = 0;
    for (unsigned i = 1; i < 4; i++) {  // said once
        up_irq(i == 2 ? UP_LINE_SPURIOUS : 6);
        assert_int_equal(spurious, i);
        assert_int_equal(said, 1);
    }
    assert_false(line_of[6].pending);
    assert_string_equal(order, "oSooo");
}

static void timer_and_kick(void **state)
{
    (void)state;
    up_irq(UP_LINE_TIMER);
    up_irq(UP_LINE_KICK);
    assert_string_equal(order, "toK");
    assert_ptr_equal(up_irq_user(&context, UP_LINE_KICK), &context);
    assert_string_equal(order, "toKoKx");
    fresh(state);
    fast = true;
    assert_ptr_equal(up_irq_user(NULL, UP_LINE_TIMER), &context);
    assert_string_equal(order, "T");
    fast = false;
    assert_ptr_equal(up_irq_user(NULL, UP_LINE_TIMER), &context);
    assert_string_equal(order, "TTtx");
    assert_int_equal(big_lock.next, 2);
    assert_int_equal(big_lock.serving, 2);
}

/* ---- the background ---- */

static void one_step_at_a_time(void **state)
{
    static const char all[] = "rcfda";
    for (unsigned i = 0; i <= 5; i++) {
        fresh(state);
        has_work = 0x20 - (1u << i);  // this and all after it
        assert_int_equal(background_step(), i < 5);
        assert_int_equal(n, i < 5 ? i + 1 : 5);
        assert_memory_equal(order, all, n);
    }
    fresh(state);
    assert_false(up_reclaim());
    has_work = 2;
    assert_true(up_reclaim());
    assert_string_equal(order, "cc");
}

static void when_it_is_due(void **state)
{
    static const uint64_t rows[][3] = { { 0, 0, 0 }, { 5, 0, 5 }, { 0, 7, 7 },
                                        { 5, 7, 5 }, { 7, 5, 5 }, { 5, 5, 5 } };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        sign_due = rows[i][0];
        debug_at = rows[i][1];
        has_work = 0;
        assert_int_equal(background_due(), rows[i][2]);
        for (unsigned bit = 0; bit < 3; bit++) {
            has_work = 1u << bit;
            assert_int_equal(background_due(), 1);
        }
    }
}

int main(void)
{
    host_start();  // before anything reads gs
#define TEST(f) cmocka_unit_test_setup(f, fresh)
    const struct CMUnitTest tests[] = {
        TEST(in_order),       TEST(each_stop),          TEST(words_of_the_loader),
        TEST(what_is_kept),   TEST(another_cpu),        TEST(a_line),
        TEST(timer_and_kick), TEST(one_step_at_a_time), TEST(when_it_is_due),
    };
    return cmocka_run_group_tests_name("runtime_main", tests, NULL, NULL);
}
