#pragma once
/*
 * Which module comes before which, from what their manifests say they need. Pure. A set is an array
 * of pointers to records; NULL is a place with nobody in it. A need that nobody in the set has the
 * name of is met elsewhere, or missing: nothing here looks at it.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "abi/info.h"
#include "abi/status.h"
#include "lib/compiler.h"

enum { ORDER_MAX = 64 };
typedef const struct nos_supervision *order_set[ORDER_MAX];

/** Does `who` need a module of the name of `what`? */
MUST_CHECK bool order_needs(const struct nos_supervision *who, const struct nos_supervision *what);

/** Is somebody of that name in the set? */
MUST_CHECK bool order_has(const order_set set, const char name[NOS_NAME_MAX]);

/**
 * An order in which each comes after all that it needs, and otherwise as in the set.
 * Gives:  places of the set in `out`, `*n` of them; on an error `out[0]` is one of those that wait
 *         for each other.
 * Errors: NEED_CYCLE.
 */
MUST_CHECK nos_status_t order_start(const order_set set, uint8_t out[ORDER_MAX], size_t *n);

/** Add to `lost` whoever needs one of the lost, when no other of that name is left; and so on. */
void order_dependants(const order_set set, bool lost[ORDER_MAX]);

/**
 * Who of `stopping` can be stopped now: nobody of `stopping` that is still in the set needs it. In
 * a circle, which no start order allows, all can.
 */
void order_stop(const order_set set, const bool stopping[ORDER_MAX], bool now[ORDER_MAX]);
