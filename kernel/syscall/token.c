/* Tokens: evidence for the operator, and rights that travel outside of messages. */
#include "abi/token.h"
#include "kernel/runtime/jobs.h"
#include "kernel/syscall/syscall.h"

/* handle node, u64 capsule_id, handle h, uaddr buf, u64 len */
nos_status_t sys_token_export(struct thread *self, struct arch_context *ctx,
                              struct handle_slot *slot)
{
    uint64_t id = ctx->arg1, h = ctx->w[0], buf = ctx->w[1], len = ctx->w[2];
    uint8_t token[TOKEN_BYTES];
    struct handle_slot *s;
    (void)slot;

    struct capsule *c = id > UINT32_MAX || h > UINT32_MAX ? NULL : capsule_find((uint32_t)id);
    if (len != sizeof token) {
        return NOS_TOO_BIG;
    }
    if (c == NULL || handle_get(&c->handles, (uint32_t)h, ~1u, 0, &s) != NOS_OK) {
        return NOS_NOT_FOUND;
    }
    nos_status_t st = token_make(c, s, self->capsule->id, token);
    if (st == NOS_OK) {
        audit_cause(thread_cause(self));
    }
    return st == NOS_OK ? copy_out(buf, token, sizeof token) : st;
}

/* handle h, uaddr req, u64 req_len, uaddr out, u64 out_len */
nos_status_t sys_token_issue(struct thread *self, struct arch_context *ctx,
                             struct handle_slot *slot)
{
    struct nos_token_request req;
    uint8_t token[TOKEN_BYTES];

    if (ctx->w[0] != sizeof req || ctx->w[2] != sizeof token) {
        return NOS_TOO_BIG;
    }
    nos_status_t st = copy_in(&req, ctx->arg1, sizeof req);
    if (st == NOS_OK) {
        st = token_issue(self->capsule, slot, &req, token);
    }
    if (st != NOS_OK) {
        return st;
    }
    st = copy_out(ctx->w[1], token, sizeof token);
    if (st != NOS_OK) {
        token_recall(self->capsule);
    }
    return st;
}

/* uaddr token, u64 len */
nos_status_t sys_token_import(struct thread *self, struct arch_context *ctx,
                              struct handle_slot *slot)
{
    (void)slot;
    if (ctx->arg1 > TOKEN_CHAIN_BYTES) {
        return NOS_TOO_BIG;
    }
    struct token_wait *w = job_alloc();
    if (w == NULL) {
        return NOS_NO_MEMORY;
    }
    nos_status_t st = copy_in(w->job.bytes, ctx->arg0, ctx->arg1);
    if (st == NOS_OK) {
        st = token_import_begin(&w->job, ctx->arg1);
    }
    if (st != NOS_OK) {
        job_free(w);
        return st;
    }
    self->job = w;
    self->cont = CONT_TOKEN;
    return NOS_OK;
}
