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

/** The entry of that name; NULL. */
struct node *dir_find(const struct node *dir, span_t name);

/** Forget all locks of a node. */
void locks_end(struct node *n);
