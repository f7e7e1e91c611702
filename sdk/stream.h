#pragma once
/*
 * Much text to the console: through a ring in memory that it shares with this capsule, instead of a
 * call for each 512 bytes. Needs what a print needs, and class Memory. One stream for each capsule,
 * for one of its threads: who prints meanwhile from another does so by nos_console_send. Spec:
 * docs/services.md, "Streams".
 */
#include "abi/status.h"
#include "lib/compiler.h"

/**
 * From now on nos_print and nos_console_write of this capsule go through the ring, which is asked
 * for at the first time. What they have written is shown when the ring is half full, at
 * nos_stream_end, before anything else this capsule asks of the console, and when it ends. Errors:
 * NO_SLOT (all streams are taken), NO_CLASS, BAD_MESSAGE (a console that has none), those of the
 * call and of region_map. Everything goes by message then, as before.
 */
MUST_CHECK nos_status_t nos_stream_begin(void);

/** Until the next nos_stream_begin text goes by message again. The ring is kept. Gives: when all
 * that was written has been shown. Errors: PEER_CLOSED (the console ended, what was in the ring is
 * lost). */
MUST_CHECK nos_status_t nos_stream_end(void);

/** The same, and give the ring back. */
MUST_CHECK nos_status_t nos_stream_close(void);
