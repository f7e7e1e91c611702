#pragma once
/* What a module asked for and its capsule was not given: told when it is started, because the
 * capsule itself only sees that a handle is not there. */
#include <stdint.h>

/** The number of the next audit record; take it before the start. */
uint64_t missing_mark(void);

/** What capsule `id`, started since `mark`, was not given, a line each. `name`: the module's, if
 * the capsule has ended already. */
void missing_say(uint64_t mark, uint32_t id, const char *name);
