#include "modules/shell/tty.h"

#include <string.h>

enum { CTRL_C = 3, CTRL_D = 4, BACKSPACE = 8, TAB = 9, CTRL_U = 21, CTRL_W = 23, DELETE = 127 };

static void echo(struct tty *t, const char *text)
{
    size_t len = strlen(text);

    if (len <= sizeof(t->out) - t->out_len) {  // else what is shown is not whole, and nothing else
        memcpy(t->out + t->out_len, text, len);
        t->out_len += len;
    }
}

static void take_back(struct tty *t)
{
    if (t->len > 0) {
        t->len--;
        echo(t, "\b \b");
    }
}

static void take_back_word(struct tty *t)
{
    while (t->len > 0 && t->line[t->len - 1] == ' ') {
        take_back(t);
    }
    while (t->len > 0 && t->line[t->len - 1] != ' ') {
        take_back(t);
    }
}

static void type(struct tty *t, uint8_t byte)
{
    if (t->len + 1 < sizeof(t->line)) {  // the line feed has its place
        t->line[t->len++] = (char)byte;
        echo(t, (const char[]){ (char)byte, '\0' });
    }
}

enum tty_event tty_feed(struct tty *t, uint8_t byte)
{
    bool after_cr = t->after_cr;

    t->after_cr = byte == '\r';
    if (byte == '\n' && after_cr) {
        return TTY_NONE;
    }
    switch (byte) {
    case '\r':
    case '\n':
        t->line[t->len++] = '\n';
        echo(t, "\n");
        return TTY_ENTER;
    case CTRL_C:
        t->len = 0;
        echo(t, "^C\n");
        return TTY_INTERRUPT;
    case CTRL_D:
        return TTY_EOF;
    case BACKSPACE:
    case DELETE:
        take_back(t);
        break;
    case CTRL_U:
        while (t->len > 0) {
            take_back(t);
        }
        break;
    case CTRL_W:
        take_back_word(t);
        break;
    default:
        if (byte >= 0x20 || byte == TAB) {
            type(t, byte == TAB ? ' ' : byte);
        }
        break;
    }
    return TTY_NONE;
}

span_t tty_line(struct tty *t)
{
    span_t s = span_of(t->line, t->len);
    t->len = 0;
    return s;
}

span_t tty_take(struct tty *t)
{
    span_t s = span_of(t->out, t->out_len);
    t->out_len = 0;
    return s;
}
