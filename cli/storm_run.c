/* The machine of a storm. Time is instructions, nothing random comes from the host, nothing is
 * sent, and no device waits for us: what it says comes out of the debug port, which takes each byte
 * at once. So the same volume does the same each time. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cli/report.h"
#include "cli/proc.h"
#include "cli/storm.h"

#define QEMU "qemu-system-x86_64"
enum { ARGS_MAX = 64, FIRMWARE_MAX = 64 << 20, PIECE = 1 << 16, PANIC_EXIT = 3, GATHER_US = 2000 };

struct command {
    char *arg[ARGS_MAX + 1]; /* owned; NULL ends it */
    size_t n;
};

static void add(struct command *q, const char *option, char *owned)
{
    if (q->n + 2 > ARGS_MAX) {
        exit(fail(USAGE, "more than %d arguments for QEMU", ARGS_MAX));
    }
    q->arg[q->n++] = must_printf("%s", option);
    if (owned != NULL) {
        q->arg[q->n++] = owned;
    }
}

static void add_machine(struct command *q)
{
    static const char *const fixed[][2] = {
        { "-machine", "q35" },
        { "-cpu", "max" },
        { "-smp", "1" },
        { "-m", "128" },
        { "-accel", "tcg,thread=single" },
        { "-icount", "shift=0,sleep=off" },
        { "-rtc", "base=2026-01-01,clock=vm" },
        { "-seed", "1" },
        { "-net", "none" },
        { "-display", "none" },
        { "-debugcon", "stdio" },
        { "-device", "pvpanic" },
        { "-device", "isa-debug-exit,iobase=0xf4" },
        { "-action", "panic=pause" },
    };
    add(q, QEMU, NULL);
    add(q, "-nodefaults", NULL);
    add(q, "-no-user-config", NULL);
    add(q, "-no-reboot", NULL);
    for (size_t i = 0; i < sizeof(fixed) / sizeof(fixed[0]); i++) {
        add(q, fixed[i][0], must_printf("%s", fixed[i][1]));
    }
}

static void add_files(struct command *q, const struct storm_config *c, const char *tmp)
{
    add(q, "-drive",
        must_printf("if=pflash,unit=0,format=raw,readonly=on,file=%s/OVMF_CODE_4M.fd",
                    c->firmware));
    add(q, "-drive", must_printf("if=pflash,unit=1,format=raw,file=%s/VARS.fd", tmp));
    add(q, "-drive",
        must_printf("id=boot,if=none,format=raw,readonly=on,snapshot=off,file=%s/storm.img", tmp));
    add(q, "-device", must_printf("virtio-blk-pci,drive=boot,bootindex=0"));
    add(q, "-serial", must_printf("file:%s/console.log", tmp));
    add(q, "-serial", must_printf("null"));
    if (c->gdb != 0) {
        add(q, "-gdb", must_printf("tcp:127.0.0.1:%u", c->gdb));
    }
}

static void command_free(struct command *q)
{
    for (size_t i = 0; i < q->n; i++) {
        free(q->arg[i]);
    }
}

static int copy_vars(const struct storm_config *c, const char *tmp)
{
    struct buf vars;
    char *from = must_printf("%s/OVMF_VARS_4M.fd", c->firmware);
    char *to = must_printf("%s/VARS.fd", tmp);
    int rc = file_read(from, FIRMWARE_MAX, &vars);
    if (rc == DONE) {
        rc = file_write(to, buf_span(&vars), 0600);
        buf_free(&vars);
    } else {
        hint("install the package ovmf, or name the folder of OVMF_CODE_4M.fd with --firmware");
    }
    free(from);
    free(to);
    return rc;
}

/* ---- its life ---- */

static volatile sig_atomic_t child_pid;

static void stop_child(int sig)
{
    int kept = errno;  // NOLINT: each thread's own, and a handler keeps it (signal-safety(7))
    (void)sig;
    if (child_pid > 0) {
        kill((pid_t)child_pid, SIGKILL);
    }
    errno = kept;  // NOLINT
}

static void be_child(const struct command *q, int out, pid_t parent)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent || dup2(out, 1) < 0) {
        _exit(126);
    }
    (void)close(0);
    execvp(q->arg[0], q->arg);
    fail(TOOL_FAILED, "cannot run %s: %s", q->arg[0], strerror(errno));
    hint("install the package qemu-system-x86");
    _exit(127);
}

static void show_new_lines(const struct storm_config *c, const struct buf *said, size_t *shown)
{
    const uint8_t *end;
    while ((end = memchr(said->data + *shown, '\n', said->len - *shown)) != NULL) {
        size_t n = (size_t)(end - said->data) - *shown;
        bool cr = n > 0 && end[-1] == '\r';
        storm_show(c, span_of(said->data + *shown, cr ? n - 1 : n));
        *shown += n + 1;
    }
}

/** Until it ends, or is silent for too long; who is stopped for a debugger may be silent. */
static int listen_to(const struct storm_config *c, int from, struct buf *said)
{
    static uint8_t piece[PIECE];
    int patience = c->stop != 0 ? -1 : (int)c->patience_s * 1000;
    size_t shown = 0;
    for (;;) {
        struct pollfd p = { .fd = from, .events = POLLIN };
        int ready = poll(&p, 1, patience);
        if (ready == 0) {
            return fail(REFUSED, "nothing came for %u s: the machine hangs", c->patience_s);
        }
        if (ready > 0) {
            usleep(GATHER_US);  // QEMU writes byte by byte
        }
        ssize_t n = ready < 0 ? -1 : read(from, piece, sizeof(piece));
        if (n < 0 && errno != EINTR) {
            return fail(IO_FAILED, "cannot read what the machine says: %s", strerror(errno));
        }
        if (n == 0) {
            return DONE;
        }
        if (n > 0) {
            buf_add(said, span_of(piece, (size_t)n));
            show_new_lines(c, said, &shown);
        }
    }
}

static int await(pid_t pid)
{
    int status = proc_wait(pid);
    child_pid = 0;
    bool ended = WIFEXITED(status);
    if (ended && (WEXITSTATUS(status) == 0 || WEXITSTATUS(status) == PANIC_EXIT)) {
        return DONE;  // what it said will tell
    }
    return ended && WEXITSTATUS(status) == 127
               ? TOOL_FAILED
               : fail(TOOL_FAILED, "QEMU ended with %s %d", ended ? "exit code" : "signal",
                      ended ? WEXITSTATUS(status) : WTERMSIG(status));
}

static int live(const struct storm_config *c, const struct command *q, struct buf *said)
{
    int out[2];
    pid_t parent = getpid(), pid = pipe2(out, O_CLOEXEC) != 0 ? -1 : fork();
    if (pid < 0) {
        return fail(TOOL_FAILED, "cannot start a process: %s", strerror(errno));
    }
    if (pid == 0) {
        be_child(q, out[1], parent);
    }
    child_pid = pid;
    signal(SIGINT, stop_child);
    signal(SIGTERM, stop_child);
    signal(SIGHUP, stop_child);
    close(out[1]);
    int rc = listen_to(c, out[0], said);
    if (rc != DONE) {
        kill(pid, SIGKILL);
    }
    int ended = await(pid);
    close(out[0]);
    return rc != DONE ? rc : ended;
}

static void print_command(const struct command *q)
{
    for (size_t i = 0; i < q->n; i++) {
        printf("%s%s", i == 0 ? "" : " ", q->arg[i]);
    }
    putchar('\n');
}

int storm_run(const struct storm_config *c, const char *tmp, struct buf *said)
{
    struct command q = { 0 };
    add_machine(&q);
    add_files(&q, c, tmp);
    int rc = c->dry_run ? DONE : copy_vars(c, tmp);
    if (rc == DONE && c->dry_run) {
        print_command(&q);
    } else if (rc == DONE) {
        rc = live(c, &q, said);
    }
    command_free(&q);
    return rc;
}
