/* See handover.h. */
#include "modules/shell/handover.h"

#include <string.h>

#include "modules/shell/shell.h"

enum { FORM = 1, ROOM = 4096 + EDIT_HISTORY * (EDIT_LINE + 8) };
enum tag {
    TAG_LINE = 1,
    TAG_AT = 2, /* the cursor */
    TAG_TSC_READY = 3,
    TAG_IDLE_READY = 4,
    TAG_HISTORY_FIRST = 0x10, /* one each, the oldest first */
};

static struct edit *edit;
static void (*before_save)(void);
static bool took_over;

static nos_status_t save(struct nos_state_out *out)
{
    const char *line;

    before_save();
    nos_state_put(out, TAG_LINE, span_of(edit->line, edit->len));
    nos_state_put_u64(out, TAG_AT, edit->at);
    nos_state_put_u64(out, TAG_TSC_READY, shell.tsc_ready);
    nos_state_put_u64(out, TAG_IDLE_READY, shell.idle_ready_ns);
    for (size_t i = 0; (line = edit_remembered(edit, i)) != NULL; i++) {
        nos_state_put(out, (uint16_t)(TAG_HISTORY_FIRST + i), span_of(line, strlen(line)));
    }
    return NOS_OK;
}

/* As if they had been typed: what does not fit is cut as then. */
static void load_history(const struct nos_state_in *in)
{
    char text[EDIT_LINE];
    span_t line;

    for (unsigned i = 0; i < EDIT_HISTORY; i++) {
        if (nos_state_get(in, (uint16_t)(TAG_HISTORY_FIRST + i), &line) &&
            line.len < sizeof(text)) {
            memcpy(text, line.data, line.len);
            text[line.len] = '\0';
            edit_remember(edit, text);
        }
    }
}

static nos_status_t load(const struct nos_state_in *in)
{
    uint64_t at;
    span_t line;

    if (in->form != FORM || !nos_state_get(in, TAG_LINE, &line) ||
        !nos_state_get_u64(in, TAG_AT, &at) || at > line.len || line.len >= EDIT_LINE ||
        !nos_state_get_u64(in, TAG_TSC_READY, &shell.tsc_ready) ||
        !nos_state_get_u64(in, TAG_IDLE_READY, &shell.idle_ready_ns)) {
        return NOS_BAD_MESSAGE;
    }
    load_history(in);
    edit_insert(edit, line);
    edit->at = at;
    took_over = true;
    return NOS_OK;
}

bool handover_begin(struct edit *e, void (*before)(void))
{
    static const struct nos_upgrade u = { .form = FORM, .room = ROOM, .save = save, .load = load };

    edit = e;
    before_save = before;
    nos_upgradable(&u);
    return took_over;
}
