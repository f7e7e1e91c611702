/* Run uses of secrets and look at what they did. */
#include "tests/ct/ct.h"

#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <valgrind/memcheck.h>

#include "lib/splitmix.h"

enum { STACK = 1 << 18, PAINT = 0xa5, PLACES = 64, SHOWN = 4, WARM = 10 };

struct place { /* writable memory of this process */
    uint8_t *at, *copy;
    size_t len;
};

static uint8_t *stack, *room; /* what is run on; copies of memory */
static size_t room_len;
static struct place place[PLACES], kept;
static unsigned n_places;
static bool keeps;
static uint64_t drawn; /* from this run's seed */
static bool watched;   /* by valgrind */

void ct_secret(void *p, size_t n)
{
    uint8_t *to = p;
    for (size_t i = 0; i < n; i++) {
        to[i] = (uint8_t)splitmix64(&drawn);
    }
    if (watched) {
        (void)VALGRIND_MAKE_MEM_UNDEFINED(p, n);
    }
}

void ct_public(void *p, size_t n)
{
    if (watched) {
        (void)VALGRIND_MAKE_MEM_DEFINED(p, n);
    } else {
        memset(p, 0, n);
    }
}

void ct_declare(void *p, size_t n)
{
    (void)VALGRIND_MAKE_MEM_DEFINED(p, n);
}

void ct_hide(void *p, size_t n)
{
    (void)VALGRIND_MAKE_MEM_UNDEFINED(p, n);
}

bool ct_known(bool answer)
{
    (void)VALGRIND_MAKE_MEM_DEFINED(&answer, sizeof answer);
    return answer;
}

void ct_kept(void *p, size_t n)
{
    kept = (struct place){ .at = p, .len = n };
}

/* ---- what is left: memory after a run, with one set of secrets and with another ---- */

enum { GENERAL = 15, VECTOR = 16 };
static uint64_t registers[GENERAL + 2 * VECTOR]; /* as the use leaves them */

/* Call f on another stack with all registers zero; write them down when it returns. */
void ct_call(void (*f)(void), void *top, uint64_t *to);

// clang-format off
#define VECTORS(X) X(0) X(1) X(2) X(3) X(4) X(5) X(6) X(7) X(8) X(9) X(10) X(11) X(12) X(13) X(14) X(15)
#define CLEAR(n) "pxor %xmm" #n ", %xmm" #n "\n\t"
#define STORE(n) "movups %xmm" #n ", 120 + 16 * " #n "(%rsp)\n\t"
__asm__(".globl ct_call\n"
        "ct_call:\n\t"
        "pushq %rbp; pushq %rbx; pushq %r12; pushq %r13; pushq %r14; pushq %r15\n\t"
        "movq %rsp, ct_old_stack(%rip)\n\t"
        "movq %rdx, ct_to(%rip)\n\t"
        "movq %rdi, ct_f(%rip)\n\t"
        "movq %rsi, %rsp\n\t"
        VECTORS(CLEAR)
        "xorl %eax, %eax; xorl %ebx, %ebx; xorl %ecx, %ecx; xorl %edx, %edx\n\t"
        "xorl %esi, %esi; xorl %edi, %edi; xorl %ebp, %ebp\n\t"
        "xorl %r8d, %r8d; xorl %r9d, %r9d; xorl %r10d, %r10d; xorl %r11d, %r11d\n\t"
        "xorl %r12d, %r12d; xorl %r13d, %r13d; xorl %r14d, %r14d; xorl %r15d, %r15d\n\t"
        "call *ct_f(%rip)\n\t"
        "movq ct_to(%rip), %rsp\n\t"
        "addq $120, %rsp\n\t" /* pushed downwards: the general ones end where the vectors begin */
        "pushq %rax; pushq %rbx; pushq %rcx; pushq %rdx; pushq %rsi; pushq %rdi; pushq %rbp\n\t"
        "pushq %r8; pushq %r9; pushq %r10; pushq %r11; pushq %r12; pushq %r13; pushq %r14; pushq %r15\n\t"
        VECTORS(STORE)
        "movq ct_old_stack(%rip), %rsp\n\t"
        "popq %r15; popq %r14; popq %r13; popq %r12; popq %rbx; popq %rbp\n\t"
        "ret\n\t"
        ".lcomm ct_old_stack, 8\n\t"
        ".lcomm ct_to, 8\n\t"
        ".lcomm ct_f, 8\n");
// clang-format on

static void run_apart(void (*f)(void))
{
    memset(stack, PAINT, STACK);
    ct_call(f, stack + STACK - 64, registers);
}

/* All that this process can write, but what is mapped as shared (the copies) and the stack that
 * this function itself stands on. */
static void find_places(void)
{
    char line[512];
    FILE *f = fopen("/proc/self/maps", "re");
    uint8_t *next = room;

    n_places = 0;
    while (f != NULL && fgets(line, sizeof line, f) != NULL && n_places < PLACES) {
        unsigned long from, to;
        char mode[8];
        if (sscanf(line, "%lx-%lx %7s", &from, &to, mode) != 3 || strncmp(mode, "rw", 2) != 0 ||
            mode[3] == 's' || strstr(line, "[stack]") != NULL) {
            continue;
        }
        if ((size_t)(room + room_len - next) < to - from) {
            fprintf(stderr, "ct: this process has more memory than %zu bytes\n", room_len);
            exit(1);
        }
        place[n_places++] = (struct place){ .at = (uint8_t *)from, .copy = next, .len = to - from };
        next += to - from;
    }
    if (f != NULL) {
        fclose(f);
    }
}

static bool is_own(const uint8_t *p)
{
    return (p >= (const uint8_t *)place && p < (const uint8_t *)(place + PLACES)) ||
           (p >= (const uint8_t *)&drawn && p < (const uint8_t *)(&drawn + 1)) ||
           (keeps && p >= kept.at && p < kept.at + kept.len);
}

static void take_copies(void)
{
    for (unsigned i = 0; i < n_places; i++) {
        memcpy(place[i].copy, place[i].at, place[i].len);
    }
}

/* Bytes that are not as they were when the copies were taken. */
static size_t differences(bool say)
{
    size_t n = 0;
    for (unsigned i = 0; i < n_places; i++) {
        for (size_t k = 0; k < place[i].len; k++) {
            const uint8_t *p = place[i].at + k;
            if (*p == place[i].copy[k] || is_own(p)) {
                continue;
            }
            if (say && n < SHOWN) {
                const uint8_t *r = (const uint8_t *)registers;
                if (p >= stack && p < stack + STACK) {
                    printf("    at %zu below the stack's top: %02x, %02x\n",
                           (size_t)(stack + STACK - p), place[i].copy[k], *p);
                } else if (p >= r && p < r + sizeof registers) {
                    printf("    in register %zu: %02x, %02x\n", (size_t)(p - r) / 8,
                           place[i].copy[k], *p);
                } else {
                    printf("    at %#zx of writable memory %u: %02x, %02x\n", k, i,
                           place[i].copy[k], *p);
                }
            }
            n++;
        }
    }
    return n;
}

static void run_with(void (*f)(void), uint64_t secrets)
{
    drawn = secrets;
    run_apart(f);
}

/* Bytes that depend on the secrets after the use. Some runs first settle what is
 * made once, and libc's own memory. */
static size_t left_by(const struct use *u)
{
    keeps = u->keeps;
    for (unsigned i = 0; i < WARM; i++) {
        run_with(u->run, 1000);
    }
    find_places();
    run_with(u->run, 1000);
    take_copies();
    run_with(u->run, 1000);
    if (differences(true) != 0) {
        printf("    that was with the same secrets twice: so this use cannot be looked at\n");
        return !u->planted;
    }
    run_with(u->run, 2000000);
    return differences(!u->planted);
}

/* ---- what is told by time ---- */

static size_t told_by(const struct use *u)
{
    unsigned before = (unsigned)VALGRIND_COUNT_ERRORS;
    drawn = 1000;
    u->run();
    return (unsigned)VALGRIND_COUNT_ERRORS - before;
}

/* On this processor: libc keeps its number in memory. */
static void stay_here(void)
{
    cpu_set_t one;
    CPU_ZERO(&one);
    CPU_SET((size_t)sched_getcpu(), &one);
    if (sched_setaffinity(0, sizeof one, &one) != 0) {
        perror("ct: sched_setaffinity");
        exit(1);
    }
}

int ct_main(int argc, char **argv, const struct use *uses, size_t n)
{
    unsigned passed = 0, failed = 0;

    watched = argc == 2 && strcmp(argv[1], "time") == 0;
    if (argc != 2 || (!watched && strcmp(argv[1], "wipe") != 0) ||
        watched != (RUNNING_ON_VALGRIND != 0)) {
        fprintf(stderr, "usage: valgrind %s time | %s wipe\n", argv[0], argv[0]);
        return 2;
    }
    stay_here();
    room_len = 16 << 20;
    stack = mmap(NULL, STACK, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    room = mmap(NULL, room_len, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (stack == MAP_FAILED || room == MAP_FAILED) {
        perror("ct: mmap");
        return 1;
    }
    setvbuf(stdout, NULL, _IONBF, 0);  // no buffer that changes
    for (size_t i = 0; i < ct_common_len + n; i++) {
        const struct use *u = i < ct_common_len ? &ct_common[i] : &uses[i - ct_common_len];
        size_t found = watched ? told_by(u) : left_by(u);
        bool good = (found != 0) == u->planted;
        printf("%s %s %s: %zu%s\n", good ? "ok  " : "FAIL", argv[1], u->name, found,
               u->planted ? ", planted" : "");
        passed += good;
        failed += !good;
    }
    printf("%u passed, %u failed\n", passed, failed);
    return failed == 0 && passed != 0 ? 0 : 1;
}
