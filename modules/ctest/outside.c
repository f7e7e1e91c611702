/* What suites of others try of a C library, and which none of the other chapters has: how threads
 * are cancelled in each thing they may wait in, locks whose owner has died in shared memory, times
 * of files that are set in every way, thread-local variables of every alignment. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <mntent.h>
#include <poll.h>
#include <pthread.h>
#include <semaphore.h>
#include <setjmp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include "modules/ctest/ctest.h"

/* ---- where a thread is cancelled ---- */

static sem_t ready, never, go;
static pthread_t sleeper_thread;
static int shm = -1;
static char *volatile back;

static void *just_sleep(void *arg)
{
    sem_wait(&never);
    return arg;
}

static void in_sem_wait(void)
{
    sem_wait(&never);
}

static void in_sem_timedwait(void)
{
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    t.tv_sec += 100;
    sem_timedwait(&never, &t);
}

static void in_join(void)
{
    pthread_join(sleeper_thread, NULL);
}

static void in_nanosleep(void)
{
    nanosleep(&(struct timespec){ .tv_sec = 100 }, NULL);
}

static void in_pause_of_read(void)
{
    int p[2];
    char c;
    if (pipe(p) == 0) {
        (void)!read(p[0], &c, 1);
    }
}

static void in_shm_open(void)
{
    shm = shm_open("/cancelled", O_RDWR | O_CREAT, 0600);
}

static void in_open(void)
{
    close(open("cancelled", O_RDWR | O_CREAT, 0600));
}

struct scenario {
    void (*run)(void);
    bool waits, cancels;
};

static void *run_scenario(void *arg)
{
    const struct scenario *s = arg;
    pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, NULL);
    sem_post(&ready);
    if (!s->waits) {
        sem_wait(&go);  // until it has been cancelled
    }
    pthread_setcancelstate(PTHREAD_CANCEL_ENABLE, NULL);
    s->run();
    back = "came back";
    return NULL;
}

static void cancelled(void)
{
    static struct scenario all[] = {
        { in_sem_wait, true, true },      { in_sem_wait, false, true },
        { in_sem_timedwait, true, true }, { in_sem_timedwait, false, true },
        { in_join, true, true },          { in_join, false, true },
        { in_nanosleep, true, true },     { in_nanosleep, false, true },
        { in_pause_of_read, true, true }, { in_pause_of_read, false, true },
        { in_open, false, true },         { in_shm_open, false, false },
    };

    CHECK(sem_init(&ready, 0, 0) == 0 && sem_init(&never, 0, 0) == 0 && sem_init(&go, 0, 0) == 0);
    CHECK(pthread_create(&sleeper_thread, NULL, just_sleep, NULL) == 0);
    for (unsigned i = 0; i < sizeof all / sizeof all[0]; i++) {
        pthread_t t;
        void *result = NULL;
        back = NULL;
        CHECK(pthread_create(&t, NULL, run_scenario, &all[i]) == 0 && sem_wait(&ready) == 0);
        if (all[i].waits) {
            usleep(2000);
        }
        CHECK(pthread_cancel(t) == 0);
        if (!all[i].waits) {
            sem_post(&go);
        }
        CHECK(pthread_join(t, &result) == 0);
        check((result == PTHREAD_CANCELED) == all[i].cancels && (back == NULL) == all[i].cancels,
              "a scenario of cancellation", (int)i);
    }
    CHECK(shm >= 0 && close(shm) == 0 && shm_unlink("/cancelled") == 0);
    CHECK(pthread_cancel(sleeper_thread) == 0 && pthread_join(sleeper_thread, NULL) == 0);
}

/* ---- locks in memory that is shared ---- */

struct in_memory {
    pthread_mutex_t mutex;
    pthread_cond_t cond;
    sem_t sem;
    pthread_barrier_t barrier;
    int value;
};

static void *lock_and_die(void *arg)
{
    struct in_memory *m = arg;
    pthread_mutex_lock(&m->mutex);
    pthread_barrier_wait(&m->barrier);
    return NULL;
}

static void *lock_and_wait(void *arg)
{
    struct in_memory *m = arg;
    pthread_mutex_lock(&m->mutex);
    m->value = 1;
    pthread_cond_signal(&m->cond);
    while (m->value != 2) {
        pthread_cond_wait(&m->cond, &m->mutex);
    }
    pthread_mutex_unlock(&m->mutex);
    sem_post(&m->sem);
    return arg;
}

static void shared_locks(int pshared, int protocol)
{
    struct in_memory *m =
        mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    pthread_mutexattr_t attr;
    pthread_condattr_t cond;
    pthread_barrierattr_t bar;
    struct timespec soon;
    pthread_t t;
    void *result = NULL;

    CHECK(m != MAP_FAILED);
    CHECK(pthread_mutexattr_init(&attr) == 0 && pthread_mutexattr_setpshared(&attr, pshared) == 0 &&
          pthread_mutexattr_setrobust(&attr, PTHREAD_MUTEX_ROBUST) == 0 &&
          pthread_mutexattr_setprotocol(&attr, protocol) == 0);
    CHECK(pthread_barrierattr_init(&bar) == 0 &&
          pthread_barrierattr_setpshared(&bar, pshared) == 0);
    CHECK(pthread_condattr_init(&cond) == 0 && pthread_condattr_setpshared(&cond, pshared) == 0 &&
          pthread_condattr_setclock(&cond, CLOCK_MONOTONIC) == 0);
    CHECK(pthread_mutex_init(&m->mutex, &attr) == 0 && pthread_cond_init(&m->cond, &cond) == 0 &&
          pthread_barrier_init(&m->barrier, &bar, 2) == 0 && sem_init(&m->sem, pshared, 0) == 0);
    CHECK(pthread_create(&t, NULL, lock_and_die, m) == 0);
    pthread_barrier_wait(&m->barrier);
    CHECK(pthread_mutex_lock(&m->mutex) == EOWNERDEAD && pthread_join(t, NULL) == 0);
    CHECK(pthread_mutex_consistent(&m->mutex) == 0 && pthread_mutex_unlock(&m->mutex) == 0);
    CHECK(pthread_create(&t, NULL, lock_and_die, m) == 0);
    pthread_barrier_wait(&m->barrier);
    CHECK(pthread_join(t, NULL) == 0);
    clock_gettime(CLOCK_REALTIME, &soon);
    soon.tv_sec++;
    CHECK(pthread_mutex_timedlock(&m->mutex, &soon) == EOWNERDEAD);
    CHECK(pthread_mutex_consistent(&m->mutex) == 0 && pthread_mutex_unlock(&m->mutex) == 0);
    pthread_mutex_lock(&m->mutex);
    CHECK(pthread_create(&t, NULL, lock_and_wait, m) == 0);
    while (m->value != 1) {
        pthread_cond_wait(&m->cond, &m->mutex);
    }
    clock_gettime(CLOCK_MONOTONIC, &soon);
    soon.tv_sec--;
    CHECK(pthread_cond_timedwait(&m->cond, &m->mutex, &soon) == ETIMEDOUT);
    m->value = 2;
    pthread_cond_broadcast(&m->cond);
    pthread_mutex_unlock(&m->mutex);
    CHECK(sem_wait(&m->sem) == 0 && pthread_join(t, &result) == 0 && result == m);
    CHECK(pthread_cond_destroy(&m->cond) == 0 && pthread_barrier_destroy(&m->barrier) == 0 &&
          pthread_mutex_destroy(&m->mutex) == 0 && munmap(m, 4096) == 0);
}

/* ---- times of files ---- */

static void file_times(void)
{
    const struct timespec omit = { .tv_nsec = UTIME_OMIT }, zero = { 0 };
    struct stat s, was;
    FILE *f = tmpfile();
    int fd = fileno(f);

    CHECK(fstat(fd, &was) == 0 && was.st_uid == geteuid() && was.st_gid == getegid());
    CHECK(was.st_ctime <= time(NULL) && was.st_mtime <= time(NULL) && was.st_nlink == 0);
    CHECK(futimens(fd, (struct timespec[]){ omit, omit }) == 0 && fstat(fd, &s) == 0 &&
          s.st_atim.tv_nsec == was.st_atim.tv_nsec && s.st_mtim.tv_nsec == was.st_mtim.tv_nsec);
    CHECK(futimens(fd, (struct timespec[]){ zero, zero }) == 0 && fstat(fd, &s) == 0 &&
          s.st_atime == 0 && s.st_mtime == 0);
    CHECK(futimens(fd, (struct timespec[]){ { .tv_sec = 1 }, omit }) == 0 && fstat(fd, &s) == 0 &&
          s.st_atime == 1 && s.st_mtime == 0);
    CHECK(futimens(fd, (struct timespec[]){ omit, { .tv_sec = 1ll << 32 } }) == 0 &&
          fstat(fd, &s) == 0 && s.st_atime == 1 && s.st_mtime == 1ll << 32);
    CHECK(futimens(fd, NULL) == 0 && fstat(fd, &s) == 0 && s.st_mtime <= time(NULL));
    CHECK(fputs("hello", f) >= 0 && fflush(f) == 0 && fstat(fd, &s) == 0 && s.st_size == 5);
    CHECK(fclose(f) == 0);
    CHECK(stat(".", &s) == 0 && S_ISDIR(s.st_mode) && s.st_nlink > 0 && s.st_ctime <= time(NULL));
}

/* ---- variables of a thread ---- */

static _Thread_local char one = 1;
static _Thread_local _Alignas(16) char sixteen = 16;
static _Thread_local _Alignas(64) char cache_line = 64;
static _Thread_local _Alignas(4096) char page = 7;
static _Thread_local long many[100] = { 3, 1, 4 };

static void *aligned(void *arg)
{
    bool *good = arg;
    *good = (uintptr_t)&sixteen % 16 == 0 && (uintptr_t)&cache_line % 64 == 0 &&
            (uintptr_t)&page % 4096 == 0 && one == 1 && sixteen == 16 && cache_line == 64 &&
            page == 7 && many[2] == 4 && many[99] == 0;
    one = sixteen = cache_line = page = 0;
    return NULL;
}

static void of_a_thread(void)
{
    pthread_t t;
    bool here = false, there = false;

    CHECK(pthread_create(&t, NULL, aligned, &there) == 0 && pthread_join(t, NULL) == 0 && there);
    (void)aligned(&here);
    CHECK(here);
}

/* ---- the rest ---- */

static void various(void)
{
    char path[] = "/tmp/xXXXXXX", text[64];
    sigset_t set, was;
    sigjmp_buf to;
    int fd = mkstemp(path);
    FILE *f = fdopen(fd, "w+");

    CHECK(fd > 2 && f != NULL && fputs("hello", f) >= 0 && ftello(f) == 5 && fflush(f) == 0);
    CHECK(lseek(fd, 0, SEEK_END) == 5 && fseeko(f, -2, SEEK_CUR) == 0 && fgetc(f) == 'l');
    CHECK(fclose(f) == 0 && unlink(path) == 0);
    f = fopen("fstab", "w+");
    CHECK(fputs("# none\n/dev/a /mnt ext4 rw,noauto 0 1\n", f) >= 0 && fseek(f, 0, SEEK_SET) == 0);
    const struct mntent *m = getmntent(f);
    CHECK(m != NULL && strcmp(m->mnt_dir, "/mnt") == 0 && hasmntopt(m, "noauto") != NULL &&
          m->mnt_passno == 1 && getmntent(f) == NULL);
    CHECK(fclose(f) == 0 && unlink("fstab") == 0);
    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    CHECK(sigprocmask(SIG_UNBLOCK, &set, NULL) == 0);
    if (sigsetjmp(to, 1) == 0) {
        sigprocmask(SIG_BLOCK, &set, NULL);
        siglongjmp(to, 1);
    }
    CHECK(sigprocmask(SIG_SETMASK, NULL, &was) == 0 && !sigismember(&was, SIGUSR1));
    CHECK(confstr(_CS_PATH, text, sizeof text) > 0 && realpath("/tmp/..", text) != NULL &&
          strcmp(text, "/") == 0);
    CHECK(pthread_attr_getstacksize(&(pthread_attr_t){ 0 }, &(size_t){ 0 }) == 0);
}

/* ---- signals that come from elsewhere ---- */

enum { RINGS = 100 /* more than come in any of these */ };

static volatile sig_atomic_t rang, by_other;
static pthread_t who_got_it;
static sigjmp_buf out;

static void ring(int sig)
{
    (void)sig;
    if (++rang == RINGS) {
        alarm(0);
    }
    who_got_it = pthread_self();
}

static void leap_out(int sig)
{
    (void)sig;
    siglongjmp(out, 1);
}

static void on(int sig, void (*handler)(int), int flags)
{
    struct sigaction a = { .sa_handler = handler, .sa_flags = flags };
    CHECK(sigaction(sig, &a, NULL) == 0);
}

static void set_alarm(long us, long every)
{
    const struct itimerval t = { .it_value = { us / 1000000, us % 1000000 },
                                 .it_interval = { every / 1000000, every % 1000000 } };
    CHECK(setitimer(ITIMER_REAL, &t, NULL) == 0);
}

static void alarms(void)
{
    struct itimerval left;
    struct timespec t;
    int p[2];
    char c;

    on(SIGALRM, ring, 0);
    rang = 0;
    set_alarm(5000, 0);
    CHECK(pause() == -1 && errno == EINTR && rang == 1);
    set_alarm(5000, 0);
    CHECK(nanosleep(&(struct timespec){ .tv_sec = 50 }, NULL) == -1 && errno == EINTR && rang == 2);
    set_alarm(5000, 0);
    CHECK(nanosleep(&(struct timespec){ .tv_sec = INT64_MAX }, NULL) == -1 && errno == EINTR &&
          rang == 3);
    set_alarm(5000, 0);
    CHECK(pipe(p) == 0 && read(p[0], &c, 1) == -1 && errno == EINTR && rang == 4);
    struct pollfd f = { p[0], POLLIN, 0 };
    set_alarm(5000, 0);
    CHECK(poll(&f, 1, 50000) == -1 && errno == EINTR && rang == 5);
    on(SIGALRM, ring, SA_RESTART);
    set_alarm(5000, 0);
    CHECK(poll(&f, 1, 50000) == -1 && errno == EINTR && rang == 6);  // not even then begun again
    CHECK(clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &(struct timespec){ 0 }, NULL) == 0);
    set_alarm(2000, 2000);
    while (rang < 9) {
        getppid();  // any call will do
    }
    CHECK(getitimer(ITIMER_REAL, &left) == 0 && left.it_interval.tv_usec == 2000);
    set_alarm(0, 0);
    CHECK(alarm(100) == 0 && alarm(0) == 100 && alarm(0) == 0);
    rang = 0;
    set_alarm(5000, 5000);
    clock_gettime(CLOCK_REALTIME, &t);
    t.tv_nsec += 60000000;
    t.tv_sec += t.tv_nsec / 1000000000;
    t.tv_nsec %= 1000000000;
    CHECK(sem_timedwait(&never, &t) == -1 && errno == ETIMEDOUT);
    CHECK(rang > 0 && rang < RINGS);  // each of them did not begin the time anew
    set_alarm(0, 0);
    on(SIGALRM, leap_out, 0);
    if (sigsetjmp(out, 1) == 0) {
        set_alarm(3000, 0);
        sem_wait(&never);
        CHECK(false);
    }
    on(SIGALRM, SIG_IGN, 0);
    set_alarm(1000, 0);
    CHECK(usleep(5000) == 0);
    on(SIGALRM, SIG_DFL, 0);
    CHECK(setitimer(ITIMER_PROF, &left, NULL) == -1 && errno == ENOSYS);
    CHECK(setitimer(9, &left, NULL) == -1 && errno == EINVAL);
    left.it_value.tv_usec = 1000000;
    CHECK(setitimer(ITIMER_REAL, &left, NULL) == -1 && errno == EINVAL);
    CHECK(close(p[0]) == 0 && close(p[1]) == 0);
}

static void *takes_signals(void *arg)
{
    sigset_t set;
    int sig = 0;

    sem_post(&ready);
    while (!by_other) {
        sem_wait(&go);  // until the handler has run, and somebody posts
    }
    sigemptyset(&set);
    sigaddset(&set, SIGUSR2);
    pthread_sigmask(SIG_BLOCK, &set, NULL);
    sem_post(&ready);
    return sigwait(&set, &sig) == 0 && sig == SIGUSR2 ? arg : NULL;
}

static void handle_other(int sig)
{
    ring(sig);
    by_other = 1;
}

static void between_threads(void)
{
    pthread_t t;
    void *result = NULL;
    sigset_t set, was, none;
    int sig = 0;

    on(SIGUSR1, handle_other, 0);
    CHECK(pthread_create(&t, NULL, takes_signals, &t) == 0 && sem_wait(&ready) == 0);
    usleep(1000);
    CHECK(pthread_kill(t, 0) == 0 && pthread_kill(t, SIGUSR1) == 0);
    usleep(1000);
    CHECK(by_other == 1 && pthread_equal(who_got_it, t) && sem_post(&go) == 0);
    CHECK(sem_wait(&ready) == 0 && usleep(1000) == 0 && pthread_kill(t, SIGUSR2) == 0);
    CHECK(pthread_join(t, &result) == 0 && result == &t);
    sigemptyset(&set);
    sigemptyset(&none);
    sigaddset(&set, SIGUSR1);
    CHECK(sigprocmask(SIG_BLOCK, &set, &was) == 0 && kill(getpid(), SIGUSR1) == 0);
    CHECK(sigwait(&set, &sig) == 0 && sig == SIGUSR1);
    CHECK(sigtimedwait(&set, NULL, &(struct timespec){ .tv_nsec = 1000000 }) == -1 &&
          errno == EAGAIN);
    rang = 0;
    CHECK(raise(SIGUSR1) == 0 && rang == 0 && sigsuspend(&none) == -1 && errno == EINTR &&
          rang == 1);
    CHECK(sigprocmask(SIG_SETMASK, &was, NULL) == 0 && rang == 1);
    signal(SIGUSR1, SIG_DFL);
}

void outside(void)
{
    cancelled();
    shared_locks(PTHREAD_PROCESS_PRIVATE, PTHREAD_PRIO_NONE);
    shared_locks(PTHREAD_PROCESS_SHARED, PTHREAD_PRIO_NONE);
    shared_locks(PTHREAD_PROCESS_SHARED, PTHREAD_PRIO_INHERIT);
    file_times();
    of_a_thread();
    various();
    alarms();
    between_threads();
}
