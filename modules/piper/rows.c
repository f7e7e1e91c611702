/* pipe, poll and posix_spawn, from a program that holds the right to start modules. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/select.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "modules/piper/piper.h"

static int held, broken;

static void check(int holds, const char *what, int line)
{
    held += holds != 0;
    broken += holds == 0;
    if (!holds) {
        printf("piper: rows.c:%d does not hold (errno %d): %s\n", line, errno, what);
    }
}
#define CHECK(what) check((what), #what, __LINE__)

/* ---- pipe ---- */

static void ends(void)
{
    int p[2];
    char in[32];

    CHECK(pipe(p) == 0);
    CHECK(write(p[1], "abc", 3) == 3 && read(p[0], in, sizeof in) == 3 &&
          memcmp(in, "abc", 3) == 0);
    CHECK(write(p[0], "x", 1) == -1 && errno == EBADF);
    CHECK(read(p[1], in, 1) == -1 && errno == EBADF);
    CHECK(lseek(p[0], 0, SEEK_SET) == -1 && errno == ESPIPE);
    CHECK(write(p[1], "last", 4) == 4 && close(p[1]) == 0);
    CHECK(read(p[0], in, sizeof in) == 4 && read(p[0], in, sizeof in) == 0);
    CHECK(close(p[0]) == 0);
    CHECK(pipe(p) == 0 && close(p[0]) == 0);
    CHECK(signal(SIGPIPE, SIG_IGN) == SIG_DFL);
    CHECK(write(p[1], "x", 1) == -1 && errno == EPIPE);
    CHECK(close(p[1]) == 0);
}

static void full(void)
{
    int p[2];
    char in[1000] = { 0 };
    ssize_t n, all = 0;

    CHECK(pipe2(p, O_NONBLOCK | O_CLOEXEC) == 0);
    CHECK(fcntl(p[0], F_GETFD) == FD_CLOEXEC && (fcntl(p[0], F_GETFL) & O_NONBLOCK) != 0);
    CHECK(read(p[0], in, 1) == -1 && errno == EAGAIN);
    while ((n = write(p[1], in, sizeof in)) > 0) {
        all += n;
    }
    CHECK(n == -1 && errno == EAGAIN && all >= 4096);
    while ((n = read(p[0], in, sizeof in)) > 0) {
        all -= n;
    }
    CHECK(all == 0 && errno == EAGAIN);
    CHECK(close(p[0]) == 0 && close(p[1]) == 0);
}

/* More often than there are places for pipes. */
static void many(void)
{
    int p[2], good = 0;

    for (int i = 0; i < 100; i++) {
        good += pipe(p) == 0 && close(p[0]) == 0 && close(p[1]) == 0;
    }
    CHECK(good == 100);
}

static void *feed(void *arg)
{
    char out[4096];

    for (int i = 0; i < 64; i++) {
        memset(out, 'a' + i % 26, sizeof out);
        if (write(*(int *)arg, out, sizeof out) != (ssize_t)sizeof out) {
            return arg;
        }
    }
    (void)close(*(int *)arg);
    return NULL;
}

/* A quarter of a mebibyte through 16 KiB, from thread to thread. */
static void threads(void)
{
    pthread_t t;
    int p[2], right = 1;
    char in[1000];
    void *failed = NULL;
    ssize_t n;
    size_t all = 0;

    CHECK(pipe(p) == 0 && pthread_create(&t, NULL, feed, &p[1]) == 0);
    while ((n = read(p[0], in, sizeof in)) > 0) {
        for (ssize_t i = 0; i < n; i++) {
            right &= in[i] == 'a' + (char)((all + (size_t)i) / 4096 % 26);
        }
        all += (size_t)n;
    }
    CHECK(pthread_join(t, &failed) == 0 && failed == NULL);
    CHECK(right && all == 64 * 4096 && n == 0);
    CHECK(close(p[0]) == 0);
}

static struct {
    int fd[2];
    _Atomic int over;
} open_close;

static void *read_on(void *arg)
{
    const int fd = open_close.fd[0];
    char c = 'x';

    while (!open_close.over && c == 'x') {
        (void)read(fd, &c, 1);  // or EAGAIN, or EBADF
    }
    return c == 'x' ? NULL : arg;
}

/* A thread reads on while its descriptor is closed, and another's again. */
static void closing(void)
{
    enum { TIMES = 1000 };
    int *p = open_close.fd, right = 1;
    pthread_t t;
    void *failed = NULL;

    CHECK(pipe2(p, O_NONBLOCK) == 0 && pthread_create(&t, NULL, read_on, p) == 0);
    for (int i = 0; i < TIMES; i++) {
        right &= write(p[1], "x", 1) == 1 && close(p[0]) == 0 && close(p[1]) == 0;
        right &= pipe2(p, O_NONBLOCK) == 0;
    }
    open_close.over = 1;
    CHECK(pthread_join(t, &failed) == 0 && failed == NULL && right);
    CHECK(close(p[0]) == 0 && close(p[1]) == 0);
}

/* ---- poll ---- */

static long ms_now(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static void *late(void *arg)
{
    const struct timespec t = { .tv_nsec = 50000000 };
    (void)nanosleep(&t, NULL);
    return write(*(int *)arg, "x", 1) == 1 ? NULL : arg;
}

static void polls(void)
{
    int p[2], q[2];
    char c;
    pthread_t t;
    fd_set in;
    struct timeval now = { 0 }, soon = { .tv_usec = 30000 };

    CHECK(pipe(p) == 0 && pipe(q) == 0);
    struct pollfd f[3] = { { p[0], POLLIN, 0 }, { p[1], POLLOUT, 0 }, { -1, POLLIN, 0 } };
    CHECK(poll(f, 3, 0) == 1 && f[0].revents == 0 && f[1].revents == POLLOUT && f[2].revents == 0);
    long from = ms_now();
    CHECK(poll(f, 1, 30) == 0 && ms_now() - from >= 30);
    CHECK(pthread_create(&t, NULL, late, &p[1]) == 0);
    CHECK(poll(f, 1, 5000) == 1 && f[0].revents == POLLIN && ms_now() - from < 4000);
    CHECK(pthread_join(t, NULL) == 0 && read(p[0], &c, 1) == 1);
    f[1] = (struct pollfd){ q[0], POLLIN, 0 };
    CHECK(pthread_create(&t, NULL, late, &q[1]) == 0);
    CHECK(poll(f, 2, 5000) == 1 && f[0].revents == 0 && f[1].revents == POLLIN);
    CHECK(pthread_join(t, NULL) == 0);
    FD_ZERO(&in);
    FD_SET(p[0], &in);
    FD_SET(q[0], &in);
    CHECK(select(64, &in, NULL, NULL, &now) == 1 && FD_ISSET(q[0], &in) && !FD_ISSET(p[0], &in));
    CHECK(read(q[0], &c, 1) == 1);
    CHECK(select(64, &in, NULL, NULL, &soon) == 0 && !FD_ISSET(q[0], &in));
    CHECK(close(q[1]) == 0 && poll(&f[1], 1, 5000) == 1 && f[1].revents == POLLHUP);
    CHECK(close(p[0]) == 0);
    f[0] = (struct pollfd){ p[1], POLLOUT, 0 };
    CHECK(poll(f, 1, 5000) == 1 && (f[0].revents & POLLERR) != 0);
    CHECK(close(p[1]) == 0 && poll(f, 1, 0) == 1 && f[0].revents == POLLNVAL);
    CHECK(close(q[0]) == 0);
}

/* ---- posix_spawn ---- */

static int ended(pid_t pid)
{
    int status = -1;
    return waitpid(pid, &status, 0) == pid ? status : -1;
}

static void codes(void)
{
    char *const alone[] = { "piper", "broken", NULL };
    char *const leave[] = { "piper", "exit", "7", NULL }, *const crash[] = { "piper", "crash",
                                                                             NULL };
    char *const sleeper[] = { "piper", "sleep", NULL };
    pid_t pid = 0;
    int status;

    CHECK(posix_spawn(&pid, "/bin/piper", NULL, NULL, leave, NULL) == 0 && pid > 0);
    status = ended(pid);
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 7);
    CHECK(waitpid(pid, &status, 0) == -1 && errno == ECHILD);
    CHECK(posix_spawnp(&pid, "piper", NULL, NULL, crash, NULL) == 0);
    status = ended(pid);
    CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV);
    CHECK(posix_spawn(&pid, "piper", NULL, NULL, sleeper, NULL) == 0);
    CHECK(waitpid(pid, &status, WNOHANG) == 0);
    CHECK(kill(pid, 0) == 0 && kill(pid, SIGUSR1) == -1 && errno == EPERM);
    CHECK(kill(pid, SIGTERM) == 0 && kill(pid, 0) == 0 && kill(pid, SIGTERM) == 0);
    status = ended(pid);
    CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    CHECK(kill(pid, SIGTERM) == -1 && errno == ESRCH);
    CHECK(posix_spawn(&pid, "piper", NULL, NULL, alone, NULL) == 0);
    CHECK(ended(pid) == (128 + SIGPIPE) << 8);
    CHECK(posix_spawn(&pid, "nosuch", NULL, NULL, leave, NULL) == ENOENT);
    CHECK(wait(&status) == -1 && errno == ECHILD);
}

/* What a child says, as far as there is room. */
static const char *said(int fd)
{
    static char text[2048];
    size_t at = 0;
    ssize_t n;

    while (at + 1 < sizeof text && (n = read(fd, text + at, sizeof text - 1 - at)) > 0) {
        at += (size_t)n;
    }
    text[at] = '\0';
    return text;
}

static void given(void)
{
    char *const argv[] = { "zero", "tell", "two words", "", NULL };
    char *const envp[] = { "A=b c", "EMPTY=", NULL };
    posix_spawn_file_actions_t fa;
    int p[2];
    pid_t pid;

    CHECK(pipe(p) == 0 && posix_spawn_file_actions_init(&fa) == 0);
    CHECK(posix_spawn_file_actions_addclose(&fa, 0) == 0);
    CHECK(posix_spawn_file_actions_adddup2(&fa, p[1], 1) == 0);
    CHECK(posix_spawn_file_actions_addclose(&fa, p[0]) == 0);
    CHECK(posix_spawn_file_actions_addclose(&fa, p[1]) == 0);
    CHECK(posix_spawn(&pid, "piper", &fa, NULL, argv, envp) == 0 && close(p[1]) == 0);
    const char *text = said(p[0]);
    CHECK(strstr(text, "argument 0 <zero>\nargument 1 <tell>\nargument 2 <two words>\n"
                       "argument 3 <>\nvariable <A=b c>\nvariable <EMPTY=>\nhere /") == text);
    CHECK(strstr(text, "descriptor 0 none") != NULL && strstr(text, "descriptor 1 pipe\n") != NULL);
    CHECK(strstr(text, "descriptor 3 none") != NULL);
    CHECK(ended(pid) == 0 && close(p[0]) == 0);
    CHECK(posix_spawn_file_actions_adddup2(&fa, 40, 1) == 0);
    CHECK(posix_spawn(&pid, "piper", &fa, NULL, argv, envp) == EBADF);
    CHECK(posix_spawn_file_actions_destroy(&fa) == 0);
}

/* Two children, one's output the other's input. */
static void pipeline(void)
{
    char *const make[] = { "piper", "lines", "20000", NULL };
    char *const count[] = { "piper", "count", NULL };
    posix_spawn_file_actions_t from, to;
    int p[2], q[2];
    pid_t a, b;

    CHECK(pipe2(p, O_CLOEXEC) == 0 && pipe2(q, O_CLOEXEC) == 0);
    CHECK(posix_spawn_file_actions_init(&from) == 0 && posix_spawn_file_actions_init(&to) == 0);
    CHECK(posix_spawn_file_actions_adddup2(&from, p[1], 1) == 0);
    CHECK(posix_spawn_file_actions_adddup2(&to, p[0], 0) == 0);
    CHECK(posix_spawn_file_actions_adddup2(&to, q[1], 1) == 0);
    CHECK(posix_spawn(&a, "piper", &from, NULL, make, NULL) == 0);
    CHECK(posix_spawn(&b, "piper", &to, NULL, count, NULL) == 0);
    CHECK(close(p[0]) == 0 && close(p[1]) == 0 && close(q[1]) == 0);
    CHECK(strcmp(said(q[0]), "388890 bytes, sum c064528\n") == 0);
    CHECK(ended(a) == 0 && ended(b) == 0 && close(q[0]) == 0);
    (void)posix_spawn_file_actions_destroy(&from);
    (void)posix_spawn_file_actions_destroy(&to);
}

/* Files of this program's own tree, lent to children: one offset for all. */
static void lent(void)
{
    char *const make[] = { "piper", "lines", "2", NULL }, *const copy[] = { "piper", "copy", NULL };
    posix_spawn_file_actions_t fa;
    pid_t pid;
    int fd = open("/own", O_RDWR | O_CREAT | O_TRUNC, 0600);

    CHECK(write(fd, "head\n", 5) == 5 && posix_spawn_file_actions_init(&fa) == 0);
    CHECK(posix_spawn_file_actions_adddup2(&fa, fd, 1) == 0);
    CHECK(posix_spawn(&pid, "piper", &fa, NULL, make, NULL) == 0 && ended(pid) == 0);
    CHECK(lseek(fd, 0, SEEK_CUR) == 29);
    CHECK(posix_spawn(&pid, "piper", &fa, NULL, make, NULL) == 0 && ended(pid) == 0);
    CHECK(write(fd, "tail\n", 5) == 5 && lseek(fd, -5, SEEK_CUR) == 53 &&
          lseek(fd, 0, SEEK_SET) == 0);
    CHECK(strcmp(said(fd), "head\nline 0 of 2\nline 1 of 2\nline 0 of 2\nline 1 of 2\ntail\n") ==
          0);
    (void)posix_spawn_file_actions_destroy(&fa);
    // what is read by a child is read for this one too; paths are this one's; a large file; append
    static char large[100000];
    memset(large, 'x', sizeof large);
    CHECK(pwrite(fd, large, sizeof large, 0) == (ssize_t)sizeof large &&
          lseek(fd, 10, SEEK_SET) == 10);
    CHECK(posix_spawn_file_actions_init(&fa) == 0 && mkdir("/in", 0700) == 0);
    CHECK(posix_spawn_file_actions_adddup2(&fa, fd, 0) == 0);
    CHECK(posix_spawn_file_actions_addopen(&fa, 1, "/in/copy", O_WRONLY | O_CREAT | O_APPEND,
                                           0640) == 0);
    CHECK(posix_spawn(&pid, "piper", &fa, NULL, copy, NULL) == 0 && ended(pid) == 0);
    struct stat s;
    CHECK(stat("/in/copy", &s) == 0 && s.st_size == sizeof large - 10 &&
          (s.st_mode & 0777) == 0640);
    CHECK(lseek(fd, 0, SEEK_CUR) == sizeof large && unlink("/own") == 0 &&
          lseek(fd, -3, SEEK_END) > 0);
    CHECK(posix_spawn(&pid, "piper", &fa, NULL, copy, NULL) == 0 && ended(pid) == 0);
    CHECK(stat("/in/copy", &s) == 0 && s.st_size == sizeof large - 7 && close(fd) == 0);
    (void)posix_spawn_file_actions_destroy(&fa);
    CHECK(posix_spawn_file_actions_init(&fa) == 0);
    CHECK(posix_spawn_file_actions_addopen(&fa, 0, "/common/nothing", O_RDONLY, 0) == 0);
    CHECK(posix_spawn(&pid, "piper", &fa, NULL, make, NULL) == ENOENT);
    (void)posix_spawn_file_actions_destroy(&fa);
    CHECK((fd = open("/in", O_RDONLY)) >= 0 && posix_spawn_file_actions_init(&fa) == 0);
    CHECK(posix_spawn_file_actions_adddup2(&fa, fd, 0) == 0);
    CHECK(posix_spawn(&pid, "piper", &fa, NULL, make, NULL) == EOPNOTSUPP && close(fd) == 0);
    (void)posix_spawn_file_actions_destroy(&fa);
    CHECK(unlink("/in/copy") == 0 && rmdir("/in") == 0);
}

static void *runs_vfork(void *arg)
{
    *(int *)arg = vfork() == -1 && errno == EAGAIN;
    return arg;
}

/* A child on this one's memory, until it ends or is another program: what it changed is as it was.
 */
static void forked(void)
{
    char *const make[] = { "piper", "lines", "2", NULL }, *const env[] = { "A=1", NULL };
    volatile int seen = 0;
    int p[2], status, fd = open("/kept", O_RDWR | O_CREAT, 0600), refused = 0;
    struct flock l = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
    char where[64];
    sigset_t set;
    pthread_t t;

    CHECK(fcntl(fd, F_SETLK, &l) == 0 && chdir("/") == 0);
    pid_t pid = vfork();
    if (pid == 0) {
        seen = 1;
        close(fd);
        dup2(2, 0);
        close(1);
        umask(0);
        signal(SIGUSR1, SIG_IGN);
        sigemptyset(&set);
        sigaddset(&set, SIGUSR2);
        sigprocmask(SIG_BLOCK, &set, NULL);
        if (chdir("/common") != 0 || vfork() != -1 || errno != EAGAIN) {
            _exit(1);
        }
        _exit(7);
    }
    CHECK(pid > 0 && seen == 1 && ended(pid) == 7 << 8 && waitpid(pid, &status, 0) == -1);
    CHECK(getcwd(where, sizeof where) != NULL && strcmp(where, "/") == 0 && umask(022) == 022);
    CHECK(signal(SIGUSR1, SIG_DFL) == SIG_DFL && sigprocmask(SIG_BLOCK, NULL, &set) == 0 &&
          !sigismember(&set, SIGUSR2));
    CHECK(write(fd, "x", 1) == 1 && fcntl(fd, F_GETFD) == 0 && close(fd) == 0);
    CHECK(pipe(p) == 0);
    pid = vfork();
    if (pid == 0) {
        dup2(p[1], 1);
        close(p[0]);
        close(p[1]);
        execve("/bin/piper", make, env);
        _exit(127);
    }
    CHECK(pid > 0 && close(p[1]) == 0 && strcmp(said(p[0]), "line 0 of 2\nline 1 of 2\n") == 0);
    CHECK(ended(pid) == 0 && close(p[0]) == 0);
    pid = vfork();
    if (pid == 0) {
        execlp("nosuch", "nosuch", NULL);
        _exit(errno == ENOENT ? 127 : 1);
    }
    CHECK(ended(pid) == 127 << 8);
    CHECK(execve("/bin/piper", make, env) == -1 && errno == ENOSYS && fork() == -1);
    CHECK(pthread_create(&t, NULL, runs_vfork, &refused) == 0 && pthread_join(t, NULL) == 0 &&
          refused);
    CHECK(unlink("/kept") == 0);
}

int rows(void)
{
    ends();
    full();
    many();
    threads();
    closing();
    polls();
    codes();
    given();
    pipeline();
    lent();
    forked();
    printf("piper: %d hold, %d do not\n", held, broken);
    return broken != 0;
}
