/* Object life: plain counts under the kernel lock. */
#include "kernel/object/object.h"

#include "kernel/core/panic.h"
#include "kernel/object/capsule.h"

enum { REFS_MAX = 1 << 30 };

static uint64_t last_serial, live;

static const uint8_t class_of[NOS_TYPE_COUNT] = {
    [NOS_TYPE_MODULE] = NOS_CLASS_COREEXEC,  [NOS_TYPE_CAPSULE] = NOS_CLASS_COREEXEC,
    [NOS_TYPE_THREAD] = NOS_CLASS_COREEXEC,  [NOS_TYPE_ENDPOINT] = NOS_CLASS_IPC,
    [NOS_TYPE_NOTIFICATION] = NOS_CLASS_IPC, [NOS_TYPE_REGION] = NOS_CLASS_MEMORY,
    [NOS_TYPE_DEVICE] = NOS_CLASS_IO,        [NOS_TYPE_IRQ] = NOS_CLASS_IO,
    [NOS_TYPE_PORTS] = NOS_CLASS_IO,         [NOS_TYPE_POWER] = NOS_CLASS_IO,
    [NOS_TYPE_NODE] = NOS_CLASS_COREEXEC,
};

void obj_init(struct obj *o, enum nos_type type)
{
    *o = (struct obj){
        .type = (uint16_t)type, .classes = class_of[type], .refs = 1, .serial = ++last_serial
    };
    live++;
}

nos_status_t obj_charge(struct obj *o, struct capsule *c)
{
    if (c->n_objects >= c->limits.objects) {
        return NOS_QUOTA;
    }
    c->n_objects++;
    o->payer = c->id;
    return NOS_OK;
}

static void uncharge(uint32_t payer)
{
    struct capsule *c = capsule_find(payer);
    if (c != NULL) {  // else it has gone before its objects
        c->n_objects--;
    }
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
        if (o->payer != 0) {
            uncharge(o->payer);
        }
        obj_destroy[o->type](o);
    }
}

uint64_t obj_live(void)
{
    return live;
}
