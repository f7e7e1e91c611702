#pragma once
/*
 * Stage 4 of the module pipeline: the manifest, parsed into a struct of which every field was
 * checked.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "abi/module.h"
#include "abi/status.h"
#include "lib/cap.h"
#include "lib/compiler.h"
#include "lib/mod.h"
#include "lib/span.h"

struct manifest {
    char name[NOS_NAME_MAX];
    uint32_t classes;            // 0: only a kernel's
    struct nos_limits limits;    // with the default for objects filled in
    struct nos_restart restart;  // absent: never
    uint64_t filter[2];          // bit n % 64 of word n / 64: call n allowed; absent: all bits set
    bool has_filter;
    struct nos_sched sched;        // absent: no budget, all CPUs
    struct nos_children children;  // absent: none
    struct nos_control control;    // absent: zero
    span_t needs;                  // checked module names, 16 bytes each
    bool private;                  // a crash leaves no bytes of it
    span_t caps;                   // n_caps checked records
    uint32_t n_caps;
    span_t semver, licence, about;  // checked text; empty when absent
    uint64_t symbols_len;           // 0: no symbol lump
    span_t symbols_hashes;          // 32 bytes per 64 KiB of it
};

/**
 * Parse and check a manifest.
 * Borrows: the spans in `*out` point into `tlv`.
 * Errors: TLV_* of lib/tlv.h; TLV_CRITICAL; MAN_MISSING, MAN_FIELD, MAN_CAP, CAP_CLASS.
 * Spec:   abi/module.h; docs/formats.md, "Manifest".
 */
MUST_CHECK nos_status_t manifest_parse(span_t tlv, struct manifest *out);

/** Required capability `i`; false, and `*out` untouched, when there is none. */
MUST_CHECK bool manifest_cap(const struct manifest *m, uint32_t i, struct nos_cap *out);

/** Is `cap` the endpoint that a manifest names for control messages, to serve? */
MUST_CHECK bool manifest_is_control(const struct nos_control *control, const struct nos_cap *cap);

/**
 * Does the manifest belong to this header, and to this file?
 * Errors: MAN_NAME; MAN_FIELD when a kernel asks for classes or another module does not ask for
 *         CoreExec;
 *         MOD_TRUNCATED or MOD_OVERSIZE when the file carries fewer or more symbol bytes than the
 *         manifest says.
 */
MUST_CHECK nos_status_t manifest_check_header(const struct manifest *m, const struct mod_view *v);

/**
 * The SYMBOLS record of a manifest that was not parsed yet. False when there is none or the TLV
 * before it is broken.
 */
MUST_CHECK bool manifest_find_symbols(span_t tlv, uint64_t *len, span_t *hashes);
