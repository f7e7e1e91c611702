#pragma once
/* Text that came from outside and that a person will see on a terminal. */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "abi/caps.h"
#include "lib/compiler.h"
#include "lib/span.h"

/**
 * Valid UTF-8 (no overlong forms, no surrogates, nothing above U+10FFFF) without anything that
 * moves a cursor or
 * turns a line round: no C0, DEL or C1 controls, no line or paragraph separators, no bidirectional
 * controls.
 */
MUST_CHECK bool text_ok(span_t s);

/** "1.2.3" with an optional "-tail" or "+tail" of [0-9A-Za-z.+-]: what NOS_MAN_SEMVER may hold. */
MUST_CHECK bool text_is_semver(span_t s);

/** A name as abi/caps.h wants it, without padding: 1..16 of [a-z0-9_-], first a letter. */
MUST_CHECK bool name_ok(span_t s);

/** The same for the padded form: after the first zero all is zero. */
MUST_CHECK bool name16_ok(const char name[NOS_NAME_MAX]);

/** Bytes before the padding. */
MUST_CHECK size_t name16_len(const char name[NOS_NAME_MAX]);
MUST_CHECK span_t name16_span(const char name[NOS_NAME_MAX]);

/** A file name of the boot volume, padded: [A-Z0-9_-] with one dot inside, "INIT.MOD". */
MUST_CHECK bool file16_ok(const char name[NOS_NAME_MAX]);

/** Pad a name to 16 bytes. False, and `out` untouched, when it is longer. */
MUST_CHECK bool name16_set(char out[NOS_NAME_MAX], span_t name);

/** NOS_CTX_NAME over the name without its padding. */
void name_hash(span_t name, uint8_t out[32]);
