/* Child programs, with their stdin, stdout and stderr on pipes that are served together, so that
 * neither side can block the other. */
#include "cli/proc.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "cli/out.h"
#include "cli/report.h"

extern char **environ;

struct child {
    pid_t pid;
    int in, out, err; /* our ends; -1 = closed */
};

static int open_pipes(int in[2], int out[2], int err[2])
{
    return pipe2(in, O_CLOEXEC) == 0 && pipe2(out, O_CLOEXEC) == 0 && pipe2(err, O_CLOEXEC) == 0
               ? 0
               : -1;
}

static int start(const char *const *argv, struct child *c)
{
    int in[2], out[2], err[2];
    posix_spawn_file_actions_t fa;
    if (open_pipes(in, out, err) != 0 || posix_spawn_file_actions_init(&fa) != 0) {
        return errno;
    }
    posix_spawn_file_actions_adddup2(&fa, in[0], 0);
    posix_spawn_file_actions_adddup2(&fa, out[1], 1);
    posix_spawn_file_actions_adddup2(&fa, err[1], 2);
    union {
        const char *const *ours;
        char *const *theirs; /* posix_spawnp does not write to them */
    } args = { argv };
    int failed = posix_spawnp(&c->pid, argv[0], &fa, NULL, args.theirs, environ);
    posix_spawn_file_actions_destroy(&fa);
    close(in[0]);
    close(out[1]);
    close(err[1]);
    *c = (struct child){ c->pid, in[1], out[0], err[0] };
    if (failed != 0) {
        close(c->in);
        close(c->out);
        close(c->err);
    }
    return failed;
}

static void close_fd(int *fd)
{
    close(*fd);
    *fd = -1;
}

static void feed(struct child *c, span_t *input)
{
    ssize_t n = input->len > 0 ? write(c->in, input->data, input->len) : 0;
    if (n > 0) {
        *input = span_of(input->data + n, input->len - (size_t)n);
    }
    if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR)) {
        close_fd(&c->in);
    }
}

/** Append what is there; over `max` the rest is read and dropped. */
static void drain(int *fd, size_t max, struct buf *to)
{
    uint8_t piece[16384];
    ssize_t n = read(*fd, piece, sizeof(piece));
    if (n > 0 && to->len < max) {
        size_t room = max - to->len;
        buf_add(to, span_of(piece, (size_t)n < room ? (size_t)n : room));
    } else if (n == 0 || (n < 0 && errno != EINTR)) {
        close_fd(fd);
    }
}

static void serve(struct child *c, span_t input, size_t max, struct buf *out, struct buf *err)
{
    fcntl(c->in, F_SETFL, O_NONBLOCK);
    while (c->out >= 0 || c->err >= 0) {
        struct pollfd p[3] = { { c->in, POLLOUT, 0 },
                               { c->out, POLLIN, 0 },
                               { c->err, POLLIN, 0 } };
        if (poll(p, 3, -1) < 0) {
            continue;
        }
        if (p[0].revents != 0) {
            feed(c, &input);
        }
        if (p[1].revents != 0) {
            drain(&c->out, max, out);
        }
        if (p[2].revents != 0) {
            drain(&c->err, 4096, err);
        }
    }
    if (c->in >= 0) {
        close_fd(&c->in);
    }
}

int proc_wait(pid_t pid)
{
    int status = 0;
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {
    }
    return status;
}

uint64_t now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

/** Gives: the exit status; 127 and errno when it could not be started. */
static int run(const char *const *argv, span_t input, size_t max, struct buf *out, struct buf *err)
{
    struct child c = { 0 };
    signal(SIGPIPE, SIG_IGN);
    errno = start(argv, &c);
    if (errno != 0) {
        return 127;
    }
    serve(&c, input, max, out, err);
    int status = proc_wait(c.pid);
    errno = 0;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 126;
}

int proc_run(const char *const *argv, const char *package, span_t input, size_t max,
             struct buf *out)
{
    struct buf got = { NULL, 0 }, err = { NULL, 0 };
    int status = run(argv, input, max, &got, &err), why = errno;
    int rc = DONE;
    if (status == 127 && why != 0) {
        rc = fail(TOOL_FAILED, "cannot run %s: %s", argv[0], strerror(why));
        hint("install the package %s", package);
    } else if (status != 0) {
        char *said = out_safe(buf_span(&err));
        rc = fail(TOOL_FAILED, "%s failed (exit code %d): %s", argv[0], status, said);
        free(said);
    }
    buf_free(&err);
    if (rc == DONE && out != NULL) {
        *out = got;
    } else {
        buf_free(&got);
    }
    return rc;
}

bool proc_try(const char *const *argv, size_t max, struct buf *out)
{
    struct buf got = { NULL, 0 }, err = { NULL, 0 };
    bool good = run(argv, span_of(NULL, 0), max, &got, &err) == 0;
    buf_free(&err);
    if (good && out != NULL) {
        *out = got;
    } else {
        buf_free(&got);
    }
    return good;
}

bool proc_run_quiet(const char *const *argv, span_t input)
{
    struct buf out = { NULL, 0 }, err = { NULL, 0 };
    bool good = run(argv, input, 0, &out, &err) == 0;
    buf_free(&out);
    buf_free(&err);
    return good;
}

/* --- left-overs --- */

enum { CLEANUP_MAX = 8 };
static const char *volatile left_over[CLEANUP_MAX];

static void on_signal(int sig)
{
    for (int round = 0; round < 2; round++) { /* a folder goes once its files are gone */
        for (size_t i = 0; i < CLEANUP_MAX; i++) {
            const char *path = left_over[i];
            if (path != NULL && unlink(path) != 0) {
                rmdir(path);
            }
        }
    }
    signal(sig, SIG_DFL);
    raise(sig);
}

void cleanup_add(const char *path)
{
    static const int signals[] = { SIGINT, SIGTERM, SIGHUP };
    for (size_t i = 0; i < ARRAY_LEN(signals); i++) {
        signal(signals[i], on_signal);
    }
    for (size_t i = 0; i < CLEANUP_MAX; i++) {
        if (left_over[i] == NULL) {
            left_over[i] = path;
            return;
        }
    }
}

void cleanup_drop(const char *path)
{
    for (size_t i = 0; i < CLEANUP_MAX; i++) {
        if (left_over[i] == path) {
            left_over[i] = NULL;
        }
    }
}
