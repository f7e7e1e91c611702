#pragma once
/*
 * Capability records: what a manifest asks for and a policy grants. Spec: docs/formats.md,
 * "Capability record".
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "abi/caps.h"
#include "abi/status.h"
#include "lib/compiler.h"
#include "lib/span.h"

enum { CAP_BYTES = 32 };

/**
 * Record `i` of a row of records; false, and `*out` untouched, when there is none. Not checked:
 * see cap_check.
 */
MUST_CHECK bool cap_read(span_t caps, size_t i, struct nos_cap *out);

/** The 32 bytes of a record. */
void cap_write(const struct nos_cap *cap, uint8_t out[CAP_BYTES]);

/**
 * Is the record one that abi/caps.h allows?
 * Errors: MAN_CAP.
 */
MUST_CHECK nos_status_t cap_check(const struct nos_cap *cap);

/** The class (NOS_CLASS_*) that a kind belongs to; 0 for an unknown kind. */
MUST_CHECK uint32_t cap_class(uint32_t kind);

/**
 * The object type (NOS_TYPE_*) that a kind gives a handle to; NOS_TYPE_NONE for LOG and unknown
 * kinds.
 */
MUST_CHECK uint32_t cap_type(uint32_t kind);

/** Is the object of this kind a name? */
MUST_CHECK bool cap_has_name(uint32_t kind);

/** "ports"; "?" for an unknown kind. */
MUST_CHECK const char *cap_kind_name(uint32_t kind);

/**
 * Order of records in a manifest, by the bytes of kind, then of the object: below 0, 0, above 0.
 */
MUST_CHECK int cap_compare(const struct nos_cap *a, const struct nos_cap *b);

/**
 * What both sides allow: the same kind and object (ports: the wanted range inside the granted one),
 * the rights that
 * both have, the shorter of the two lives.
 * False, and `*out` untouched, when nothing is left. Both records have passed cap_check.
 */
MUST_CHECK bool cap_intersect(const struct nos_cap *want, const struct nos_cap *granted,
                              struct nos_cap *out);
