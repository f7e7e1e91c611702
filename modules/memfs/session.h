#pragma once
/*
 * What one client may do: its tree, whether it may change it, what it has open, and its window.
 * Pure: requests come in as numbers and go out as numbers. Nothing that a client says reaches
 * further than its own tree and its own numbers.
 */
#include "abi/fs.h"
#include "modules/memfs/tree.h"

enum { SESSION_OPENS = 64 };

struct offset {  // of a file that several sessions have open as one
    uint32_t refs;
    uint64_t at;
};

struct open {
    struct node *node;    // NULL: free
    struct offset *here;  // NULL: it was not lent, and its offset is the client's affair
    uint32_t flags;       // NOS_FS_READABLE, NOS_FS_WRITABLE
    uint32_t lent;        // a mapping's handle; 0: it is an open file
    bool mapping;
};

struct session {
    uint64_t id;  // owner of its locks
    struct tree *tree;
    bool read_only, one_file;  // one_file: number 1 was lent to it, and no name means anything
    mspan_t window;            // the client writes to it at any time
    struct open open[SESSION_OPENS];
};

struct answer {
    uint64_t word[8];
    uint32_t n_words;
    uint32_t lent;  // MAP: the handle that goes along; 0: none
};

/** Do what the client asks: operation, `n` words. Errors: BAD_MESSAGE (operation, number of words,
 * more bytes than the window has), BAD_HANDLE (no such number), INVALID, DENIED (not open for
 * that), and what tree.h says. */
MUST_CHECK nos_status_t session_serve(struct session *s, uint64_t op, const uint64_t *word,
                                      uint32_t n, uint64_t now, struct answer *a);

/** Lend file `n` of `s`: as number 1 of `to`, a new session, with one offset for both, which is
 * `at` if it was not lent before. Errors: BAD_HANDLE, IS_DIR, NO_MEMORY. */
MUST_CHECK nos_status_t session_lend(struct session *s, uint64_t n, uint64_t at,
                                     struct session *to);

/** Close everything, and let go of all locks. The tree stays. */
void session_end(struct session *s);
