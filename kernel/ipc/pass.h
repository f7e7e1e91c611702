/* Handles that travel with a message. Spec: docs/ipc.md, "Handles". */
#pragma once

#include "abi/ipc.h"
#include "kernel/sched/thread.h"

enum { INFO_HANDLES = 7u << NOS_MSG_HANDLES_SHIFT };

/** Would the sender's side of it be in order? Nothing moves. Errors: as pass_handles, but for what
 * the receiver decides. */
MUST_CHECK nos_status_t pass_check(const struct thread *from, uint64_t info);

/** Put the handles that `info` counts into the receiver's table and buffer, and take those that are
 * moved from the sender's. All or nothing. Errors: HANDLES_REFUSED (more than the receiver takes);
 * the sender's BAD_HANDLE, EXPIRED, REVOKED, DENIED, BAD_MESSAGE (reserved bits); the receiver's
 * NO_CLASS, QUOTA, NO_SLOT, NO_MEMORY. */
MUST_CHECK nos_status_t pass_handles(struct thread *from, struct thread *to, uint64_t info);

/** The common case: the message has one handle, which is moved as it is. False, and nothing has
 * changed: pass_handles does it, or knows why not. */
bool pass_one(struct thread *from, struct thread *to);
