/* Which check of UBSan a `ud1` stands for. Pure: tested on the host. */
#pragma once

#include "lib/span.h"

enum { INSN_UD1_MAX = 8 };

/**
 * The instruction at the start of `code`: ARCH_UBSAN | kind for the `ud1` that clang's trap mode
 * makes, else 0. Cut short is 0 too.
 */
uint32_t insn_illegal(span_t code);
