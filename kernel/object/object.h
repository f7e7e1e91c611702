/* What every kernel object begins with. References are plain integers under the kernel lock. */
#pragma once

#include "abi/caps.h"
#include "kernel/core/types.h"

struct obj {
    uint16_t type;    /* enum nos_type, fixed at birth */
    uint16_t classes; /* who may hold a handle to it: capsules that have these */
    uint32_t refs;    /* handles + stored kernel pointers */
    uint64_t serial;  /* unique in this boot */
    uint32_t
        payer; /* capsule whose quota of objects it counts in; 0 = none. A region: its owner's */
};

void obj_init(struct obj *o, enum nos_type type); /* refs = 1, the caller's; the type's class */
void obj_get(struct obj *o);
void obj_put(struct obj *o); /* Takes: one reference; `o` is dead to the caller after */

/** `o` counts in the quota of `c` until it is gone, or `c` is. Errors: QUOTA. */
struct capsule;
MUST_CHECK nos_status_t obj_charge(struct obj *o, struct capsule *c);

/* One destructor per type, called by obj_put at zero references; object.c's table is one of the
 * three function-pointer tables of the kernel. Filled at compile time in runtime/objects.c. */
extern void (*const obj_destroy[NOS_TYPE_COUNT])(struct obj *);
uint64_t obj_live(void); /* objects alive, for `mem` and the leak tests */
