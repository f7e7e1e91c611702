/* splitmix64. */
#include "lib/splitmix.h"
#include "modules/sysfuzz/sysfuzz.h"

static uint64_t state;

void draw_seed(uint64_t seed)
{
    state = seed;
}

uint64_t draw(void)
{
    return splitmix64(&state);
}

uint64_t draw_below(uint64_t n)
{
    return draw() % n;
}
