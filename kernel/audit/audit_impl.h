/* The ring behind the log: where entries lie and what is kept when it is full. Private to
 * kernel/audit. */
#pragma once

#include "kernel/audit/audit.h"

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
