#pragma once
/* What init tells people: always the log, and the console when it can take it. */
#include "abi/info.h"
#include "lib/compiler.h"
#include "sdk/print.h"

/** "crashme (capsule 7) crashed: ...; WHAT FOLLOWS". To log and console. */
void say_end(const struct nos_capsule_info *c, const char *fmt, ...) PRINTF_LIKE(2, 3);

/** Other news, to log and console. */
void say(const char *fmt, ...) PRINTF_LIKE(1, 2);

/** The same for an end that nobody needs to be told of: to the log. */
void log_end(const struct nos_capsule_info *c);
