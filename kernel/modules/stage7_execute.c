/* Stage 7: what the first thread finds. Three areas of their own, each at a random place with guard
 * pages. */
#include <string.h>

#include "kernel/arch/api/arch.h"
#include "kernel/core/panic.h"
#include "kernel/crypto/vault.h"
#include "kernel/modules/module.h"

static nos_status_t map_new(struct space *s, uint32_t pages, unsigned prot, enum area_kind kind,
                            uint64_t *va)
{
    nos_status_t st = space_place(s, pages, va);
    /* uncovered(1): the window of a new space has room */
    return st == NOS_OK ? space_map_private(s, *va, pages, prot, kind, true) : st;
}

static nos_status_t map_all(struct capsule *c)
{
    uint32_t stack = c->limits.stack_pages;
    uint64_t stack_va = 0;

    nos_status_t st = map_new(&c->space, stack, PROT_R | PROT_W, AREA_STACK, &stack_va);
    if (st == NOS_OK) {
        c->stack_top = stack_va + (uint64_t)stack * PAGE_SIZE;
        st = map_new(&c->space, 1, PROT_R | PROT_W, AREA_PRIVATE, &c->ipc_va);
    }
    if (st == NOS_OK) {
        st = map_new(&c->space, 1, PROT_R, AREA_PRIVATE, &c->start_va);
    }
    return st;
}

static void finish(const struct module *m, const struct capsule *c, struct nos_start *start,
                   span_t arg)
{
    uint64_t hz;

    start->magic = NOS_START_MAGIC;
    start->abi = NOS_ABI_VERSION;
    start->capsule = c->id;
    arch_clock_params(&hz, &start->tsc_mult, &start->tsc_base);
    start->ipc_buffer = c->ipc_va;
    start->supervisor = c->parent;
    vault_random(start->seed, sizeof start->seed);
    memcpy(start->name, m->name, sizeof start->name);
    memset(start->arg, 0, sizeof start->arg);
    memcpy(start->arg, arg.data, arg.len);
}

nos_status_t module_execute(const struct module *m, struct capsule *c, struct nos_start *start,
                            span_t arg)
{
    if (arg.len > NOS_ARG_MAX) {
        return NOS_TOO_BIG;
    }
    nos_status_t st = map_all(c);
    if (st != NOS_OK) {
        return st;
    }
    finish(m, c, start, arg);
    struct nos_start *page = space_ptr(&c->space, c->start_va);
    KASSERT(page != NULL && start->n_handles <= NOS_START_HANDLES);
    // The page is zero behind the handles that there are.
    memcpy(page, start,
           offsetof(struct nos_start, handle) + start->n_handles * sizeof start->handle[0]);
    page->given = start->given;
    return NOS_OK;
}
