#pragma once
/* A fault storm: the boot volume with its plan, the machine it runs in, and what it said. Spec:
 * docs/storm.md. */
#include <stdbool.h>
#include <stdint.h>

#include "cli/file.h"
#include "lib/compiler.h"

struct storm_config {
    const char *dir;      /* flavour of the kernel, driver, wards, policies */
    const char *keys;     /* root key and operator's public key */
    const char *loader;   /* BOOTX64.EFI */
    const char *firmware; /* folder of OVMF_CODE_4M.fd and OVMF_VARS_4M.fd */
    const char *save;     /* what it says goes there */
    uint64_t seed, count, stop, leak;
    uint32_t gdb, patience_s;
    bool replay, dry_run;
};

/** Make the signed boot volume in folder `tmp`. Errors: reported. */
MUST_CHECK int storm_volume(const struct storm_config *c, const char *tmp);

/** Run it to its end. Gives: `said`, all that came out of the debug port; to be released. Errors:
 * TOOL_FAILED, REFUSED when nothing came for too long; reported. */
MUST_CHECK int storm_run(const struct storm_config *c, const char *tmp, struct buf *said);

/** Print the verdict. Gives: DONE when every rule held in every fault; else REFUSED, reported. */
MUST_CHECK int storm_judge(const struct storm_config *c, span_t said);

/** Is it what a former run said, line for line, as far as both go? Errors: REFUSED, with the first
 * line that differs. */
MUST_CHECK int storm_compare(span_t before, span_t now);

/** A line as it comes: progress and findings are shown. */
void storm_show(const struct storm_config *c, span_t line);
