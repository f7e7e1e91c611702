/* The only place where user values enter. A handler gets the caller, its saved registers (abi:
 * arg0, arg1, w[0..3] are arguments 0 to 5) and, when the table names a handle type, the slot of
 * argument 0, already checked for type, deadline and rights. It returns a status; a value goes to
 * w[0] on success only. A handler that blocks the caller has changed its state: then whoever wakes
 * it writes the status. */
#pragma once

#include "kernel/runtime/capsule.h"

#define SYSCALL(nr, name, cls, types, rights, n_args, kind) \
    nos_status_t sys_##name(struct thread *self, struct arch_context *ctx, \
                            struct handle_slot *slot);
#include "kernel/syscall/table.inc"
#undef SYSCALL

/** Copy between the caller's memory and the kernel's. Errors: BAD_ADDRESS. */
MUST_CHECK nos_status_t copy_in(void *dst, uint64_t src, size_t len);
MUST_CHECK nos_status_t copy_out(uint64_t dst, const void *src, size_t len);

/** Look up an argument that the table does not check. */
MUST_CHECK nos_status_t arg_handle(const struct thread *self, uint64_t h, enum nos_type type,
                                   uint32_t need, struct handle_slot **out);
