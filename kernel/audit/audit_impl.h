/* The parts of the log: the ring where entries lie, sealing (audit.c), the tree, refused calls,
 * checkpoints. Private to kernel/audit. */
#pragma once

#include "kernel/audit/audit.h"
#include "lib/merkle.h"

/* ---- ring.c: what is kept when it is full ---- */

struct ring {
    uint64_t next;    /* sequence number of the entry to come */
    uint64_t first;   /* oldest in the run */
    uint64_t dropped; /* entries that are nowhere any more */
    uint32_t cap;     /* entries in the run at most: AUDIT_RING, less on a machine that was out of
                         memory early */
};

void ring_init(struct ring *r);

/** Must the oldest entry leave the run before the next can come? Then seal it first. Takes memory
 * if there is some. */
bool ring_evicts(struct ring *r);

/** A zeroed place for entry `r->next`, which then counts. */
struct nos_audit_entry *ring_push(struct ring *r);

/** Entry of the run: r->first <= seq < r->next. */
struct nos_audit_entry *ring_at(const struct ring *r, uint64_t seq);

/** The protected entry with the smallest sequence number that is at least `seq`; NULL. */
const struct nos_audit_entry *ring_protected(uint64_t seq);

/* ---- audit.c: entries below `sealed` have salt, commitment and parents ---- */

struct chain {
    struct ring ring;
    uint64_t tick; /* of the entry before */
    uint64_t sealed;
    uint8_t head[32]; /* hash of entry sealed - 1 */
    uint8_t key0[32]; /* signs checkpoint 0, and is gone after it */
    uint64_t news_ns; /* when the first thing came that no checkpoint is under way for; 0 = none */
    struct audit_ref origin;                       /* record 0 */
    struct audit_ref *waiting[AUDIT_UNSEALED_MAX]; /* whose hash is asked for, by `at` */
};
extern struct chain chain;

void seal_one(void); /* there is one */
void note_news(void);

/* ---- tree.c: records below tree_size() are in it; they are sealed ---- */

void tree_init(void);
uint64_t tree_size(void);

/** The next record. `first`: oldest in the run; what is before it need not be told apart. */
void tree_add(const struct nos_audit_record *rec, uint64_t first);
void tree_root(uint8_t out[32]);

/** Subtrees of the records below `at`, the first multiple of NOS_AUDIT_BLOCK from `first` on; zero
 * when the tree is not that large. */
void tree_base(uint64_t first, uint64_t *at, uint8_t node[NOS_AUDIT_LEVELS][32]);

/* ---- deny.c ---- */

void denials_init(void);
void denials_flush(void);

/* ---- checkpoint.c ---- */

void checkpoints_init(void);
void checkpoints_count(uint64_t *made, uint64_t *first);
