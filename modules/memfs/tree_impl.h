#pragma once
/* What the parts of the tree share. */
#include "modules/memfs/tree.h"

static inline bool name_is_dot(span_t name)
{
    return name.len == 1 && name.data[0] == '.';
}

static inline bool name_is_dot_dot(span_t name)
{
    return name.len == 2 && name.data[0] == '.' && name.data[1] == '.';
}

/** What `..` is there. */
static inline struct node *dir_above(struct node *dir)
{
    return dir->dir.name == NULL ? dir : dir->dir.name->dir;
}

/** The entry of that name; NULL. */
struct name *dir_find(const struct node *dir, span_t name);

/** Forget all locks of a node. */
void locks_end(struct node *n);
