#pragma once
/* The handles of all running capsules of a node, as the tree that lib/captree.h draws. */
#include "cli/file.h"
#include "cli/node.h"
#include "lib/captree.h"

struct caps_rows {
    struct captree_row *row;
    uint32_t n;
    uint64_t now_ns;
};

/** Ask for all. Errors: reported. Gives: rows in the order of the tree; caps_rows_free. */
MUST_CHECK int caps_collect(struct node *n, struct caps_rows *out);
void caps_rows_free(struct caps_rows *c);

/** The picture of docs/nonosctl.md, "caps graph". */
void graph_svg(const struct caps_rows *caps, struct buf *out);
