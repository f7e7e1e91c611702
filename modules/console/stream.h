#pragma once
/*
 * Streams: rings of text (sdk/ring.h) that the console shares with a capsule each. The console
 * makes and pays for the memory, so no client can take it away under it; what lies in it is the
 * client's and believed in nothing. Spec: docs/services.md, "Streams".
 */
#include <stdbool.h>
#include <stdint.h>

#include "sdk/ipc.h"

enum { STREAMS_MAX = 4 };

/** Text goes to `show`; clients ring `bell`, with NOS_CONSOLE_RING. */
void streams_init(nos_handle_t bell, void (*show)(span_t text));

/** Serve NOS_CONSOLE_STREAM: answered at once, or the refusal is left in `*m` and true is given. */
MUST_CHECK bool streams_open(struct nos_msg *m);

/** Before a message of capsule `sender` is served: all that it has in its ring is shown, so that
 * its words stay in order; and the ring of any capsule that has ended, which is then free. */
void streams_settle(uint32_t sender);

/** The bell rang. */
void streams_rang(void);

/** Until when the console may wait for messages: NOS_DEADLINE_POLL = there is text to show. */
uint64_t streams_due(void);

/** Show what there is, and end all of them: clients go on by message. */
void streams_end(void);

/** Show some of it. */
void streams_step(void);
