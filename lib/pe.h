#pragma once
/* Just enough of PE/COFF to find a section of BOOTX64.EFI in its file. */
#include <stddef.h>
#include <stdint.h>

#include "abi/status.h"
#include "lib/compiler.h"
#include "lib/span.h"

/**
 * The raw bytes of the section called `name` (at most 8 bytes).
 * Gives:  offset and length in the file, inside it, so that a tool can also write there.
 * Errors: TRUST_FORMAT when the file is not a 64-bit x86 PE image or the section lies outside it or
 *         appears twice;
 *         NOT_FOUND when there is no such section.
 * Spec:   Microsoft PE format, "Section Table".
 */
MUST_CHECK nos_status_t pe_find_section(span_t pe, const char *name, size_t *off, size_t *len);
