/* The child: calls for its next order, with the answer to the last one. */
#include "abi/caps.h"
#include "abi/info.h"
#include "modules/pager/pager.h"
#include "sdk/start.h"

enum { COPIES = 40 };

static nos_handle_t taken;
extern uint64_t *nos_ipc_first_buffer;

static nos_status_t touch(volatile uint64_t *at, uint64_t pages)
{
    for (uint64_t i = 0; i < pages; i++) {
        volatile uint64_t *word = at + i * (PAGE / sizeof *at);
        if (*word != 0) {
            return NOS_BAD_STATE;
        }
        *word = i + 1;
    }
    for (uint64_t i = 0; i < pages; i++) {
        if (at[i * (PAGE / sizeof *at)] != i + 1) {
            return NOS_IO_ERROR;
        }
    }
    return NOS_OK;
}

static nos_status_t map(nos_handle_t h, struct nos_msg *m)
{
    void *at = NULL;
    nos_status_t st = nos_sys_region_map(h, READ_WRITE, &at);
    m->word[0] = (uint64_t)at;
    return st;
}

static nos_status_t make(struct nos_msg *m)
{
    nos_status_t st = nos_sys_region_create(m->word[0], &taken);
    if (st == NOS_OK) {
        st = map(taken, m);
    }
    return st == NOS_OK && !nos_msg_copy(m, taken, NOS_RIGHT_ALL) ? NOS_TOO_BIG : st;
}

static nos_status_t map_many(struct nos_msg *m)
{
    nos_status_t st = NOS_OK;
    void *at;
    for (m->word[0] = 0; (st = nos_sys_region_map(taken, READ_WRITE, &at)) == NOS_OK;) {
        m->word[0]++;
    }
    return st;
}

static nos_status_t copies(struct nos_msg *m)
{
    nos_handle_t last = taken;
    nos_status_t st = NOS_OK;
    for (unsigned i = 0; i < COPIES && st == NOS_OK; i++) {
        st = nos_sys_handle_dup(taken, NOS_RIGHT_MAP | NOS_RIGHT_READ, 0, &last);
    }
    m->word[0] = last.v;
    return st;
}

static void where(struct nos_msg *m)
{
    uint64_t here;
    m->word[0] = (uint64_t)&child_main & ~(uint64_t)(PAGE - 1);
    m->word[1] = (uint64_t)&here & ~(uint64_t)(PAGE - 1);
    m->word[2] = (uint64_t)nos_ipc_first_buffer & ~(uint64_t)(PAGE - 1);
}

static nos_status_t obey(struct nos_msg *m, enum order what)
{
    uint64_t was;
    switch (what) {
    case ORDER_TOUCH:
        return touch((uint64_t *)m->word[0], m->word[1]);
    case ORDER_WRITE:
        was = *(volatile uint64_t *)m->word[0];
        *(volatile uint64_t *)m->word[0] = m->word[1];
        m->word[0] = was;
        return NOS_OK;
    case ORDER_TAKE:
        taken.v = m->pass[0].handle;
        m->n_handles = 0;
        return map(taken, m);
    case ORDER_UNMAP:
        return nos_sys_region_unmap((void *)m->word[0]);
    case ORDER_GIVE:
        return nos_msg_move(m, taken, NOS_RIGHT_ALL) ? NOS_OK : NOS_TOO_BIG;
    case ORDER_MAKE:
        return make(m);
    case ORDER_REACH:
        return nos_sys_self_info((void *)m->word[0], sizeof(struct nos_capsule_info));
    case ORDER_AGAIN:
        return map(taken, m);
    case ORDER_MAP_MANY:
        return map_many(m);
    case ORDER_COPIES:
        return copies(m);
    case ORDER_WHERE:
        where(m);
        return NOS_OK;
    case ORDER_EXIT:
        break;
    }
    nos_exit(0);
}

_Noreturn void child_main(void)
{
    static struct nos_msg m;
    nos_msg_accept(&m, 1);
    m.label = NOS_OK;
    while (nos_call(meeting, &m, NOS_DEADLINE_NEVER) == NOS_OK) {
        enum order what = (enum order)m.label;
        if (what != ORDER_TAKE) {
            m.n_handles = 0;
        }
        nos_status_t st = obey(&m, what);
        m.label = (uint32_t)st;
        m.n_words = 3;
    }
    nos_exit(1);
}
