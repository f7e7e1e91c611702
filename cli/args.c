/* What the verbs' argument parsers share. */
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"
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
