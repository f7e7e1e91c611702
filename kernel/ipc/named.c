/* The objects that capability records name. Endpoints and notifications by name; one object for
 * each interrupt line; the power object, the node and the framebuffer once; port windows as
 * granted. All but the windows live with the machine. */
#include "kernel/ipc/named.h"

#include <string.h>

#include "kernel/core/panic.h"
#include "kernel/ipc/endpoint.h"
#include "kernel/memory/cache.h"
#include "kernel/object/device.h"

enum { NAMES_MAX = 64, LINES = 16 };

static struct cache ports_cache = CACHE(ports);
static struct endpoint *endpoints[NAMES_MAX];
static struct notification *notifications[NAMES_MAX];
static struct irq irqs[LINES];
static struct device framebuffer;
static struct obj node, power;
static struct nos_framebuffer fb;

void named_init(const struct nos_bootinfo *bi)
{
    obj_init(&node, NOS_TYPE_NODE);
    obj_init(&power, NOS_TYPE_POWER);
    obj_init(&framebuffer.obj, NOS_TYPE_DEVICE);
    for (uint32_t i = 0; i < LINES; i++) {
        obj_init(&irqs[i].obj, NOS_TYPE_IRQ);
        irqs[i].line = i;
    }
    fb = bi->fb;
    framebuffer.base = (paddr_t){ fb.base };
    framebuffer.len = fb.len;
    framebuffer.map_flags = ARCH_MAP_WC;
    framebuffer.a = (uint64_t)fb.width << 32 | fb.height;
    framebuffer.b = (uint64_t)fb.pitch << 32 | fb.format;
}

struct irq *irq_at(uint32_t line)
{
    return line < LINES ? &irqs[line] : NULL;
}

void irq_unbind(struct irq *q)
{
    struct notification *n = q->note;
    if (n != NULL) {
        q->note = NULL;
        cell_put(q->via[0]);
        cell_put(q->via[1]);
        obj_put(&n->obj);
    }
}

bool irq_is_bound(struct irq *q)
{
    if (q->note != NULL && !cells_alive(q->via)) {
        irq_unbind(q);
    }
    return q->note != NULL;
}

static nos_status_t share(struct obj *o, struct obj **out)
{
    obj_get(o);
    *out = o;
    return NOS_OK;
}

static nos_status_t named_endpoint(const char *name, bool network, struct obj **out)
{
    unsigned i = 0;
    for (; i < NAMES_MAX && endpoints[i] != NULL; i++) {
        if (endpoints[i]->network == network &&
            memcmp(endpoints[i]->name, name, NOS_NAME_MAX) == 0) {
            return share(&endpoints[i]->obj, out);
        }
    }
    nos_status_t st = i == NAMES_MAX ? NOS_NO_MEMORY : endpoint_create(&endpoints[i]);
    if (st != NOS_OK) {
        return st;
    }
    memcpy(endpoints[i]->name, name, NOS_NAME_MAX);
    endpoints[i]->named = true;
    endpoints[i]->network = network;
    if (network) {
        endpoints[i]->obj.classes = NOS_CLASS_NETWORK;
    }
    return share(&endpoints[i]->obj, out);
}

static nos_status_t named_notification(const char *name, struct obj **out)
{
    unsigned i = 0;
    for (; i < NAMES_MAX && notifications[i] != NULL; i++) {
        if (memcmp(notifications[i]->name, name, NOS_NAME_MAX) == 0) {
            return share(&notifications[i]->obj, out);
        }
    }
    nos_status_t st = i == NAMES_MAX ? NOS_NO_MEMORY : notify_create(&notifications[i]);
    if (st != NOS_OK) {
        return st;
    }
    memcpy(notifications[i]->name, name, NOS_NAME_MAX);
    return share(&notifications[i]->obj, out);
}

static nos_status_t port_window(const struct nos_cap *cap, struct obj **out)
{
    if (cap->b == 0 || cap->a > 0xffff || cap->b > 0x10000 - cap->a) {
        return NOS_INVALID;
    }
    if (arch_port_reserved((uint16_t)cap->a, (uint32_t)cap->b)) {
        return NOS_DENIED;
    }
    struct ports *p = cache_alloc(&ports_cache);
    if (p == NULL) {
        return NOS_NO_MEMORY;
    }
    obj_init(&p->obj, NOS_TYPE_PORTS);
    p->base = (uint32_t)cap->a;
    p->count = (uint32_t)cap->b;
    *out = &p->obj;
    return NOS_OK;
}

void ports_destroy(struct obj *o)
{
    cache_free(&ports_cache, CONTAINER_OF(o, struct ports, obj));
}

/* COM1 is the kernel's early console; whoever is given its ports speaks there alone from then on.
 */
static void claim_serial(const struct nos_cap *cap)
{
    enum { COM1 = 0x3f8 };
    if (cap->a <= COM1 && cap->a + cap->b > COM1) {
        log_serial(false);
    }
}

nos_status_t cap_object(const struct nos_cap *cap, struct nos_start_handle *h, struct obj **out)
{
    nos_status_t st;
    switch ((enum nos_cap_kind)cap->kind) {
    case NOS_CAP_LOG:
        *out = NULL;
        return NOS_OK;
    case NOS_CAP_ENDPOINT:
    case NOS_CAP_NETWORK:
        return named_endpoint(cap->name, cap->kind == NOS_CAP_NETWORK, out);
    case NOS_CAP_NOTIFY:
        return named_notification(cap->name, out);
    case NOS_CAP_PORTS:
        st = port_window(cap, out);
        if (st == NOS_OK) {
            claim_serial(cap);
        }
        return st;
    case NOS_CAP_IRQ:
        return cap->a < LINES ? share(&irqs[cap->a].obj, out) : NOS_NOT_SUPPORTED;
    case NOS_CAP_FRAMEBUFFER:
        h->a = framebuffer.a;
        h->b = framebuffer.b;
        return fb.len == 0 ? NOS_NOT_SUPPORTED : share(&framebuffer.obj, out);
    case NOS_CAP_POWER:
        return share(&power, out);
    case NOS_CAP_NODE:
        return share(&node, out);
    case NOS_CAP_KIND_COUNT:
        break;
    }
    return NOS_INVALID;
}

void immortal_destroy(struct obj *o)
{
    panic("the machine's own object of type %u lost its last reference", o->type);
}
