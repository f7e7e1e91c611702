#include "cli/grants.h"

#include <stdlib.h>
#include <string.h>

#include "cli/capsrc.h"
#include "cli/file.h"
#include "cli/out.h"
#include "cli/report.h"

struct asked { /* a manifest and the rule for it */
    const char *manifest, *rule;
    struct source man, pol;
    struct buf text; /* of the manifest, for lines */
    const char *name;
    int rc; /* DONE, or REFUSED as soon as one thing is missing */
};

struct scan { /* of json_line */
    int depth;
    bool named, inside, fresh; /* after the key; in its list; where an item may begin */
    size_t item;
};

static bool blank(uint8_t c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

/** One past the string that begins at `at`. */
static size_t string_end(span_t text, size_t at)
{
    for (at++; at < text.len && text.data[at] != '"'; at++) {
        at += text.data[at] == '\\';
    }
    return at + 1;
}

static bool is_key(span_t text, size_t at, size_t end, const char *key)
{
    size_t len = strlen(key);
    return end <= text.len && end - at == len + 2 && memcmp(text.data + at + 1, key, len) == 0;
}

static void step(struct scan *s, uint8_t c)
{
    if (c == ',' && s->inside && s->depth == 2) {
        s->item++;
        s->fresh = true;
    } else if (c == ',' && s->depth == 1) {
        s->named = false;
    } else if (c == '[' || c == '{') {
        s->inside = s->inside || (s->named && s->depth == 1 && c == '[');
        s->fresh = s->inside && s->depth == 1;
        s->depth++;
    } else if (c == ']' || c == '}') {
        s->depth--;
        s->inside = s->inside && s->depth > 1;
    }
}

unsigned json_line(span_t text, const char *key, size_t i)
{
    struct scan s = { 0 };
    unsigned line = 1;
    for (size_t at = 0; at < text.len; at++) {
        uint8_t c = text.data[at];
        line += c == '\n';
        if (s.fresh && !blank(c) && c != ']') {
            if (s.item == i) {
                return line;
            }
            s.fresh = false;
        }
        if (c == '"') {
            size_t end = string_end(text, at);
            s.named = s.depth == 1 ? s.named || is_key(text, at, end, key) : s.named;
            at = end - 1; /* no line ends in a string */
        } else {
            step(&s, c);
        }
    }
    return 0;
}

static void missing(struct asked *a, const char *list, size_t i, const char *what)
{
    a->rc = fail(REFUSED, "%s:%u: %s asks for %s, which %s does not grant", a->manifest,
                 json_line(buf_span(&a->text), list, i), a->name, what, a->rule);
}

/** Rights of `want` that `got` lacks, as a list. Gives: to be freed. */
static char *rights_text(uint32_t mask)
{
    cJSON *names = names_of_mask(&right_names, mask);
    char *printed = cJSON_PrintUnformatted(names),
         *text = must_printf("%s", printed == NULL ? "?" : printed);
    cJSON_free(printed);
    cJSON_Delete(names);
    return text;
}

/** As it stands in the source, comments included. Gives: to be freed. */
static char *source_text(const struct field *f)
{
    char *printed = cJSON_PrintUnformatted(f->node);
    char *safe = printed == NULL ? must_printf("?") : out_safe(span_of(printed, strlen(printed)));
    cJSON_free(printed);
    return safe;
}

static void check_cap(struct asked *a, const struct field *item, size_t i,
                      const struct cap_list *granted)
{
    struct nos_cap want, got = { 0 };
    bool some = false;
    int rc = capsrc_one(item, &want);
    if (rc != DONE) {
        a->rc = rc;
        return;
    }
    for (uint32_t k = 0; !some && k < granted->n; k++) {
        some = cap_intersect(&want, &granted->cap[k], &got);
    }
    if (some && got.rights == want.rights) {
        return;
    }
    char *whole = source_text(item);
    char *lack = rights_text(want.rights & ~got.rights);
    char *what = some ? must_printf("the rights %s of %s", lack, whole) : must_printf("%s", whole);
    missing(a, "caps", i, what);
    hint("the operator of the machine can grant it: in \"grants\" of %s, that is %s", a->rule,
         whole);
    free(what);
    free(lack);
    free(whole);
}

static int check_caps(struct asked *a, const struct field *man, const struct field *pol)
{
    struct field caps, grants;
    struct cap_list granted = { 0 };
    size_t n = 0;
    int rc = field_get(pol, "grants", &grants) ? capsrc_read(&grants, &granted) : DONE;
    if (rc != DONE || !field_get(man, "caps", &caps)) {
        return rc;
    }
    rc = field_array(&caps, 0, NOS_CAPS_MAX, &n);
    for (size_t i = 0; rc == DONE && i < n; i++) {
        struct field item = field_item(&caps, i);
        check_cap(a, &item, i, &granted);
        rc = a->rc == DONE || a->rc == REFUSED ? DONE : a->rc;
    }
    return rc;
}

static int check_classes(struct asked *a, const struct field *man, const struct field *pol)
{
    struct field list, item;
    uint32_t granted = 0, one;
    size_t n = 0;
    int rc = need_mask(pol, "classes", &class_names, &granted);
    if (rc == DONE) {
        rc = field_need(man, "classes", &list);
    }
    if (rc == DONE) {
        rc = field_array(&list, 1, class_names.n, &n);
    }
    for (size_t i = 0; rc == DONE && i < n; i++) {
        item = field_item(&list, i);
        rc = field_name(&item, &class_names, &one);
        if (rc == DONE && (one & granted) == 0) {
            char *what = must_printf("the class %s", name_of(&class_names, one));
            missing(a, "classes", i, what);
            hint("the operator of the machine can grant it: in \"classes\" of %s", a->rule);
            free(what);
        }
    }
    return rc;
}

static int check(struct asked *a)
{
    struct field man = field_root(&a->man), pol = field_root(&a->pol), name, module;
    const char *of = NULL;
    int rc = field_need(&man, "name", &name) == DONE && field_need(&pol, "module", &module) == DONE
                 ? DONE
                 : USAGE;
    if (rc == DONE) {
        rc = field_text(&name, 1, NOS_NAME_MAX, &a->name);
    }
    if (rc == DONE) {
        rc = field_text(&module, 1, NOS_NAME_MAX, &of);
    }
    if (rc == DONE && strcmp(a->name, of) != 0) {
        fail(REFUSED, "%s is called %s, and %s is for %s: the machine would refuse it", a->manifest,
             a->name, a->rule, of);
        hint("write the same name into both, and into the Makefile");
        return REFUSED;
    }
    if (rc == DONE) {
        rc = check_classes(a, &man, &pol);
    }
    if (rc == DONE) {
        rc = check_caps(a, &man, &pol);
    }
    return rc == DONE ? a->rc : rc;
}

int grants_check(const char *manifest, const char *rule)
{
    struct asked a = { .manifest = manifest, .rule = rule };
    int rc = source_load(manifest, &a.man);
    if (rc == DONE) {
        rc = source_load(rule, &a.pol);
        if (rc == DONE) {
            rc = file_read(manifest, SOURCE_MAX, &a.text);
            if (rc == DONE) {
                rc = check(&a);
            }
            buf_free(&a.text);
            source_free(&a.pol);
        }
        source_free(&a.man);
    }
    return rc;
}
