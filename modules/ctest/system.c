/* What is asked of the system itself: who a program is, what it may use, signals it raises, what
 * there is no network for. */
#define _GNU_SOURCE  // mremap
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysinfo.h>
#include <sys/time.h>
#include <sys/times.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include <arpa/inet.h>

#include "modules/ctest/ctest.h"

static void who(void)
{
    uid_t r, e, s;
    gid_t group;

    CHECK(getuid() == 0 && geteuid() == 0 && getgid() == 0 && getegid() == 0);
    CHECK(setuid(0) == 0 && setgid(0) == 0);
    CHECK(setuid(1000) == -1 && errno == EPERM);
    CHECK(getresuid(&r, &e, &s) == 0 && r == 0 && e == 0 && s == 0);
    CHECK(setresuid((uid_t)-1, 0, (uid_t)-1) == 0 && setresuid(0, 0, 5) == -1);
    CHECK(getgroups(1, &group) == 0);
    CHECK(getpid() > 0 && getppid() >= 0 && getppid() != getpid());
    CHECK(getpgrp() == getpid() && getpgid(0) == getpid() && getsid(0) == getpid());
    CHECK(setpgid(0, 0) == 0);
    CHECK(setpgid(0, -1) == -1 && errno == EINVAL);
    CHECK(setsid() == -1 && errno == EPERM);
}

static void limits(void)
{
    struct rlimit l;
    struct rusage used;
    struct tms t;
    struct sysinfo info;

    CHECK(getrlimit(RLIMIT_NOFILE, &l) == 0 && l.rlim_cur >= 16);
    CHECK(sysconf(_SC_OPEN_MAX) == (long)l.rlim_cur);
    CHECK(getrlimit(RLIMIT_AS, &l) == 0 && l.rlim_cur == 8192u * 1024);
    CHECK(setrlimit(RLIMIT_AS, &l) == 0);
    l.rlim_cur /= 2;
    CHECK(setrlimit(RLIMIT_AS, &l) == -1 && errno == EPERM);
    CHECK(getrlimit(RLIMIT_CPU, &l) == 0 && l.rlim_max == RLIM_INFINITY);
    CHECK(getrlimit(99, &l) == -1 && errno == EINVAL);
    l = (struct rlimit){ .rlim_cur = 2, .rlim_max = 1 };
    CHECK(setrlimit(RLIMIT_CPU, &l) == -1 && errno == EINVAL);
    clock_t a = clock();
    for (volatile unsigned i = 0; i < 3000000; i++) {
    }
    CHECK(getrusage(RUSAGE_SELF, &used) == 0 &&
          used.ru_utime.tv_sec * 1000000 + used.ru_utime.tv_usec > 0);
    CHECK(used.ru_maxrss > 0 && used.ru_maxrss <= 8192);
    CHECK(clock() > a);
    CHECK(getrusage(RUSAGE_CHILDREN, &used) == 0 && used.ru_utime.tv_usec == 0);
    CHECK(times(&t) != (clock_t)-1 && t.tms_cutime == 0);
    CHECK(sysinfo(&info) == 0 && (unsigned long)info.totalram * info.mem_unit == 8192u * 1024);
    CHECK(info.freeram > 0 && info.freeram < info.totalram);
    CHECK(sysconf(_SC_PHYS_PAGES) == 2048 && sysconf(_SC_AVPHYS_PAGES) > 0);
    CHECK(sysconf(_SC_PAGESIZE) == 4096 && sysconf(_SC_NPROCESSORS_ONLN) >= 1);
    CHECK(sched_get_priority_max(SCHED_OTHER) == 0 && sched_get_priority_min(SCHED_OTHER) == 0);
    errno = 0;
    CHECK(getpriority(PRIO_PROCESS, 0) == 0 && errno == 0);
    CHECK(setpriority(PRIO_PROCESS, 0, -5) == -1);
}

/* ---- signals ---- */

static volatile sig_atomic_t came, nested;
static sigjmp_buf back;

static void note(int sig)
{
    came = came * 100 + sig;
}

static void note_more(int sig, siginfo_t *info, void *context)
{
    (void)context;
    came = info->si_signo == sig && info->si_pid == getpid() ? sig : -1;
}

static void nest(int sig)
{
    (void)sig;
    nested++;
    if (nested == 1) {
        raise(SIGUSR1);  // blocked while its handler runs
        came = nested;
    }
}

static void leap(int sig)
{
    siglongjmp(back, sig);
}

static void signals(void)
{
    struct sigaction set = { .sa_handler = note }, old;
    sigset_t mask, was;

    CHECK(signal(SIGUSR1, note) == SIG_DFL);
    CHECK(raise(SIGUSR1) == 0 && came == SIGUSR1);
    CHECK(signal(SIGUSR1, SIG_IGN) == note);
    CHECK(raise(SIGUSR1) == 0 && came == SIGUSR1);
    CHECK(raise(SIGCHLD) == 0);  // ignored unless handled
    set.sa_flags = (int)SA_RESETHAND;
    CHECK(sigaction(SIGUSR2, &set, NULL) == 0);
    came = 0;
    CHECK(kill(getpid(), SIGUSR2) == 0 && came == SIGUSR2);
    CHECK(sigaction(SIGUSR2, NULL, &old) == 0 && old.sa_handler == SIG_DFL);
    set.sa_flags = SA_SIGINFO;
    set.sa_sigaction = note_more;
    CHECK(sigaction(SIGTERM, &set, NULL) == 0 && raise(SIGTERM) == 0 && came == SIGTERM);
    CHECK(sigaction(SIGKILL, &set, NULL) == -1 && errno == EINVAL);
    CHECK(kill(getpid(), 0) == 0);
    CHECK(kill(getpid() + 1000, SIGTERM) == -1 && errno == ESRCH);
    CHECK(raise(99) == -1 && errno == EINVAL);
    signal(SIGUSR1, note);
    signal(SIGUSR2, note);
    came = 0;
    sigemptyset(&mask);
    sigaddset(&mask, SIGUSR1);
    sigaddset(&mask, SIGUSR2);
    CHECK(sigprocmask(SIG_BLOCK, &mask, &was) == 0 && !sigismember(&was, SIGUSR1));
    CHECK(raise(SIGUSR2) == 0 && raise(SIGUSR1) == 0 && came == 0);
    CHECK(sigpending(&mask) == 0 && sigismember(&mask, SIGUSR1) && !sigismember(&mask, SIGTERM));
    CHECK(sigprocmask(SIG_SETMASK, &was, NULL) == 0 && came == SIGUSR1 * 100 + SIGUSR2);
    CHECK(sigpending(&mask) == 0 && !sigismember(&mask, SIGUSR1));
    signal(SIGUSR1, nest);
    CHECK(raise(SIGUSR1) == 0 && nested == 2 && came == 1);
    signal(SIGUSR1, leap);
    if (sigsetjmp(back, 1) == 0) {
        raise(SIGUSR1);
        CHECK(0);
    }
    CHECK(sigprocmask(SIG_BLOCK, NULL, &mask) == 0 && !sigismember(&mask, SIGUSR1));
    signal(SIGUSR1, SIG_DFL);
    signal(SIGUSR2, SIG_DFL);
    signal(SIGTERM, SIG_DFL);
}

/* ---- mutexes of the other kinds ---- */

static pthread_mutex_t shared;
static unsigned sum;

static void *add(void *arg)
{
    for (unsigned i = 0; i < 500; i++) {
        pthread_mutex_lock(&shared);
        unsigned was = sum;
        if (i % 50 == 0) {
            sched_yield();
        }
        sum = was + 1;
        pthread_mutex_unlock(&shared);
    }
    return arg;
}

static void *take_and_go(void *arg)
{
    pthread_mutex_lock(&shared);
    return arg;
}

static void priority_mutex(void)
{
    pthread_mutexattr_t attr;
    pthread_t t[4];
    struct timespec soon;

    pthread_mutexattr_init(&attr);
    CHECK(pthread_mutexattr_setprotocol(&attr, PTHREAD_PRIO_INHERIT) == 0);
    CHECK(pthread_mutex_init(&shared, &attr) == 0);
    sum = 0;
    for (int i = 0; i < 4; i++) {
        CHECK(pthread_create(&t[i], NULL, add, NULL) == 0);
    }
    for (int i = 0; i < 4; i++) {
        pthread_join(t[i], NULL);
    }
    CHECK(sum == 2000);
    CHECK(pthread_create(&t[0], NULL, take_and_go, NULL) == 0 && pthread_join(t[0], NULL) == 0);
    CHECK(pthread_mutex_trylock(&shared) == EBUSY);
    clock_gettime(CLOCK_REALTIME, &soon);
    soon.tv_nsec += 2000000;
    soon.tv_sec += soon.tv_nsec / 1000000000;
    soon.tv_nsec %= 1000000000;
    CHECK(pthread_mutex_timedlock(&shared, &soon) == ETIMEDOUT);
    CHECK(pthread_mutexattr_settype(&attr, PTHREAD_MUTEX_ERRORCHECK) == 0);
    CHECK(pthread_mutex_init(&shared, &attr) == 0 && pthread_mutex_lock(&shared) == 0);
    CHECK(pthread_mutex_lock(&shared) == EDEADLK);
    CHECK(pthread_mutex_unlock(&shared) == 0 && pthread_mutex_unlock(&shared) == EPERM);
    pthread_mutexattr_setrobust(&attr, PTHREAD_MUTEX_ROBUST);
    CHECK(pthread_mutex_init(&shared, &attr) == 0);
    CHECK(pthread_create(&t[0], NULL, take_and_go, NULL) == 0 && pthread_join(t[0], NULL) == 0);
    CHECK(pthread_mutex_lock(&shared) == EOWNERDEAD);
    CHECK(pthread_mutex_unlock(&shared) == 0 && pthread_mutex_lock(&shared) == ENOTRECOVERABLE);
}

static void robust_mutex(void)
{
    pthread_mutexattr_t attr;
    pthread_t t;

    pthread_mutexattr_init(&attr);
    CHECK(pthread_mutexattr_setrobust(&attr, PTHREAD_MUTEX_ROBUST) == 0);
    CHECK(pthread_mutex_init(&shared, &attr) == 0);
    CHECK(pthread_create(&t, NULL, take_and_go, NULL) == 0 && pthread_join(t, NULL) == 0);
    CHECK(pthread_mutex_lock(&shared) == EOWNERDEAD);
    CHECK(pthread_mutex_consistent(&shared) == 0 && pthread_mutex_unlock(&shared) == 0);
    CHECK(pthread_mutex_lock(&shared) == 0 && pthread_mutex_unlock(&shared) == 0);
}

/* ---- no network ---- */

static void sockets(void)
{
    struct sockaddr_in to = { .sin_family = AF_INET };
    struct addrinfo hint = { .ai_flags = AI_NUMERICHOST }, *got = NULL;
    int pair[2];
    char text[INET6_ADDRSTRLEN];
    struct in6_addr six;

    CHECK(socket(AF_INET, SOCK_STREAM, 0) == -1 && errno == EAFNOSUPPORT);
    CHECK(socket(AF_UNIX, SOCK_STREAM, 0) == -1 && errno == EAFNOSUPPORT);
    CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == -1 && errno == EAFNOSUPPORT);
    CHECK(connect(1, (struct sockaddr *)&to, sizeof to) == -1 && errno == ENOTSOCK);
    CHECK(bind(50, (struct sockaddr *)&to, sizeof to) == -1 && errno == EBADF);
    CHECK(send(1, "x", 1, 0) == -1 && errno == ENOTSOCK);
    CHECK(listen(0, 1) == -1 && errno == ENOTSOCK);
    CHECK(getaddrinfo("127.0.0.1", "80", &hint, &got) == 0 &&
          ((struct sockaddr_in *)got->ai_addr)->sin_addr.s_addr == htonl(INADDR_LOOPBACK) &&
          ((struct sockaddr_in *)got->ai_addr)->sin_port == htons(80));
    freeaddrinfo(got);
    CHECK(getaddrinfo("::1", NULL, &hint, &got) == 0 && got->ai_family == AF_INET6);
    freeaddrinfo(got);
    CHECK(getaddrinfo("localhost", NULL, &hint, &got) == EAI_NONAME);
    hint.ai_flags = 0;
    CHECK(getaddrinfo("nowhere.invalid", NULL, &hint, &got) != 0);
    CHECK(gethostbyname("nowhere.invalid") == NULL);
    CHECK(inet_pton(AF_INET6, "fe80::1:2", &six) == 1 &&
          strcmp(inet_ntop(AF_INET6, &six, text, sizeof text), "fe80::1:2") == 0);
    CHECK(inet_pton(AF_INET, "1.2.3.256", &six) == 0 && inet_addr("10.1") == htonl(0x0a000001));
}

static void remapped(void)
{
    char *p = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    CHECK(p != MAP_FAILED);
    p[5] = 7;
    CHECK(mremap(p, 8192, 1 << 21, 0) == MAP_FAILED && errno == ENOMEM);
    char *q = mremap(p, 8192, 1 << 21, MREMAP_MAYMOVE);
    CHECK(q != MAP_FAILED && q[5] == 7 && q[(1 << 21) - 1] == 0);
    CHECK(mremap(q, 1 << 21, 1 << 21, 0) == q);
    CHECK(munmap(q, 1 << 21) == 0);
    CHECK(mremap((void *)0x1000, 4096, 8192, MREMAP_MAYMOVE) == MAP_FAILED && errno == EFAULT);
}

/* More than the capsule may have, were any of it kept. */
static void given_back_in_parts(void)
{
    enum { LARGE = 2 << 20, LESS = 1 << 18, TIMES = 8 };
    int smaller = 0, ends = 0;

    for (int i = 0; i < TIMES; i++) {
        char *p = malloc(LARGE), *q = p == NULL ? NULL : realloc(p, LESS);
        smaller += q != NULL ? 1 : 0;
        free(q);
        p = mmap(NULL, LARGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        ends += p != MAP_FAILED && munmap(p, LESS) == 0 && munmap(p + LARGE - LESS, LESS) == 0 &&
                        munmap(p + LESS, LARGE - 2 * LESS) == 0
                    ? 1
                    : 0;
    }
    CHECK(smaller == TIMES);
    CHECK(ends == TIMES);
}

void about_system(void)
{
    who();
    limits();
    signals();
    priority_mutex();
    robust_mutex();
    sockets();
    remapped();
    given_back_in_parts();
    CHECK(clock_settime(CLOCK_REALTIME, &(struct timespec){ 0 }) == -1 && errno == EPERM);
    CHECK(umask(027) == 022 && umask(022) == 027);
}
