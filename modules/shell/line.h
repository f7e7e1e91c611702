#pragma once
/*
 * A line as commands: what is joined by `|`, each with its words and where its descriptors lead.
 * Pure.
 *
 * Blanks separate words. '...' keeps everything, "..." all but $NAME and \, a \ the next character.
 * $NAME and ${NAME} are the variable, $? the last exit code: as one word, whatever is in it;
 * without quotes an empty one is no word. An argument with * or ? that are not quoted is the names
 * of files that it fits, sorted; itself if there are none. < FILE, > FILE, >> FILE, 2> FILE, 2>>
 * FILE, 2>&1; & at the end. A ; or && or || ends the line, what is behind it is the next one.
 */
#include <stdbool.h>
#include <stddef.h>

#include "abi/status.h"
#include "lib/compiler.h"
#include "lib/span.h"
#include "modules/shell/words.h"

enum { LINE_WORDS = 64, LINE_TEXT = 2048, LINE_STAGES = 6 };

struct line_file {
    const char *path; /* NULL: not redirected */
    bool append;
};

struct line_stage {
    struct words words;
    struct line_file in, out, err;
    bool err_to_out;
};

enum line_joint { LINE_THEN /* ; */, LINE_AND /* && */, LINE_OR /* || */ };

struct line {
    size_t n; /* stages; 0: the line is empty */
    struct line_stage stage[LINE_STAGES];
    bool background;
    const char *rest;      /* of the text: another line; NULL */
    enum line_joint joint; /* how that one hangs on this one */
    const char *wrong;     /* what is wrong with it, when line_parse says so */
    /* private */
    char *word[LINE_WORDS + 1];
    size_t n_words;
    char text[LINE_TEXT];
    size_t len;
};

/** Does `text` stand in a line for itself, without quotes? */
MUST_CHECK bool line_is_plain(span_t text);

struct line_world { /* what a line can name */
    /** The value of a variable, or NULL; "?" too. */
    const char *(*lookup)(const char *name, size_t len);
    /** Each name in the directory `path`; none when there is no such one. */
    void (*list)(const char *path, void (*each)(void *arg, span_t name, bool dir), void *arg);
};

/** Errors: INVALID, TOO_BIG; l->wrong says what. Nothing of `text` is kept. */
MUST_CHECK nos_status_t line_parse(struct line *l, const char *text, const struct line_world *w);
