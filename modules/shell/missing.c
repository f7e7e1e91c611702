/* The kernel puts each refusal on record when it starts a capsule; who may read the audit log sees
 * them there. */
#include "modules/shell/missing.h"

#include <string.h>

#include "lib/render.h"
#include "modules/shell/info.h"
#include "sdk/print.h"
#include "sdk/syscalls.h"

static char line[RENDER_LINE_MAX];

static void show(struct fmt *f)
{
    nos_ignore(nos_console_write(fmt_text(f)));
}

uint64_t missing_mark(void)
{
    static struct nos_audit_head head;

    return INFO(NOS_TOPIC_AUDIT_HEAD, 0, &head) == NOS_OK ? head.next : UINT64_MAX;
}

/* Also those that no capability is of. */
static void say_classes(const struct nos_capsule_info *c, const char *name)
{
    struct nos_module_info m;
    struct fmt f;

    for (uint64_t i = 0; INFO(NOS_TOPIC_MODULES, i, &m) == NOS_OK; i++) {
        if (memcmp(m.module_id, c->module_id, sizeof m.module_id) == 0 && m.status == NOS_OK &&
            (m.classes & ~c->classes) != 0) {
            FMT_INIT(&f, line);
            render_withheld(&f, m.classes & ~c->classes, name);
            show(&f);
        }
    }
}

void missing_say(uint64_t mark, uint32_t id, const char *name)
{
    static struct nos_audit_entry e;
    struct nos_capsule_info c = { 0 };
    char own[NOS_NAME_MAX + 1] = { 0 };
    struct fmt f;

    if (info_by_id(id, &c) == NOS_OK) {
        memcpy(own, c.name, sizeof c.name);
        name = own;
        say_classes(&c, name);
    }
    for (uint64_t seq = mark; INFO(NOS_TOPIC_AUDIT, seq, &e) == NOS_OK; seq = e.rec.seq + 1) {
        FMT_INIT(&f, line);
        if (e.rec.actor == id && render_missing(&f, &e, name)) {
            show(&f);
        }
    }
}
