/* See eventrows.h. The record's fields are described in docs/audit.md, "Kinds". */
#include "cli/eventrows.h"

#include "cli/names.h"
#include "cli/noderows.h"
#include "lib/cap.h"
#include "lib/render.h"
#include "lib/status.h"

static void put_text(struct fmt *f, const struct nos_audit_body *b)
{
    fmt_name(f, b->text, sizeof(b->text));
}

static void put_capsule(struct fmt *f, uint64_t id)
{
    fmt_str(f, id == 0 ? "the kernel" : "capsule ");
    if (id != 0) {
        fmt_u64(f, id);
    }
}

/* "pupil (capsule 7)" */
static void put_named(struct fmt *f, const struct nos_audit_body *b)
{
    put_text(f, b);
    fmt_str(f, b->text[0] != 0 ? " (" : "(");
    put_capsule(f, b->a);
    fmt_str(f, ")");
}

static void put_status(struct fmt *f, const struct nos_audit_body *b)
{
    fmt_str(f, ": ");
    fmt_str(f, status_text(b->status));
}

static void put_object(struct fmt *f, const struct nos_audit_body *b)
{
    fmt_str(f, cap_kind_name((uint32_t)(b->a >> 32)));
    if (b->text[0] != 0) {
        fmt_str(f, " ");
        put_text(f, b);
    }
    fmt_str(f, " [");
    render_rights(f, (uint32_t)(b->a & UINT32_MAX));
    fmt_str(f, "]");
}

static void put_denied(struct fmt *f, const struct nos_audit_body *b)
{
    bool several = b->a == NOS_AUDIT_SEVERAL;
    fmt_str(f, several ? "several calls" : "the call ");
    if (!several) {
        fmt_str(f, b->a <= UINT32_MAX ? name_of(&syscall_names, (uint32_t)b->a) : "?");
    }
    if (b->b > 1) {
        fmt_str(f, ", ");
        fmt_u64(f, b->b);
        fmt_str(f, " times");
    }
    put_status(f, b);
}

static void put_end(struct fmt *f, uint32_t kind, const struct nos_audit_body *b)
{
    put_named(f, b);
    if (kind == NOS_AUDIT_EXIT) {
        fmt_str(f, " ended with code ");
        fmt_u64(f, b->b);
    } else if (kind == NOS_AUDIT_CRASH) {
        fmt_str(f, " crashed: ");
        fmt_str(f, render_crash(b->b));
    } else {
        fmt_str(f, " was killed: ");
        fmt_str(f, render_kill(b->b));
    }
}

static void put_module(struct fmt *f, uint32_t kind, const struct nos_audit_body *b)
{
    fmt_str(f, "module ");
    put_text(f, b);
    fmt_str(f, " ");
    fmt_short_id(f, b->subject);
    if (kind == NOS_AUDIT_LOAD) {
        fmt_str(f, " is verified");
        return;
    }
    fmt_str(f, " is refused in stage ");
    fmt_u64(f, b->a);
    put_status(f, b);
}

static void put_token(struct fmt *f, uint32_t kind, const struct nos_audit_entry *e)
{
    put_capsule(f, e->rec.actor);
    fmt_str(f, kind == NOS_AUDIT_TOKEN ? " has a token made for a " : " imports a token for a ");
    fmt_str(f, render_type((uint32_t)(e->body.a & UINT32_MAX)));
    fmt_str(f, " of ");
    put_capsule(f, e->body.a >> 32);
    fmt_str(f, " [");
    render_rights(f, (uint32_t)e->body.b);
    fmt_str(f, "]");
}

static void put_what(struct fmt *f, const struct nos_audit_entry *e)
{
    const struct nos_audit_body *b = &e->body;
    uint32_t kind = e->rec.kind;
    switch (kind) {
    case NOS_AUDIT_BOOT:
        fmt_str(f, "booted: ");
        put_text(f, b);
        break;
    case NOS_AUDIT_LOAD:
    case NOS_AUDIT_REFUSE:
        put_module(f, kind, b);
        break;
    case NOS_AUDIT_GRANT:
        put_capsule(f, e->rec.actor);
        fmt_str(f, b->status == NOS_OK ? " is granted " : " is not given ");
        put_object(f, b);
        if (b->status != NOS_OK) {
            put_status(f, b);
        }
        break;
    case NOS_AUDIT_SPAWN:
        put_named(f, b);
        fmt_str(f, " is started by ");
        put_capsule(f, e->rec.actor);
        break;
    case NOS_AUDIT_EXIT:
    case NOS_AUDIT_CRASH:
    case NOS_AUDIT_KILL:
        put_end(f, kind, b);
        break;
    case NOS_AUDIT_DENY:
        put_capsule(f, e->rec.actor);
        fmt_str(f, " is refused ");
        put_denied(f, b);
        break;
    case NOS_AUDIT_TOKEN:
    case NOS_AUDIT_IMPORT:
        put_token(f, kind, e);
        break;
    case NOS_AUDIT_POWER:
        put_capsule(f, e->rec.actor);
        fmt_str(f, b->a == 1 ? " switches the machine off" : " starts the machine anew");
        break;
    case NOS_AUDIT_DROP:
        fmt_u64(f, b->a);
        fmt_str(f, " records of the audit log are not kept any more");
        break;
    case NOS_AUDIT_SUPERVISE:
        if (b->a != 0) {
            put_named(f, b);
            fmt_str(f, ": ");
        }
        render_decision(f, b->b);
        break;
    default:
        fmt_str(f, name_of(&audit_names, kind));
        break;
    }
}

void render_event(struct fmt *f, const struct nos_audit_entry *e)
{
    size_t line = f->len;
    fmt_time(f, e->rec.tick);
    fmt_pad(f, line, 10);
    put_what(f, e);
}

cJSON *row_event(const struct nos_audit_entry *e)
{
    char what[EVENT_LINE_MAX];
    struct fmt f;
    cJSON *row = row_audit(e);
    FMT_INIT(&f, what);
    put_what(&f, e);
    out_text(row, "what", what);
    return row;
}
