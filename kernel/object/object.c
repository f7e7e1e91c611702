/* Object life: plain counts under the kernel lock. */
#include "kernel/object/object.h"

#include "kernel/core/panic.h"

enum { REFS_MAX = 1 << 30 };

static uint64_t last_serial, live;

void obj_init(struct obj *o, enum nos_type type)
{
    *o = (struct obj){ .type = type, .refs = 1, .serial = ++last_serial };
    live++;
}

void obj_get(struct obj *o)
{
    KASSERT(o->refs != 0 && o->refs < REFS_MAX);
    o->refs++;
}

void obj_put(struct obj *o)
{
    KASSERT(o->refs != 0);
    if (--o->refs == 0) {
        live--;
        obj_destroy[o->type](o);
    }
}

uint64_t obj_live(void)
{
    return live;
}
