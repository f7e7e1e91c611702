/* Regions and the small hardware objects: making and unmaking. Structures: device.h. */
#pragma once

#include "kernel/object/capsule.h"
#include "kernel/object/device.h"

enum {
    REGION_PAGES_MAX = 4096 /* 16 MiB */,
    REGION_SMALL_MAX = 64 /* pages: above that it has page tables of its own */
};

/** Contiguous, charged to `c` with the page tables of a large one, zeroed by region_zero_step.
 * Gives: a reference. Errors: INVALID (size), QUOTA, NO_MEMORY. */
MUST_CHECK nos_status_t region_create(struct capsule *c, uint32_t pages, struct region **out);

/** Zero some more of a new region, one bounded step; true when it is clean and may be handed out.
 */
MUST_CHECK bool region_zero_step(struct region *r);

/** Take the frames away: only when nobody else holds or maps the region. The region is empty
 * afterwards and the charge is dropped; frames come back through frame_free_run. Errors: BUSY,
 * BAD_STATE (given before). */
MUST_CHECK nos_status_t region_take(struct region *r, paddr_t *base, uint32_t *pages);

/** Frames that whoever owns it pays for: its own and its page tables. */
uint32_t region_cost(const struct region *r);

/** Can `to` pay for so much more, in so many regions? Errors: QUOTA. */
MUST_CHECK nos_status_t region_may_give(const struct capsule *to, uint64_t cost, uint32_t regions);

/** A handle through which its payer holds it has moved to `to`: what the giver has mapped of it
 * goes first, the charge goes with it. Others who share it keep what they have. Call it before the
 * giver's handle is closed. */
void region_given(struct region *r, struct capsule *from, struct capsule *to);

/** Area `a` of a region or a device is gone from its space: drop what it held. */
void region_unmapped(const struct area *a);
void region_unmap_area(struct space *s, const struct area *a); /* and take it out first */

/** After a revocation: undo one mapping of `s` that was made through a dead handle. False when
 * there is none. */
bool region_revoke_step(struct space *s);

/** The payer has ended: a bounded step of unmapping it everywhere, then of giving its frames back;
 * it is off the payer's list then, and perhaps gone. */
void region_end_step(struct region *r);

void region_destroy(struct obj *o);
