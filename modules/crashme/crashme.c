/*
 * Dies on demand, one way per argument, so that a test can see that nothing else does. The
 * instruction that kills is written in assembly where C would let the compiler see it coming.
 */
#include <string.h>

#include "lib/status.h"
#include "sdk/print.h"
#include "sdk/start.h"

enum { WORDS = 4, PROT_READ_WRITE = 3 };
#define WILD 0x0000123456789000ull

static uint64_t kernel = 0xffff800000100000;  // all RAM is mapped there; or the second argument

static uint64_t load(uint64_t addr)
{
    uint64_t v;
    __asm__ volatile("movq (%1), %0" : "=r"(v) : "r"(addr) : "memory");
    return v;
}

static void store(uint64_t addr)
{
    __asm__ volatile("movq %0, (%0)" : : "r"(addr) : "memory");
}

static void jump(uint64_t addr)
{
    __asm__ volatile("jmp *%0" : : "r"(addr) : "memory");
}

static void null_read(void)
{
    load(0);
}

static void null_write(void)
{
    store(8);
}

static void wild_read(void)
{
    load(WILD);
}

static void wild_write(void)
{
    store(WILD);
}

static void wild_jump(void)
{
    jump(WILD);
}

static void noncanonical(void)
{
    load(0x1234ull << 48);
}

static void kernel_read(void)
{
    load(kernel);
}

static void kernel_write(void)
{
    store(kernel);
}

static void kernel_jump(void)
{
    jump(kernel);
}

NOINLINE static uint64_t deeper(uint64_t n)
{
    volatile uint64_t pad[64];
    pad[n % 64] = n;
    __asm__ volatile("" : : "r"(pad) : "memory");
    uint64_t below = n < UINT64_MAX ? deeper(n + 1) : 0;
    return below + pad[n % 64];  // used after the call, so the call is no loop
}

static void stack_overflow(void)
{
    deeper(0);
}

static void divide(void)
{
    uint32_t low = 1, high = 0, zero = 0;
    __asm__ volatile("divl %2" : "+a"(low), "+d"(high) : "r"(zero));
}

static void illegal(void)
{
    __asm__ volatile("ud2");
}

static void privileged(void)
{
    __asm__ volatile("cli");
}

static void port_access(void)
{
    __asm__ volatile("inb $0x64, %%al" : : : "rax");
}

static void breakpoint(void)
{
    __asm__ volatile("int3");
}

static void exec_data(void)
{
    static uint8_t code[16] = { 0xc3 };
    jump((uint64_t)code);
}

static void exec_stack(void)
{
    volatile uint8_t code[16] = { 0xc3 };
    jump((uint64_t)code);
}

static void exec_heap(void)
{
    nos_handle_t region;
    void *at;
    if (nos_sys_region_create(1, &region) == NOS_OK &&
        nos_sys_region_map(region, PROT_READ_WRITE, &at) == NOS_OK) {
        memset(at, 0xc3, 16);
        jump((uint64_t)at);
    }
}

static void write_code(void)
{
    store((uint64_t)&write_code);
}

static void write_rodata(void)
{
    static const volatile uint64_t fixed = 7;
    store((uint64_t)&fixed);
}

static void write_start(void)
{
    store((uint64_t)nos_self());
}

static void unaligned(void)
{
    static uint8_t bytes[48];
    // movaps demands 16-byte alignment whatever the alignment-check flag says
    __asm__ volatile("movaps %%xmm0, (%0)" : : "r"(((uint64_t)bytes | 15) + 2) : "memory");
}

static void float_fault(void)
{
    static const uint16_t unmasked = 0x37f & ~4;  // division by zero traps
    __asm__ volatile("fninit; fldcw %0; fld1; fldz; fdivrp; fwait" : : "m"(unmasked) : "memory");
}

static void trapped_ub(void)
{
    volatile int one = 1, shift = 40;
    // cppcheck-suppress shiftTooManyBits ; that is the point
    volatile int result = one << shift;  // cppcheck-suppress shiftTooManyBits
    (void)result;
}

static void spin(void)
{
    for (;;) {
        __asm__ volatile("");  // instructions count as time where time is counted in instructions
    }
}

static void memory_hog(void)
{
    nos_handle_t region;
    void *at;
    nos_status_t st = NOS_OK;

    for (unsigned n = 0; st == NOS_OK; n += 8) {
        st = nos_sys_region_create(8, &region);
        st = st == NOS_OK ? nos_sys_region_map(region, PROT_READ_WRITE, &at) : st;
        if (st != NOS_OK) {
            nos_print("crashme: refused after %u pages: %s\n", n, status_text(st));
        }
    }
}

static void syscall_storm(void)
{
    for (;;) {
        nos_ignore(nos_syscall0(4242, NULL));
    }
}

/* The manifest's filter leaves `sleep` out; its class and arguments would be right. */
static void filtered(void)
{
    nos_print("crashme: sleep answered %s\n", status_name(nos_sys_sleep(0)));
}

static const struct way {
    const char *name;
    void (*die)(void);
    const char *what;
} ways[] = {
    { "null-read", null_read, "read address zero" },
    { "null-write", null_write, "write near address zero" },
    { "wild-read", wild_read, "read unmapped memory" },
    { "wild-write", wild_write, "write unmapped memory" },
    { "wild-jump", wild_jump, "jump to unmapped memory" },
    { "noncanonical", noncanonical, "read a non-canonical address" },
    { "kernel-read", kernel_read, "read the kernel, at ADDRESS if one follows" },
    { "kernel-write", kernel_write, "write the kernel, the same" },
    { "kernel-jump", kernel_jump, "jump into the kernel, the same" },
    { "stack-overflow", stack_overflow, "recurse until the guard page" },
    { "divide", divide, "divide by zero" },
    { "illegal", illegal, "execute ud2" },
    { "privileged", privileged, "execute cli" },
    { "port", port_access, "use an I/O port by instruction" },
    { "breakpoint", breakpoint, "execute int3" },
    { "exec-data", exec_data, "execute the data segment" },
    { "exec-stack", exec_stack, "execute the stack" },
    { "exec-heap", exec_heap, "execute a region" },
    { "write-code", write_code, "write the code segment" },
    { "write-rodata", write_rodata, "write the read-only segment" },
    { "write-start", write_start, "write the start record" },
    { "unaligned", unaligned, "store 16 bytes at an odd address" },
    { "float", float_fault, "divide by zero with the exception unmasked" },
    { "trap", trapped_ub, "undefined behaviour that the build traps" },
    { "spin", spin, "loop for ever" },
    { "hog", memory_hog, "take memory until refused" },
    { "filtered", filtered, "make a call that the manifest's filter masks" },
    { "storm", syscall_storm, "refused system calls for ever" },
};

static void usage(void)
{
    for (size_t i = 0; i < ARRAY_LEN(ways); i++) {
        nos_print("  %-15s %s\n", ways[i].name, ways[i].what);
    }
    nos_print("  %-15s %s\n", "exit CODE", "end with that code");
}

static bool same(const char *a, const char *b)
{
    return strlen(a) == strlen(b) && memcmp(a, b, strlen(a)) == 0;
}

static int exit_code(const char *digits)
{
    int code = 0;
    for (; *digits >= '0' && *digits <= '9' && code < 100000; digits++) {
        code = code * 10 + (*digits - '0');
    }
    return code;
}

static uint64_t address(const char *hex)
{
    uint64_t v = 0;
    for (; *hex != 0; hex++) {
        v = v << 4 | (uint64_t)(*hex <= '9' ? *hex - '0' : *hex - 'a' + 10);
    }
    return v;
}

int nos_main(void)
{
    char copy[NOS_ARG_MAX + 1];
    char *word[WORDS];
    size_t n = nos_arg_words(copy, word, WORDS);

    if (n == 0) {
        usage();
        return 0;
    }
    if (n == 2 && same(word[0], "exit")) {
        return exit_code(word[1]);
    }
    if (n == 2) {
        kernel = address(word[1]);
    }
    for (size_t i = 0; i < ARRAY_LEN(ways); i++) {
        if (same(word[0], ways[i].name)) {
            ways[i].die();
            nos_print("crashme: %s did not kill me\n", ways[i].name);
            return 1;
        }
    }
    nos_print("crashme: no way '%s'; without an argument it lists them\n", word[0]);
    return 2;
}
