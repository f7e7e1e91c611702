/* JSON sources: one value at a time, with its path for messages. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "abi/caps.h"
#include "cli/out.h"
#include "cli/report.h"
#include "cli/source.h"
#include "lib/fmt.h"
#include "lib/text.h"

int field_fail(const struct field *f, const char *fmt, ...)
{
    char *why = NULL;
    va_list ap;
    va_start(ap, fmt);
    int n = vasprintf(&why, fmt, ap);
    va_end(ap);
    fail(USAGE, "%s: %s: %s", f->src->file, f->path[0] == '\0' ? "(whole file)" : f->path,
         n < 0 ? "out of memory" : why);
    free(why);
    return USAGE;
}

struct field field_root(const struct source *s)
{
    return (struct field){ .src = s, .node = s->root };
}

bool field_get(const struct field *obj, const char *key, struct field *out)
{
    const cJSON *node = cJSON_GetObjectItemCaseSensitive(obj->node, key);
    if (node == NULL) {
        return false;
    }
    struct field f = { .src = obj->src, .node = node };
    struct fmt path;
    FMT_INIT(&path, f.path);
    fmt_str(&path, obj->path);
    fmt_str(&path, obj->path[0] == '\0' ? "" : ".");
    fmt_str(&path, key);
    *out = f;
    return true;
}

int field_need(const struct field *obj, const char *key, struct field *out)
{
    return field_get(obj, key, out) ? DONE : field_fail(obj, "\"%s\" is missing", key);
}

struct field field_item(const struct field *array, size_t i)
{
    struct field f = { .src = array->src, .node = cJSON_GetArrayItem(array->node, (int)i) };
    struct fmt path;
    FMT_INIT(&path, f.path);
    fmt_str(&path, array->path);
    fmt_char(&path, '[');
    fmt_u64(&path, i);
    fmt_char(&path, ']');
    return f;
}

static char *join(const char *const *keys)
{
    char *all = must_printf("%s", "");
    for (; *keys != NULL; keys++) {
        char *more = must_printf("%s%s%s", all, all[0] == '\0' ? "" : ", ", *keys);
        free(all);
        all = more;
    }
    return all;
}

static bool among(const char *key, const char *const *keys)
{
    for (; *keys != NULL; keys++) {
        if (strcmp(key, *keys) == 0) {
            return true;
        }
    }
    return strncmp(key, "//", 2) == 0;
}

int field_object(const struct field *f, const char *const *keys)
{
    const cJSON *v;
    if (!cJSON_IsObject(f->node)) {
        return field_fail(f, "must be an object { ... }");
    }
    cJSON_ArrayForEach(v, f->node)
    {
        if (!among(v->string, keys)) {
            char *all = join(keys);
            char *safe = out_safe(span_of(v->string, strlen(v->string)));
            field_fail(f, "unknown key \"%s\"; allowed: %s", safe, all);
            free(safe);
            free(all);
            return USAGE;
        }
    }
    return DONE;
}

int field_array(const struct field *f, size_t min, size_t max, size_t *n)
{
    if (!cJSON_IsArray(f->node)) {
        return field_fail(f, "must be a list [ ... ]");
    }
    size_t len = (size_t)cJSON_GetArraySize(f->node);
    if (len < min || len > max) {
        return field_fail(f, "has %zu items; allowed: %zu to %zu", len, min, max);
    }
    *n = len;
    return DONE;
}

static bool number_of(const cJSON *node, uint64_t *out)
{
    if (cJSON_IsNumber(node)) {
        double d = node->valuedouble;
        if (!(d >= 0 && d <= 9007199254740992.0) ||
            d != (double)(uint64_t)d) {  // doubles are exact up to 2^53
            return false;
        }
        *out = (uint64_t)d;
        return true;
    }
    if (!cJSON_IsString(node) || node->valuestring[0] < '0' || node->valuestring[0] > '9') {
        return false;  // strtoull would take a sign or white space
    }
    char *end;
    bool hex = node->valuestring[0] == '0' && node->valuestring[1] == 'x';
    errno = 0;
    unsigned long long v = strtoull(node->valuestring, &end, hex ? 16 : 10);
    if (errno != 0 || *end != '\0' || (hex && node->valuestring[2] == '\0')) {
        return false;
    }
    *out = v;
    return true;
}

int field_u64(const struct field *f, uint64_t min, uint64_t max, uint64_t *out)
{
    uint64_t v;
    if (!number_of(f->node, &v) || v < min || v > max) {
        return field_fail(
            f, "must be a whole number from %llu to %llu (or such a number as text, \"0x3f8\")",
            (unsigned long long)min, (unsigned long long)max);
    }
    *out = v;
    return DONE;
}

int field_u32(const struct field *f, uint32_t min, uint32_t max, uint32_t *out)
{
    uint64_t v;
    int rc = field_u64(f, min, max, &v);
    if (rc == DONE) {
        *out = (uint32_t)v;
    }
    return rc;
}

int field_bool(const struct field *f, bool *out)
{
    if (!cJSON_IsBool(f->node)) {
        return field_fail(f, "must be true or false");
    }
    *out = cJSON_IsTrue(f->node);
    return DONE;
}

int field_text(const struct field *f, size_t min, size_t max, const char **out)
{
    if (!cJSON_IsString(f->node)) {
        return field_fail(f, "must be text in double quotes");
    }
    size_t len = strlen(f->node->valuestring);
    if (len < min || len > max) {
        return field_fail(f, "is %zu bytes of text; allowed: %zu to %zu", len, min, max);
    }
    if (!text_ok(span_of(f->node->valuestring, len))) {
        return field_fail(f, "must be plain UTF-8 text without control characters");
    }
    *out = f->node->valuestring;
    return DONE;
}

int field_name(const struct field *f, const struct name_list *list, uint32_t *out)
{
    const char *text;
    int rc = field_text(f, 0, 64, &text);
    if (rc == DONE && !name_find(list, text, out)) {
        char *all = names_all(list);
        rc = field_fail(f, "\"%s\" is no %s; allowed: %s", text, list->what, all);
        free(all);
    }
    return rc;
}

int field_mask(const struct field *f, const struct name_list *list, uint32_t *out)
{
    size_t n;
    uint32_t mask = 0;
    int rc = field_array(f, 1, list->n, &n);
    for (size_t i = 0; rc == DONE && i < n; i++) {
        struct field item = field_item(f, i);
        uint32_t bit = 0;
        rc = field_name(&item, list, &bit);
        if (rc == DONE && (mask & bit) != 0) {
            rc = field_fail(&item, "is in the list twice");
        }
        mask |= bit;
    }
    if (rc == DONE) {
        *out = mask;
    }
    return rc;
}

int field_nos_name(const struct field *f, char out[NOS_NAME_MAX])
{
    const char *text = cJSON_IsString(f->node) ? f->node->valuestring : "";
    span_t name = span_of(text, strlen(text));
    if (!name_ok(name) || !name16_set(out, name)) {
        return field_fail(f, "must be a name: 1 to 16 of a-z 0-9 _ -, first a letter");
    }
    return DONE;
}

int member_u32(const struct field *obj, const char *key, uint32_t min, uint32_t max, uint32_t *out)
{
    struct field f;
    return field_get(obj, key, &f) ? field_u32(&f, min, max, out) : DONE;
}

int member_u64(const struct field *obj, const char *key, uint64_t min, uint64_t max, uint64_t *out)
{
    struct field f;
    return field_get(obj, key, &f) ? field_u64(&f, min, max, out) : DONE;
}

int member_bool(const struct field *obj, const char *key, bool *out)
{
    struct field f;
    return field_get(obj, key, &f) ? field_bool(&f, out) : DONE;
}

int need_u32(const struct field *obj, const char *key, uint32_t min, uint32_t max, uint32_t *out)
{
    struct field f;
    int rc = field_need(obj, key, &f);
    return rc == DONE ? field_u32(&f, min, max, out) : rc;
}

int need_u64(const struct field *obj, const char *key, uint64_t min, uint64_t max, uint64_t *out)
{
    struct field f;
    int rc = field_need(obj, key, &f);
    return rc == DONE ? field_u64(&f, min, max, out) : rc;
}

int need_mask(const struct field *obj, const char *key, const struct name_list *list, uint32_t *out)
{
    struct field f;
    int rc = field_need(obj, key, &f);
    return rc == DONE ? field_mask(&f, list, out) : rc;
}

int need_nos_name(const struct field *obj, const char *key, char out[NOS_NAME_MAX])
{
    struct field f;
    int rc = field_need(obj, key, &f);
    return rc == DONE ? field_nos_name(&f, out) : rc;
}
