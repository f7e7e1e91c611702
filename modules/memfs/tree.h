#pragma once
/*
 * A tree of files in memory: directories, names, symlinks, quotas. Pure: no system call, and memory
 * from pages.h alone. Times are nanoseconds since boot, told by the caller.
 *
 * A name is an entry of a directory and leads to a node. A directory has one name or none, any
 * other node has as many as were made (hard links). It lives as long as it has a name or is held:
 * open, or mapped. Paths never lead out of their tree: `..` at the root is the root, and a symlink
 * that begins with a slash begins at the root of its tree.
 *
 * Nothing is half done: what can fail does so before the first change.
 */
#include "abi/fs.h"
#include "modules/memfs/data.h"

enum {
    TREE_LINKS_MAX = 16, /* symlinks followed in one walk */
    NODE_LOCKS_MAX = 64, /* of one file */
    NODE_NAMES_MAX = 32767,
};

struct lock {  // bytes first..last of a file
    struct lock *next;
    uint64_t owner, first, last;
    bool alone;
};

struct name {                  // an entry of a directory
    struct name *next, *prev;  // in the order of cookies
    struct node *dir, *node;   // where it stands, where it leads
    uint64_t cookie;
    uint32_t hash;
    uint16_t len;
    char text[];
};

struct node {
    enum nos_fs_kind kind;
    uint32_t held;   // by who has it open or mapped
    uint32_t names;  // that lead to it; the root has one that stands nowhere
    struct tree *tree;
    uint64_t ino;
    uint64_t accessed, changed, status;
    uint16_t target_len, mode;
    union {
        struct {
            struct name *name;  // its only one; NULL: the root, or it was removed
            struct name *first, *last;
            uint64_t cookies;  // the last one given out
            uint32_t entries;
        } dir;
        struct {
            struct data data;
            struct lock *locks;
        } file;
        char *target;  // LINK
    };
};

struct tree {
    struct node *root;
    struct purse purse;
    uint32_t nodes, nodes_max;  // each name of a node but its first counts as one too
    uint64_t inos;
};

/** An empty tree. Errors: NO_MEMORY. */
MUST_CHECK nos_status_t tree_begin(struct tree *t, uint64_t bytes_max, uint32_t nodes_max);

/** Everything below the root is wiped; what is held goes when it is dropped. */
void tree_clear(struct tree *t);

/** Everything that has a name is wiped; what is held goes when it is dropped. */
void tree_end(struct tree *t);

struct place {           // where a path leads
    struct node *dir;    // the directory that its last name is looked up in
    span_t name;         // that name; borrowed from the path, or from a symlink on the way
    struct node *node;   // what has it; NULL: nothing
    struct name *entry;  // the name itself; NULL: nothing, the root, "." or ".."
    bool slash;          // a slash follows: it must be a directory
};

/**
 * Follow `path` from the directory `from`. `last`: a symlink at the end is followed too.
 * Errors: NOT_FOUND (a part is missing, or the path is empty; the last part may be missing),
 * NOT_DIR, LOOP, NAME, INVALID (a zero byte in it).
 */
MUST_CHECK nos_status_t tree_walk(struct node *from, span_t path, bool last, struct place *out);

/** A new node at a place without one. Errors: EXISTS; NOT_FOUND (the directory is gone, or the name
 * is to be that of a directory and is not); QUOTA, NO_MEMORY; for a LINK: `target`, else empty. */
MUST_CHECK nos_status_t tree_make(const struct place *at, enum nos_fs_kind kind, span_t target,
                                  uint64_t now, struct node **out);

/** Give what is at `from` one more name. Errors: NOT_FOUND; IS_DIR (`from`: it has one name);
 * EXISTS; QUOTA (also: NODE_NAMES_MAX), NO_MEMORY. */
MUST_CHECK nos_status_t tree_link(const struct place *from, const struct place *to, uint64_t now);

/** Take the name away. Errors: NOT_FOUND; IS_DIR, NOT_DIR (`dir`: it must be one); NOT_EMPTY; BUSY
 * (the root); INVALID (".", ".."). */
MUST_CHECK nos_status_t tree_unlink(const struct place *at, bool dir, uint64_t now);

/** Give `from` the name `to`, in one step; what had that name loses it. Nothing is done when both
 * are names of one node. Errors: as tree_unlink's and tree_make's; INVALID: a directory into
 * itself.
 */
MUST_CHECK nos_status_t tree_rename(const struct place *from, const struct place *to, uint64_t now);

/** The first entry of a directory with a higher cookie; NULL. */
struct name *tree_next(const struct node *dir, uint64_t cookie);

/** The path of a directory from the root on, at most out.len bytes. Errors: NOT_FOUND (it has no
 * name any more), NAME (longer). */
MUST_CHECK nos_status_t tree_where(const struct node *dir, mspan_t out, size_t *len);

void node_hold(struct node *n);
void node_drop(struct node *n); /* whoever held it must not look at it again */

/**
 * Lock bytes first..last of a file for `owner`, or unlock them. Errors: INVALID (last < first,
 * kind); WOULD_BLOCK: another has some of them, `*in_the_way`; NO_SLOT (NODE_LOCKS_MAX), NO_MEMORY.
 */
MUST_CHECK nos_status_t node_lock(struct node *n, uint64_t owner, enum nos_fs_lock kind,
                                  uint64_t first, uint64_t last, struct lock *in_the_way);
