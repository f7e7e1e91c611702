#pragma once
/*
 * Datagrams over the network endpoint "loopback" (docs/services.md). The capsule needs class
 * Network and the grant { "kind": "network", "name": "loopback", "rights": ["call", "grant"] }.
 */
#include <stdint.h>

#include "abi/ipc.h"
#include "abi/services.h"
#include "lib/span.h"
#include "sdk/feed.h"
#include "sdk/syscalls.h"

struct nos_port {
    uint16_t number;
    nos_handle_t lifeline; /* tells the service that we live */
};

struct nos_datagram {
    uint16_t from; /* port to answer to; 0 = none */
    uint16_t len;
    uint32_t sender; /* capsule id, as the kernel stamped it */
    uint8_t data[NOS_NET_DATA_MAX];
};

/** Take port `number`, or any when it is 0. Errors: BUSY, QUOTA, NO_SLOT, INVALID; BAD_HANDLE when
 * the network was not granted. */
MUST_CHECK nos_status_t nos_net_bind(uint16_t number, struct nos_port *out);

/** Queue `data` at port `to`. Errors: NOT_FOUND (nobody there), QUOTA, WOULD_BLOCK (its queue is
 * full), TOO_BIG. */
MUST_CHECK nos_status_t nos_net_send(const struct nos_port *p, uint16_t to, span_t data);

/** Wait for a datagram. Errors: TIMED_OUT, CANCELLED, NOT_FOUND (the service was restarted). */
MUST_CHECK nos_status_t nos_net_recv(const struct nos_port *p, struct nos_datagram *out,
                                     uint64_t deadline_ns);

/** Have what arrives at the port come to `to`, an endpoint where this capsule waits, right CALL:
 * fill `f`, for nos_feed_start. */
void nos_net_feed(const struct nos_port *p, nos_handle_t to, struct nos_feed *f);

/** The datagram of an answer that a feed brought; no word of it stays in `*m`. Errors:
 * BAD_MESSAGE. */
MUST_CHECK nos_status_t nos_net_take(struct nos_msg *m, struct nos_datagram *out);

/** Give the port back. */
void nos_net_close(struct nos_port *p);
