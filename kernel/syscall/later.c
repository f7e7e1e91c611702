/* Calls of the table whose parts are on their way. */
#include "kernel/syscall/syscall.h"

#define LATER(name) \
    nos_status_t sys_##name(struct thread *self, struct arch_context *ctx, \
                            struct handle_slot *slot) \
    { \
        (void)self, (void)ctx, (void)slot; \
        return NOS_NOT_SUPPORTED; \
    }
LATER(thread_set)
