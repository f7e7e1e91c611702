/* The first and only process of the Linux peers: says when it got control, measures what N0N-OS has
 * a counterpart for, and stops. No libc: its start-up would count as the kernel's, and a tinyconfig
 * kernel lacks calls it wants.
 *
 * Each figure is the least of ROUNDS loops, so that a timer interrupt inside one of them does not
 * count. */
#include <stdint.h>

enum { ROUNDS = 12, STACK = 16384, PAGE = 4096 };
enum {
    SYS_read = 0,
    SYS_write = 1,
    SYS_close = 3,
    SYS_mmap = 9,
    SYS_munmap = 11,
    SYS_socketpair = 53,
    SYS_sendmsg = 46,
    SYS_recvmsg = 47,
    SYS_fork = 57,
    SYS_execve = 59,
    SYS_wait4 = 61,
    SYS_sysinfo = 99,
    SYS_getppid = 110,
    SYS_reboot = 169,
    SYS_futex = 202,
    SYS_exit_group = 231,
    SYS_pipe2 = 293,
    SYS_eventfd2 = 290,
};
enum { FUTEX_WAIT = 128, FUTEX_WAKE = 129 /* private */ };

static uint64_t call(long n, uint64_t a, uint64_t b, uint64_t c, uint64_t d, uint64_t e)
{
    uint64_t r;
    register uint64_t r10 __asm__("r10") = d;
    register uint64_t r8 __asm__("r8") = e;
    register uint64_t r9 __asm__("r9") = 0;
    __asm__ volatile("syscall"
                     : "=a"(r)
                     : "0"(n), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
                     : "rcx", "r11", "memory");
    return r;
}
#define CALL1(n, a) call(n, (uint64_t)(a), 0, 0, 0, 0)
#define CALL3(n, a, b, c) call(n, (uint64_t)(a), (uint64_t)(b), (uint64_t)(c), 0, 0)

static inline uint64_t now(void)
{
    uint32_t lo, hi;
    __asm__ volatile("rdtsc" : "=a"(lo), "=d"(hi) : : "memory");
    return (uint64_t)hi << 32 | lo;
}

static void say(const char *name, uint64_t value)
{
    char line[96], digits[20];
    unsigned n = 0, d = 0;
    for (const char *p = "peer "; *p; p++) {
        line[n++] = *p;
    }
    for (; *name; name++) {
        line[n++] = *name;
    }
    line[n++] = ' ';
    do {
        digits[d++] = (char)('0' + value % 10);
        value /= 10;
    } while (value);
    while (d) {
        line[n++] = digits[--d];
    }
    line[n++] = '\n';
    CALL3(SYS_write, 1, line, n);
}

/* body(count) does the thing `count` times */
static void figure(const char *name, void (*body)(int), int count)
{
    uint64_t best = UINT64_MAX;
    body(count);
    for (int i = 0; i < ROUNDS; i++) {
        uint64_t t = now();
        body(count);
        t = now() - t;
        best = t < best ? t : best;
    }
    say(name, best / (uint64_t)count);
}

static void null_calls(int count)
{
    for (int i = 0; i < count; i++) {
        CALL1(SYS_getppid, 0);
    }
}

static void faults(int count)
{
    volatile char *p = (char *)call(SYS_mmap, 0, (uint64_t)count * PAGE, 3, 0x22, (uint64_t)-1);
    for (int i = 0; i < count; i++) {
        p[i * PAGE] = 1;
    }
    CALL3(SYS_munmap, p, count * PAGE, 0);
}

/* The map and unmap around the touching; `faults` less this is the price of the faults and their
 * pages. */
static void maps(int count)
{
    uint64_t p = call(SYS_mmap, 0, (uint64_t)count * PAGE, 3, 0x22, (uint64_t)-1);
    CALL3(SYS_munmap, p, count * PAGE, 0);
}

/* Two ends of a conversation: the child echoes `size` bytes until it is killed by closing. */
static int ask_fd, answer_fd;
enum { WORDS64 = 64 };

static void round_trips(int count)
{
    char buf[WORDS64] = { 0 };
    for (int i = 0; i < count; i++) {
        CALL3(SYS_write, ask_fd, buf, sizeof buf);
        CALL3(SYS_read, answer_fd, buf, sizeof buf);
    }
}

static void echo(int from, int to)
{
    char buf[WORDS64];
    while ((int64_t)CALL3(SYS_read, from, buf, sizeof buf) > 0) {
        CALL3(SYS_write, to, buf, sizeof buf);
    }
    CALL1(SYS_exit_group, 0);
}

static void reap(void)
{
    CALL3(SYS_wait4, -1, 0, 0);
}

static void pipes(void)
{
    int ask[2], answer[2];
    CALL3(SYS_pipe2, ask, 0, 0);
    CALL3(SYS_pipe2, answer, 0, 0);
    if (CALL1(SYS_fork, 0) == 0) {
        CALL1(SYS_close, ask[1]);
        echo(ask[0], answer[1]);
    }
    ask_fd = ask[1];
    answer_fd = answer[0];
    figure("pipe_rt_64b", round_trips, 200);
    CALL1(SYS_close, ask[1]);
    reap();
    CALL1(SYS_close, ask[0]);
    CALL1(SYS_close, answer[0]);
    CALL1(SYS_close, answer[1]);
}

struct iovec {
    void *base;
    uint64_t len;
};
struct message {
    void *name;
    uint32_t name_len;
    struct iovec *iov;
    uint64_t n_iov;
    void *control;
    uint64_t control_len;
    int flags;
};
struct control {
    uint64_t len;
    int level, type, fd, pad;
}; /* 20 bytes are meant */

static void send_fd(int to, int fd)
{
    char byte = 0;
    struct iovec v = { &byte, 1 };
    struct control c = { 20, 1, 1, fd, 0 };
    struct message m = { 0, 0, &v, 1, &c, sizeof c, 0 };
    CALL3(SYS_sendmsg, to, &m, 0);
}

static int64_t take_fd(int from)
{
    char byte;
    struct iovec v = { &byte, 1 };
    struct control c = { 0 };
    struct message m = { 0, 0, &v, 1, &c, sizeof c, 0 };
    int64_t got = (int64_t)CALL3(SYS_recvmsg, from, &m, 0);
    if (got > 0) {
        CALL1(SYS_close, c.fd);
    }
    return got;
}

static void descriptor_trips(int count)
{
    char byte;
    for (int i = 0; i < count; i++) {
        send_fd(ask_fd, 1);
        CALL3(SYS_read, answer_fd, &byte, 1);
    }
}

static void echo_descriptors(int fd)
{
    char byte = 0;
    while (take_fd(fd) > 0) {
        CALL3(SYS_write, fd, &byte, 1);
    }
    CALL1(SYS_exit_group, 0);
}

static void sockets(void (*child)(int), const char *name, void (*body)(int))
{
    int s[2];
    if ((int64_t)call(SYS_socketpair, 1, 1, 0, (uint64_t)s, 0) < 0) {
        return;
    }
    if (CALL1(SYS_fork, 0) == 0) {
        CALL1(SYS_close, s[0]);
        child(s[1]);
    }
    CALL1(SYS_close, s[1]);
    ask_fd = answer_fd = s[0];
    figure(name, body, 200);
    CALL1(SYS_close, s[0]);
    reap();
}

static void echo_socket(int fd)
{
    echo(fd, fd);
}

/* A thread: clone with everything shared; the kernel clears and wakes `alive` when it ends. */
__attribute__((used)) static char stack[STACK] __attribute__((aligned(16)));
__attribute__((used)) static volatile int alive;
static volatile int turn;
static int event_fd[2];

__attribute__((naked)) static int64_t spawn(__attribute__((unused)) void (*entry)(void))
{
    __asm__("lea stack+16376(%rip), %rsi\n"
            "mov %rdi, (%rsi)\n"
            "mov $0x350f00, %edi\n" /* VM FS FILES SIGHAND THREAD SYSVSEM PARENT_SETTID
                                       CHILD_CLEARTID */
            "lea alive(%rip), %rdx\n"
            "mov %rdx, %r10\n"
            "xor %r8d, %r8d\n"
            "mov $56, %eax\n"
            "syscall\n"
            "test %eax, %eax\n"
            "jnz 1f\n"
            "pop %rax\n"
            "call *%rax\n"
            "xor %edi, %edi\n"
            "mov $60, %eax\n"
            "syscall\n"
            "1: ret\n");
}

static void wait_word(volatile int *word, int while_is)
{
    while (*word == while_is) {
        call(SYS_futex, (uint64_t)word, FUTEX_WAIT, (uint64_t)while_is, 0, 0);
    }
}

static void wait_thread_end(void)
{
    int tid;
    while ((tid = alive) != 0) { /* the kernel's wake is not private */
        call(SYS_futex, (uint64_t)&alive, 0, (uint64_t)tid, 0, 0);
    }
}

static void pass_turn(int to)
{
    turn = to;
    call(SYS_futex, (uint64_t)&turn, FUTEX_WAKE, 1, 0, 0);
}

static void nothing(void)
{
}

static void threads(int count)
{
    for (int i = 0; i < count; i++) {
        spawn(nothing);
        wait_thread_end();
    }
}

static void futex_partner(void)
{
    for (;;) {
        wait_word(&turn, 0);
        if (turn == 2) {
            return;
        }
        pass_turn(0);
    }
}

static void futex_trips(int count)
{
    for (int i = 0; i < count; i++) {
        pass_turn(1);
        wait_word(&turn, 1);
    }
}

static void event_partner(void)
{
    uint64_t v = 0;
    for (;;) {
        CALL3(SYS_read, event_fd[0], &v, 8);
        if (v > 1) {
            return;
        }
        CALL3(SYS_write, event_fd[1], &v, 8);
    }
}

static void event_trips(int count)
{
    uint64_t v = 1;
    for (int i = 0; i < count; i++) {
        CALL3(SYS_write, event_fd[0], &v, 8);
        CALL3(SYS_read, event_fd[1], &v, 8);
    }
}

static void event_signals(int count)
{
    uint64_t v = 1;
    for (int i = 0; i < count; i++) {
        CALL3(SYS_write, event_fd[0], &v, 8);
    }
}

static void between_threads(void)
{
    uint64_t stop = 2;
    figure("thread_create_join", threads, 50);
    spawn(futex_partner);
    figure("futex_rt", futex_trips, 200);
    pass_turn(2);
    wait_thread_end();
    event_fd[0] = (int)CALL1(SYS_eventfd2, 0);
    event_fd[1] = (int)CALL1(SYS_eventfd2, 0);
    if (event_fd[0] >= 0) {
        figure("eventfd_signal", event_signals, 200);
        CALL3(SYS_read, event_fd[0], &stop, 8);
        spawn(event_partner);
        figure("eventfd_rt", event_trips, 200);
        stop = 2;
        CALL3(SYS_write, event_fd[0], &stop, 8);
        wait_thread_end();
    }
}

static void spawns(int count)
{
    static char path[] = "/init", word[] = "x";
    char *args[] = { word, 0 }, *env[] = { 0 };
    for (int i = 0; i < count; i++) {
        if (CALL1(SYS_fork, 0) == 0) {
            CALL3(SYS_execve, path, args, env);
            CALL1(SYS_exit_group, 1);
        }
        reap();
    }
}

struct sysinfo {
    int64_t uptime;
    uint64_t loads[3], total, free, shared, buffer, swap[2];
    uint16_t procs, pad;
    uint64_t high[2];
    uint32_t unit;
    char rest[64];
};

__attribute__((used, noreturn)) void start(uint64_t *sp, uint64_t first)
{
    struct sysinfo m = { 0 };
    if (*(char *)sp[1] == 'x') { /* the program that fork + exec measures */
        CALL1(SYS_exit_group, 0);
    }
    say("init", first);
    CALL1(SYS_sysinfo, &m);
    say("mem_total", m.total * m.unit);
    say("mem_free", m.free * m.unit);
    figure("syscall_null", null_calls, 1000);
    figure("map_touch_64", faults, 64);
    figure("map_64", maps, 64);
    pipes();
    sockets(echo_socket, "unix_rt_64b", round_trips);
    sockets(echo_descriptors, "unix_rt_fd", descriptor_trips);
    between_threads();
    figure("spawn_exit", spawns, 10);
    say("done", 0);
    CALL3(SYS_reboot, 0xfee1dead, 672274793, 0x4321fedc);
    for (;;) {
        CALL1(SYS_wait4, -1);
    }
}

__attribute__((naked, used)) void _start(void)
{
    __asm__("rdtsc\n"
            "shl $32, %rdx\n"
            "lea (%rax, %rdx), %rsi\n"
            "mov %rsp, %rdi\n"
            "and $-16, %rsp\n"
            "call start\n");
}
