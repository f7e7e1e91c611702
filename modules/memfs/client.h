#pragma once
/* Who uses memfs: a session, the handles that it was given, and for a private tree the tree. */
#include "modules/memfs/limits.h"
#include "modules/memfs/session.h"
#include "sdk/ipc.h"

struct share {  // a tree that several clients have
    char name[NOS_NAME_MAX];
    struct tree tree;
};

struct own {  // a private tree; it stays for those who were lent a file of it
    struct tree tree;
    uint32_t refs;     // sessions
    uint32_t capsule;  // whose it is, or was
};

struct client {
    struct session session;  // .id = the badge of its handle; 0 = free
    struct own *own;         // NULL: it has a share's tree
    bool is_lent;            // a file of another's session; `capsule` has lent it
    uint32_t capsule;        // whose session it is, as the kernel stamped it
    nos_handle_t lifeline;   // right CALL
    nos_handle_t call;       // what the client was given, under a cell
    nos_handle_t region;     // the window's
    nos_handle_t lent;       // the window, under a cell
};

struct attached {  // for the client: the answer's handles
    nos_handle_t call, window, lifeline;
};

/** The endpoint that all clients call; what a private tree may hold. */
void clients_init(nos_handle_t endpoint, const struct limits *limits);

/** A new session of a capsule: of a share, or (NULL) with a tree of its own. Errors: BUSY (it has
 * one through that door), NO_SLOT, QUOTA, NO_MEMORY. Gives: handles to be sent; the lifeline is to
 * be moved or closed. */
MUST_CHECK nos_status_t client_begin(uint32_t capsule, struct share *share, bool read_only,
                                     struct attached *out);

/** A session that has file `number` of `from` alone, lent by a capsule. Errors: NO_SLOT (also: it
 * has lent 12), QUOTA, session_lend's. Gives: as client_begin. */
MUST_CHECK nos_status_t client_lend(struct client *from, uint32_t capsule, uint64_t number,
                                    uint64_t at, struct attached *out);

/** The client of that badge; NULL. */
struct client *client_of(uint64_t badge);

/** Send what a new client gets, with the rights `also` to hand it on. Takes: the lifeline. */
MUST_CHECK nos_status_t client_answer(struct nos_msg *m, const struct attached *a, uint32_t also);

/** Those that are gone end, and with each everything that was its alone. False: there is none
 * left. */
bool clients_bury(void);
