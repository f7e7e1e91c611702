#pragma once
/* What the keyboard's codes say. Nothing of N0N-OS in it, so test_keys.c tries it on the
 * developer's machine. Codes: set 1, to which the controller translates what the keyboard sends. */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { KEYS_MAX = 64 };

struct keys {  // all zero: nothing was pressed
    bool left_shift, right_shift, caps, extended;
    unsigned skip;  // codes of the Pause key that are still to come
    size_t n;
    char text[KEYS_MAX];  // typed and not yet taken
};

/** One code. Typed characters (US layout, ASCII) collect in `text`; what does not fit is lost. */
void keys_take(struct keys *k, uint8_t code);
