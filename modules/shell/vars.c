#include "modules/shell/vars.h"

#include <string.h>

static struct {
    char text[VARS_TEXT];
    size_t len, n;
} vars;

static size_t name_len(const char *text)
{
    size_t len = 0;

    for (;; len++) {
        char c = text[len];
        bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
        if (!letter && (len == 0 || c < '0' || c > '9')) {
            return len;
        }
    }
}

bool vars_is_assignment(const char *text)
{
    size_t len = name_len(text);
    return len > 0 && text[len] == '=';
}

bool vars_is_name(const char *text)
{
    size_t len = name_len(text);
    return len > 0 && text[len] == '\0';
}

static char *find(const char *name, size_t len)
{
    for (char *at = vars.text; at < vars.text + vars.len; at += strlen(at) + 1) {
        if (name_len(at) == len && memcmp(at, name, len) == 0) {
            return at;
        }
    }
    return NULL;
}

const char *vars_get(const char *name, size_t len)
{
    const char *at = find(name, len);
    return at == NULL ? NULL : at + len + 1;
}

static void take_out(char *at)
{
    size_t size = strlen(at) + 1;

    memmove(at, at + size, (size_t)(vars.text + vars.len - (at + size)));
    vars.len -= size;
    vars.n--;
}

void vars_unset(const char *name)
{
    char *at = find(name, strlen(name));
    if (at != NULL) {
        take_out(at);
    }
}

nos_status_t vars_set(const char *assignment)
{
    size_t size = strlen(assignment) + 1, name = name_len(assignment);

    if (!vars_is_assignment(assignment)) {
        return NOS_INVALID;
    }
    char *old = find(assignment, name);
    if (vars.len - (old == NULL ? 0 : strlen(old) + 1) + size > VARS_TEXT) {
        return NOS_TOO_BIG;
    }
    if (old != NULL) {
        take_out(old);
    }
    memcpy(vars.text + vars.len, assignment, size);
    vars.len += size;
    vars.n++;
    return NOS_OK;
}

const char *vars_all(size_t *len, size_t *n)
{
    *len = vars.len;
    *n = vars.n;
    return vars.text;
}
