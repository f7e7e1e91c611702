#pragma once
/* A capsule of a live node as a gdb_target: each operation is a request that the operator signs.
 * What was read is kept until something may have changed it. */
#include "cli/gdb_target.h"
#include "cli/node.h"

enum { GDB_PAGE = 4096, GDB_PAGES = 8, GDB_THREADS = 64 };

struct gdb_target {
    struct node *node;
    const struct node_args *args;
    struct nos_capsule_info capsule;
    bool open;
    int rc; /* DONE, or what the first failure of the line was; it was reported */
    struct {
        uint64_t at; /* 0 = none */
        uint8_t bytes[GDB_PAGE];
    } page[GDB_PAGES];
    size_t next_page;
    struct nos_debug_thread thread[GDB_THREADS];
    size_t n_threads;
    bool threads_known;
};

/** Have the node stop the capsule, for `seconds` at the most. Errors: as node_signed, reported. */
MUST_CHECK int gdb_open(struct gdb_target *t, struct node *n, const struct node_args *a,
                        const struct nos_capsule_info *c, uint32_t seconds);

/** Give the grant back: the capsule runs on. */
void gdb_close(struct gdb_target *t);
