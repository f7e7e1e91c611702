/* Regions and the small hardware objects: making and unmaking. Structures: device.h. */
#pragma once

#include "kernel/object/capsule.h"
#include "kernel/object/device.h"

enum { REGION_PAGES_MAX = 4096 /* 16 MiB */ };

/** Contiguous, charged to `c`, zeroed by region_zero_step. Gives: a reference. Errors: INVALID
 * (size), QUOTA, NO_MEMORY. */
MUST_CHECK nos_status_t region_create(struct capsule *c, uint32_t pages, struct region **out);

/** Zero some more of a new region, one bounded step; true when it is clean and may be handed out.
 */
MUST_CHECK bool region_zero_step(struct region *r);

/** Take the frames away: only when nobody else holds or maps the region. The region is empty
 * afterwards and the charge is dropped; frames come back through frame_free_run. Errors: BUSY,
 * BAD_STATE (given before). */
MUST_CHECK nos_status_t region_take(struct region *r, paddr_t *base, uint32_t *pages);

/** The capsule that is charged is going: nobody is, from now on. */
void region_forget(const struct capsule *c);

/** Area `a` of a region or a device is gone from its space: drop what it held. */
void region_unmapped(const struct area *a);

/** After a revocation: undo one mapping of `s` that was made through a dead handle. False when
 * there is none. */
bool region_revoke_step(struct space *s);

/** Can `to` pay for `pages` more, in so many regions? Errors: QUOTA. */
MUST_CHECK nos_status_t region_may_give(const struct capsule *to, uint64_t pages, uint32_t regions);

/** A handle through which its payer holds it has moved to `to`: the giver's mappings go first, the
 * charge goes with it. Call it before the giver's handle is closed. */
void region_given(struct region *r, struct capsule *from, struct capsule *to);

void region_destroy(struct obj *o);
