/*
 * posix_spawn, in the place of musl's, which forks: the module of that name (the path's last part),
 * if this capsule holds the right to start modules. The child gets its own grants from the policy,
 * and from here a kit (sdk/kit.h): arguments, variables, directory, descriptors. It is this
 * capsule's child and counts against its `children` limits. This returns when the child has taken
 * its kit, or has ended, or has not asked for it in time: it has no C library then.
 */
#include <spawn.h>
#include <stdio.h>
#include <string.h>

#include "abi/info.h"
#include "sdk/kit.h"
#include "sdk/libc/files/children.h"
#include "sdk/libc/files/files.h"

enum { LOOK_NS = 20000000 };
#define PATIENCE_NS 2000000000ull /* for a question */
#define ALL_NS 10000000000ull     /* for all of them: one that asks for ever is not waited for */

/* As musl's posix_spawn_file_actions_* leave it: the last one first. */
enum { FDOP_CLOSE = 1, FDOP_DUP2, FDOP_OPEN, FDOP_CHDIR, FDOP_FCHDIR };
struct fdop {
    struct fdop *next, *prev;
    int cmd, fd, srcfd, oflag;
    mode_t mode;
    char path[];
};

struct plan_fd {  // of the child
    struct libc_file *file;
    bool cloexec;
};

struct spawn {
    struct nos_kit kit;
    struct plan_fd fd[LIBC_FILES];
    char *text;
    size_t room;
    const char *here;  // NULL: where this one is
    char where[NOS_FS_PATH_MAX + 1], path[NOS_FS_PATH_MAX + 1];
    uint64_t opened;  // descriptors of this one that the child's files were opened as
    uint32_t child;
    struct nos_msg m;
};

/* ---- descriptors ---- */

/* As this one sees the path, for it is this one's tree: the child is lent the file. */
static int act_open(struct spawn *s, const struct fdop *op)
{
    const char *path = op->path;

    if (s->here != NULL && path[0] != '/') {
        if (snprintf(s->path, sizeof s->path, "%s/%s", s->here, path) >= (int)sizeof s->path) {
            return ENAMETOOLONG;
        }
        path = s->path;
    }
    long fd = libc_open_path(path, op->oflag & ~O_CLOEXEC, op->mode);
    if (fd < 0) {
        return (int)-fd;
    }
    s->opened |= 1ull << fd;
    s->fd[op->fd] = (struct plan_fd){ .file = libc_file(fd) };
    return 0;
}

static int act(struct spawn *s, const struct fdop *op)
{
    bool in = op->fd >= 0 && op->fd < LIBC_FILES;

    if (op->cmd == FDOP_CLOSE && in) {
        s->fd[op->fd] = (struct plan_fd){ .file = NULL };
    } else if (op->cmd == FDOP_OPEN && in) {
        return act_open(s, op);
    } else if (op->cmd == FDOP_DUP2 && in && op->srcfd >= 0 && op->srcfd < LIBC_FILES &&
               s->fd[op->srcfd].file != NULL) {
        s->fd[op->fd] = s->fd[op->srcfd];
        s->fd[op->fd].cloexec = false;
    } else if (op->cmd == FDOP_CHDIR) {
        s->here = op->path;
    } else {
        return op->cmd == FDOP_FCHDIR ? ENOSYS : EBADF;
    }
    return 0;
}

static int plan(struct spawn *s, const posix_spawn_file_actions_t *fa)
{
    const struct fdop *op = fa == NULL ? NULL : fa->__actions;
    int r = 0;

    for (long fd = 0; fd < LIBC_FILES; fd++) {
        s->fd[fd] = (struct plan_fd){ libc_file(fd), libc_fd_cloexec(fd) };
    }
    while (op != NULL && op->next != NULL) {
        op = op->next;
    }
    for (; r == 0 && op != NULL; op = op->prev) {
        r = act(s, op);
    }
    return r;
}

static int give_file(struct libc_file *f, struct nos_kit_given *g)
{
    f->tree->fs.buffer = nos_libc_ipc_buffer();
    nos_status_t st = nos_fs_lend(&f->tree->fs, f->number, f->at, g->end.h);

    if (st == NOS_OK) {
        f->lent = true;
        g->kind = NOS_KIT_FILE;
        g->detail = (uint64_t)f->flags & (O_ACCMODE | O_APPEND);
    }
    return libc_fs_errno(st);
}

/* What a descriptor is handed on as. A directory is not. */
static int give(struct spawn *s, int fd)
{
    const struct plan_fd *p = &s->fd[fd];
    struct nos_kit_given *g = &s->kit.stream[fd];

    for (int k = 0; k < fd; k++) {
        if (s->kit.stream[k].kind != 0 && s->fd[k].file == p->file) {
            *g = (struct nos_kit_given){ .kind = NOS_KIT_SAME, .detail = (uint64_t)k };
            return 0;
        }
    }
    if (!libc_is_stream(p->file)) {
        return p->file->kind == LIBC_FILE && (p->file->flags & O_PATH) == 0 ? give_file(p->file, g)
               : fd <= 2                                                    ? EOPNOTSUPP
                                                                            : 0;
    }
    if (p->file->kind != LIBC_PIPE) {
        g->kind = p->file->kind == LIBC_CONSOLE ? NOS_KIT_CONSOLE : NOS_KIT_NULL;
        return 0;
    }
    nos_status_t st = libc_pipe_share(p->file->pipe, &g->end);
    g->kind = st == NOS_OK ? NOS_KIT_PIPE : 0;
    g->detail = (g->end.writer ? NOS_KIT_WRITER : 0u) | (p->file->terminal ? NOS_KIT_TERMINAL : 0u);
    return nos_libc_errno(st);
}

static int give_all(struct spawn *s)
{
    int r = 0;

    for (int fd = 0; r == 0 && fd < NOS_KIT_STREAMS; fd++) {
        r = s->fd[fd].file != NULL && !s->fd[fd].cloexec ? give(s, fd) : 0;
    }
    return r;
}

/* ---- text ---- */

static bool put(struct spawn *s, const char *text)
{
    size_t len = strlen(text) + 1, at = s->kit.text.len;

    if (len > s->room - at) {
        return false;
    }
    memcpy(s->text + at, text, len);
    s->kit.text.len += len;
    return true;
}

static int set_text(struct spawn *s, char *const argv[], char *const envp[])
{
    const struct nos_libc_args where = { { (long)s->where, sizeof s->where } };
    bool fits = true;

    s->room = NOS_KIT_TEXT_MAX;
    long mem = nos_libc_map(s->room, false);
    if (mem < 0) {
        return ENOMEM;
    }
    s->text = (char *)mem;
    s->kit.text = span_of(s->text, 0);
    for (; fits && argv[s->kit.n_args] != NULL; s->kit.n_args++) {
        fits = s->kit.n_args < NOS_KIT_WORDS_MAX && put(s, argv[s->kit.n_args]);
    }
    for (; fits && envp != NULL && envp[s->kit.n_env] != NULL; s->kit.n_env++) {
        fits = s->kit.n_env < NOS_KIT_WORDS_MAX && put(s, envp[s->kit.n_env]);
    }
    if (s->here == NULL && libc_getcwd(&where) < 0) {
        s->where[0] = '\0';  // it has no tree
    }
    fits = fits && put(s, s->here != NULL ? s->here : s->where);
    return !fits ? E2BIG : s->kit.n_args == 0 ? EINVAL : 0;
}

/* ---- the module ---- */

static int find(nos_handle_t node, const char *path, struct nos_module_info *out)
{
    const char *slash = strrchr(path, '/'), *name = slash == NULL ? path : slash + 1;
    struct nos_module_info m;
    uint64_t got;
    nos_status_t st = NOS_OK;
    bool found = false;

    for (uint64_t i = 0; st == NOS_OK; i++) {
        st = nos_sys_node_info(node, NOS_TOPIC_MODULES, i, &m, sizeof m, &got);
        if (st == NOS_OK && m.status == NOS_OK && nos_name_is(m.name, name) &&
            (!found || m.version >= out->version)) {
            *out = m;
            found = true;
        }
    }
    return found ? 0 : st == NOS_NOT_FOUND ? ENOENT : nos_libc_errno(st);
}

/* For who has no C library: its argument. */
static size_t argument(char *const argv[], char out[NOS_ARG_MAX])
{
    size_t len = 0;

    for (size_t i = 1; argv[0] != NULL && argv[i] != NULL; i++) {
        size_t n = strlen(argv[i]);
        if (len + 1 + n > NOS_ARG_MAX) {
            break;
        }
        len += len != 0 ? (out[len] = ' ', 1) : 0u;
        memcpy(out + len, argv[i], n);
        len += n;
    }
    return len;
}

static uint64_t sooner(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

/* Until it has everything. */
static void serve(struct spawn *s, nos_handle_t endpoint, nos_handle_t capsule)
{
    uint64_t end = nos_now_ns() + ALL_NS, patience = nos_now_ns() + PATIENCE_NS;
    struct nos_capsule_info info;
    nos_status_t st = NOS_OK;

    while (st != NOS_NOT_FOUND && nos_now_ns() < patience && !libc_child_ended(capsule, &info)) {
        st = nos_recv(endpoint, &s->m, nos_now_ns() + LOOK_NS);
        if (st != NOS_OK) {
            continue;
        }
        if (s->m.sender != s->child) {
            nos_msg_answer(&s->m, NOS_DENIED);
            nos_ignore(nos_reply(&s->m));
            continue;
        }
        st = nos_kit_answer(&s->kit, &s->m);
        patience = sooner(nos_now_ns() + PATIENCE_NS, end);
    }
}

static nos_status_t start(struct spawn *s, const struct nos_module_info *module, nos_handle_t node,
                          char *const argv[])
{
    nos_handle_t opened = { 0 }, endpoint = { 0 }, given = { 0 }, note, capsule;
    struct nos_capsule_info info;
    struct libc_child *c = NULL;
    char arg[NOS_ARG_MAX];
    uint64_t bit;

    nos_status_t st = libc_child_new(&c, &note, &bit);
    st = st == NOS_OK ? nos_sys_module_open(node, module->module_id, 32, &opened) : st;
    st = st == NOS_OK ? nos_sys_endpoint_create(&endpoint) : st;
    st = st == NOS_OK
             ? nos_sys_handle_dup(endpoint, NOS_RIGHT_CALL | NOS_RIGHT_DUP | NOS_RIGHT_TRANSFER, 0,
                                  &given)
             : st;
    st = st == NOS_OK
             ? nos_sys_capsule_spawn(opened, arg, argument(argv, arg), note, bit, given, &capsule)
             : st;
    if (st == NOS_OK) {
        st = nos_sys_capsule_info(capsule, &info, sizeof info);
        s->child = info.id;
        serve(s, endpoint, capsule);
        libc_child_runs(c, capsule, info.id);
    } else if (c != NULL) {
        libc_child_free(c);
    }
    const nos_handle_t done[] = { opened, endpoint, given };
    for (size_t i = 0; i < sizeof done / sizeof done[0]; i++) {
        if (done[i].v != 0) {
            nos_ignore(nos_sys_handle_close(done[i]));
        }
    }
    return st;
}

static int run(struct spawn *s, const char *path, const posix_spawn_file_actions_t *fa,
               char *const argv[], char *const envp[])
{
    nos_handle_t node = nos_find_handle(NOS_CAP_NODE, NULL);
    struct nos_module_info module;

    int r = node.v == 0 ? EPERM : find(node, path, &module);
    r = r == 0 ? set_text(s, argv, envp) : r;
    if (r == 0) {
        libc_files_acquire();
        r = plan(s, fa);
        r = r == 0 ? give_all(s) : r;
        for (int fd = 0; fd < LIBC_FILES; fd++) {
            if ((s->opened >> fd & 1) != 0) {
                (void)libc_fd_close(fd);
            }
        }
        libc_files_release();
    }
    return r == 0 ? nos_libc_errno(start(s, &module, node, argv)) : r;
}

int posix_spawn(pid_t *restrict pid, const char *restrict path,
                const posix_spawn_file_actions_t *fa, const posix_spawnattr_t *restrict attr,
                char *const argv[restrict], char *const envp[restrict])
{
    const int masks = POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_RESETIDS;
    long mem = attr != NULL && (attr->__flags & ~masks) != 0
                   ? -ENOSYS
                   : nos_libc_map((sizeof(struct spawn) + 4095) & ~4095ul, false);

    if (mem < 0) {
        return (int)-mem;
    }
    struct spawn *s = (struct spawn *)mem;  // zeroed
    s->m.buffer = nos_libc_ipc_buffer();
    int r = run(s, path, fa, argv, envp);
    if (r == 0 && pid != NULL) {
        *pid = (pid_t)s->child;
    }
    nos_kit_drop(&s->kit);
    if (s->text != NULL) {
        (void)nos_libc_unmap((uint64_t)s->text, s->room);
    }
    (void)nos_libc_unmap((uint64_t)mem, (sizeof(struct spawn) + 4095) & ~4095ul);
    return r;
}
