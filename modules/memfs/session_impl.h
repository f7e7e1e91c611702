#pragma once
/* What the operations share. Each is a function do_NAME; session.c has the table. */
#include "modules/memfs/session.h"

struct ask {
    struct session *s;
    const uint64_t *word;
    uint64_t now;
    struct answer *a;
};

/** The number of an open file or mapping. BAD_HANDLE. */
MUST_CHECK nos_status_t ask_number(struct session *s, uint64_t n, struct open **out);

/** The number of a file that is open for `flags`. BAD_HANDLE, IS_DIR, DENIED. */
MUST_CHECK nos_status_t ask_file(struct session *s, uint64_t n, uint32_t flags, struct open **out);

/** The number of an open directory, 0 = the root. BAD_HANDLE, NOT_DIR. */
MUST_CHECK nos_status_t ask_directory(struct session *s, uint64_t n, struct node **out);

/** A copy of the `len` bytes at `at` of the window, one of two. NAME (too long), BAD_MESSAGE. */
MUST_CHECK nos_status_t ask_path(const struct session *s, unsigned which, uint64_t at, uint64_t len,
                                 span_t *out);

/** Where that path leads from the directory of number `dir`. As ask_path and tree_walk. */
MUST_CHECK nos_status_t ask_place(const struct ask *q, unsigned which, uint64_t dir, uint64_t at,
                                  uint64_t len, bool last, struct place *out);

/** READ_ONLY: this client may only read. */
MUST_CHECK nos_status_t ask_may_change(const struct ask *q);

/** A number that is free; NULL. */
struct open *ask_unused(struct session *s, uint64_t *n);

/** One more word of the answer. */
void ask_say(const struct ask *q, uint64_t value);

/* Operation, words of a request, function. */
#define OPERATIONS(X) \
    X(OPEN, 3, do_open) \
    X(CLOSE, 1, do_close) \
    X(READ, 3, do_read) \
    X(WRITE, 3, do_write) \
    X(STAT, 3, do_stat) \
    X(LIST, 3, do_list) \
    X(MKDIR, 3, do_mkdir) \
    X(UNLINK, 3, do_unlink) \
    X(RENAME, 4, do_rename) \
    X(SYMLINK, 3, do_symlink) \
    X(READLINK, 2, do_readlink) \
    X(TRUNCATE, 2, do_truncate) \
    X(LOCK, 4, do_lock) \
    X(MAP, 2, do_map) \
    X(TIMES, 3, do_times) \
    X(WHERE, 1, do_where) \
    X(ROOM, 0, do_room) \
    X(CHMOD, 3, do_chmod) \
    X(LINK, 5, do_link) \
    X(SEEK, 2, do_seek)

#define X(name, words, run) nos_status_t run(const struct ask *q);
OPERATIONS(X)
#undef X
