/* gdb: a remote stub for one capsule of a live node. gdb talks to a socket here; what it asks
 * becomes requests over the node's management channel. */
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cli/gdb_node.h"
#include "cli/gdb_stub.h"
#include "cli/proc.h"
#include "lib/text.h"

enum { OPT_LISTEN = 256, OPT_SECONDS, OPT_SYMBOLS, POLL_MS = 40, GDB_ARGS = 64, OURS = 8 };

extern char **environ;

struct gdb_args {
    struct node_args node;
    const char *word, *listen, *symbols;
    uint32_t seconds;
    const char *gdb[GDB_ARGS];
    size_t n_gdb;
};

static error_t parse_gdb(int key, char *arg, struct argp_state *state)
{
    struct gdb_args *a = state->input;
    switch (key) {
    case ARGP_KEY_INIT:
        state->child_inputs[0] = &a->node;
        return 0;
    case OPT_LISTEN:
        a->listen = arg;
        return 0;
    case OPT_SECONDS:
        a->seconds = (uint32_t)parse_number(arg, state, "--seconds", 1, NOS_DEBUG_SECONDS_MAX);
        return 0;
    case OPT_SYMBOLS:
        a->symbols = arg;
        return 0;
    case ARGP_KEY_ARG:
        if (a->word == NULL) {
            a->word = arg;
        } else if (a->n_gdb < GDB_ARGS) {
            a->gdb[a->n_gdb++] = arg;
        } else {
            argp_error(state, "at most %d arguments for gdb", GDB_ARGS);
        }
        return 0;
    case ARGP_KEY_END:
        if (a->word == NULL) {
            argp_error(state, "which capsule? `nonosctl ps` shows their ids and names");
        }
        if (a->listen != NULL && a->n_gdb > 0) {
            argp_error(state, "with --listen no gdb is started, so it can be given no arguments");
        }
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

/* ---- the capsule ---- */

static bool is_meant(const char *word, const struct nos_capsule_info *c)
{
    uint64_t id;
    span_t w = span_of(word, strlen(word));
    return (parse_u64(w, &id) && id == c->id) || span_equal(w, name16_span(c->name));
}

static int find_capsule(struct node *n, const char *word, struct nos_capsule_info *out)
{
    struct nos_capsule_info c;
    nos_status_t st = NOS_OK;
    size_t found = 0;
    int rc = DONE;
    for (uint64_t i = 0; rc == DONE && st == NOS_OK; i++) {
        rc = node_record(n, NOS_TOPIC_CAPSULES, i, &c, sizeof(c), &st);
        if (rc == DONE && st == NOS_OK && c.state == NOS_CAPSULE_RUNNING && is_meant(word, &c)) {
            *out = c;
            found++;
        }
    }
    if (rc == DONE && st != NOS_OK && st != NOS_NOT_FOUND) {
        rc = node_refused(n, "to tell", st);
    }
    if (rc == DONE && found != 1) {
        rc = fail(NODE_REFUSED, "%s capsule \"%s\" runs on this node",
                  found == 0 ? "no" : "more than one", word);
        hint("`nonosctl ps` lists them; an id names one of several");
    }
    return rc;
}

/* ---- gdb's side ---- */

struct session {
    struct gdb_target target;
    struct stub stub;
    struct rsp rsp;
    int fd;
    bool lost; /* gdb has gone */
};

static volatile sig_atomic_t asked_to_end;

static void on_end(int sig)
{
    (void)sig;
    asked_to_end = 1;
}

static void put(struct session *s, span_t bytes)
{
    while (bytes.len > 0 && !s->lost) {
        ssize_t n = send(s->fd, bytes.data, bytes.len, MSG_NOSIGNAL);
        if (n > 0) {
            bytes = span_of(bytes.data + n, bytes.len - (size_t)n);
        } else if (n == 0 || errno != EINTR) {
            s->lost = true;
        }
    }
}

static void send_reply(struct session *s)
{
    static uint8_t room[RSP_ROOM];
    size_t len;
    if (rsp_encode(fmt_text(&s->stub.reply), MSPAN_OF(room), &len)) {
        put(s, span_of(room, len));
    }
}

static void take_packet(struct session *s, span_t packet)
{
    if (!s->stub.no_ack) {
        put(s, SPAN_LIT("+"));
    }
    if (stub_packet(&s->stub, packet)) {
        send_reply(s);
    }
}

static void take_bytes(struct session *s, span_t in)
{
    span_t packet;
    enum rsp_event e;
    while (!s->stub.over && (e = rsp_feed(&s->rsp, &in, &packet)) != RSP_NONE) {
        if (e == RSP_PACKET) {
            take_packet(s, packet);
        } else if (e == RSP_BAD && !s->stub.no_ack) {
            put(s, SPAN_LIT("-"));
        } else if (e == RSP_NAK) {
            send_reply(s);
        } else if (e == RSP_INTERRUPT) {
            stub_interrupt(&s->stub);
        }
    }
}

static void serve(struct session *s)
{
    uint8_t bytes[4096];
    while (!s->stub.over && !s->lost && !asked_to_end) {
        struct pollfd p = { s->fd, POLLIN, 0 };
        int ready = poll(&p, 1, s->stub.running ? POLL_MS : 1000);
        ssize_t n = ready > 0 ? recv(s->fd, bytes, sizeof(bytes), 0) : -1;
        if (n > 0) {
            take_bytes(s, span_of(bytes, (size_t)n));
        }
        s->lost = s->lost || n == 0 || (ready > 0 && n < 0 && errno != EINTR);
        if (s->stub.running && !s->lost && stub_poll(&s->stub)) {
            send_reply(s);
        }
    }
    close(s->fd);
}

/* ---- sockets ---- */

static int listen_tcp(uint16_t port, int *fd)
{
    struct sockaddr_in a = { .sin_family = AF_INET,
                             .sin_port = htons(port),
                             .sin_addr = { htonl(INADDR_LOOPBACK) } };
    int one = 1;
    *fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (*fd < 0 || setsockopt(*fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)) != 0 ||
        bind(*fd, (struct sockaddr *)&a, sizeof(a)) != 0 || listen(*fd, 1) != 0) {
        return fail(IO_FAILED, "cannot listen on port %u: %s", port, strerror(errno));
    }
    return DONE;
}

static int listen_unix(const char *path, int *fd)
{
    struct sockaddr_un a = { .sun_family = AF_UNIX };
    if (strlen(path) >= sizeof(a.sun_path)) {
        return fail(USAGE, "--listen: a socket's path has at most %zu bytes",
                    sizeof(a.sun_path) - 1);
    }
    memcpy(a.sun_path, path, strlen(path));
    mode_t mask = umask(077);
    *fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool good = *fd >= 0 && bind(*fd, (struct sockaddr *)&a, sizeof(a)) == 0 && listen(*fd, 1) == 0;
    int why = errno;
    umask(mask);
    return good ? DONE : fail(IO_FAILED, "cannot listen at %s: %s", path, strerror(why));
}

static bool has_ended(pid_t child)
{
    siginfo_t info = { 0 };
    return waitid(P_PID, (id_t)child, &info, WEXITED | WNOHANG | WNOWAIT) != 0 || info.si_pid != 0;
}

/** Wait for gdb; `child` is it, or 0. False: it will not come. */
static bool await(int listener, pid_t child, int *fd)
{
    while (!asked_to_end) {
        struct pollfd p = { listener, POLLIN, 0 };
        if (poll(&p, 1, 100) > 0) {
            *fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
            return *fd >= 0;
        }
        if (child != 0 && has_ended(child)) {
            return false;
        }
    }
    return false;
}

/* ---- with a gdb of ours, or with one that comes ---- */

static int spawn_gdb(const struct gdb_args *a, const struct gdb_target *t, const char *path,
                     uint64_t base, pid_t *pid)
{
    const char *argv[OURS + GDB_ARGS + 1] = { "gdb", "-q" };
    size_t n = 2;
    char *load = must_printf("symbol-file -o 0x%llx %s", (unsigned long long)base,
                             a->symbols == NULL ? "" : a->symbols);
    char *connect = must_printf("target remote %s", path);
    (void)t;
    if (a->symbols != NULL) {
        argv[n++] = "-ex";
        argv[n++] = load;
    }
    argv[n++] = "-ex";
    argv[n++] = connect;
    for (size_t i = 0; i < a->n_gdb; i++) {
        argv[n++] = a->gdb[i];
    }
    union {
        const char **ours;
        char *const *theirs; /* posix_spawnp does not write to them */
    } args = { argv };
    int failed = posix_spawnp(pid, "gdb", NULL, NULL, args.theirs, environ);
    free(load);
    free(connect);
    if (failed != 0) {
        fail(TOOL_FAILED, "cannot run gdb: %s", strerror(failed));
        hint("install the package gdb, or use --listen with a gdb elsewhere");
        return TOOL_FAILED;
    }
    return DONE;
}

static int with_gdb(struct session *s, const struct gdb_args *a, uint64_t base)
{
    char dir[] = "/tmp/nonosctl-gdb-XXXXXX";
    pid_t pid = 0;
    int listener = -1, status = 0;
    if (mkdtemp(dir) == NULL) {
        return fail(IO_FAILED, "cannot make a folder in /tmp: %s", strerror(errno));
    }
    char *path = must_printf("%s/gdb", dir);
    int rc = listen_unix(path, &listener);
    rc = rc == DONE ? spawn_gdb(a, &s->target, path, base, &pid) : rc;
    if (rc == DONE) {
        signal(SIGINT, SIG_IGN);  // Ctrl-C is for gdb, which asks for the stop
        if (await(listener, pid, &s->fd)) {
            serve(s);
        }
    }
    unlink(path);
    rmdir(dir);
    free(path);
    if (pid != 0) {
        gdb_close(&s->target);  // before a gdb that stays: the capsule need not wait for it
        status = proc_wait(pid);
    }
    if (rc == DONE && (!WIFEXITED(status) || WEXITSTATUS(status) != 0)) {
        rc = fail(TOOL_FAILED, "gdb ended with exit code %d",
                  WIFEXITED(status) ? WEXITSTATUS(status) : 128);
    }
    return rc;
}

static int with_listener(struct session *s, const struct gdb_args *a, uint64_t base)
{
    uint64_t port;
    int listener = -1;
    bool tcp = parse_u64(span_of(a->listen, strlen(a->listen)), &port) && port <= UINT16_MAX;
    int rc = tcp ? listen_tcp((uint16_t)port, &listener) : listen_unix(a->listen, &listener);
    if (rc != DONE) {
        return rc;
    }
    printf("in gdb: symbol-file -o 0x%llx %s\n        target remote %s%s\n",
           (unsigned long long)base, a->symbols == NULL ? "PROGRAM" : a->symbols, tcp ? ":" : "",
           a->listen);
    rc = out_flush();
    if (rc == DONE && await(listener, 0, &s->fd)) {
        serve(s);
    }
    if (!tcp) {
        unlink(a->listen);
    }
    close(listener);
    return rc;
}

static int debug(const struct gdb_args *a, struct node *n, const struct nos_capsule_info *c)
{
    static struct session s;
    struct nos_debug_thread first = { 0 };
    signal(SIGINT, on_end);
    signal(SIGTERM, on_end);
    signal(SIGHUP, on_end);
    int rc = gdb_open(&s.target, n, &a->node, c, a->seconds);
    if (rc != DONE) {
        return rc;
    }
    stub_init(&s.stub, &s.target);
    nos_status_t st = target_thread(&s.target, 0, &first);
    if (st != NOS_OK) {
        rc = s.target.rc != DONE ? s.target.rc : node_refused(n, "to tell of its threads", st);
    } else {
        rc = a->listen == NULL ? with_gdb(&s, a, first.image_base)
                               : with_listener(&s, a, first.image_base);
    }
    gdb_close(&s.target);
    return rc != DONE ? rc : s.target.rc;
}

static const struct argp_option options[] = {
    { "listen", OPT_LISTEN, "PORT|PATH", 0,
      "start no gdb, wait for one: on that port of this machine's loopback, where any user can "
      "come, or at a unix socket, where only you can",
      0 },
    { "seconds", OPT_SECONDS, "N", 0, "how long the grant lasts at most (600; up to 3600)", 0 },
    { "symbols", OPT_SYMBOLS, "FILE", 0,
      "the capsule's program with symbols (build/modules/NAME.elf, if it is there)", 0 },
    { 0 },
};
static const struct argp_child children[] = { { &node_signed_argp, 0, NULL, 0 }, { 0 } };
static const struct argp argp = {
    options,
    parse_gdb,
    "CAPSULE [-- GDB-ARGUMENT...]",
    "Debug one capsule of a live node with gdb: CAPSULE is an id or a name. It stops; when gdb "
    "leaves or the grant is over, it runs on. Nothing else is stopped.",
    children,
    NULL,
    NULL,
};

int cmd_gdb(int argc, char **argv)
{
    struct gdb_args a = { .seconds = 600 };
    struct nos_capsule_info c = { 0 };
    struct node n;
    char *program = NULL;
    node_args_init(&a.node);
    parse_args(&argp, argc, argv, &a);
    int rc = node_open(&a.node, &n);
    if (rc != DONE) {
        return rc;
    }
    rc = find_capsule(&n, a.word, &c);
    if (rc == DONE && a.symbols == NULL) {
        program = must_printf("build/modules/%.*s.elf", NOS_NAME_MAX, c.name);
        a.symbols = access(program, R_OK) == 0 ? program : NULL;
    }
    if (rc == DONE) {
        rc = debug(&a, &n, &c);
    }
    free(program);
    node_close(&n);
    return rc;
}
