/* splitmix64, and the numbers at which things break. */
#include "lib/compiler.h"
#include "lib/splitmix.h"
#include "modules/swarm/swarm.h"
#include "sdk/start.h"

enum { SOON_NS = 20000, POLL = 1 };

static uint64_t state;

void draw_seed(uint64_t seed, uint64_t more)
{
    state = seed * 0x9e3779b97f4a7c15ull ^ more;
    (void)draw();
}

uint64_t draw(void)
{
    return splitmix64(&state);
}

uint64_t draw_below(uint64_t n)
{
    return draw() % n;
}

uint64_t draw_number(void)
{
    static const uint64_t edges[] = { 0,          1,         2,    3,    4,          5,
                                      7,          8,         16,   32,   63,         64,
                                      96,         32,        192,  196,  240,        255,
                                      256,        4095,      4096, 8192, UINT32_MAX, 1ull << 32,
                                      1ull << 63, UINT64_MAX };
    return draw_below(4) == 0 ? draw() >> draw_below(64) : edges[draw_below(ARRAY_LEN(edges))];
}

uint64_t draw_soon(void)
{
    return draw_below(8) == 0 ? nos_now_ns() + draw_below(SOON_NS) : POLL;
}
