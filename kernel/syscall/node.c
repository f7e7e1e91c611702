/* The running machine: records, the log, random bytes. */
#include "kernel/core/log.h"
#include "kernel/crypto/vault.h"
#include "kernel/runtime/jobs.h"
#include "kernel/runtime/node.h"
#include "kernel/syscall/syscall.h"
#include "lib/secret.h"

enum { LOG_LINE_MAX = 200, RANDOM_MAX = 256 };

nos_status_t sys_log_write(struct thread *self, struct arch_context *ctx, struct handle_slot *slot)
{
    uint8_t line[LOG_LINE_MAX];
    (void)slot;
    if (!self->capsule->may_log) {
        return NOS_DENIED;
    }
    if (ctx->arg1 > sizeof line) {
        return NOS_TOO_BIG;
    }
    nos_status_t st = copy_in(line, ctx->arg0, ctx->arg1);
    if (st == NOS_OK) {
        log_capsule(self->capsule->module->name, span_of(line, ctx->arg1));
    }
    return st;
}

nos_status_t sys_random(struct thread *self, struct arch_context *ctx, struct handle_slot *slot)
{
    uint8_t bytes[RANDOM_MAX];
    (void)self, (void)slot;
    if (ctx->arg1 > sizeof bytes) {
        return NOS_TOO_BIG;
    }
    vault_random(bytes, ctx->arg1);
    nos_status_t st = copy_out(ctx->arg0, bytes, ctx->arg1);
    secret_wipe(bytes, sizeof bytes);
    return st;
}

/* handle node, u64 topic, u64 index, uaddr buf, u64 len */
nos_status_t sys_node_info(struct thread *self, struct arch_context *ctx, struct handle_slot *slot)
{
    uint64_t topic = ctx->arg1, index = ctx->w[0], buf = ctx->w[1], len = ctx->w[2];
    uint32_t right = node_topic_right(topic);
    size_t got = 0;
    (void)self;

    if (right == 0) {
        return NOS_INVALID;
    }
    if ((slot->rights & right) == 0) {
        return NOS_DENIED;
    }
    void *page = job_alloc();
    if (page == NULL) {
        return NOS_NO_MEMORY;
    }
    nos_status_t st =
        node_record((uint32_t)topic, index, page, len < PAGE_SIZE ? len : PAGE_SIZE, &got);
    if (st == NOS_OK) {
        st = got > len ? NOS_TOO_BIG : copy_out(buf, page, got);
    }
    if (st == NOS_OK) {
        ctx->w[0] = got;
    }
    job_free(page);
    return st;
}
