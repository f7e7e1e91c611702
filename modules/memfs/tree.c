/* Nodes and names. A directory is a list in the order of cookies, which only grow: whoever reads it
 * in pieces goes on behind the last cookie that he saw, whatever came or went meanwhile. Looking a
 * name up compares hashes along the list; a tree's quota of nodes bounds it. */
#include "modules/memfs/tree.h"

#include <string.h>

#include "modules/memfs/pool.h"
#include "modules/memfs/tree_impl.h"

_Static_assert(sizeof(struct node) <= 256, "sixteen to a page");
_Static_assert((int)NOS_FS_PATH_MAX < (int)POOL_MAX, "a symlink's target fits");

static uint32_t hash_of(span_t name)
{
    uint32_t h = 2166136261u;
    for (size_t i = 0; i < name.len; i++) {
        h = (h ^ name.data[i]) * 16777619u;
    }
    return h;
}

struct node *dir_find(const struct node *dir, span_t name)
{
    uint32_t hash = hash_of(name);
    struct node *n = dir->dir.first;

    while (n != NULL && !(n->hash == hash && span_equal(span_of(n->name, n->name_len), name))) {
        n = n->next;
    }
    return n;
}

struct node *tree_next(const struct node *dir, uint64_t cookie)
{
    struct node *n = dir->dir.first;
    while (n != NULL && n->cookie <= cookie) {
        n = n->next;
    }
    return n;
}

/* ---- life ---- */

static nos_status_t node_new(struct tree *t, enum nos_fs_kind kind, uint64_t now, struct node **out)
{
    if (t->nodes == t->nodes_max) {
        return NOS_QUOTA;
    }
    struct node *n = pool_take(sizeof *n);
    if (n == NULL) {
        return NOS_NO_MEMORY;
    }
    t->nodes++;
    n->kind = kind;
    n->tree = t;
    n->ino = ++t->inos;
    n->accessed = n->changed = n->status = now;
    n->mode = kind == NOS_FS_KIND_DIR ? 0755 : kind == NOS_FS_KIND_LINK ? 0777 : 0644;
    *out = n;
    return NOS_OK;
}

static void name_end(struct node *n)
{
    pool_give(n->name, n->name_len);
    n->name = NULL;
    n->name_len = 0;
}

static void node_end(struct node *n)
{
    struct tree *t = n->tree;

    if (n->kind == NOS_FS_KIND_FILE) {
        locks_end(n);
        data_end(&t->purse, &n->file.data);
    } else if (n->kind == NOS_FS_KIND_LINK) {
        pool_give(n->target, n->target_len);
    }
    name_end(n);
    pool_give(n, sizeof *n);
    t->nodes--;
}

void node_hold(struct node *n)
{
    n->held++;
}

void node_drop(struct node *n)
{
    n->held--;
    if (n->held == 0 && n->parent == NULL) {
        node_end(n);
    }
}

nos_status_t tree_begin(struct tree *t, uint64_t bytes_max, uint32_t nodes_max)
{
    *t = (struct tree){ .purse = { .bytes_max = bytes_max }, .nodes_max = nodes_max };
    nos_status_t st = node_new(t, NOS_FS_KIND_DIR, 0, &t->root);
    if (st == NOS_OK) {
        t->root->parent = t->root;
    }
    return st;
}

/* ---- names ---- */

static void detach(struct node *n, uint64_t now)
{
    struct node *dir = n->parent;

    *(n->prev != NULL ? &n->prev->next : &dir->dir.first) = n->next;
    *(n->next != NULL ? &n->next->prev : &dir->dir.last) =
        n->prev;  // NOLINT: who has a name has one
    n->next = n->prev = n->parent = NULL;
    dir->dir.entries--;
    dir->changed = dir->status = n->status = now;
}

/* Takes: `name`, n->name_len bytes. */
static void attach(struct node *dir, struct node *n, char *name, size_t len, uint64_t now)
{
    n->name = name;
    n->name_len = (uint16_t)len;
    n->hash = hash_of(span_of(name, len));
    n->parent = dir;
    n->cookie = ++dir->dir.cookies;
    n->prev = dir->dir.last;
    *(n->prev != NULL ? &n->prev->next : &dir->dir.first) = n;
    dir->dir.last = n;
    dir->dir.entries++;
    dir->changed = dir->status = n->status = now;
}

static char *copy_of(span_t text)
{
    char *copy = pool_take(text.len);
    if (copy != NULL) {
        memcpy(copy, text.data, text.len);
    }
    return copy;
}

nos_status_t tree_make(const struct place *at, enum nos_fs_kind kind, span_t target, uint64_t now,
                       struct node **out)
{
    struct node *n;

    if (at->node != NULL) {
        return NOS_FS_EXISTS;
    }
    if (at->slash && kind != NOS_FS_KIND_DIR) {
        return NOS_NOT_FOUND;
    }
    if (kind == NOS_FS_KIND_LINK && (target.len == 0 || target.len > NOS_FS_PATH_MAX)) {
        return target.len == 0 ? NOS_NOT_FOUND : NOS_FS_NAME;
    }
    nos_status_t st = node_new(at->dir->tree, kind, now, &n);
    if (st != NOS_OK) {
        return st;
    }
    char *name = copy_of(at->name);
    if (kind == NOS_FS_KIND_LINK) {
        n->target = copy_of(target);
        n->target_len = n->target == NULL ? 0 : (uint16_t)target.len;
    }
    if (name == NULL || (kind == NOS_FS_KIND_LINK && n->target == NULL)) {
        pool_give(name, at->name.len);
        node_end(n);
        return NOS_NO_MEMORY;
    }
    attach(at->dir, n, name, at->name.len, now);
    *out = n;
    return NOS_OK;
}

static void lose_name(struct node *n, uint64_t now)
{
    detach(n, now);
    if (n->held == 0) {
        node_end(n);
    } else {
        name_end(n);
    }
}

static nos_status_t may_go(const struct place *at, bool dir)
{
    const struct node *n = at->node;

    if (n == NULL) {
        return NOS_NOT_FOUND;
    }
    if (n == n->tree->root) {
        return NOS_BUSY;
    }
    if (name_is_dot(at->name) || name_is_dot_dot(at->name)) {
        return NOS_INVALID;
    }
    if (dir != (n->kind == NOS_FS_KIND_DIR)) {
        return dir ? NOS_FS_NOT_DIR : NOS_FS_IS_DIR;
    }
    return dir && n->dir.entries != 0 ? NOS_FS_NOT_EMPTY : NOS_OK;
}

nos_status_t tree_unlink(const struct place *at, bool dir, uint64_t now)
{
    nos_status_t st = may_go(at, dir);
    if (st == NOS_OK) {
        lose_name(at->node, now);
    }
    return st;
}

static bool is_within(const struct node *dir, const struct node *n)
{
    while (dir != n && dir != dir->tree->root) {
        dir = dir->parent;
    }
    return dir == n;
}

static nos_status_t may_move(const struct place *from, const struct place *to)
{
    struct node *n = from->node;
    bool dir = n != NULL && n->kind == NOS_FS_KIND_DIR;

    if (n == NULL) {
        return NOS_NOT_FOUND;
    }
    if (n == n->tree->root || (to->node != NULL && to->node == n->tree->root)) {
        return NOS_BUSY;
    }
    if (name_is_dot(from->name) || name_is_dot_dot(from->name) || name_is_dot(to->name) ||
        name_is_dot_dot(to->name) || (dir && is_within(to->dir, n))) {
        return NOS_INVALID;
    }
    if (to->slash && !dir) {
        return NOS_FS_NOT_DIR;
    }
    return to->node == NULL || to->node == n ? NOS_OK : may_go(to, dir);
}

nos_status_t tree_rename(const struct place *from, const struct place *to, uint64_t now)
{
    nos_status_t st = may_move(from, to);
    if (st != NOS_OK || from->node == to->node) {
        return st;
    }
    char *name = copy_of(to->name);
    if (name == NULL) {
        return NOS_NO_MEMORY;
    }
    size_t len = to->name.len;
    if (to->node != NULL) {
        lose_name(to->node, now);
    }
    detach(from->node, now);
    name_end(from->node);
    attach(to->dir, from->node, name, len, now);
    return NOS_OK;
}

/* ---- the whole ---- */

/* From the leaves up, without recursion: a tree may be as deep as it has nodes. */
void tree_clear(struct tree *t)
{
    struct node *dir = t->root;

    while (dir != t->root || dir->dir.first != NULL) {
        struct node *n = dir->dir.first;
        if (n == NULL) {
            n = dir;
            dir = dir->parent;
            lose_name(n, 0);
        } else if (n->kind == NOS_FS_KIND_DIR) {
            dir = n;
        } else {
            lose_name(n, 0);
        }
    }
}

void tree_end(struct tree *t)
{
    struct node *root = t->root;

    tree_clear(t);
    root->parent = NULL;
    t->root = NULL;
    if (root->held == 0) {
        node_end(root);
    }
}

nos_status_t tree_where(const struct node *dir, mspan_t out, size_t *len)
{
    size_t at = out.len;

    for (; dir->parent != NULL && dir != dir->tree->root; dir = dir->parent) {
        if (at < (size_t)dir->name_len + 1) {
            return NOS_FS_NAME;
        }
        at -= dir->name_len;
        memcpy(out.data + at, dir->name, dir->name_len);
        out.data[--at] = '/';
    }
    if (dir->parent == NULL) {
        return NOS_NOT_FOUND;
    }
    if (at == out.len) {
        if (at == 0) {
            return NOS_FS_NAME;
        }
        out.data[--at] = '/';
    }
    *len = out.len - at;
    memmove(out.data, out.data + at, *len);
    return NOS_OK;
}
