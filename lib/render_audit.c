/* Audit entries as lines: when, who, what, and the fields that this kind of record uses. */
#include "lib/audit.h"
#include "lib/cap.h"
#include "lib/render.h"
#include "lib/status.h"

void render_audit_head(struct fmt *f)
{
    fmt_str(f, "   SEQ TIME s     ACTOR WHAT       DETAILS\n");
}

static void number(struct fmt *f, const char *label, uint64_t n)
{
    fmt_str(f, label);
    fmt_u64(f, n);
}

static void render_text(struct fmt *f, const struct nos_audit_body *b)
{
    if (b->text[0] != 0) {
        fmt_char(f, ' ');
        fmt_name(f, b->text, sizeof b->text);
    }
}

/* "restart scheduled in 100 ms": each decision has its own words around its detail. */
void render_decision(struct fmt *f, uint64_t b)
{
    static const struct {
        const char *before, *after;
    } words[NOS_DECISION_COUNT] = {
        [NOS_DECISION_RESTART_AT] = { "restart in ", " ms" },
        [NOS_DECISION_RESTARTED] = { "restarted, time ", "" },
        [NOS_DECISION_GIVEN_UP] = { "given up after ", " restarts" },
        [NOS_DECISION_CANNOT_START] = { "cannot be started: ", "" },
        [NOS_DECISION_UNHEALTHY] = { "health check failed after ", " ms" },
        [NOS_DECISION_STOP_ASKED] = { "asked to stop within ", " ms" },
        [NOS_DECISION_STOPPED] = { "stopped by itself after ", " ms" },
        [NOS_DECISION_STOP_FORCED] = { "had to be stopped after ", " ms" },
        [NOS_DECISION_DEPENDANTS] = { "what needs it is stopped: ", " capsules" },
        [NOS_DECISION_SYSTEM] = { "the system is stopped: ", " capsules" },
        [NOS_DECISION_UPGRADED] = { "took the place of capsule ", "" },
        [NOS_DECISION_UPGRADE_REFUSED] = { "not upgraded: ", "" },
    };
    uint64_t d = b >> 32, detail = b & UINT32_MAX;

    if (d == 0 || d >= NOS_DECISION_COUNT) {
        fmt_char(f, '?');
        return;
    }
    fmt_str(f, words[d].before);
    if (d == NOS_DECISION_CANNOT_START || d == NOS_DECISION_UPGRADE_REFUSED) {
        fmt_str(f, status_text((nos_status_t) - (int32_t)detail));
    } else {
        fmt_u64(f, detail);
    }
    fmt_str(f, words[d].after);
}

static void render_details(struct fmt *f, uint32_t kind, const struct nos_audit_body *b)
{
    switch (kind) {
    case NOS_AUDIT_GRANT:
        fmt_str(f, cap_kind_name((uint32_t)(b->a >> 32)));
        fmt_str(f, " [");
        render_rights(f, (uint32_t)(b->a & UINT32_MAX));
        fmt_char(f, ']');
        break;
    case NOS_AUDIT_SPAWN:
        number(f, "capsule ", b->a);
        break;
    case NOS_AUDIT_KILL:
        number(f, "capsule ", b->a);
        if (b->b != NOS_KILL_ASKED) {
            fmt_str(f, ": ");
            fmt_str(f, render_kill(b->b));
        }
        break;
    case NOS_AUDIT_SUPERVISE:
        number(f, "capsule ", b->a);
        fmt_str(f, ": ");
        render_decision(f, b->b);
        break;
    case NOS_AUDIT_EXIT:
        number(f, "capsule ", b->a);
        number(f, " code ", b->b);
        break;
    case NOS_AUDIT_CRASH:
        number(f, "capsule ", b->a);
        fmt_str(f, ": ");
        fmt_str(f, render_crash(b->b));
        break;
    case NOS_AUDIT_DEBUG:
        number(f, "capsule ", b->a);
        if (b->b != 0) {
            fmt_str(f, " for ");
            fmt_time(f, b->b);
            fmt_str(f, " s");
        } else {
            fmt_str(f, " no longer");
        }
        break;
    case NOS_AUDIT_DENY:
        if (b->a == NOS_AUDIT_SEVERAL) {
            fmt_str(f, "several calls,");
        } else {
            number(f, "call ", b->a);
        }
        number(f, " times ", b->b);
        break;
    case NOS_AUDIT_TOKEN:
    case NOS_AUDIT_IMPORT:
        fmt_short_id(f, b->subject);
        fmt_char(f, ' ');
        fmt_str(f, render_type((uint32_t)(b->a & UINT32_MAX)));
        fmt_str(f, " [");
        render_rights(f, (uint32_t)b->b);
        number(f, "] of capsule ", b->a >> 32);
        break;
    case NOS_AUDIT_DROP:
        number(f, "records ", b->a);
        break;
    case NOS_AUDIT_POWER:
        fmt_str(f, b->a == 1 ? "off" : b->a == 2 ? "reset" : "?");
        break;
    default:
        fmt_short_id(f, b->subject);
        break;
    }
}

static void render_record(struct fmt *f, const struct nos_audit_record *r)
{
    size_t line = f->len;

    fmt_u64_right(f, r->seq, 6);
    fmt_char(f, ' ');
    fmt_time(f, r->tick);
    fmt_pad(f, line, 18);
    fmt_u64_right(f, r->actor, 5);
    fmt_char(f, ' ');
    fmt_str(f, audit_kind_name(r->kind));
    fmt_pad(f, line, 35);
}

/* What led to it: " <- 12 7". */
static void render_causes(struct fmt *f, const struct nos_audit_record *r)
{
    for (size_t i = 0; i < 2 && r->back[i] != 0; i++) {
        fmt_str(f, i == 0 ? " <- " : " ");
        fmt_u64(f, r->seq - r->back[i]);
    }
    fmt_char(f, '\n');
}

void render_audit_hidden(struct fmt *f, const struct nos_audit_record *r)
{
    render_record(f, r);
    fmt_str(f, "(hidden)");
    render_causes(f, r);
}

void render_audit(struct fmt *f, const struct nos_audit_entry *e)
{
    render_record(f, &e->rec);
    render_details(f, e->rec.kind, &e->body);
    render_text(f, &e->body);
    if (e->body.status != NOS_OK) {
        fmt_char(f, ' ');
        fmt_str(f, status_name(e->body.status));
        fmt_str(f, " (");
        fmt_str(f, status_text(e->body.status));
        fmt_char(f, ')');
    }
    render_causes(f, &e->rec);
}
