#pragma once
/* Booting an image in QEMU: what is run, and its whole life. */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/compiler.h"

struct qemu_config {
    const char *image, *machine, *cpu, *accel, *firmware; /* accel: tcg, kvm or auto */
    const char *manage;                                   /* path of the socket */
    uint32_t mem_mib, smp;
    bool window, dry_run;
    const char *const *extra; /* n_extra more arguments */
    size_t n_extra;
};

/**
 * Boot, with the first serial port on stdin and stdout, and come back when the machine is off. No
 * process, socket or temporary file is left, however it ends. Errors: TOOL_FAILED, IO_FAILED;
 * reported.
 */
MUST_CHECK int qemu_run(const struct qemu_config *c);
