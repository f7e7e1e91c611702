#pragma once
/* A service to be upgraded, for tests. Two builds of one name, counter and counter2, write their
 * state in different forms and read both. */
#include <stdint.h>

#include "abi/ipc.h"

enum { LANES = 8 };
enum counter_op {
    COUNTER_NEXT = 1, /* word 0 = lane. Reply: word 0 = how often that lane asked, 1 = all lanes */
    COUNTER_HOLD = 2, /* word 0 = lane: the same, but answered with the next NEXT of any lane */
};

extern const uint32_t counter_form;
