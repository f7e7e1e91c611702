#pragma once
/* Two capsules of one module: the first asks, the second does what it is told. */
#include "sdk/ipc.h"

enum { PAGE = 4096, READ = 1, READ_WRITE = 3 };

/* What the child can be told; it answers with its next call: label = status, words as said. */
enum order {
    ORDER_TOUCH = 1, /* words: address, pages. Each must be zero, then holds its number */
    ORDER_WRITE,     /* words: address, value. Word 0 of the answer: what was there before */
    ORDER_TAKE,      /* one handle: map it for reading and writing. Word 0: where */
    ORDER_UNMAP,     /* words: address */
    ORDER_GIVE,      /* the handle it took last comes back, moved */
    ORDER_MAKE,  /* words: pages. A new region, mapped; a copy of its handle comes. Word 0: where */
    ORDER_REACH, /* words: address. Status: can the kernel write there for it? */
    ORDER_AGAIN, /* map the handle it took last once more */
    ORDER_MAP_MANY, /* the same until that is refused, with that status. Word 0: how often it went
                     */
    ORDER_COPIES,   /* copy that handle 40 times. Word 0: the last one's number */
    ORDER_WHERE,    /* words: addresses of its code, its stack and its message buffer */
    ORDER_EXIT,
};

struct child {
    nos_handle_t capsule;
    struct nos_msg m; /* its last call */
};
extern nos_handle_t meeting; /* the endpoint where the two meet */

/** A second capsule, waiting for its first order. */
MUST_CHECK nos_status_t child_start(struct child *c);

/** Tell it, and wait for what it says. `c->m` holds words and handles of the order. Gives: the
 * status that it answers with. */
MUST_CHECK nos_status_t child_do(struct child *c, enum order what);

/** The same without waiting; child_wait then has its answer. */
MUST_CHECK nos_status_t child_tell(struct child *c, enum order what);
MUST_CHECK nos_status_t child_wait(struct child *c);
void child_end(struct child *c);

/** How it ended: enum nos_capsule_state, waited for; RUNNING if it does not. */
uint32_t child_state(const struct child *c);

_Noreturn void child_main(void);

/** Count and print one row. */
void row(const char *name, nos_status_t want, nos_status_t got);

void test_paging(void);
void test_map_into(void);
void test_giving(void);
void test_children(void);
void test_foreign(void); /* memory that is another's, or nobody's */
void test_theft(void);   /* another's quota */

/** Move or copy `h` to the child, which maps it. Gives: as child_do; word 0 of `c->m`: where. */
MUST_CHECK nos_status_t child_take(struct child *c, nos_handle_t h, bool move);

/** Can the kernel write there for the child? BAD_ADDRESS: nothing is mapped. */
MUST_CHECK nos_status_t child_reaches(struct child *c, uint64_t at);

/** The same for us. */
MUST_CHECK nos_status_t reachable(void *at);
uint32_t pages_of(nos_handle_t capsule); /* that it pays for */
uint32_t own_pages(void);
