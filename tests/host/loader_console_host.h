/* The loader's console, for tests of its stages: the last line that was printed, the one before
 * it, and how many.
 * Included once. */
#pragma once

#include "boot/console.h"

static char text[300], text_before[300];
static struct fmt line;
static unsigned printed;

struct fmt *console_line(void)
{
    memcpy(text_before, text, sizeof text_before);
    FMT_INIT(&line, text);
    return &line;
}

void console_print(void)
{
    span_t said = fmt_text(&line);
    text[said.len] = '\0';
    printed++;
}
