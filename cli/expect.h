#pragma once
/* A machine that is looked at instead of used: run --expect. */
#include <stdint.h>

#include "cli/qemu.h"
#include "lib/compiler.h"

/**
 * Boot, pass its console on to stdout, and end the machine as soon as `text` was there.
 * Errors: REFUSED, reported, when it does not come in `seconds` or the machine ends before; as
 * qemu_run.
 */
MUST_CHECK int qemu_expect(const struct qemu_config *c, const char *text, uint32_t seconds);
