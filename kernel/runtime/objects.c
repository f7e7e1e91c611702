/* The destructor of each type: one of the kernel's three function-pointer tables. */
#include "kernel/ipc/endpoint.h"
#include "kernel/ipc/named.h"
#include "kernel/object/region.h"
#include "kernel/runtime/capsule.h"

void (*const obj_destroy[NOS_TYPE_COUNT])(struct obj *) = {
    [NOS_TYPE_NONE] = immortal_destroy,     [NOS_TYPE_MODULE] = module_destroy,
    [NOS_TYPE_CAPSULE] = capsule_destroy,   [NOS_TYPE_THREAD] = thread_destroy,
    [NOS_TYPE_ENDPOINT] = endpoint_destroy, [NOS_TYPE_NOTIFICATION] = notify_destroy,
    [NOS_TYPE_REGION] = region_destroy,     [NOS_TYPE_DEVICE] = immortal_destroy,
    [NOS_TYPE_IRQ] = immortal_destroy,      [NOS_TYPE_PORTS] = ports_destroy,
    [NOS_TYPE_POWER] = immortal_destroy,    [NOS_TYPE_NODE] = immortal_destroy,
};
