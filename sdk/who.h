#pragma once
/*
 * Which module is behind the sender of a message. The sender's capsule id is stamped by the kernel,
 * a caller that waits for its answer is alive, and ids are never given twice: so the answer is as
 * good as the kernel's word, whatever handle the message came through and whatever it says about
 * itself. The capsule needs { "kind": "node", "rights": ["inspect"] }.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "abi/caps.h"
#include "lib/compiler.h"
#include "sdk/syscalls.h"

struct nos_who {              /* what was verified before the capsule's first instruction */
    char name[NOS_NAME_MAX];  /* the module's, zero padded */
    uint8_t module_id[32];    /* this build of it */
    uint8_t publisher_id[32]; /* whose name it is: two publishers can have modules of one name */
};

/**
 * The module of capsule `id`, which must not have ended.
 * Units:  one system call for each capsule and each module of the machine, none for one of the last
 *         sixteen that were asked for. One thread of a capsule may use it.
 * Errors: NOT_FOUND (ended, or 0); BAD_HANDLE, DENIED: no node handle with INSPECT was granted.
 */
MUST_CHECK nos_status_t nos_who(uint32_t id, struct nos_who *out);

/** The same module, in whatever build? */
static inline bool nos_who_same(const struct nos_who *a, const struct nos_who *b)
{
    return memcmp(a->name, b->name, sizeof a->name) == 0 &&
           memcmp(a->publisher_id, b->publisher_id, sizeof a->publisher_id) == 0;
}
