/* From a capability record to the object it names: named endpoints and notifications are made on
 * first grant and live as long as the machine, so a service keeps its endpoint through restarts. */
#pragma once

#include "abi/caps.h"
#include "abi/start.h"
#include "kernel/object/device.h"

/** Gives: a reference in `*out`. For FRAMEBUFFER also fills `h->a` and `h->b`. LOG has no object:
 * `*out` = NULL. Errors: NOT_SUPPORTED (no framebuffer, no such line), DENIED (ports the kernel
 * keeps), NO_MEMORY. */
MUST_CHECK nos_status_t cap_object(const struct nos_cap *cap, struct nos_start_handle *h,
                                   struct obj **out);

void named_init(const struct nos_bootinfo *bi);

/* The notification that an interrupt line signals. A binding that was made with a handle that is
 * dead now is undone by the look. */
bool irq_is_bound(struct irq *q);
void irq_unbind(struct irq *q);

struct irq *irq_at(uint32_t line); /* ISA line 0..15; NULL past that. Borrows */

void ports_destroy(struct obj *o);
void immortal_destroy(
    struct obj *o); /* node, power, device, interrupt: the kernel itself holds one reference */
