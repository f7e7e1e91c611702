#pragma once
/* Programs that this one has started, by posix_spawn. */
#include "abi/info.h"
#include "sdk/libc/personality.h"

enum { LIBC_CHILDREN = 16 };

struct libc_child {
    uint32_t id;  // 0 = free
    bool starting, gone;
    nos_handle_t capsule;  // of one that is not gone
    int status;            // of one that is
};

/** A place for one; and what is signalled with `*bit` when it ends. Errors: NO_SLOT,
 * notify_create's. */
MUST_CHECK nos_status_t libc_child_new(struct libc_child **out, nos_handle_t *note, uint64_t *bit);

/** It runs: it can be waited for. */
void libc_child_runs(struct libc_child *c, nos_handle_t capsule, uint32_t id);

/** It never was a capsule, and has ended with that code. Gives: a number to wait for, that no
 * capsule has.
 */
uint32_t libc_child_gone(struct libc_child *c, int code);
void libc_child_free(struct libc_child *c);

/** Has it ended? */
bool libc_child_ended(nos_handle_t capsule, struct nos_capsule_info *info);
