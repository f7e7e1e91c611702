/* Resuming what a thread waits for: one switch, no stored function pointer (SETTLED 13). */
#include "kernel/runtime/jobs.h"

#include "abi/syscall_nr.h"
#include "kernel/audit/audit.h"
#include "kernel/core/panic.h"
#include "kernel/ipc/revoke.h"
#include "kernel/memory/frame.h"
#include "kernel/object/region.h"

void *job_alloc(void)
{
    paddr_t p = frame_alloc(0);
    return p.v == 0 ? NULL : phys_ptr(p);
}

void job_free(void *job)
{
    frame_free(ptr_phys(job), 0);
}

static nos_status_t finish_verify(struct thread *t, struct verify_wait *w, nos_status_t st)
{
    uint32_t h;
    if (st == NOS_OK) {
        st = handle_add(&t->capsule->handles, &w->job.out->obj,
                        NOS_RIGHT_DUP | NOS_RIGHT_TRANSFER | NOS_RIGHT_INSPECT | NOS_RIGHT_SPAWN, 0,
                        NOS_ORIGIN_LOAD, &h);
    }
    if (st == NOS_OK) {
        t->ctx.w[0] = h;
    }
    return st;
}

static nos_status_t finish_spawn(struct thread *t, struct spawn_wait *w, nos_status_t st)
{
    uint32_t h;
    if (st != NOS_OK) {
        return st;
    }
    st = handle_add(&t->capsule->handles, &w->job.capsule->obj,
                    NOS_RIGHT_DUP | NOS_RIGHT_TRANSFER | NOS_RIGHT_INSPECT | NOS_RIGHT_KILL |
                        NOS_RIGHT_CONTROL,
                    0, NOS_ORIGIN_SPAWN, &h);
    if (st == NOS_OK) {
        t->ctx.w[0] = h;
    } else {
        spawn_undo(&w->job);
    }
    return st;
}

nos_status_t region_step(struct thread *t, bool *done)
{
    enum {
        RIGHTS = NOS_RIGHT_DUP | NOS_RIGHT_TRANSFER | NOS_RIGHT_INSPECT | NOS_RIGHT_READ |
                 NOS_RIGHT_WRITE | NOS_RIGHT_MAP
    };
    struct region *r = t->job;
    uint32_t h;
    *done = region_zero_step(r);
    if (!*done) {
        return NOS_OK;
    }
    nos_status_t st = handle_add(&t->capsule->handles, &r->obj, RIGHTS, 0, NOS_ORIGIN_MADE, &h);
    if (st == NOS_OK) {
        t->ctx.w[0] = h;
    }
    t->job = NULL;
    obj_put(&r->obj);
    return st;
}

static nos_status_t import_step(struct thread *t, struct token_wait *w, bool *done)
{
    uint32_t h;
    nos_status_t st = token_import_step(&w->job, t->capsule, done, &h);
    if (*done && st == NOS_OK) {
        t->ctx.w[0] = h;
    } else if (*done) {
        audit_deny(t->capsule->id, NOS_SYS_TOKEN_IMPORT, st, &t->capsule->record);
    }
    return st;
}

/* What the next step needs of hashing and signatures is done without the lock, before it. False:
 * the thread died meanwhile, and its job with it. */
static bool ahead(struct thread *t)
{
    struct module_job *m = t->cont == CONT_VERIFY ? &((struct verify_wait *)t->job)->job : NULL;
    struct token_job *k = t->cont == CONT_TOKEN ? &((struct token_wait *)t->job)->job : NULL;
    if ((m == NULL || !module_job_is_pure(m)) && (k == NULL || !token_import_is_pure(k))) {
        return true;
    }
    sched_step_begin(t);
    if (m != NULL) {
        module_job_ahead(m);
    } else {
        token_import_ahead(k);
    }
    return sched_step_end(t);
}

nos_status_t continuation_step(struct thread *t, bool *done)
{
    nos_status_t st = NOS_OK;
    if (!ahead(t)) {
        return NOS_CANCELLED;
    }
    switch ((enum continuation)t->cont) { /* uncovered(1): there is no other */
    case CONT_VERIFY:
        st = module_job_step(&((struct verify_wait *)t->job)->job, done);
        if (*done) {
            st = finish_verify(t, t->job, st);
        }
        break;
    case CONT_SPAWN:
        st = spawn_step(&((struct spawn_wait *)t->job)->job, done);
        if (*done) {
            st = finish_spawn(t, t->job, st);
            spawn_drop(&((struct spawn_wait *)t->job)->job);
        }
        break;
    case CONT_ZERO:
        return region_step(t, done);
    case CONT_REVOKE:
        *done = revoke_step(&t->cursor);
        return NOS_OK;
    case CONT_CRASH:
        capsule_crash_unhandled(t);
        t->fault = 0;  // if a debugger has stopped it: it will try again
        t->cont = CONT_NONE;
        return NOS_OK;  // not done: no status goes into its registers
    case CONT_TOKEN:
        st = import_step(t, t->job, done);
        break;
    case CONT_NONE: /* uncovered(1): a panic follows */
        panic("a continuation without work");
    }
    if (*done) {
        job_free(t->job);
        t->job = NULL;
    }
    return st;
}

void continuation_drop(struct thread *t)
{
    if (t->cont == CONT_CRASH) {
        return;
    }
    if (t->cont == CONT_ZERO) {
        obj_put(&((struct region *)t->job)->obj);
        t->job = NULL;
        return;
    }
    if (t->cont == CONT_REVOKE) {
        revoke_finish_later();
        return;
    }
    if (t->cont == CONT_SPAWN) {
        spawn_drop(&((struct spawn_wait *)t->job)->job);
    } else if (t->cont == CONT_VERIFY) {
        module_job_drop(&((struct verify_wait *)t->job)->job);
    }
    job_free(t->job);
    t->job = NULL;
}
