#pragma once
/*
 * A pipe: bytes from one capsule to another, or inside one. It is a ring (sdk/ring.h) in a region,
 * a notification for each side to sleep on, and a lifeline for each side: an endpoint that only
 * this side can serve, so that a send there tells the other whether anybody has this end still.
 *
 * An end is five handles. It can be handed on; whoever has it goes on where the last one stopped.
 * Several may have one end, and the pipe ends for the other side when the last of them lets go, but
 * only one of them may use it at a time. Neither side can do the other any harm: it can spoil what
 * it sends or gets. Memory is touched under a guard, since who pays for it may end.
 * Spec: docs/sdk.md, "Pipes".
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/span.h"
#include "sdk/ring.h"
#include "sdk/syscalls.h"

enum nos_pipe_handle {
    NOS_PIPE_REGION, /* READ WRITE MAP */
    NOS_PIPE_BELL,   /* the reader sleeps on it: WAIT; the writer's: SIGNAL */
    NOS_PIPE_ROOM,   /* the writer sleeps on it: WAIT; the reader's: SIGNAL */
    NOS_PIPE_LIFE,   /* this side's lifeline: RECV */
    NOS_PIPE_PEER,   /* the other side's: CALL */
    NOS_PIPE_HANDLES
};

enum { NOS_PIPE_PAGES = 5, /* 16 KiB of bytes */ NOS_PIPE_SMALL = 2 /* 4 KiB */ };

struct nos_pipe_end {
    nos_handle_t h[NOS_PIPE_HANDLES]; /* all with DUP and TRANSFER; 0 = none */
    bool writer;
};

struct nos_pipe {  // an end that is used here
    struct nos_pipe_end end;
    struct nos_ring ring;
    void *mem;
    size_t len;
    bool gone; /* the memory, or the other side */
};

struct nos_pipe_terms {
    nos_handle_t wake;  /* borrowed: what the maker sleeps on instead, at the end that it keeps; 0 =
                           each pipe has its own. The other side can signal it, and not wait */
    bool writes;        /* it keeps the writer's end */
    nos_handle_t *lent; /* not NULL: what cuts both ends from the memory when it is revoked: for who
                           pays for others and wants it back */
};

/**
 * Make one, of so many pages of this capsule's memory. Needs class Memory. `terms` may be NULL.
 * Gives: two ends; on an error nothing.
 * Errors: those of region_create, notify_create, endpoint_create, handle_dup, cap_derive.
 */
MUST_CHECK nos_status_t nos_pipe_make(size_t pages, struct nos_pipe_end ends[2],
                                      const struct nos_pipe_terms *terms);
enum { NOS_PIPE_READER = 0, NOS_PIPE_WRITER = 1 }; /* of `ends` */

/** Another end for the same side, with handles of its own. */
MUST_CHECK nos_status_t nos_pipe_dup(const struct nos_pipe_end *of, struct nos_pipe_end *out);

/** Let go of an end. */
void nos_pipe_drop(struct nos_pipe_end *e);

/** Use an end here. Takes: `e`, also on an error. `buffer`: the calling thread's IPC buffer, as in
 * all that follow. Errors: those of region_map; BAD_MESSAGE: it is no pipe. */
MUST_CHECK nos_status_t nos_pipe_open(struct nos_pipe *p, const struct nos_pipe_end *e,
                                      uint64_t *buffer);

/** Unmap it and let go; the other side is woken to see that. */
void nos_pipe_close(struct nos_pipe *p);

/** Where another holder of this end has stopped: before an operation on an end that is shared. */
void nos_pipe_resume(struct nos_pipe *p, uint64_t *buffer);

/** Put in, take out what can be without waiting. Errors: WOULD_BLOCK (full; empty), PEER_CLOSED
 * (nobody reads it; nobody writes it and it is empty). */
MUST_CHECK nos_status_t nos_pipe_write(struct nos_pipe *p, span_t bytes, size_t *done,
                                       uint64_t *buffer);
MUST_CHECK nos_status_t nos_pipe_read(struct nos_pipe *p, mspan_t to, size_t *done,
                                      uint64_t *buffer);

/** May it be gone on with? As write and read of at least one byte, which this does not do. */
MUST_CHECK nos_status_t nos_pipe_ready(struct nos_pipe *p, uint64_t *buffer);

/** Bytes that were put in and not taken out yet; 0 when the memory has gone. */
size_t nos_pipe_unread(struct nos_pipe *p, uint64_t *buffer);

/** Before sleeping on other things than nos_pipe_wait: the other side is to signal. False: it may
 * be gone on with, do not sleep. */
MUST_CHECK bool nos_pipe_sleeps(struct nos_pipe *p, uint64_t *buffer);

/** What nos_pipe_wait does once nos_pipe_sleeps has said so. Also BUSY: another thread does. */
MUST_CHECK nos_status_t nos_pipe_doze(struct nos_pipe *p, uint64_t deadline_ns);

/** Sleep until it may be worth another look, at the longest until `deadline_ns`. Errors: TIMED_OUT,
 * CANCELLED. */
MUST_CHECK nos_status_t nos_pipe_wait(struct nos_pipe *p, uint64_t deadline_ns, uint64_t *buffer);
