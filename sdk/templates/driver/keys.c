#include "keys.h"

enum {
    EXTENDED = 0xe0,
    PAUSE = 0xe1,
    PAUSE_MORE = 2,
    RELEASED = 0x80,
    ENTER = 0x1c,
    LEFT_SHIFT = 0x2a,
    SLASH = 0x35,
    RIGHT_SHIFT = 0x36,
    CAPS_LOCK = 0x3a
};

/* By code; 0 types nothing. The keypad's digits are left out: they mean Num Lock's two things. */
static const char plain[] = "\0\x1b"
                            "1234567890-=\b\tqwertyuiop[]\n\0asdfghjkl;'`\0\\zxcvbnm,./\0*\0 ";
static const char shifted[] = "\0\x1b"
                              "!@#$%^&*()_+\b\tQWERTYUIOP{}\n\0ASDFGHJKL:\"~\0|ZXCVBNM<>?\0*\0 ";
_Static_assert(sizeof plain == sizeof shifted && sizeof plain == 0x3a + 1, "one per code");

static void type(struct keys *k, char c)
{
    if (c != '\0' && k->n < KEYS_MAX) {
        k->text[k->n++] = c;
    }
}

static char typed_by(const struct keys *k, uint8_t code)
{
    if (code >= sizeof plain - 1) {
        return '\0';
    }
    bool letter = plain[code] >= 'a' && plain[code] <= 'z';
    bool shift = k->left_shift || k->right_shift;
    return shift != (letter && k->caps) ? shifted[code] : plain[code];
}

/* Of the keys that came later than 1981 these two type; among the others are shifts that nobody
 * pressed, and that mean nothing. */
static void take_extended(struct keys *k, uint8_t code)
{
    if (code == ENTER || code == SLASH) {
        type(k, plain[code]);
    }
}

void keys_take(struct keys *k, uint8_t code)
{
    bool extended = k->extended, pressed = (code & RELEASED) == 0;

    if (k->skip > 0) {
        k->skip--;
        return;
    }
    k->extended = code == EXTENDED;
    if (code == EXTENDED || code == PAUSE) {
        k->skip = code == PAUSE ? PAUSE_MORE : 0;
    } else if (extended) {
        take_extended(k, code);
    } else if ((code & ~RELEASED) == LEFT_SHIFT) {
        k->left_shift = pressed;
    } else if ((code & ~RELEASED) == RIGHT_SHIFT) {
        k->right_shift = pressed;
    } else if (code == CAPS_LOCK) {
        k->caps = !k->caps;
    } else if (pressed) {
        type(k, typed_by(k, code));
    }
}
