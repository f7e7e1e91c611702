/*
 * Every change ends in refresh(): return, prompt, the part of the line that fits, erase the rest,
 * put the cursor back. Only the common case, a character typed at the end of a short line, is sent
 * as that character.
 */
#include "modules/shell/edit.h"

#include <string.h>

#include "lib/fmt.h"

enum escape_state { NO_ESCAPE, AFTER_ESC, AFTER_BRACKET, AFTER_O };
enum {
    CTRL_A = 1,
    CTRL_B = 2,
    CTRL_C = 3,
    CTRL_D = 4,
    CTRL_E = 5,
    CTRL_F = 6,
    BACKSPACE = 8,
    TAB = 9,
    CTRL_K = 11,
    CTRL_L = 12,
    CTRL_N = 14,
    CTRL_P = 16,
    CTRL_U = 21,
    CTRL_W = 23,
    ESC = 27,
    DELETE = 127
};

static void send(struct edit *e, const char *text, size_t len)
{
    size_t room = sizeof(e->out) - e->out_len;
    len = len < room ? len : room;
    memcpy(e->out + e->out_len, text, len);
    e->out_len += len;
}

static void send_text(struct edit *e, const char *text)
{
    send(e, text, strlen(text));
}

void edit_init(struct edit *e, const char *prompt)
{
    memset(e, 0, sizeof(*e));
    e->prompt = prompt;
}

void edit_start(struct edit *e)
{
    e->len = e->at = e->back = 0;
    e->line[0] = '\0';
    send_text(e, e->prompt);
}

span_t edit_take(struct edit *e)
{
    span_t s = span_of(e->out, e->out_len);
    e->out_len = 0;
    return s;
}

void edit_refresh(struct edit *e)
{
    size_t room = EDIT_WIDTH - strlen(e->prompt);
    size_t from = e->at > room ? e->at - room : 0;
    size_t shown = e->len - from < room ? e->len - from : room;
    char move[16];
    struct fmt f;

    e->out_len = 0;  // whatever was pending is shown by this
    send_text(e, "\r");
    send_text(e, e->prompt);
    send(e, e->line + from, shown);
    send_text(e, "\x1b[K\r");
    FMT_INIT(&f, move);
    fmt_str(&f, "\x1b[");
    fmt_u64(&f, strlen(e->prompt) + e->at - from);
    fmt_str(&f, "C");
    send_text(e, move);
}

static bool fits_plainly(const struct edit *e)
{
    return e->at == e->len && strlen(e->prompt) + e->len < EDIT_WIDTH;
}

void edit_insert(struct edit *e, span_t text)
{
    size_t room = EDIT_LINE - 1 - e->len;
    size_t n = text.len < room ? text.len : room;

    memmove(e->line + e->at + n, e->line + e->at, e->len - e->at + 1);
    if (n > 0) {
        memcpy(e->line + e->at, text.data, n);
    }
    e->len += n;
    e->at += n;
}

static void type(struct edit *e, uint8_t byte)
{
    bool plain = fits_plainly(e);
    size_t before = e->len;

    edit_insert(e, span_of(&byte, 1));
    if (e->len == before) {
        return;  // full
    }
    if (plain) {
        send(e, (const char *)&byte, 1);
    } else {
        edit_refresh(e);
    }
}

static void erase(struct edit *e, size_t from, size_t to)
{
    if (from >= to) {
        return;
    }
    memmove(e->line + from, e->line + to, e->len - to + 1);
    e->len -= to - from;
    e->at = from;
    edit_refresh(e);
}

static size_t word_start(const struct edit *e)
{
    size_t i = e->at;
    while (i > 0 && e->line[i - 1] == ' ') {
        i--;
    }
    while (i > 0 && e->line[i - 1] != ' ') {
        i--;
    }
    return i;
}

static void move_to(struct edit *e, size_t at)
{
    e->at = at;
    edit_refresh(e);
}

static void set_line(struct edit *e, const char *text)
{
    e->len = strlen(text);
    memcpy(e->line, text, e->len + 1);
    e->at = e->len;
    edit_refresh(e);
}

static const char *history_at(const struct edit *e, size_t back)
{
    return e->history[(e->n_history - back) % EDIT_HISTORY];
}

const char *edit_remembered(const struct edit *e, size_t n)
{
    size_t kept = e->n_history < EDIT_HISTORY ? e->n_history : EDIT_HISTORY;
    return n < kept ? history_at(e, kept - n) : NULL;
}

static void history_older(struct edit *e)
{
    size_t kept = e->n_history < EDIT_HISTORY ? e->n_history : EDIT_HISTORY;

    if (e->back >= kept) {
        return;
    }
    if (e->back == 0) {
        memcpy(e->draft, e->line, sizeof(e->draft));
    }
    e->back++;
    set_line(e, history_at(e, e->back));
}

static void history_newer(struct edit *e)
{
    if (e->back == 0) {
        return;
    }
    e->back--;
    set_line(e, e->back == 0 ? e->draft : history_at(e, e->back));
}

void edit_remember(struct edit *e, const char *line)
{
    size_t len = strlen(line);

    if (len == 0 || len >= EDIT_LINE) {
        return;
    }
    if (e->n_history > 0) {
        const char *last = history_at(e, 1);
        if (strlen(last) == len && memcmp(last, line, len) == 0) {
            return;
        }
    }
    memcpy(e->history[e->n_history % EDIT_HISTORY], line, len + 1);
    e->n_history++;
}

/* The last byte of ESC [ ..., ESC [ n ~ and ESC O .... */
static void escape_key(struct edit *e, uint8_t byte)
{
    bool home = byte == 'H' || (byte == '~' && (e->param == 1 || e->param == 7));
    bool end = byte == 'F' || (byte == '~' && (e->param == 4 || e->param == 8));

    if (byte == 'A') {
        history_older(e);
    } else if (byte == 'B') {
        history_newer(e);
    } else if (byte == 'C' && e->at < e->len) {
        move_to(e, e->at + 1);
    } else if (byte == 'D' && e->at > 0) {
        move_to(e, e->at - 1);
    } else if (home) {
        move_to(e, 0);
    } else if (end) {
        move_to(e, e->len);
    } else if (byte == '~' && e->param == 3 && e->at < e->len) {
        erase(e, e->at, e->at + 1);
    }
}

static void escape(struct edit *e, uint8_t byte)
{
    if (e->escape == AFTER_ESC) {
        e->param = 0;
        e->escape = byte == '[' ? AFTER_BRACKET : byte == 'O' ? AFTER_O : NO_ESCAPE;
    } else if (byte >= '0' && byte <= '9' && e->escape == AFTER_BRACKET) {
        e->param = e->param < 20 ? (uint8_t)(e->param * 10 + byte - '0') : e->param;
    } else if (byte >= 0x40 && byte <= 0x7e) {
        e->escape = NO_ESCAPE;
        escape_key(e, byte);
    } else if (byte < 0x20) {
        e->escape = byte == ESC ? AFTER_ESC : NO_ESCAPE;
    }
}

static void control(struct edit *e, uint8_t byte)
{
    switch (byte) {
    case CTRL_A:
        move_to(e, 0);
        break;
    case CTRL_E:
        move_to(e, e->len);
        break;
    case CTRL_B:
        move_to(e, e->at > 0 ? e->at - 1 : 0);
        break;
    case CTRL_F:
        move_to(e, e->at < e->len ? e->at + 1 : e->len);
        break;
    case CTRL_K:
        e->line[e->len = e->at] = '\0';
        edit_refresh(e);
        break;
    case CTRL_U:
        erase(e, 0, e->at);
        break;
    case CTRL_W:
        erase(e, word_start(e), e->at);
        break;
    case CTRL_P:
        history_older(e);
        break;
    case CTRL_N:
        history_newer(e);
        break;
    case CTRL_D:
        erase(e, e->at, e->at < e->len ? e->at + 1 : e->at);
        break;
    case BACKSPACE:
    case DELETE:
        erase(e, e->at > 0 ? e->at - 1 : 0, e->at);
        break;
    case ESC:
        e->escape = AFTER_ESC;
        break;
    default:
        break;
    }
}

static enum edit_event event_of(struct edit *e, uint8_t byte)
{
    if (byte == '\r' || byte == '\n') {
        send_text(e, "\n");
        return EDIT_ENTER;
    }
    if (byte == CTRL_C) {
        send_text(e, "^C\n");
        return EDIT_INTERRUPT;
    }
    if (byte == CTRL_D && e->len == 0) {
        return EDIT_EOF;
    }
    if (byte == TAB) {
        return EDIT_COMPLETE;
    }
    if (byte == CTRL_L) {
        edit_refresh(e);
        return EDIT_CLEAR;
    }
    return EDIT_NONE;
}

enum edit_event edit_feed(struct edit *e, uint8_t byte)
{
    bool after_cr = e->after_cr;

    e->after_cr = byte == '\r';
    if (e->escape != NO_ESCAPE) {
        escape(e, byte);
        return EDIT_NONE;
    }
    if (byte == '\n' && after_cr) {
        return EDIT_NONE;
    }
    enum edit_event event = event_of(e, byte);
    if (event != EDIT_NONE) {
        return event;
    }
    if (byte >= 0x20 && byte < 0x7f) {
        type(e, byte);
    } else if (byte < 0x80) {
        control(e, byte);
    }
    return EDIT_NONE;  // bytes above 127: names and numbers here are ASCII
}
