#include "modules/manage/debug.h"

#include <string.h>

#include "abi/debug.h"

_Static_assert(NOS_MG_DEBUG_AT_ONCE * sizeof(struct nos_debug_thread) <= NOS_MG_PAYLOAD,
               "one answer");
#define SECOND_NS 1000000000ull

static nos_handle_t session;  // 0 = none

void debug_end(void)
{
    if (session.v != 0) {
        nos_ignore(nos_sys_handle_close(session));  // it was ours
        session.v = 0;
    }
}

nos_status_t debug_begin(nos_handle_t node, const struct request *r)
{
    debug_end();
    return nos_sys_debug_open(node, r->id, r->seconds * SECOND_NS, &session);
}

/* Stopped, when all its threads are: none runs, and none will when its wait is over. */
static enum nos_mg_debugged look(void)
{
    struct nos_debug_thread t;
    nos_status_t st = NOS_OK;
    uint64_t from = 0;
    bool stopped = true;
    for (;;) {
        st = nos_sys_debug_thread(session, from, &t, sizeof(t));
        if (st != NOS_OK) {
            break;
        }
        bool moves = t.doing == NOS_DOING_RUNNING || t.doing == NOS_DOING_READY;
        stopped = stopped && (t.flags & NOS_DEBUG_HELD) != 0 && !moves;
        from = t.id + 1ull;
    }
    if (st == NOS_NOT_FOUND) {
        return stopped ? NOS_MG_STOPPED : NOS_MG_RUNS;
    }
    return st == NOS_BAD_STATE ? NOS_MG_ENDED : NOS_MG_OVER;
}

enum nos_mg_debugged debug_state(void)
{
    return session.v == 0 ? NOS_MG_NONE : look();
}

/* From id `from` on, as many as are there and fit. */
static nos_status_t threads(uint64_t from, uint8_t *room, size_t *len)
{
    struct nos_debug_thread t;
    nos_status_t st = NOS_OK;
    for (unsigned n = 0; st == NOS_OK && n < NOS_MG_DEBUG_AT_ONCE; n++) {
        st = nos_sys_debug_thread(session, from, &t, sizeof(t));
        if (st == NOS_OK) {
            memcpy(room + *len, &t, sizeof(t));
            *len += sizeof(t);
            from = t.id + 1ull;
        }
    }
    return st == NOS_NOT_FOUND ? NOS_OK : st;
}

nos_status_t debug_carry_out(const struct request *r, uint8_t *room, size_t *len)
{
    if (session.v == 0 && r->verb != NOS_MG_DEBUG_END) {
        return NOS_BAD_STATE;
    }
    *len = 0;
    switch (r->verb) {
    case NOS_MG_DEBUG_END:
        debug_end();
        return NOS_OK;
    case NOS_MG_DEBUG_THREADS:
        return threads(r->id, room, len);
    case NOS_MG_DEBUG_SET:
        return nos_sys_debug_set(session, r->id, r->bytes.data, r->bytes.len);
    case NOS_MG_DEBUG_READ:
        *len = r->len;
        return nos_sys_debug_read(session, r->offset, room, r->len);
    case NOS_MG_DEBUG_WRITE:
        return nos_sys_debug_write(session, r->offset, r->bytes.data, r->bytes.len);
    case NOS_MG_DEBUG_BREAK:
        return nos_sys_debug_break(session, r->offset, r->action);
    case NOS_MG_DEBUG_RUN:
        return nos_sys_debug_run(session, r->id, r->action);
    default:
        return NOS_NOT_SUPPORTED;
    }
}
