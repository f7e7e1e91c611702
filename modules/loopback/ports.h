#pragma once
/* The ports of the loopback service and what waits in their queues. Pure: no system call. */
#include <stdbool.h>
#include <stdint.h>

#include "abi/services.h"
#include "abi/status.h"
#include "lib/compiler.h"
#include "lib/span.h"

enum {
    PORTS = 32,
    PORTS_PER_CLIENT = 4,
    QUEUE = 8,
    QUEUE_PER_SENDER = 2, /* so that one sender cannot keep a port from all others */
    PORT_ANY_FIRST = 49152,
};

struct datagram {
    uint16_t from, len;
    uint32_t sender; /* capsule id, stamped by the kernel */
    uint8_t data[NOS_NET_DATA_MAX];
};

struct port {
    uint16_t number; /* 0 = free */
    uint32_t owner;  /* capsule id */
    uint32_t lifeline;
    uint64_t waiter; /* reply token of who receives; 0 = nobody */
    uint32_t first, n;
    struct datagram queue[QUEUE];
};

extern struct port port_table[PORTS];

/** The port of that number; NULL. */
struct port *port_find(uint64_t number);

/** Take a free port; 0 = any. Errors: INVALID (number), BUSY, QUOTA (the client's), NO_SLOT. */
MUST_CHECK nos_status_t port_bind(uint64_t number, uint32_t owner, struct port **out);

/** The port, if it is the client's. Errors: NOT_FOUND, DENIED. */
MUST_CHECK nos_status_t port_of(uint64_t number, uint32_t owner, struct port **out);

/** Queue a datagram. Errors: TOO_BIG, QUOTA (the sender's in this queue), WOULD_BLOCK (full). */
MUST_CHECK nos_status_t port_put(struct port *p, uint32_t sender, uint16_t from, span_t data);

/** The oldest datagram; NULL. Borrows: until port_drop. */
const struct datagram *port_first(const struct port *p);
void port_drop(struct port *p);

/* A port as bytes, for the next version: number2 | rsv2 (0) | owner4 | handle4, the number under
 * which the lifeline is handed over | n4 | waiter8, then each datagram: from2 | len2 | sender4 |
 * data. */
enum {
    PORT_HEAD = 24,
    DATAGRAM_HEAD = 8,
    PORT_BYTES = PORT_HEAD + QUEUE * (DATAGRAM_HEAD + NOS_NET_DATA_MAX)
};

/** Write it down, `lifeline` in the place of its handle. Gives: the bytes used of `out`. */
span_t port_save(const struct port *p, uint32_t lifeline, uint8_t out[PORT_BYTES]);

/** The port that was written down; its `lifeline` is what port_save was given. False: it was not,
 * and `*p` is free. */
MUST_CHECK bool port_load(span_t bytes, struct port *p);

/** Free it; what is queued is wiped. Waiter and lifeline are the caller's business. */
void port_free(struct port *p);
