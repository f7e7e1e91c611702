#pragma once
/*
 * The state that one version of a service hands to the next: records of lib/tlv.h behind a head
 * that says of which form they are, how many bytes, and a check over all of it. Pure: the bytes lie
 * in a region that sdk/upgrade.c moves. Spec: docs/upgrade.md, "The state".
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "abi/status.h"
#include "lib/compiler.h"
#include "lib/span.h"
#include "lib/tlv.h"
#include "sdk/syscalls.h"

#define NOS_STATE_MAGIC "N0NSTATE"
enum { NOS_STATE_HEAD = 40, NOS_STATE_VERSION = 1, NOS_STATE_HANDLES = 32 };
/* head, little-endian: magic8 | version4 | form4 | handles4 | rsv4 (0) | len8 of the records |
 * check8: FNV-1a of the head before it and of the records. The check is against accidents. */

struct nos_state_out {
    struct tlv_writer w;
    mspan_t room;
    uint32_t n_handles;
    struct {
        nos_handle_t h;
        uint32_t rights;
    } handle[NOS_STATE_HANDLES];
};

/** Begin in `room`, which the caller keeps until nos_state_close. */
void nos_state_open(struct nos_state_out *out, mspan_t room);

/** A record; tags ascend. Mistakes are kept for nos_state_close. */
void nos_state_put(struct nos_state_out *out, uint16_t tag, span_t value);
void nos_state_put_u64(struct nos_state_out *out, uint16_t tag, uint64_t value);

/** The next version gets a copy of `h` with these rights: needs DUP and TRANSFER. Gives: under
 * which number it asks for it; that goes into a record. */
uint32_t nos_state_pass(struct nos_state_out *out, nos_handle_t h, uint32_t rights);

/** Write the head. Gives: bytes in all. Errors: TOO_BIG (room, or handles), those of tlv_write_end.
 */
MUST_CHECK nos_status_t nos_state_close(struct nos_state_out *out, uint32_t form, size_t *len);

struct nos_state_in {
    uint32_t form, n_handles;
    span_t records;  // borrows the bytes
    nos_handle_t handle[NOS_STATE_HANDLES];
};

/** Look at the whole of it. Errors: BAD_MESSAGE when anything about it is not so as written. */
MUST_CHECK nos_status_t nos_state_parse(span_t bytes, struct nos_state_in *in);

/** The record's value; false when there is none. */
MUST_CHECK bool nos_state_get(const struct nos_state_in *in, uint16_t tag, span_t *value);
MUST_CHECK bool nos_state_get_u64(const struct nos_state_in *in, uint16_t tag, uint64_t *value);

/** Gives: that handle, now of this capsule and its own to close; 0 when there is none. */
nos_handle_t nos_state_handle(const struct nos_state_in *in, uint64_t number);
