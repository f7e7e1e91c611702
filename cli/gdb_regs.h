#pragma once
/* The registers as gdb numbers and names them. */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "abi/debug.h"
#include "lib/compiler.h"
#include "lib/fmt.h"

enum { GDB_REG_MAX = 16 /* bytes of one */ };
extern const size_t gdb_n_regs;

/** Bytes of register `i` as they travel. */
size_t gdb_reg_size(size_t i);

/** Its value. False: capsules have none to show (segments). */
MUST_CHECK bool gdb_reg_get(const struct nos_debug_thread *t, size_t i, uint8_t out[GDB_REG_MAX]);

/** Which of enum nos_crash_reg it is, that may be set. False: it is none. */
MUST_CHECK bool gdb_reg_word(size_t i, size_t *out);

/** The description that gdb reads first. */
void gdb_target_xml(struct fmt *f);
