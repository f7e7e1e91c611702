/* Hardware: ports, interrupts, power. */
#include "kernel/audit/audit.h"
#include "kernel/core/log.h"
#include "kernel/core/wipe.h"
#include "kernel/ipc/named.h"
#include "kernel/ipc/notify.h"
#include "kernel/object/device.h"
#include "kernel/syscall/syscall.h"

static nos_status_t check_port(const struct ports *p, uint64_t port, uint64_t width)
{
    bool fits = (width == 1 || width == 2 || width == 4) && port >= p->base &&
                port - p->base <= p->count && p->count - (port - p->base) >= width;
    return fits ? NOS_OK : NOS_INVALID;
}

nos_status_t sys_port_in(struct thread *self, struct arch_context *ctx, struct handle_slot *slot)
{
    uint64_t port = ctx->arg1, width = ctx->w[0];
    (void)self;
    nos_status_t st = check_port(CONTAINER_OF(slot->obj, struct ports, obj), port, width);
    if (st == NOS_OK) {
        ctx->w[0] = arch_port_in((uint16_t)port, (unsigned)width);
    }
    return st;
}

nos_status_t sys_port_out(struct thread *self, struct arch_context *ctx, struct handle_slot *slot)
{
    uint64_t port = ctx->arg1, width = ctx->w[0];
    (void)self;
    nos_status_t st = check_port(CONTAINER_OF(slot->obj, struct ports, obj), port, width);
    if (st == NOS_OK) {
        arch_port_out((uint16_t)port, (unsigned)width, ctx->w[1]);
    }
    return st;
}

/* A driver that has ended leaves its binding behind. Its successor takes it over, whoever else
 * holds the notification: a client may. */
static bool taken(struct irq *q, const struct obj *n)
{
    const struct capsule *by = capsule_find(q->binder);
    return irq_is_bound(q) && &q->note->obj != n && q->note->obj.refs > 1 && by != NULL &&
           by->state == NOS_CAPSULE_RUNNING;
}

nos_status_t sys_irq_bind(struct thread *self, struct arch_context *ctx, struct handle_slot *slot)
{
    struct irq *q = CONTAINER_OF(slot->obj, struct irq, obj);
    struct handle_slot *n;
    nos_status_t st =
        ctx->w[0] == 0 ? NOS_INVALID
                       : arg_handle(self, ctx->arg1, NOS_TYPE_NOTIFICATION, NOS_RIGHT_SIGNAL, &n);
    if (st != NOS_OK) {
        return st;
    }
    if (taken(q, n->obj)) {
        return NOS_BUSY;
    }
    obj_get(n->obj);
    cell_get(slot->via);
    cell_get(n->via);
    irq_unbind(q);
    q->note = CONTAINER_OF(n->obj, struct notification, obj);
    q->binder = self->capsule->id;
    q->via[0] = slot->via;
    q->via[1] = n->via;
    q->bits = ctx->w[0];
    q->pending = false;
    arch_irq_unmask(q->line);
    return NOS_OK;
}

nos_status_t sys_irq_ack(struct thread *self, struct arch_context *ctx, struct handle_slot *slot)
{
    struct irq *q = CONTAINER_OF(slot->obj, struct irq, obj);
    (void)self, (void)ctx;
    if (!q->pending) {
        return NOS_BAD_STATE;
    }
    q->pending = false;
    arch_irq_unmask(q->line);
    return NOS_OK;
}

nos_status_t sys_power(struct thread *self, struct arch_context *ctx, struct handle_slot *slot)
{
    uint64_t action = ctx->arg1;
    if (action != NOS_POWER_OFF && action != NOS_POWER_RESET) {
        return NOS_INVALID;
    }
    if ((slot->rights & (action == NOS_POWER_OFF ? NOS_RIGHT_OFF : NOS_RIGHT_RESET)) == 0) {
        return NOS_DENIED;
    }
    audit_add(NOS_AUDIT_POWER, self->capsule->id, NOS_OK, NULL, action, 0, NULL);
    audit_cause(&self->capsule->record);
    audit_cause(thread_cause(self));
    log_serial(true);
    klog("power: %s, on behalf of capsule %u", action == NOS_POWER_OFF ? "off" : "reset",
         self->capsule->id);
    arch_stop_others();
    (void)machine_wipe();
    arch_end((unsigned)action);
}
