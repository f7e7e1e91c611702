/* kernel/arch/x86_64/trap.c: whose fault a vector is, and the only one of the kernel's own that it
 * survives. */
#include <signal.h>
#include <ucontext.h>

#include "tests/host/kernel_host.h"
#include "tests/host/test.h"

#define HOST_HAS_CAPSULES
#include "tests/host/kernel_host_impl.h"

#include "kernel/arch/x86_64/cpu.h"

static uint64_t cr2;

static uint64_t cr2_is(void)
{
    return cr2;
}
#define read_cr2 cr2_is
#include "kernel/arch/x86_64/trap.c"

/* The places that trap.c compares with: a text of 12 bytes; a copy of 4, and where its fault goes.
 */
__asm__(".pushsection .rodata\n"
        ".globl image_text, image_text_end, copy_begin, copy_end, copy_fault\n"
        "image_text: .fill 12, 1, 0x90\n"
        "image_text_end: .byte 0\n"
        "copy_begin: .fill 4, 1, 0x90\n"
        "copy_end: .byte 0\n"
        "copy_fault: .byte 0\n"
        ".popsection\n");

/* ---- what it hands on ---- */

static struct fault fault;
static struct arch_context context, elsewhere;
static struct arch_fpu *fpu_state;
static const struct arch_fpu *fpu_loaded;
static unsigned faults, eois, irqs, nmis;
static unsigned line_told;
static bool due, wanted, mapped;
static uint64_t copied_from;
static size_t copied;
static uint32_t illegal;
static span_t looked_at;
static jmp_buf end;
static struct {
    uint64_t vector, code, addr, regs[20];
} fatal;

struct arch_context *up_fault(struct arch_context *ctx, const struct fault *f)
{
    assert_ptr_equal(ctx, &context);
    fault = *f;
    faults++;
    return &elsewhere;
}

struct arch_context *up_irq_user(struct arch_context *ctx, unsigned line)
{
    assert_ptr_equal(ctx, &context);
    line_told = line;
    irqs++;
    return &elsewhere;
}

void up_irq(unsigned line)
{
    assert_false(cpus[0].simd);  // the registers are not the kernel's meanwhile
    line_told = line;
    irqs++;
}

struct arch_fpu *up_fpu_first_use(void)
{
    return fpu_state;
}

void fpu_load(const struct arch_fpu *f)
{
    fpu_loaded = f;
}

void lapic_eoi(void)
{
    eois++;
}

bool clock_timer_due(void)
{
    assert_int_equal(eois, 1);
    return due;
}

bool irq_take(uint8_t vector, unsigned *line)
{
    *line = vector - 0x30u;
    return wanted;
}

bool arch_copy_from_user(void *dst, uint64_t src, size_t len)
{
    copied_from = src;
    copied = len;
    memset(dst, 0xb9, len);
    return mapped;
}

uint32_t insn_illegal(span_t code)
{
    looked_at = code;
    return illegal;
}

void ipi_nmi(void)
{
    nmis++;
}

void up_kernel_fault(uint64_t vector, uint64_t code, uint64_t addr, const uint64_t *regs)
{
    fatal.vector = vector;
    fatal.code = code;
    fatal.addr = addr;
    memcpy(fatal.regs, regs, sizeof fatal.regs);
    longjmp(end, 1);
}

static int fresh(void **state)
{
    (void)state;
    host_start();
    memset(&fault, 0, sizeof fault);
    memset(&context, 0, sizeof context);
    memset(&fatal, 0, sizeof fatal);
    faults = eois = irqs = nmis = line_told = 0;
    due = wanted = mapped = true;
    illegal = 0;
    copied = 0;
    fpu_state = NULL;
    fpu_loaded = NULL;
    cr2 = 0xbad;
    looked_at = span_of(NULL, 0);
    return 0;
}

/* ---- user mode ---- */

static void each_vector(void **state)
{
    static const struct {
        uint64_t vector;
        enum fault_kind kind;
    } known[] = { { 0, FAULT_DIVIDE },      { 1, FAULT_DEBUG },      { 3, FAULT_BREAK },
                  { 6, FAULT_ILLEGAL },     { 7, FAULT_FPU },        { 10, FAULT_PROTECTION },
                  { 11, FAULT_PROTECTION }, { 12, FAULT_STACK },     { 13, FAULT_PROTECTION },
                  { 14, FAULT_PAGE },       { 16, FAULT_FPU },       { 17, FAULT_ALIGN },
                  { 19, FAULT_FPU },        { 21, FAULT_PROTECTION } };
    for (uint64_t v = 0; v < 32; v++) {
        enum fault_kind kind = FAULT_UNEXPECTED;
        for (size_t i = 0; i < ARRAY_LEN(known); i++) {
            kind = known[i].vector == v ? known[i].kind : kind;
        }
        fresh(state);
        assert_ptr_equal(trap_user(&context, v, 0xf00000018), &elsewhere);
        assert_int_equal(faults, 1);
        assert_int_equal(fault.kind, kind);
        assert_int_equal(fault.code, v << 32 | (v == 7 ? 0 : 0x18));
        assert_int_equal(fault.addr, v == 14 ? 0xbad : 0);
    }
    fresh(state);
    assert_ptr_equal(trap_bad_ip(&context), &elsewhere);
    assert_int_equal(fault.kind, FAULT_PROTECTION);
    assert_int_equal(fault.code, 13ull << 32);
}

static void page_faults(void **state)
{
    static const struct {
        uint64_t error;
        bool present, write, exec;
    } rows[] = { { 4, false, false, false },
                 { 5, true, false, false },
                 { 6, false, true, false },
                 { 0x14, false, false, true } };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        (void)trap_user(&context, 14, rows[i].error);
        assert_int_equal(fault.present, rows[i].present);
        assert_int_equal(fault.write, rows[i].write);
        assert_int_equal(fault.exec, rows[i].exec);
    }
}

/* The refused instruction is read as far as its page goes, and only where user mode is. */
static void illegal_ones(void **state)
{
    static const struct {
        uint64_t ip;
        size_t len;
    } rows[] = { { 0x400000, 8 }, { 0x400ff8, 8 }, { 0x400ff9, 7 }, { 0x400fff, 1 } };
    (void)state;
    illegal = ARCH_UBSAN | 0x12;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        context.ip = rows[i].ip;
        (void)trap_user(&context, 6, 0);
        assert_int_equal(fault.kind, FAULT_UB);
        assert_int_equal(fault.code, 6ull << 32 | ARCH_UBSAN | 0x12);
        assert_int_equal(copied_from, rows[i].ip);
        assert_int_equal(copied, rows[i].len);
        assert_int_equal(looked_at.len, rows[i].len);
    }
    mapped = false;
    (void)trap_user(&context, 6, 0);
    assert_int_equal(fault.kind, FAULT_ILLEGAL);
    assert_int_equal(fault.code, 6ull << 32);
    copied = 0;
    context.ip = NOS_KERNEL_BASE;
    (void)trap_user(&context, 6, 0);
    assert_int_equal(fault.kind, FAULT_ILLEGAL);
    assert_int_equal(copied, 0);
}

static void first_fpu_use(void **state)
{
    (void)state;
    fpu_state = (struct arch_fpu *)&fatal;
    assert_ptr_equal(trap_user(&context, 7, 0), &context);
    assert_ptr_equal(fpu_loaded, fpu_state);
    assert_int_equal(faults, 0);
    fpu_state = NULL;
    fpu_loaded = NULL;
    assert_ptr_equal(trap_user(&context, 7, 0), &elsewhere);
    assert_null(fpu_loaded);
    assert_int_equal(fault.kind, FAULT_FPU);
}

static void interrupts(void **state)
{
    (void)state;
    const uint64_t timer = 0xffffffffffffff00 | VEC_TIMER;  // its low byte is the vector
    assert_ptr_equal(trap_user(&context, VECTOR_IRQ, timer), &elsewhere);
    assert_int_equal(line_told, UP_LINE_TIMER);
    assert_int_equal(eois, 1);
    eois = 0;
    due = false;  // early: the timer is armed again
    assert_ptr_equal(trap_user(&context, VECTOR_IRQ, timer), &context);
    assert_int_equal(eois, 1);
    assert_int_equal(irqs, 1);
    assert_ptr_equal(trap_user(&context, VECTOR_IRQ, 0xffffffffffffff34), &elsewhere);
    assert_int_equal(line_told, 4);
    wanted = false;
    assert_ptr_equal(trap_user(&context, VECTOR_IRQ, 0x35), &context);
    assert_int_equal(irqs, 2);
    assert_int_equal(eois, 1);
    assert_ptr_equal(trap_user(&context, 5, VEC_TIMER), &elsewhere);  // a fault with that number
    assert_int_equal(faults, 1);
}

/* ---- kernel mode ---- */

static bool survives(struct trap_frame *f)
{
    if (setjmp(end) != 0) {
        return false;
    }
    trap_kernel(f);
    return true;
}

static void a_user_copy(void **state)
{
    static const struct {
        uint64_t vector, ip, addr;
        bool good;
    } rows[] = {
        { 14, 0, 0x1000, true },    { 14, 3, USER_MAX - 1, true },
        { 14, 4, 0x1000, false },   { 14, (uint64_t)-1, 0x1000, false },
        { 14, 0, USER_MAX, false }, { 14, 0, NOS_KERNEL_BASE, false },
        { 13, 0, 0x1000, false },
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct trap_frame f = { .vector = rows[i].vector, .ip = (uint64_t)copy_begin + rows[i].ip };
        cr2 = rows[i].addr;
        assert_int_equal(survives(&f), rows[i].good);
        if (rows[i].good) {
            assert_int_equal(f.ip, (uint64_t)copy_fault);
        } else {
            assert_int_equal(fatal.vector, rows[i].vector);
            assert_int_equal(fatal.addr, rows[i].vector == 14 ? rows[i].addr : 0);
        }
    }
}

static void in_a_window(void **state)
{
    struct trap_frame f = { .vector = VECTOR_IRQ, .error = 0xffffffffffffff36 };
    (void)state;
    assert_false(survives(&f));  // interrupts are off anywhere else
    assert_int_equal(irqs, 0);
    for (unsigned simd = 0; simd < 2; simd++) {
        cpus[0].in_window = 1;
        cpus[0].simd = simd;
        wanted = true;
        assert_true(survives(&f));
        assert_int_equal(line_told, 6);
        assert_int_equal(irqs, simd + 1);
        assert_int_equal(cpus[0].simd, simd);
        wanted = false;
        assert_true(survives(&f));
        assert_int_equal(irqs, simd + 1);
        assert_int_equal(cpus[0].simd, simd);
    }
    f.vector = 13;
    assert_false(survives(&f));
}

static void what_is_told_of_the_end(void **state)
{
    struct trap_frame f = { .rax = 1,
                            .rbx = 2,
                            .rcx = 3,
                            .rdx = 4,
                            .rsi = 5,
                            .rdi = 6,
                            .rbp = 7,
                            .r8 = 8,
                            .r9 = 9,
                            .r10 = 10,
                            .r11 = 11,
                            .r12 = 12,
                            .r13 = 13,
                            .r14 = 14,
                            .r15 = 15,
                            .vector = 8,
                            .error = 0x77,
                            .ip = 16,
                            .cs = 17,
                            .flags = 18,
                            .sp = 19,
                            .ss = 20 };
    (void)state;
    assert_false(survives(&f));
    for (unsigned i = 0; i < 20; i++) {
        assert_int_equal(fatal.regs[i], i + 1);
    }
    assert_int_equal(fatal.vector, 8);
    assert_int_equal(fatal.code, 0x77);
    assert_int_equal(fatal.addr, 0);
    assert_int_equal(nmis, 0);
    f.vector = 2;
    assert_false(survives(&f));
    assert_int_equal(nmis, 1);
}

static void its_own_illegal_instruction(void **state)
{
    static const struct {
        uint64_t vector;
        int64_t at;
        size_t len;
    } rows[] = { { 6, 0, 8 },  { 6, 4, 8 },  { 6, 5, 7 }, { 6, 11, 1 },
                 { 6, 12, 0 }, { 6, -1, 0 }, { 13, 0, 0 } };
    (void)state;
    illegal = 0x1234;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct trap_frame f = { .vector = rows[i].vector,
                                .error = 0x77,
                                .ip = (uint64_t)image_text + (uint64_t)rows[i].at };
        looked_at = span_of(NULL, 0);
        assert_false(survives(&f));
        assert_int_equal(fatal.code, rows[i].len != 0 ? 0x1234 : 0x77);
        assert_int_equal(looked_at.len, rows[i].len);
        if (rows[i].len != 0) {
            assert_int_equal((uint64_t)looked_at.data, f.ip);
        }
    }
}

/* ---- windows: the instructions are refused here, one by one, and passed over ---- */

enum { OP_HLT = 0xf4, OP_CLI = 0xfa, OP_STI = 0xfb };
static char refused[8]; /* s, h, c for each; a capital: in no window */

static void refuse(int signal_, siginfo_t *info, void *where)
{
    greg_t *ip = &((ucontext_t *)where)->uc_mcontext.gregs[REG_RIP];
    uint8_t op = *(const uint8_t *)*ip;
    size_t n = strlen(refused);
    (void)info;
    if ((op != OP_HLT && op != OP_CLI && op != OP_STI) || n + 1 == sizeof refused) {
        (void)signal(signal_, SIG_DFL);  // a crash of ours
        return;
    }
    char name = op == OP_HLT ? 'h' : op == OP_CLI ? 'c' : 's';
    refused[n] = (char)(name - (cpus[0].in_window == 1 ? 0 : 'a' - 'A'));
    ++*ip;
}

/* Interrupts are let in only while it says that they are, and from the first moment on. */
static void windows(void **state)
{
    static const struct {
        void (*does)(void);
        const char *by;
        uint32_t after;
    } rows[] = {
        { arch_idle, "shc", 0 },
        { arch_irq_open, "s", 1 },
        { arch_irq_close, "c", 0 },
        { arch_irq_window, "sc", 0 },
    };
    struct sigaction ours = { .sa_sigaction = refuse, .sa_flags = SA_SIGINFO }, before;
    (void)state;
    assert_int_equal(sigaction(SIGSEGV, &ours, &before), 0);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        memset(refused, 0, sizeof refused);
        rows[i].does();
        assert_string_equal(refused, rows[i].by);
        assert_int_equal(cpus[0].in_window, rows[i].after);
    }
    assert_int_equal(sigaction(SIGSEGV, &before, NULL), 0);
}

static void a_new_context(void **state)
{
    struct arch_context c;
    (void)state;
    memset(&c, 0xff, sizeof c);
    arch_context_init(&c, 1, 2, 3, 4);
    struct arch_context want = { .ip = 1, .sp = 2, .arg0 = 3, .arg1 = 4, .flags = 0x202 };
    assert_memory_equal(&c, &want, sizeof c);
}

int main(void)
{
    host_start();  // before anything reads gs
#define TEST(f) cmocka_unit_test_setup(f, fresh)
    const struct CMUnitTest tests[] = {
        TEST(each_vector),
        TEST(page_faults),
        TEST(illegal_ones),
        TEST(first_fpu_use),
        TEST(interrupts),
        TEST(a_user_copy),
        TEST(in_a_window),
        TEST(what_is_told_of_the_end),
        TEST(its_own_illegal_instruction),
        TEST(windows),
        TEST(a_new_context),
    };
    return cmocka_run_group_tests_name("trap", tests, NULL, NULL);
}
