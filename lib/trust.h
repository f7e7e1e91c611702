#pragma once
/*
 * The trust roots inside the loader: section ".n0nroot" of BOOTX64.EFI. Spec: docs/formats.md,
 * "Trust section".
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "abi/policy.h"
#include "abi/status.h"
#include "lib/compiler.h"
#include "lib/span.h"

enum { TRUST_BYTES = 256, TRUST_ROOTS_MAX = 4 };

struct trust_view {
    uint32_t n_root, k;
    uint64_t epoch_floor;
    uint32_t kernel_sec_min;
    uint8_t root[TRUST_ROOTS_MAX][32];    // ed25519 keys
    uint8_t key_id[TRUST_ROOTS_MAX][32];  // NOS_CTX_KEY_ID of each
    uint8_t set_id[32];                   // NOS_CTX_ROOT_SET of them all: publisher_id of kernels
};

/**
 * Parse the section's first 256 bytes; what follows (PE pads sections) must be zero.
 * Errors: TRUST_EMPTY when n_root is 0 and nothing else is set; TRUST_FORMAT.
 */
MUST_CHECK nos_status_t trust_parse(span_t section, struct trust_view *out);

/** The 256 bytes of a trust section; the keys must be ascending already (trust_parse says so). */
void trust_write(const struct trust_view *t, uint8_t out[TRUST_BYTES]);
