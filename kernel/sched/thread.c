/* Thread objects and the table that reply tokens index. */
#include "kernel/memory/cache.h"
#include "kernel/memory/frame.h"
#include "kernel/sched/thread.h"

#include "kernel/arch/api/upcalls.h"
#include "kernel/core/lock.h"
#include "kernel/core/panic.h"

static struct cache thread_cache = CACHE(thread);
static struct cache fpu_cache = { .name = "fpu", .size = ARCH_FPU_SIZE };
struct thread *thread_table[THREADS_MAX];
uint32_t thread_top = 1;
static uint32_t search_from = 1, n_threads; /* no index below search_from is free */
static uint32_t
    seq_floor; /* no dead thread made a reply token above it: whoever gets its index starts there */

static uint32_t free_index(void)
{
    for (uint32_t n = 0; n < THREADS_MAX - 1; n++) {
        uint32_t i = 1 + (search_from - 1 + n) % (THREADS_MAX - 1);
        if (thread_table[i] == NULL) {
            search_from = i + 1;
            return i;
        }
    }
    return 0;
}

static nos_status_t map_ipc_buffer(struct thread *t)
{
    uint64_t va;
    nos_status_t st = space_place(&t->capsule->space, 1, &va);
    if (st == NOS_OK) {
        st = space_map_private(&t->capsule->space, va, 1, PROT_R | PROT_W, AREA_PRIVATE, true);
    }
    if (st == NOS_OK) {
        t->ipc_va = va;
        t->ipc_buf = space_ptr(&t->capsule->space, va);
    }
    return st;
}

nos_status_t thread_create(struct capsule *c, uint64_t ip, uint64_t sp, uint64_t arg0,
                           uint64_t arg1, uint32_t priority, struct thread **out)
{
    uint32_t index = free_index();
    if (c->n_threads >= c->limits.threads || c->n_objects >= c->limits.objects) {
        return NOS_QUOTA;
    }
    struct thread *t = index == 0 ? NULL : cache_alloc(&thread_cache);
    if (t == NULL) {
        return NOS_NO_MEMORY;
    }
    t->capsule = c;
    t->payer = c;
    t->cpus = sched_cpus_of(c);
    t->cpu = this_cpu()->id;
    t->priority = t->base_priority = priority;
    nos_status_t st = NOS_OK;
    if (c->n_threads == 0) {  // the first thread's buffer was placed by stage 7
        t->ipc_va = c->ipc_va;
        t->ipc_buf = space_ptr(&c->space, c->ipc_va);
    } else {
        st = map_ipc_buffer(t);
    }
    if (st != NOS_OK) {
        cache_free(&thread_cache, t);
        return st;
    }
    obj_init(&t->obj, NOS_TYPE_THREAD);
    st = obj_charge(&t->obj, c);
    KASSERT(st == NOS_OK);  // looked at above
    arch_context_init(&t->ctx, ip, sp, arg0, c->n_threads == 0 ? arg1 : t->ipc_va);
    obj_get(&c->obj);
    obj_get(&t->obj);
    t->index = index;
    t->token = index | (uint64_t)seq_floor << 32;
    t->sibling = c->threads;
    c->threads = t;
    c->n_threads++;
    thread_table[index] = t;
    thread_top = index < thread_top ? thread_top : index + 1;
    n_threads++;
    *out = t;
    return NOS_OK;
}

static void unlink_sibling(struct thread *t)
{
    struct thread **at = &t->capsule->threads;
    while (*at != t) {
        KASSERT(*at != NULL);
        at = &(*at)->sibling;
    }
    *at = t->sibling;
    t->capsule->n_threads--;
}

void thread_kill(struct thread *t)
{
    if (t->state == THREAD_DEAD) {
        return;
    }
    thread_wait_cancel(t);
    sched_unwait(t);
    t->state = THREAD_DEAD;
    if (t->serves) {
        thread_left_clients(t);
    }
    if (t->cont != CONT_NONE && !t->stepping) {  // else sched_step_end drops it
        continuation_drop(t);
        t->cont = CONT_NONE;
    }
    struct cpu *cpu = &cpus[t->cpu];
    if (cpu->current == t) {
        obj_get(&t->obj);  // sched.c's leave() gives it back once the CPU is off this thread
        if (cpu != this_cpu()) {
            arch_catch(cpu->id);  // from here on it runs no instruction of user mode's
        }
    } else {
        t->ctx = (struct arch_context){ 0 };  // a handle may keep the object; else leave() does it
    }
    if (t->fpu != NULL) {  // registers that still hold it are forgotten when their CPU leaves it
        cache_free(&fpu_cache, t->fpu);
        t->fpu = NULL;
    }
    thread_table[t->index] = NULL;
    search_from = t->index < search_from ? t->index : search_from;  // low, so that walks are short
    while (thread_top > 1 && thread_table[thread_top - 1] == NULL) {
        thread_top--;
    }
    uint32_t calls = (uint32_t)(t->token >> 32);
    if (calls - seq_floor < UINT32_MAX / 2) {
        seq_floor = calls;
    }
    n_threads--;
    unlink_sibling(t);
    if (t->capsule->state == NOS_CAPSULE_RUNNING) {  // else it goes with the space
        space_drop(&t->capsule->space, t->ipc_va);
    }
    obj_put(&t->obj);
}

void thread_destroy(struct obj *o)
{
    struct thread *t = CONTAINER_OF(o, struct thread, obj);
    struct capsule *c = t->capsule;
    KASSERT(t->state == THREAD_DEAD && cpus[t->cpu].current != t);
    cache_free(&thread_cache, t);
    obj_put(&c->obj);
}

uint64_t thread_count(void)
{
    return n_threads;
}

/* A state for the current thread, which the caller loads. NULL: no memory. */
static struct arch_fpu *fpu_new(struct thread *t)
{
    t->fpu = cache_alloc(&fpu_cache);
    if (t->fpu != NULL) {
        arch_fpu_init_state(t->fpu);
        this_cpu()->fpu_owner = t;
    }
    return t->fpu;
}

nos_status_t thread_set_tls(struct thread *t, uint64_t base)
{
    if (base != 0 && !user_range(base, sizeof(uint64_t))) {
        return NOS_BAD_ADDRESS;
    }
    if (t->fpu == NULL) {
        if (fpu_new(t) == NULL) {
            return NOS_NO_MEMORY;
        }
        arch_fpu_switch(NULL, t->fpu);
    }
    arch_fpu_set_tls(t->fpu, base);
    return NOS_OK;
}

struct arch_fpu *up_fpu_first_use(void)
{
    struct thread *t = this_cpu()->current;
    KASSERT(t != NULL && t->fpu == NULL);
    struct arch_fpu *made = !kernel_lock() || t->state == THREAD_RUNNING ? fpu_new(t) : NULL;
    kernel_unlock();
    return made;
}
