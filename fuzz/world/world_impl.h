#pragma once
/* The world's state, for the files that are the world: world.c has what others say and a run,
 * holdings.c what the capsule holds, calls.c and messages.c what it does. */
#include "fuzz/world/world.h"

#include <setjmp.h>

#include "sdk/start.h"

enum {
    WORLD_HANDLES = 512,
    WORLD_MAPPINGS = 32,
    WORLD_CELLS = 4096,
    WORLD_THREADS = 8,
    PAGES_MAX = 64,
    PAGE = 4096,
};

struct thing {
    bool open;
    uint32_t type, pages;
    uint32_t cell; /* what can be revoked: its own, or shared by duplicates */
};

struct mapping {
    uint8_t *at;
    size_t len;
    uint64_t of; /* handle */
    uint32_t cell;
};

extern struct world {
    span_t in;
    const struct nos_start *start;
    jmp_buf out;
    unsigned dry;
    uint64_t now_ns;
    struct thing thing[WORLD_HANDLES];  // 0 is no handle
    unsigned n_open;
    struct mapping map[WORLD_MAPPINGS];
    uint32_t parent[WORLD_CELLS]; /* of a cell; 0: it has none */
    uint32_t n_cells;
    uint8_t scratch;  // the line's own register
    span_t line;
    const struct nos_thread *thread[WORLD_THREADS];
    unsigned n_threads;
    jmp_buf back;     // out of a thread that waits
    unsigned waited;  // 0: the first thread runs; else 1 + how often this one has waited
} world;

extern uint64_t world_first_page[PAGE / 8]; /* the first thread's IPC buffer */

/** What is open under that number; NULL. */
struct thing *world_find(uint64_t h);

/** Errors: BAD_HANDLE. */
nos_status_t world_close(uint64_t h);

/** A cell below `parent`; 0: below none. Ends the run when there are too many. */
uint32_t world_cell(uint32_t parent);

/** What is mapped by handles of that cell, or of cells below it, is gone. Errors: BAD_HANDLE. */
nos_status_t world_revoke(uint64_t h);

/** Errors: BAD_HANDLE, WRONG_TYPE, QUOTA; NOT_FOUND. */
nos_status_t world_map(uint64_t h, uint64_t *at);
nos_status_t world_unmap(uint64_t at);

/** Who shares memory with the capsule writes to it at any time: eight bytes, near its begin. */
void world_meddle(void);
