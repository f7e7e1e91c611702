/* QEMU's command line, and its life as our child. The boot volume is opened read-only, the
 * firmware's variables are a private copy, so nothing that happens in the machine reaches a file
 * that stays. */
#include "cli/qemu.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include "cli/file.h"
#include "cli/proc.h"
#include "cli/report.h"

#define QEMU "qemu-system-x86_64"
enum { ARGS_MAX = 128, FIRMWARE_MAX = 64 << 20 };

struct command {
    char *arg[ARGS_MAX + 1]; /* owned; NULL ends it */
    size_t n;
};

static void add(struct command *c, char *owned)
{
    if (c->n == ARGS_MAX) {
        exit(fail(USAGE, "more than %d arguments for QEMU", ARGS_MAX));
    }
    c->arg[c->n++] = owned;
}

static void add2(struct command *c, const char *option, char *owned)
{
    add(c, must_printf("%s", option));
    add(c, owned);
}

static void command_free(struct command *c)
{
    for (size_t i = 0; i < c->n; i++) {
        free(c->arg[i]);
    }
}

/** Does KVM really work here? /dev/kvm may be there and refuse, so a machine is started and left at
 * once. */
static bool kvm_works(void)
{
    const char *argv[] = { QEMU,       "-accel", "kvm",      "-machine", "none", "-nodefaults",
                           "-display", "none",   "-monitor", "stdio",    NULL };
    return access("/dev/kvm", R_OK | W_OK) == 0 &&
           proc_run_quiet(argv, (span_t){ (const uint8_t *)"quit\n", 5 });
}

static const char *pick_accel(const struct qemu_config *c)
{
    if (strcmp(c->accel, "auto") == 0) {
        return kvm_works() ? "kvm" : "tcg";
    }
    return c->accel;
}

static void add_machine(struct command *q, const struct qemu_config *c)
{
    const char *accel = pick_accel(c);
    add(q, must_printf("%s", QEMU));
    add2(q, "-machine", must_printf("%s,accel=%s", c->machine, accel));
    add2(q, "-cpu", must_printf("%s", c->cpu));
    add2(q, "-m", must_printf("%u", c->mem_mib));
    add2(q, "-smp", must_printf("%u", c->smp));
    add(q, must_printf("-no-user-config"));
    add(q, must_printf("-nodefaults"));
    add(q, must_printf("-no-reboot"));
    add2(q, "-net", must_printf("none"));
    add2(q, "-vga", must_printf("std"));
    add2(q, "-display", must_printf("%s", c->window ? "gtk" : "none"));
}

/** A comma ends a value in QEMU's options; two stand for one. Gives: a string to be freed. */
static char *escape(const char *path)
{
    char *out = must_alloc(2 * strlen(path) + 1), *to = out;
    for (; *path != '\0'; path++) {
        *to++ = *path;
        if (*path == ',') {
            *to++ = ',';
        }
    }
    return out;
}

static void add_files(struct command *q, const struct qemu_config *c, const char *vars)
{
    char *image = escape(c->image), *manage = escape(c->manage), *v = escape(vars),
         *f = escape(c->firmware);
    add2(q, "-drive",
         must_printf("if=pflash,unit=0,format=raw,readonly=on,file=%s/OVMF_CODE_4M.fd", f));
    add2(q, "-drive", must_printf("if=pflash,unit=1,format=raw,file=%s", v));
    add2(q, "-drive",
         must_printf("id=boot,if=none,format=raw,readonly=on,snapshot=off,file=%s", image));
    add2(q, "-device", must_printf("virtio-blk-pci,drive=boot,bootindex=0"));
    add2(q, "-serial", must_printf("mon:stdio"));
    add2(q, "-chardev", must_printf("socket,id=manage,path=%s,server=on,wait=off", manage));
    add2(q, "-serial", must_printf("chardev:manage"));
    free(image);
    free(manage);
    free(v);
    free(f);
}

static void print_command(const struct command *q)
{
    for (size_t i = 0; i < q->n; i++) {
        bool plain = strpbrk(q->arg[i], " '\"\\$`;&|<>()*?[]#~") == NULL;
        printf("%s%s%s%s", i == 0 ? "" : " ", plain ? "" : "'", q->arg[i], plain ? "" : "'");
    }
    putchar('\n');
}

/* --- what exists only while the machine runs --- */

/**
 * The firmware's variables, copied to memory that has no name: QEMU inherits the descriptor, and
 * when both are gone so is the copy, even if we are killed.
 */
static int vars_copy(const struct qemu_config *c, int *out)
{
    struct buf vars;
    char *from = must_printf("%s/OVMF_VARS_4M.fd", c->firmware);
    int rc = file_read(from, FIRMWARE_MAX, &vars);
    free(from);
    if (rc != DONE) {
        hint("install the package ovmf, or name the folder of OVMF_CODE_4M.fd with --firmware");
        return TOOL_FAILED;
    }
    int fd = memfd_create("VARS.fd", 0);
    if (fd < 0 || write(fd, vars.data, vars.len) != (ssize_t)vars.len) {
        rc = fail(IO_FAILED, "cannot copy the firmware's variables: %s", strerror(errno));
    }
    buf_free(&vars);
    *out = fd;
    return rc;
}

/** Make way for QEMU's socket: a dead one goes, a live one means that another node runs there. */
static int socket_prepare(const char *path)
{
    struct sockaddr_un a = { .sun_family = AF_UNIX };
    if (strlen(path) >= sizeof(a.sun_path)) {
        return fail(USAGE, "--manage: a socket's path has at most %zu bytes",
                    sizeof(a.sun_path) - 1);
    }
    int rc = file_parent(path, 0755);
    if (rc != DONE) {
        return rc;
    }
    memcpy(a.sun_path, path, strlen(path));
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool live = fd >= 0 && connect(fd, (struct sockaddr *)&a, sizeof(a)) == 0;
    bool stale = !live && errno == ECONNREFUSED;
    if (fd >= 0) {
        close(fd);
    }
    if (live) {
        fail(IO_FAILED, "a node is running behind %s already", path);
        hint("switch it off (nonosctl poweroff), or choose another socket with --manage");
        return IO_FAILED;
    }
    if (stale) {
        unlink(path);
    } else if (access(path, F_OK) == 0) {
        return fail(IO_FAILED, "%s exists and is not a dead socket", path);
    }
    return DONE;
}

/* --- the child --- */

static volatile sig_atomic_t child_pid;

static void pass_on(int sig)
{
    int kept = errno;
    if (child_pid > 0) {
        kill((pid_t)child_pid, sig);
    }
    errno = kept;
}

static void handle(int sig, void (*what)(int))
{
    struct sigaction sa = { .sa_handler = what };
    sigaction(sig, &sa, NULL);
}

static void be_child(const struct command *q, pid_t parent)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL); /* also when we are killed without a chance to clean up */
    if (getppid() != parent) {
        _exit(126);
    }
    handle(SIGINT, SIG_DFL);
    handle(SIGPIPE, SIG_DFL);
    execvp(q->arg[0], q->arg);
    fail(TOOL_FAILED, "cannot run %s: %s", q->arg[0], strerror(errno));
    hint("install the package qemu-system-x86");
    _exit(127);
}

static int await(pid_t pid)
{
    int status = proc_wait(pid);
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0) {
        return DONE;
    }
    if (WIFSIGNALED(status)) {
        return fail(TOOL_FAILED, "QEMU was ended by signal %d", WTERMSIG(status));
    }
    return WEXITSTATUS(status) == 127
               ? TOOL_FAILED
               : fail(TOOL_FAILED, "QEMU ended with exit code %d", WEXITSTATUS(status));
}

static int live(const struct command *q)
{
    struct termios before;
    bool tty = tcgetattr(0, &before) == 0;
    pid_t parent = getpid();
    handle(SIGINT, SIG_IGN); /* Ctrl-C belongs to the machine */
    fflush(NULL);
    pid_t pid = fork();
    if (pid < 0) {
        return fail(TOOL_FAILED, "cannot start a process: %s", strerror(errno));
    }
    if (pid == 0) {
        be_child(q, parent);
    }
    child_pid = pid;
    handle(SIGTERM, pass_on);
    handle(SIGHUP, pass_on);
    int rc = await(pid);
    child_pid = 0;
    if (tty) {
        tcsetattr(0, TCSANOW, &before); /* QEMU does it too, unless it was killed */
    }
    return rc;
}

static int check_image(const char *path)
{
    if (access(path, R_OK) == 0) {
        return DONE;
    }
    fail(IO_FAILED, "cannot read the image %s: %s", path, strerror(errno));
    hint("`make image` builds one, `nonosctl image make` packs one");
    return IO_FAILED;
}

static void add_all(struct command *q, const struct qemu_config *c, int vars)
{
    char *path = c->dry_run ? must_printf("VARS.fd") : must_printf("/proc/self/fd/%d", vars);
    add_machine(q, c);
    add_files(q, c, path);
    for (size_t i = 0; i < c->n_extra; i++) {
        add(q, must_printf("%s", c->extra[i]));
    }
    free(path);
}

int qemu_run(const struct qemu_config *c)
{
    struct command q = { 0 };
    int vars = -1;
    int rc = check_image(c->image);
    if (rc == DONE && !c->dry_run) {
        rc = socket_prepare(c->manage);
    }
    if (rc == DONE && !c->dry_run) {
        rc = vars_copy(c, &vars);
    }
    if (rc == DONE) {
        add_all(&q, c, vars);
    }
    if (rc == DONE && c->dry_run) {
        print_command(&q);
    } else if (rc == DONE) {
        rc = live(&q);
        unlink(c->manage);
    }
    if (vars >= 0) {
        close(vars);
    }
    command_free(&q);
    return rc;
}
