/* See handover.h. */
#include "modules/shell/handover.h"

#include <string.h>

#include "modules/shell/job.h"
#include "modules/shell/place.h"
#include "modules/shell/shell.h"
#include "modules/shell/vars.h"

enum { FORM = 2, ROOM = 8192 + EDIT_HISTORY * (EDIT_LINE + 8) };
enum tag {
    TAG_LINE = 1,
    TAG_AT = 2, /* the cursor */
    TAG_TSC_READY = 3,
    TAG_IDLE_READY = 4,
    TAG_NOTE = 5, /* handle: bound to the endpoint */
    TAG_HERE = 6,
    TAG_VARS = 7,
    TAG_HISTORY_FIRST = 0x10, /* one each, the oldest first */
};

static struct edit *edit;
static void (*before_save)(void);
static bool took_over;

static nos_status_t save(struct nos_state_out *out)
{
    const char *line;
    size_t len, n;

    if (jobs_running() != 0) {
        return NOS_BUSY;  // its pipes are this version's memory
    }
    before_save();
    nos_state_put(out, TAG_LINE, span_of(edit->line, edit->len));
    nos_state_put_u64(out, TAG_AT, edit->at);
    nos_state_put_u64(out, TAG_TSC_READY, shell.tsc_ready);
    nos_state_put_u64(out, TAG_IDLE_READY, shell.idle_ready_ns);
    nos_state_put_u64(out, TAG_NOTE, nos_state_pass(out, shell.note, NOS_RIGHT_ALL));
    nos_state_put(out, TAG_HERE, span_of(place_here(), strlen(place_here())));
    const char *vars = vars_all(&len, &n);
    nos_state_put(out, TAG_VARS, span_of(vars, len));
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

/* Variables one by one, as if they were set. */
static bool load_vars(span_t all)
{
    static char text[VARS_TEXT];

    while (all.len > 0) {
        size_t len = 0;
        while (len < all.len && all.data[len] != '\0') {
            len++;
        }
        if (len == all.len || len >= sizeof(text)) {
            return false;
        }
        memcpy(text, all.data, len + 1);
        all = span_of(all.data + len + 1, all.len - len - 1);
        if (vars_set(text) != NOS_OK) {
            return false;
        }
    }
    return true;
}

static bool load_here(span_t here)
{
    static char path[PLACE_PATH];

    if (here.len >= sizeof(path)) {
        return false;
    }
    memcpy(path, here.data, here.len);
    path[here.len] = '\0';
    place_begin(path);
    return true;
}

static nos_status_t load(const struct nos_state_in *in)
{
    uint64_t at, note;
    span_t line, here, vars;

    if (in->form != FORM || !nos_state_get(in, TAG_LINE, &line) ||
        !nos_state_get_u64(in, TAG_AT, &at) || at > line.len || line.len >= EDIT_LINE ||
        !nos_state_get_u64(in, TAG_TSC_READY, &shell.tsc_ready) ||
        !nos_state_get_u64(in, TAG_IDLE_READY, &shell.idle_ready_ns)) {
        return NOS_BAD_MESSAGE;
    }
    if (!nos_state_get_u64(in, TAG_NOTE, &note) || !nos_state_get(in, TAG_HERE, &here) ||
        !nos_state_get(in, TAG_VARS, &vars) || !load_here(here) || !load_vars(vars)) {
        return NOS_BAD_MESSAGE;
    }
    shell.note = nos_state_handle(in, note);
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
