#include "cli/expect.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cli/file.h"
#include "cli/proc.h"
#include "cli/report.h"

enum { CONSOLE_MAX = 16 << 20 };

/** In a child: the machine, its console into the pipe, nobody typing. */
static pid_t boot(const struct qemu_config *c, const int pipe_fd[2])
{
    pid_t pid = fork();
    if (pid == 0) {
        int nothing = open("/dev/null", O_RDONLY | O_CLOEXEC);
        if (nothing < 0 || dup2(nothing, 0) < 0 || dup2(pipe_fd[1], 1) < 0) {
            _exit(TOOL_FAILED);
        }
        close(pipe_fd[0]);
        close(pipe_fd[1]);
        _exit(qemu_run(c));
    }
    return pid;
}

enum look { FOUND, TOO_LATE, ENDED };

/** Read until the text is there. */
static enum look look(int fd, const char *text, uint64_t until)
{
    struct buf seen = { NULL, 0 };
    enum look what = TOO_LATE;
    for (uint64_t now = now_ms(); what == TOO_LATE && now < until && seen.len < CONSOLE_MAX;
         now = now_ms()) {
        uint8_t piece[4096];
        struct pollfd p = { fd, POLLIN, 0 };
        ssize_t n = poll(&p, 1, (int)(until - now)) > 0 ? read(fd, piece, sizeof(piece)) : -1;
        what = n == 0 ? ENDED : what;
        if (n > 0) {
            buf_add(&seen, span_of(piece, (size_t)n));
            fwrite(piece, 1, (size_t)n, stdout);
            fflush(stdout);
            what = memmem(seen.data, seen.len, text, strlen(text)) != NULL ? FOUND : what;
        }
    }
    buf_free(&seen);
    return what;
}

int qemu_expect(const struct qemu_config *c, const char *text, uint32_t seconds)
{
    int fd[2];
    if (pipe2(fd, O_CLOEXEC) != 0) {
        return fail(TOOL_FAILED, "cannot start the machine: %s", strerror(errno));
    }
    pid_t pid = boot(c, fd);
    close(fd[1]);
    if (pid < 0) {
        close(fd[0]);
        return fail(TOOL_FAILED, "cannot start the machine: %s", strerror(errno));
    }
    enum look what = look(fd[0], text, now_ms() + (uint64_t)seconds * 1000);
    close(fd[0]);
    if (what != ENDED) {
        kill(pid, SIGTERM);
    }
    int status = proc_wait(pid), rc = WIFEXITED(status) ? WEXITSTATUS(status) : TOOL_FAILED;
    if (what == FOUND || (what == ENDED && rc != DONE)) {
        putchar('\n');
        return what == FOUND ? DONE : rc; /* the child has reported */
    }
    return fail(REFUSED, "the machine %s without having said \"%s\"",
                what == ENDED ? "ended" : "ran for as long as was given", text);
}
