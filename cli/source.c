/* JSON sources: loading. cJSON parses by recursion and keeps duplicate keys, so depth is counted
 * before it sees the text and duplicates are looked for afterwards. */
#include "cli/source.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/file.h"
#include "cli/out.h"
#include "cli/report.h"
#include "lib/span.h"

static size_t line_of(span_t text, size_t at)
{
    size_t line = 1;
    for (size_t i = 0; i < at && i < text.len; i++) {
        line += text.data[i] == '\n';
    }
    return line;
}

/** Deepest nesting of brackets outside of strings. Wrong JSON gives some number; the parser will
 * refuse it. */
static size_t depth_of(span_t text)
{
    size_t depth = 0, deepest = 0;
    bool in_string = false;
    for (size_t i = 0; i < text.len; i++) {
        uint8_t c = text.data[i];
        if (in_string) {
            i += c == '\\';
            in_string = c != '"';
        } else if (c == '"') {
            in_string = true;
        } else if (c == '{' || c == '[') {
            deepest = ++depth > deepest ? depth : deepest;
        } else if ((c == '}' || c == ']') && depth > 0) {
            depth--;
        }
    }
    return deepest;
}

/** cJSON stops at the end of the value; only white space may follow. */
static bool only_space(const char *s, const char *end)
{
    while (s < end && (*s == ' ' || *s == '\t' || *s == '\r' || *s == '\n')) {
        s++;
    }
    return s == end;
}

static int no_duplicates(const char *file, const cJSON *node)
{
    const cJSON *a, *b;
    int rc = DONE;
    cJSON_ArrayForEach(a, node)
    {
        for (b = a->next; rc == DONE && cJSON_IsObject(node) && b != NULL; b = b->next) {
            if (strcmp(a->string, b->string) == 0 && strncmp(a->string, "//", 2) != 0) {
                char *safe = out_safe(span_of(a->string, strlen(a->string)));
                rc = fail(USAGE, "%s: key \"%s\" appears twice in one object", file, safe);
                free(safe);
            }
        }
        if (rc == DONE) {
            rc = no_duplicates(file, a);
        }
        if (rc != DONE) {
            break;
        }
    }
    return rc;
}

static int parse(const char *file, span_t text, struct source *out)
{
    if (depth_of(text) > SOURCE_DEPTH) {
        return fail(USAGE, "%s: nested more than %d deep", file, SOURCE_DEPTH);
    }
    if (memchr(text.data, 0, text.len) != NULL) {
        return fail(USAGE, "%s: contains a zero byte; expected JSON text", file);
    }
    const char *start = (const char *)text.data, *end = start;
    cJSON *root = cJSON_ParseWithLengthOpts(start, text.len, &end, false);
    if (root == NULL || !only_space(end, start + text.len)) {
        cJSON_Delete(root);
        return fail(USAGE, "%s:%zu: not JSON here", file, line_of(text, (size_t)(end - start)));
    }
    int rc = no_duplicates(file, root);
    if (rc != DONE) {
        cJSON_Delete(root);
        return rc;
    }
    *out = (struct source){ file, root };
    return DONE;
}

int source_load(const char *file, struct source *out)
{
    struct buf text;
    int rc = file_read(file, SOURCE_MAX, &text);
    if (rc == DONE) {
        rc = parse(file, buf_span(&text), out);
        buf_free(&text);
    }
    return rc;
}

void source_free(struct source *s)
{
    cJSON_Delete(s->root);
    s->root = NULL;
}
