/* What a capsule asked for and was not given, for people: what, why, and who could. */
#include "lib/cap.h"
#include "lib/render.h"
#include "lib/status.h"

static void render_what(struct fmt *f, const struct nos_audit_body *b)
{
    uint32_t kind = (uint32_t)(b->a >> 32);

    fmt_str(f, cap_kind_name(kind));
    if (b->text[0] != '\0') {
        fmt_char(f, ' ');
        fmt_name(f, b->text, sizeof b->text);
    } else if (kind == NOS_CAP_PORTS) {
        fmt_str(f, " 0x");
        fmt_hex(f, b->b >> 32, 1);
        fmt_str(f, ", ");
        fmt_u64(f, b->b & UINT32_MAX);
    } else if (kind == NOS_CAP_IRQ) {
        fmt_char(f, ' ');
        fmt_u64(f, b->b >> 32);
    }
    if ((uint32_t)b->a != 0) {
        fmt_str(f, " [");
        render_rights(f, (uint32_t)b->a);
        fmt_char(f, ']');
    }
}

static void render_who(struct fmt *f, const char *where, const char *module)
{
    fmt_str(f, "; the operator of the machine can grant it, in ");
    fmt_str(f, where);
    fmt_str(f, " of the policy's rule for ");
    fmt_name(f, module, NOS_NAME_MAX);
}

bool render_missing(struct fmt *f, const struct nos_audit_entry *e, const char *module)
{
    if (e->rec.kind != NOS_AUDIT_GRANT || e->body.status == NOS_OK) {
        return false;
    }
    fmt_str(f, "not granted: ");
    render_what(f, &e->body);
    if (e->body.status == NOS_GRANT_NO_RULE) {
        render_who(f, "\"grants\"", module);
    } else if (e->body.status == NOS_NO_CLASS) {
        fmt_str(f, ", its class is withheld");
        render_who(f, "\"classes\" and \"grants\"", module);
    } else {
        fmt_str(f, ": the machine has none, or keeps it to itself");
    }
    fmt_str(f, " (audit record ");
    fmt_u64(f, e->rec.seq);
    fmt_str(f, ")\n");
    return true;
}

void render_withheld(struct fmt *f, uint32_t classes, const char *module)
{
    fmt_str(f, "not granted: classes ");
    render_classes(f, classes);
    render_who(f, "\"classes\"", module);
    fmt_char(f, '\n');
}
