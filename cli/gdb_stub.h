#pragma once
/* What gdb's packets mean, and the answers: the remote stub, without its sockets. Commands: gdb's
 * manual, appendix E. A refusal of the node is E and two digits, the status without its sign. */
#include "cli/gdb_target.h"
#include "lib/fmt.h"
#include "lib/rsp.h"

struct stub {
    struct gdb_target *target;
    uint32_t thread;  /* that registers are asked of; 0 = the one that stopped */
    uint32_t stopped; /* that stopped last */
    bool running;     /* gdb waits for a stop */
    bool interrupted; /* it has asked for one */
    bool no_ack;
    bool over; /* nothing more to debug: close the connection */
    struct {
        uint64_t at; /* a breakpoint of the node's; 0 = none */
        bool wanted; /* gdb takes all away at each stop, and puts them back: that is done when it
                        goes on, as far as it was meant */
    } breaks[NOS_DEBUG_BREAKS];
    char text[RSP_MAX + 1];
    struct fmt reply;
};

void stub_init(struct stub *s, struct gdb_target *t);

/** A packet. True: s->reply answers it; false: the capsule runs, and a stop will. */
MUST_CHECK bool stub_packet(struct stub *s, span_t packet);

/** While it runs, a few times a second. True: s->reply is what gdb waits for; perhaps s->over. */
MUST_CHECK bool stub_poll(struct stub *s);

/** gdb wants it to stop. */
void stub_interrupt(struct stub *s);
