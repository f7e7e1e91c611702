/* What the sender names is read once. Nothing is taken from it before everything has found a place,
 * so going back is closing what the receiver has just got. */
#include "kernel/ipc/pass.h"

#include "kernel/core/panic.h"
#include "kernel/object/region.h"

struct passing {
    uint32_t n;
    struct nos_pass in[NOS_MSG_HANDLES];
    struct handle_slot *slot[NOS_MSG_HANDLES];
    uint32_t out[NOS_MSG_HANDLES];
};

static inline struct nos_ipc_buffer *buffer_of(const struct thread *t)
{
    return (struct nos_ipc_buffer *)(void *)t->ipc_buf;
}

static bool moves(struct nos_pass p)
{
    return (p.rights & NOS_PASS_MOVE) != 0;
}

/* Both halves with one load: another thread of the sender may be writing. */
static struct nos_pass read_pass(const struct thread *from, uint32_t i)
{
    uint64_t both =
        __atomic_load_n((uint64_t *)(void *)&buffer_of(from)->pass[i], __ATOMIC_RELAXED);
    return (struct nos_pass){ .handle = (uint32_t)both, .rights = (uint32_t)(both >> 32) };
}

/* A handle that goes cannot be named twice. */
static bool named_before(const struct passing *p, uint32_t i)
{
    for (uint32_t k = 0; k < i; k++) {
        if (p->in[k].handle == p->in[i].handle && (moves(p->in[k]) || moves(p->in[i]))) {
            return true;
        }
    }
    return false;
}

static nos_status_t look(const struct thread *from, struct passing *p)
{
    for (uint32_t i = 0; i < p->n; i++) {
        struct nos_pass in = read_pass(from, i);
        uint32_t need = NOS_RIGHT_TRANSFER | (moves(in) ? 0 : (uint32_t)NOS_RIGHT_DUP);
        p->in[i] = in;
        if ((in.rights & ~((uint32_t)NOS_RIGHT_ALL | NOS_PASS_MOVE)) != 0) {
            return NOS_BAD_MESSAGE;
        }
        nos_status_t st = named_before(p, i) ? NOS_BAD_HANDLE
                                             : handle_get(&from->capsule->handles, in.handle,
                                                          HANDLE_TYPE_ANY, need, &p->slot[i]);
        if (st != NOS_OK) {
            return st;
        }
    }
    return NOS_OK;
}

static bool gives_region(const struct thread *from, struct nos_pass in, struct obj *o)
{
    return moves(in) && o->type == NOS_TYPE_REGION &&
           CONTAINER_OF(o, struct region, obj)->owner == from->capsule;
}

/* Of regions that are given away: the receiver pays. */
static nos_status_t can_pay(const struct thread *from, const struct thread *to,
                            const struct passing *p)
{
    uint64_t cost = 0;
    uint32_t n = 0;
    for (uint32_t i = 0; i < p->n && from->capsule != to->capsule; i++) {
        if (gives_region(from, p->in[i], p->slot[i]->obj)) {
            cost += region_cost(CONTAINER_OF(p->slot[i]->obj, struct region, obj));
            n++;
        }
    }
    return n == 0 ? NOS_OK : region_may_give(to->capsule, cost, n);
}

static nos_status_t place(const struct passing *p, uint32_t i, struct handle_table *t,
                          uint32_t *out)
{
    struct handle_slot like = *p->slot[i];
    like.rights &= p->in[i].rights;
    like.origin = NOS_ORIGIN_MESSAGE;
    return handle_insert(t, &like, out);
}

static void commit(struct thread *from, struct thread *to, const struct passing *p)
{
    struct nos_ipc_buffer *b = buffer_of(to);
    for (uint32_t i = 0; i < p->n; i++) {
        b->pass[i] = (struct nos_pass){ .handle = p->out[i],
                                        .rights = p->slot[i]->rights & p->in[i].rights };
        if (moves(p->in[i])) {
            struct obj *o = p->slot[i]->obj;
            if (from->capsule != to->capsule && gives_region(from, p->in[i], o)) {
                region_given(CONTAINER_OF(o, struct region, obj), from->capsule, to->capsule);
            }
            nos_status_t gone = handle_close(&from->capsule->handles, p->in[i].handle);
            KASSERT(gone == NOS_OK);
        }
    }
}

static uint32_t count_of(uint64_t info)
{
    return (uint32_t)(info & INFO_HANDLES) >> NOS_MSG_HANDLES_SHIFT;
}

nos_status_t pass_check(const struct thread *from, uint64_t info)
{
    struct passing p = { .n = count_of(info) };
    return look(from, &p);
}

bool pass_one(struct thread *from, struct thread *to)
{
    struct nos_ipc_buffer *b = buffer_of(to);
    struct nos_pass in = read_pass(from, 0);
    struct handle_table *t = &from->capsule->handles, *into = &to->capsule->handles;
    struct handle_slot *s = handle_place(t, in.handle);
    uint32_t rights = s->rights & in.rights;
    if ((in.rights & ~(uint32_t)NOS_RIGHT_ALL) != NOS_PASS_MOVE ||
        handle_wrong(s, in.handle, HANDLE_WANT(HANDLE_TYPE_ANY, NOS_RIGHT_TRANSFER)) != 0 ||
        __atomic_load_n(&b->accept, __ATOMIC_RELAXED) == 0 || !handle_can_move(s, into)) {
        return false;
    }
    b->pass[0] =
        (struct nos_pass){ .handle = handle_move(t, s, in.rights, into), .rights = rights };
    return true;
}

nos_status_t pass_handles(struct thread *from, struct thread *to, uint64_t info)
{
    struct passing p;
    uint32_t done = 0;

    p.n = count_of(info);
    if (p.n > __atomic_load_n(&buffer_of(to)->accept, __ATOMIC_RELAXED)) {
        return NOS_HANDLES_REFUSED;
    }
    nos_status_t st = look(from, &p);
    if (st == NOS_OK) {
        st = can_pay(from, to, &p);
    }
    while (st == NOS_OK && done < p.n) {
        st = place(&p, done, &to->capsule->handles, &p.out[done]);
        done += st == NOS_OK ? 1 : 0;
    }
    if (st != NOS_OK) {
        while (done > 0) {
            nos_status_t back = handle_close(&to->capsule->handles, p.out[--done]);
            KASSERT(back == NOS_OK);
        }
        return st;
    }
    commit(from, to, &p);
    return NOS_OK;
}
