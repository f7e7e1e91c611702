#pragma once
/* Bytes between a program's pipe and a file of the prompt's: the program needs no file for that,
 * and gets none. One step at a time, so that nobody waits for it. */
#include "modules/shell/place.h"
#include "sdk/pipe.h"

/** Take bytes to the end of `f`, or from its begin. Takes: both, also on an error. `name`: for
 * what is said when it fails. Errors: NO_SLOT, nos_pipe_open's. */
MUST_CHECK nos_status_t flow_begin(const struct nos_pipe_end *e, const struct place_file *f,
                                   const char *name);

/** The same from memory, which is there until `gone` is called. Takes: `e`, also on an error. */
MUST_CHECK nos_status_t flow_begin_text(const struct nos_pipe_end *e, span_t text,
                                        void (*gone)(void));

/** Move what can be moved. Gives: when to come again at the latest; 0 = there are none. */
uint64_t flows_step(void);
