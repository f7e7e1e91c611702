/* What the verbs' argument parsers share. */
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/hex.h"
#include "lib/fmt.h"

void parse_args(const struct argp *argp, int argc, char **argv, void *into)
{
    argp_parse(argp, argc, argv, 0, NULL, into);
}

void parse_form(const char *arg, struct argp_state *state, enum out_form *out)
{
    if (strcmp(arg, "json") == 0) {
        *out = OUT_JSON;
    } else if (strcmp(arg, "text") == 0) {
        *out = OUT_TEXT;
    } else {
        argp_error(state, "-o takes json or text");
    }
}

uint64_t parse_number(const char *arg, struct argp_state *state, const char *what, uint64_t min,
                      uint64_t max)
{
    uint64_t v = 0;
    if (!parse_u64(span_of(arg, strlen(arg)), &v) || v < min || v > max) {
        argp_error(state, "%s must be a number from %llu to %llu", what, (unsigned long long)min,
                   (unsigned long long)max);
    }
    return v;
}

void words_add(struct words *w, const char *arg, struct argp_state *state)
{
    if (w->n == ARRAY_LEN(w->item)) {
        argp_error(state, "more than %zu of one option", w->n);
    }
    w->item[w->n++] = arg;
}

void parse_hex32(const char *arg, struct argp_state *state, const char *what, const char *of,
                 uint8_t out[32])
{
    if (!hex_decode(arg, strlen(arg), mspan_of(out, 32))) {
        argp_error(state, "%s takes 64 hexadecimal digits%s", what, of);
    }
}

void parse_one(const char *arg, struct argp_state *state, const char *what, const char **out)
{
    if (*out != NULL) {
        argp_error(state, "one %s at a time", what);
    }
    *out = arg;
}

void parse_none(const char *arg, struct argp_state *state)
{
    argp_error(state, "what is %s?", arg);
}

static error_t parse_view_key(int key, char *arg, struct argp_state *state)
{
    struct view_args *a = state->input;
    switch (key) {
    case 'o':
        parse_form(arg, state, &a->form);
        return 0;
    case ARGP_KEY_ARG:
        parse_one(arg, state, a->what, &a->file);
        return 0;
    case ARGP_KEY_NO_ARGS:
        argp_error(state, "which %s?", a->what);
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp_option view_options[] = {
    { "output", 'o', "FORM", 0, "json or text", 0 },
    { 0 },
};
const struct argp view_argp = { view_options, parse_view_key, NULL, NULL, NULL, NULL, NULL };

void parse_view(int argc, char **argv, const char *doc, struct view_args *a)
{
    const struct argp argp = {
        view_options, parse_view_key, "FILE", doc, NULL, NULL, NULL,
    };
    parse_args(&argp, argc, argv, a);
}
