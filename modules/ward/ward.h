#pragma once
/*
 * What storm asks of its wards: a call with label = operation, word 0 = a number. The answer's
 * label is a status; word 0 = ward_answer(number), word 1 = the status of what was done for it.
 */
#include <stdint.h>

enum ward_op {
    WARD_ECHO = 1,      /* only answer */
    WARD_MEMORY = 2,    /* make, fill, check and give back a region */
    WARD_NEIGHBOUR = 3, /* call the next ward */
    WARD_SAY = 4,       /* a line to the console */
    WARD_THREAD = 5,    /* a thread, which signals and ends */
    WARD_EAT = 6,       /* take one kind of thing until it is refused, and give all back */
    WARD_FPU = 7,       /* look at what the FPU has kept since the last time, and put in another */
    WARD_OPS = 8
};

/* What a ward that is whole makes of a number. */
static inline uint64_t ward_answer(uint64_t n)
{
    return (n ^ 0x57a6d) * 0x9e3779b97f4a7c15ull;
}
