#pragma once
/*
 * Who got what from whom: handles of all capsules, as a tree below each object. What a handle was
 * made from is in its cells: of two handles to one object, that one is above whose cells are the
 * first ones of the other's. Pure: the prompt and nonosctl draw the same tree.
 */
#include <stdbool.h>
#include <stdint.h>

#include "abi/info.h"
#include "lib/fmt.h"

#define CAPTREE_TOP UINT32_MAX  // an enum of this value is signed for the loader
enum { CAPTREE_CELLS = 4 };

struct captree_row {
    struct nos_handle_info h;
    uint32_t capsule;
    char name[NOS_NAME_MAX];  // of the capsule
    uint32_t above;           // row that it was made from, CAPTREE_TOP: none; set by captree_sort
    uint32_t level;           // 0 = none above
};

/** Put rows in the order of the tree, and say for each which one is above. */
void captree_sort(struct captree_row *rows, uint32_t n);

/** Does this row begin another object than the row before it? */
bool captree_first(const struct captree_row *rows, uint32_t i);

/** "endpoint console #17": one line. */
void captree_object(struct fmt *f, const struct captree_row *row);
/** Capsule, handle, origin, state, rights: lines of at most 80 columns. */
void captree_line(struct fmt *f, const struct captree_row *row, uint64_t now_ns);
