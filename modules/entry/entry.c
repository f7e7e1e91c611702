/*
 * In and out of the kernel in every state that ring 3 can be in. Without an argument: all that
 * comes back. `entry cpus` goes from CPU to CPU, `entry die NAME` and `entry int N` do what must
 * kill, `entry calls`, `entry yields` and `entry spin` keep the processor busy for a harness that
 * looks on from outside.
 */
#include "modules/entry/entry.h"

#include <string.h>

#include "lib/fmt.h"
#include "sdk/print.h"
#include "sdk/start.h"

enum { WORDS = 3, STACK = 8192, PRIORITY = 5, ROUNDS = 4000000, SLICES = 10000000 };
#define USER_MAX 0x7ffffffff000ull

static unsigned good, bad;

static void row(const char *name, uint64_t wrong)
{
    good += wrong == 0 ? 1 : 0;
    bad += wrong == 0 ? 0 : 1;
    nos_print("ENTRY %s %llx %s\n", name, (unsigned long long)wrong, wrong == 0 ? "ok" : "BAD");
}

/* ---- flags and registers ---- */

static const struct {
    const char *name;
    uint64_t bits;
} flags[] = {
    { "none", 0x202 },        { "carry", 0x203 }, { "direction", 0x602 }, { "nested", 0x4202 },
    { "alignment", 0x40202 }, { "id", 0x200202 }, { "all", 0x244ed7 },
};

static void try_flags(void)
{
    for (size_t i = 0; i < ARRAY_LEN(flags); i++) {
        nos_print("ENTRY flags %s\n", flags[i].name);
        row("call", regs_call(flags[i].bits, NOS_SYS_NULL, NOS_OK));
        row("interrupt", regs_spin(flags[i].bits, ROUNDS));
    }
}

/* Every argument register holds a pattern: no handle, no message, nothing that could be done. */
static void try_calls(void)
{
    static const struct {
        uint64_t nr;
        nos_status_t status;
    } calls[] = {
        { NOS_SYS_YIELD, NOS_OK },
        { NOS_SYS_HANDLE_CLOSE, NOS_BAD_HANDLE },
        { NOS_SYS_NOTIFY_SIGNAL, NOS_BAD_HANDLE },
        { NOS_SYS_NOTIFY_WAIT, NOS_BAD_HANDLE },
        { NOS_SYS_IPC_CALL, NOS_BAD_HANDLE },
        { NOS_SYS_IPC_SEND, NOS_BAD_HANDLE },
        { NOS_SYS_IPC_RECV, NOS_BAD_HANDLE },
        { NOS_SYS_IPC_REPLY_RECV, NOS_BAD_HANDLE },
        { 4242, NOS_BAD_SYSCALL },
    };
    for (size_t i = 0; i < ARRAY_LEN(calls); i++) {
        row("registers-of-calls", regs_call(flags[0].bits, calls[i].nr, calls[i].status));
    }
}

static void try_stacks(void)
{
    static const uint64_t stacks[] = { 0,
                                       8,
                                       USER_MAX - 8,
                                       USER_MAX,
                                       0x800000000000,
                                       0x1234567812345678,
                                       0xffff800000100000,
                                       0xffffffff80000000,
                                       UINT64_MAX };
    for (size_t i = 0; i < ARRAY_LEN(stacks); i++) {
        row("call-with-stack", (uint64_t)call_at_stack(stacks[i]));
    }
}

static void try_selectors(void)
{
    static const uint64_t selectors[] = { 0, 3, 0x1b };
    for (size_t i = 0; i < ARRAY_LEN(selectors); i++) {
        row("call-with-selector", (uint64_t)call_with_selector(selectors[i]));
    }
}

/* ---- two threads' FPU states ---- */

static _Alignas(16) uint8_t stack[STACK];
static struct nos_thread other;
static volatile uint64_t other_wrong = UINT64_MAX;

static void other_run(void *arg, uint64_t *ipc_buffer)
{
    (void)arg, (void)ipc_buffer;
    other_wrong = fpu_spin(0x7000, SLICES);
    for (;;) {
        nos_sys_thread_exit();
    }
}

static void try_fpu(void)
{
    nos_handle_t h;
    other.run = other_run;
    row("fpu-thread", nos_thread_start(&other, stack, STACK, PRIORITY, &h) == NOS_OK ? 0 : 1);
    row("fpu-own", fpu_spin(0x3000, SLICES));
    while (other_wrong == UINT64_MAX) {
        nos_ignore(nos_sys_yield());
    }
    row("fpu-other", other_wrong);
}

/* ---- threads that would begin where nothing may ---- */

static const uint64_t bad_entries[] = { 0,
                                        0xffff,
                                        USER_MAX,
                                        0x7fffffffffff,
                                        0x800000000000,
                                        0xffff800000100000,
                                        0xffffffff80000000,
                                        UINT64_MAX };
static const uint64_t bad_stacks[] = { 0,
                                       0x10000,
                                       USER_MAX + 16,
                                       0x800000000000,
                                       0xffff800000100000,
                                       0xffffffff80000000,
                                       UINT64_MAX - 15 };

static void try_entries(void)
{
    nos_handle_t h;
    uint64_t top = (uint64_t)(stack + STACK);
    for (size_t i = 0; i < ARRAY_LEN(bad_entries); i++) {
        nos_status_t st = nos_sys_thread_create(bad_entries[i], 0, top, PRIORITY, &h);
        row("thread-entry", st == NOS_BAD_ADDRESS ? 0 : 1);
    }
    for (size_t i = 0; i < ARRAY_LEN(bad_stacks); i++) {
        nos_status_t st =
            nos_sys_thread_create((uint64_t)other_run, 0, bad_stacks[i], PRIORITY, &h);
        row("thread-stack", st == NOS_BAD_ADDRESS ? 0 : 1);
    }
}

static void all(void)
{
    unsigned tried = 0;
    try_flags();
    try_calls();
    try_stacks();
    try_selectors();
    try_entries();
    try_fpu();
    unsigned wrong = copy_edges(&tried);
    nos_print("ENTRY %u copies\n", tried);
    row("copies", tried > 1000 ? wrong : 1);
    nos_print("ENTRY done %u ok %u BAD\n", good, bad);
}

static void over_cpus(void)
{
    uint64_t wrong[2];
    bool went;
    unsigned n = fpu_over_cpus(wrong, &went);

    nos_print("ENTRY %u CPUs\n", n);
    row("moved", went ? 0 : 1);
    row("fpu-first", wrong[0]);
    row("fpu-second", wrong[1]);
    uint64_t answered = calls_over_cpus(&went);
    nos_print("ENTRY %llu answers\n", (unsigned long long)answered);
    row("called", went ? 0 : 1);
    nos_print("ENTRY done %u ok %u BAD\n", good, bad);
}

/* ---- what does not come back ---- */

static bool is(const char *a, const char *b)
{
    return strlen(a) == strlen(b) && memcmp(a, b, strlen(a)) == 0;
}

static int die(const char *name)
{
    for (size_t i = 0; i < n_deaths; i++) {
        if (is(deaths[i].name, name)) {
            deaths[i].run();
            nos_print("ENTRY %s did not kill\n", name);
            return 1;
        }
    }
    for (size_t i = 0; i < n_deaths; i++) {
        nos_print("ENTRY way %s\n", deaths[i].name);
    }
    return 2;
}

int nos_main(void)
{
    char copy[NOS_ARG_MAX + 1];
    char *word[WORDS];
    size_t n = nos_arg_words(copy, word, WORDS);
    uint64_t number;

    if (n == 0) {
        all();
        return bad == 0 ? 0 : 1;
    }
    if (is(word[0], "cpus")) {
        over_cpus();
        return bad == 0 ? 0 : 1;
    }
    if (is(word[0], "calls")) {
        calls_for_ever(NOS_SYS_NULL);
    }
    if (is(word[0], "yields")) {
        calls_for_ever(NOS_SYS_YIELD);
    }
    while (is(word[0], "spin")) {
        row("spin", regs_spin(0x244ed7, (uint64_t)10 * ROUNDS));
    }
    if (n == 2 && is(word[0], "int") && parse_u64(span_of(word[1], strlen(word[1])), &number)) {
        interrupt_call(number);
        nos_print("ENTRY int %s did not kill\n", word[1]);
        return 1;
    }
    return die(n == 2 ? word[1] : "");
}
