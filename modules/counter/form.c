#include "modules/counter/counter.h"

const uint32_t counter_form = 1;
