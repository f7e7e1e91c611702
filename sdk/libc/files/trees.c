/* Trees and paths. A session is begun when a path first leads into its tree: a program that opens
 * no file costs memfs nothing. */
#include <string.h>

#include "sdk/libc/files/files.h"

enum { TREES = 8, LENT = NOS_KIT_STREAMS };

static struct libc_tree trees[TREES + LENT]; /* behind those of its own: sessions of one file */
static unsigned n_trees;                     /* 0: not looked at yet */
static struct nos_libc_lock lock;

void libc_files_acquire(void)
{
    nos_libc_acquire(&lock);
}

void libc_files_release(void)
{
    nos_libc_release(&lock);
}

int libc_fs_errno(nos_status_t st)
{
    static const struct {
        int status, error;
    } row[] = {
        { NOS_OK, 0 },
        { NOS_FS_EXISTS, EEXIST },
        { NOS_FS_NOT_DIR, ENOTDIR },
        { NOS_FS_IS_DIR, EISDIR },
        { NOS_FS_NOT_EMPTY, ENOTEMPTY },
        { NOS_FS_LOOP, ELOOP },
        { NOS_FS_NAME, ENAMETOOLONG },
        { NOS_FS_READ_ONLY, EROFS },
        { NOS_NOT_FOUND, ENOENT },
        { NOS_QUOTA, ENOSPC },
        { NOS_NO_MEMORY, ENOSPC },
        { NOS_NO_SLOT, ENFILE },
        { NOS_TOO_BIG, EFBIG },
        { NOS_BUSY, EBUSY },
        { NOS_WOULD_BLOCK, EAGAIN },
        { NOS_DENIED, EBADF },
        { NOS_BAD_HANDLE, EBADF },
        { NOS_INVALID, EINVAL },
        { NOS_CANCELLED, EINTR },
    };

    for (size_t i = 0; i < sizeof row / sizeof row[0]; i++) {
        if (row[i].status == (int)st) {
            return row[i].error;
        }
    }
    return EIO;  // memfs has ended, and what it held with it
}

/* ---- what was granted ---- */

static struct libc_tree *find_tree(const char *name, size_t len)
{
    for (unsigned i = 1; i < n_trees; i++) {
        if (strlen(trees[i].name) == len && memcmp(trees[i].name, name, len) == 0) {
            return &trees[i];
        }
    }
    return NULL;
}

static void look(void)
{
    n_trees = 1;
    trees[0].door = nos_find_handle(NOS_CAP_ENDPOINT, "memfs");
    for (uint32_t i = 0; i < nos_self()->n_handles; i++) {
        const struct nos_start_handle *h = &nos_self()->handle[i];
        bool ro = memcmp(h->name, "ro-", 3) == 0, rw = memcmp(h->name, "rw-", 3) == 0;
        char name[NOS_NAME_MAX + 1] = { 0 };
        if (h->kind != NOS_CAP_ENDPOINT || (!ro && !rw) || (h->rights & NOS_RIGHT_CALL) == 0) {
            continue;
        }
        memcpy(name, h->name + 3, NOS_NAME_MAX - 3);
        struct libc_tree *t = find_tree(name, strlen(name));
        if (t == NULL && n_trees < TREES) {
            t = &trees[n_trees++];
            *t = (struct libc_tree){ .read_only = true };
            memcpy(t->name, name, sizeof name);
        }
        if (t != NULL && (rw || t->door.v == 0)) {  // who has both writes
            t->read_only = ro;
            t->door = (nos_handle_t){ h->handle };
        }
    }
}

struct libc_tree *libc_tree(unsigned i)
{
    if (n_trees == 0) {
        look();
    }
    return i < n_trees ? &trees[i] : NULL;
}

static long attach(struct libc_tree *t)
{
    if (t->attached) {
        return 0;
    }
    if (t->door.v == 0) {
        return -ENOENT;  // not granted: there is no such tree
    }
    t->fs.buffer = nos_libc_ipc_buffer();
    nos_status_t st = nos_fs_attach(t->door, &t->fs);
    t->attached = st == NOS_OK;
    return st == NOS_OK ? 0 : st == NOS_TIMED_OUT ? -EIO : -nos_libc_errno(st);
}

/* ---- what was lent ---- */

struct libc_tree *libc_tree_lent(const nos_handle_t h[NOS_FS_PASSES])
{
    struct libc_tree *t = &trees[TREES];

    while (t < &trees[TREES + LENT] && t->users != 0) {
        t++;
    }
    struct nos_fs fs = { h[NOS_FS_PASS_CALL], h[NOS_FS_PASS_WINDOW], h[NOS_FS_PASS_LIFELINE],
                         .buffer = nos_libc_ipc_buffer() };
    if (t == &trees[TREES + LENT]) {
        nos_fs_detach(&fs);
        return NULL;
    }
    if (nos_fs_begin(&fs) != NOS_OK) {
        return NULL;
    }
    *t = (struct libc_tree){ .attached = true, .users = 1, .fs = fs };
    return t;
}

void libc_tree_leave(struct libc_tree *t)
{
    if (t->users != 0 && --t->users == 0) {
        nos_fs_detach(&t->fs);
    }
}

/* ---- paths ---- */

static size_t first_name(const char **path)
{
    size_t n = 0;

    while (**path == '/') {
        ++*path;
    }
    while ((*path)[n] != '\0' && (*path)[n] != '/') {
        n++;
    }
    return n;
}

/* From the root a share's name leads to its tree, whatever the private one has there. */
static struct libc_tree *enter(const char **path)
{
    const char *p = *path;
    size_t n = first_name(&p);

    while ((n == 1 && p[0] == '.') || (n == 2 && p[0] == '.' && p[1] == '.')) {
        p += n;
        n = first_name(&p);
    }
    struct libc_tree *t = n == 0 ? NULL : find_tree(p, n);
    if (t == NULL) {
        return &trees[0];
    }
    *path = p[n] == '\0' ? "/" : p + n;
    return t;
}

bool libc_is_null(const char *path)
{
    return path != NULL && strcmp(path, "/dev/null") == 0;
}

long libc_resolve(long dirfd, const char *path, struct libc_place *out)
{
    struct libc_tree *t = libc_tree(0);
    struct libc_file *from = dirfd == AT_FDCWD ? libc_cwd() : libc_file(dirfd);
    uint64_t at = 0;

    if (path == NULL) {
        return -EFAULT;
    }
    if (path[0] == '\0') {
        return -ENOENT;
    }
    if (path[0] != '/' && from == NULL && dirfd != AT_FDCWD) {
        return -EBADF;
    }
    if (path[0] != '/' && from != NULL) {
        if (from->kind != LIBC_DIR) {
            return -ENOTDIR;
        }
        t = from->tree;
        at = from->number;
    }
    if (t == libc_tree(0) && at == 0) {
        t = enter(&path);
    }
    size_t len = strnlen(path, NOS_FS_PATH_MAX + 1);
    if (len > NOS_FS_PATH_MAX) {
        return -ENAMETOOLONG;
    }
    *out = (struct libc_place){ t, at, path, len };
    return attach(t);
}

/* ---- requests ---- */

long libc_ask(struct libc_tree *t, enum nos_fs_op op, uint32_t n, uint64_t a, uint64_t b,
              uint64_t c, uint64_t d, struct nos_fs_answer *out)
{
    const uint64_t word[] = { a, b, c, d };

    t->fs.buffer = nos_libc_ipc_buffer();
    return -libc_fs_errno(nos_fs_ask(&t->fs, op, word, n, out));
}

long libc_put_path(const struct libc_place *p, size_t at)
{
    p->tree->fs.buffer = nos_libc_ipc_buffer();
    return -libc_fs_errno(nos_fs_put(&p->tree->fs, at, span_of(p->path, p->len)));
}

long libc_name(long dirfd, const char *path, struct libc_place *out)
{
    long r = libc_resolve(dirfd, path, out);
    return r == 0 ? libc_put_path(out, 0) : r;
}
