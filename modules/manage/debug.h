#pragma once
/* One debugging session at a time, for the client on the line. What it may do is the kernel's to
 * say: the handle that it holds has a deadline and names one capsule. */
#include "abi/manage.h"
#include "modules/manage/request.h"
#include "sdk/syscalls.h"

/** Whatever session there is ends, and its capsule runs on. */
void debug_end(void);

/** DEBUG: begin one, with the node handle. Errors: the kernel's. */
MUST_CHECK nos_status_t debug_begin(nos_handle_t node, const struct request *r);

/** DEBUGGED. */
enum nos_mg_debugged debug_state(void);

/** The other verbs of debugging. Gives: `*len` bytes in `room`, which has NOS_MG_PAYLOAD. Errors:
 * the kernel's; BAD_STATE without a session; NOT_SUPPORTED for other verbs. */
MUST_CHECK nos_status_t debug_carry_out(const struct request *r, uint8_t *room, size_t *len);
