/* The common case of a call, and of an answer followed by a wait, without detours: the other side
 * is waiting, no deadline, registers only, nothing as urgent is ready, one account. The context to
 * leave with; NULL, and nothing changed, in any other case: then the long way does it. */
#pragma once

#include "kernel/ipc/endpoint.h"

struct arch_context *endpoint_call_fast(struct endpoint *ep, struct thread *t);
struct arch_context *endpoint_reply_recv_fast(struct endpoint *ep, struct thread *t);
