#pragma once
/*
 * Canonical TLV, the one encoding of manifests and policy bodies: tag2 | rsv2 (0) | len4 | value,
 * back to back, tags
 * strictly ascending. There is exactly one byte string for one set of records, so a signature
 * covers a meaning.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "abi/module.h"
#include "abi/status.h"
#include "lib/compiler.h"
#include "lib/span.h"

struct tlv_iter {
    span_t rest;   // bytes not looked at yet
    int32_t last;  // tag of the record before; -1 before the first
};

void tlv_init(struct tlv_iter *it, span_t tlv);

/**
 * The next record. At the end `*more` is false and `*tag`, `*value` are untouched.
 * Borrows: `*value` points into the span given to tlv_init.
 * Errors: TLV_TRUNCATED, TLV_RESERVED, TLV_DUPLICATE, TLV_ORDER; the iterator is then dead: start
 *         anew.
 * Spec:   docs/formats.md, "TLV".
 */
MUST_CHECK nos_status_t tlv_next(struct tlv_iter *it, uint16_t *tag, span_t *value, bool *more);

/**
 * What a reader must do with a tag that it does not know.
 * Errors: TLV_CRITICAL when the tag's critical bit is set; else OK, pass over it.
 */
MUST_CHECK nos_status_t tlv_unknown(uint16_t tag);

struct tlv_writer {
    mspan_t room;
    size_t used;
    int32_t last;
    nos_status_t status;  // the first thing that went wrong, and nothing is written after
};

void tlv_write_init(struct tlv_writer *w, mspan_t room);

/** Append a record; mistakes are kept for tlv_write_end. */
void tlv_put(struct tlv_writer *w, uint16_t tag, span_t value);
void tlv_put_le32(struct tlv_writer *w, uint16_t tag, uint32_t value);

/**
 * The bytes written.
 * Errors: TOO_BIG when the room did not do; TLV_ORDER, TLV_DUPLICATE when tags were not put in
 *         ascending order.
 */
MUST_CHECK nos_status_t tlv_write_end(const struct tlv_writer *w, span_t *out);
