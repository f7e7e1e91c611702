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

struct name *dir_find(const struct node *dir, span_t name)
{
    uint32_t hash = hash_of(name);
    struct name *e = dir->dir.first;

    while (e != NULL && !(e->hash == hash && span_equal(span_of(e->text, e->len), name))) {
        e = e->next;
    }
    return e;
}

struct name *tree_next(const struct node *dir, uint64_t cookie)
{
    struct name *e = dir->dir.first;
    while (e != NULL && e->cookie <= cookie) {
        e = e->next;
    }
    return e;
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

static void node_end(struct node *n)
{
    struct tree *t = n->tree;

    if (n->kind == NOS_FS_KIND_FILE) {
        locks_end(n);
        data_end(&t->purse, &n->file.data);
    } else if (n->kind == NOS_FS_KIND_LINK) {
        pool_give(n->target, n->target_len);
    }
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
    if (n->held == 0 && n->names == 0) {
        node_end(n);
    }
}

nos_status_t tree_begin(struct tree *t, uint64_t bytes_max, uint32_t nodes_max)
{
    *t = (struct tree){ .purse = { .bytes_max = bytes_max }, .nodes_max = nodes_max };
    nos_status_t st = node_new(t, NOS_FS_KIND_DIR, 0, &t->root);
    if (st == NOS_OK) {
        t->root->names = 1;
    }
    return st;
}

/* ---- names ---- */

static size_t size_of_name(size_t len)
{
    return offsetof(struct name, text) + len;
}

static struct name *name_new(span_t text)
{
    struct name *e = pool_take(size_of_name(text.len));
    if (e != NULL) {
        memcpy(e->text, text.data, text.len);
        e->len = (uint16_t)text.len;
        e->hash = hash_of(text);
    }
    return e;
}

static void name_end(struct name *e)
{
    if (e != NULL) {
        pool_give(e, size_of_name(e->len));
    }
}

/* Takes: `e`. */
static void attach(struct node *dir, struct name *e, struct node *n, uint64_t now)
{
    e->dir = dir;
    e->node = n;
    e->cookie = ++dir->dir.cookies;
    e->prev = dir->dir.last;
    *(e->prev != NULL ? &e->prev->next : &dir->dir.first) = e;
    dir->dir.last = e;
    dir->dir.entries++;
    n->names++;
    if (n->kind == NOS_FS_KIND_DIR) {
        n->dir.name = e;
    }
    dir->changed = dir->status = n->status = now;
}

/* The name goes; what it led to stays, whether it has another or not. */
static struct node *detach(struct name *e, uint64_t now)
{
    struct node *dir = e->dir, *n = e->node;

    *(e->prev != NULL ? &e->prev->next : &dir->dir.first) = e->next;
    *(e->next != NULL ? &e->next->prev : &dir->dir.last) = e->prev;
    dir->dir.entries--;
    n->names--;
    if (n->kind == NOS_FS_KIND_DIR) {
        n->dir.name = NULL;
    }
    dir->changed = dir->status = n->status = now;
    name_end(e);
    return n;
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
    struct name *e = name_new(at->name);
    if (kind == NOS_FS_KIND_LINK) {
        n->target = pool_take(target.len);
        n->target_len = n->target == NULL ? 0 : (uint16_t)target.len;
    }
    if (e == NULL || (kind == NOS_FS_KIND_LINK && n->target == NULL)) {
        name_end(e);
        node_end(n);
        return NOS_NO_MEMORY;
    }
    if (kind == NOS_FS_KIND_LINK) {
        memcpy(n->target, target.data, target.len);
    }
    attach(at->dir, e, n, now);
    *out = n;
    return NOS_OK;
}

nos_status_t tree_link(const struct place *from, const struct place *to, uint64_t now)
{
    struct node *n = from->node;

    if (n == NULL) {
        return NOS_NOT_FOUND;
    }
    if (n->kind == NOS_FS_KIND_DIR) {
        return NOS_FS_IS_DIR;
    }
    if (to->node != NULL || to->slash) {
        return to->node != NULL ? NOS_FS_EXISTS : NOS_NOT_FOUND;
    }
    if (n->names == NODE_NAMES_MAX || n->tree->nodes == n->tree->nodes_max) {
        return NOS_QUOTA;
    }
    struct name *e = name_new(to->name);
    if (e == NULL) {
        return NOS_NO_MEMORY;
    }
    n->tree->nodes++;
    attach(to->dir, e, n, now);
    return NOS_OK;
}

static void lose_name(struct name *e, uint64_t now)
{
    struct node *n = detach(e, now);
    if (n->names != 0) {
        n->tree->nodes--;
    } else if (n->held == 0) {
        node_end(n);
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
        lose_name(at->entry, now);
    }
    return st;
}

static bool is_within(const struct node *dir, const struct node *n)
{
    while (dir != n && dir->dir.name != NULL) {
        dir = dir->dir.name->dir;
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
    struct name *e = name_new(to->name);
    if (e == NULL) {
        return NOS_NO_MEMORY;
    }
    if (to->entry != NULL) {
        lose_name(to->entry, now);
    }
    attach(to->dir, e, detach(from->entry, now), now);
    return NOS_OK;
}

/* ---- the whole ---- */

/* From the leaves up, without recursion: a tree may be as deep as it has nodes. */
void tree_clear(struct tree *t)
{
    struct node *dir = t->root;

    while (dir != t->root || dir->dir.first != NULL) {
        struct name *e = dir->dir.first;
        if (e == NULL) {
            e = dir->dir.name;
            dir = e->dir;
            lose_name(e, 0);
        } else if (e->node->kind == NOS_FS_KIND_DIR) {
            dir = e->node;
        } else {
            lose_name(e, 0);
        }
    }
}

void tree_end(struct tree *t)
{
    struct node *root = t->root;

    tree_clear(t);
    root->names = 0;
    t->root = NULL;
    if (root->held == 0) {
        node_end(root);
    }
}

nos_status_t tree_where(const struct node *dir, mspan_t out, size_t *len)
{
    size_t at = out.len;

    for (const struct name *e; (e = dir->dir.name) != NULL; dir = e->dir) {
        if (at < (size_t)e->len + 1) {
            return NOS_FS_NAME;
        }
        at -= e->len;
        memcpy(out.data + at, e->text, e->len);
        out.data[--at] = '/';
    }
    if (dir->names == 0) {
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
