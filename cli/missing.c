/* The kernel puts each refusal on record when it starts a capsule: what it is about is read from
 * there, not guessed from a policy that may be another one. */
#include "cli/missing.h"

#include <stdlib.h>
#include <string.h>

#include "cli/capsrc.h"
#include "cli/grants.h"
#include "cli/out.h"
#include "cli/source.h"
#include "lib/audit.h"
#include "lib/render.h"
#include "lib/status.h"

struct lines { /* of the manifest, if it is at hand */
    const char *path;
    struct source source;
    struct buf text;
};

static void lines_free(struct lines *l)
{
    source_free(&l->source);
    buf_free(&l->text);
}

static int lines_load(const char *manifest, struct lines *out)
{
    struct lines l = { .path = manifest };
    int rc = manifest == NULL ? DONE : source_load(manifest, &l.source);
    if (rc == DONE && manifest != NULL) {
        rc = file_read(manifest, SOURCE_MAX, &l.text);
        if (rc != DONE) {
            source_free(&l.source);
        }
    }
    if (rc == DONE) {
        *out = l;
    }
    return rc;
}

int missing_mark(struct node *n, const char *manifest, uint64_t *out)
{
    struct nos_audit_head head;
    struct lines l;
    int rc = lines_load(manifest, &l);
    if (rc == DONE) {
        lines_free(&l);
        rc = node_need(n, NOS_TOPIC_AUDIT_HEAD, 0, &head, sizeof(head));
    }
    if (rc == DONE) {
        *out = head.next;
    }
    return rc;
}

static bool same_object(const struct nos_cap *cap, const struct nos_audit_body *b)
{
    if (cap->kind != b->a >> 32) {
        return false;
    }
    return cap_has_name(cap->kind) ? memcmp(cap->name, b->text, NOS_NAME_MAX) == 0
                                   : cap->kind == NOS_CAP_LOG || (cap->a << 32 | cap->b) == b->b;
}

/** The line of the manifest that asks for it; 0: none does, or it is not at hand. */
static unsigned line_of(const struct lines *l, const struct nos_audit_body *b)
{
    struct field root, caps;
    size_t n = 0;
    if (l->path == NULL) {
        return 0;
    }
    root = field_root(&l->source);
    if (!field_get(&root, "caps", &caps) || field_array(&caps, 0, NOS_CAPS_MAX, &n) != DONE) {
        return 0;
    }
    for (size_t i = 0; i < n; i++) {
        struct nos_cap cap;
        struct field item = field_item(&caps, i);
        if (capsrc_one(&item, &cap) == DONE && same_object(&cap, b)) {
            return json_line(buf_span(&l->text), "caps", i);
        }
    }
    return 0;
}

/** Without the line feed. */
static void warn(const struct lines *l, unsigned line, const char *name, struct fmt *f)
{
    span_t text = fmt_text(f);
    int len = (int)(text.len == 0 ? 0 : text.len - 1);
    char *safe = out_safe(span_of(name, strlen(name)));
    if (line != 0) {
        warn_loud("%s:%u: %s was %.*s", l->path, line, safe, len, (const char *)text.data);
    } else {
        warn_loud("%s was %.*s", safe, len, (const char *)text.data);
    }
    free(safe);
}

/** The name and the classes that the module asked for. */
static int module_of(struct node *n, const uint8_t id[32], struct nos_module_info *out)
{
    nos_status_t st = NOS_OK;
    int rc = DONE;
    for (uint64_t i = 0; rc == DONE && st == NOS_OK; i++) {
        rc = node_record(n, NOS_TOPIC_MODULES, i, out, sizeof(*out), &st);
        if (rc == DONE && st == NOS_OK && memcmp(out->module_id, id, 32) == 0) {
            return DONE;
        }
    }
    memset(out, 0, sizeof(*out));
    return rc;
}

static int report_grants(struct node *n, uint64_t mark, uint32_t id, const struct lines *l)
{
    struct nos_audit_entry e;
    struct nos_module_info m;
    nos_status_t st = NOS_OK;
    int rc = DONE;
    for (uint64_t seq = mark; rc == DONE && st == NOS_OK; seq = e.rec.seq + 1) {
        char text[RENDER_LINE_MAX], name[NOS_NAME_MAX + 1] = { 0 };
        struct fmt f;
        rc = node_record(n, NOS_TOPIC_AUDIT, seq, &e, sizeof(e), &st);
        if (rc == DONE && st == NOS_OK && e.rec.seq < seq) {
            rc = fail(NODE_REFUSED, "the node gives a record older than the one asked for");
        }
        if (rc != DONE || st != NOS_OK || e.rec.actor != id || e.rec.kind != NOS_AUDIT_GRANT) {
            continue;
        }
        rc = module_of(n, e.body.subject, &m);
        FMT_INIT(&f, text);
        memcpy(name, m.name, sizeof(m.name));
        if (rc == DONE && render_missing(&f, &e, name)) {
            warn(l, line_of(l, &e.body), name, &f);
        }
    }
    return rc;
}

/** Also those that no capability is of. */
static int report_classes(struct node *n, uint32_t id, const struct lines *l)
{
    struct nos_capsule_info c;
    struct nos_module_info m;
    nos_status_t st = NOS_OK;
    int rc = node_capsule(n, id, &c, &st);
    if (rc != DONE || st != NOS_OK) {
        return rc;  // it has ended already
    }
    rc = module_of(n, c.module_id, &m);
    if (rc == DONE && (m.classes & ~c.classes) != 0) {
        char text[RENDER_LINE_MAX], name[NOS_NAME_MAX + 1] = { 0 };
        struct fmt f;
        FMT_INIT(&f, text);
        memcpy(name, m.name, sizeof(m.name));
        render_withheld(&f, m.classes & ~c.classes, name);
        warn(l, l->path == NULL ? 0 : json_line(buf_span(&l->text), "classes", 0), name, &f);
    }
    return rc;
}

int missing_report(struct node *n, uint64_t mark, uint32_t id, const char *manifest)
{
    struct lines l;
    int rc = lines_load(manifest, &l);
    if (rc != DONE) {
        return rc;
    }
    rc = report_classes(n, id, &l);
    if (rc == DONE) {
        rc = report_grants(n, mark, id, &l);
    }
    lines_free(&l);
    return rc;
}
