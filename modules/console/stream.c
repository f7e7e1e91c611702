/*
 * A slot's memory and its notification are made once and lent: the client gets handles with a cell
 * of their own, which are cut when its stream ends, so nothing that it kept reaches the next one.
 * How its end is found out: it holds the only handle with RECV to an endpoint of the slot's, the
 * lifeline; a send there that would not wait says PEER_CLOSED once that handle is gone.
 *
 * Whose account: text that is shown because its writer called is shown on the writer's. What the
 * bell brings is on the console's own, so it is bounded: BURST bytes in PERIOD_NS of each stream.
 * The line carries a seventieth of that.
 */
#include "modules/console/stream.h"

#include <string.h>

#include "sdk/ring.h"
#include "sdk/start.h"

enum {
    PAGES = 2,
    PAGE = 4096,
    READ_WRITE = 3,
    CHUNK = 512,
    BURST = 8192,
    PERIOD_NS = 10000000,
    LEND = NOS_RIGHT_DUP | NOS_RIGHT_TRANSFER | NOS_RIGHT_REVOKE,
    REGION_RIGHTS = NOS_RIGHT_READ | NOS_RIGHT_WRITE | NOS_RIGHT_MAP
};

struct stream {
    uint32_t owner;  // capsule; 0 = free
    bool awake;      // there may be text: the ring does not say that its reader sleeps
    uint8_t *mem;    // NULL: never used
    struct nos_ring ring;
    nos_handle_t region, room;            // made once
    nos_handle_t lent_region, lent_room;  // derived for the owner; 0 once they are cut
    nos_handle_t lifeline;                // right CALL
    uint64_t period_end;
    uint32_t left;  // bytes that may still be shown on the console's account before that
};

static struct {
    struct stream slot[STREAMS_MAX];
    nos_handle_t bell;
    void (*show)(span_t text);
} streams;

void streams_init(nos_handle_t bell, void (*show)(span_t text))
{
    streams.bell = bell;
    streams.show = show;
}

/* ---- ends ---- */

static void drop(nos_handle_t *h)
{
    if (h->v != 0) {  // to close what it never had would be audited
        nos_ignore(nos_sys_handle_close(*h));
    }
    *h = (nos_handle_t){ 0 };
}

/* The owner reaches neither memory nor notification any more. The slot stays its own until it lets
 * the lifeline go: who spoils a ring does not get the next one for it. */
static void cut(struct stream *s)
{
    if (s->lent_region.v != 0) {
        nos_ignore(nos_sys_cap_revoke(s->lent_region));
        drop(&s->lent_region);
    }
    if (s->lent_room.v != 0) {
        nos_ignore(nos_sys_cap_revoke(s->lent_room));
        drop(&s->lent_room);
    }
    s->awake = false;
}

static size_t take(struct stream *s)
{
    uint8_t text[CHUNK];
    size_t n = nos_ring_read(&s->ring, MSPAN_OF(text));

    if (n != 0) {
        streams.show(span_of(text, n));
        if (nos_ring_wakes(&s->ring)) {
            nos_ignore(nos_sys_notify_signal(s->room, 1));
        }
    } else if (s->ring.broken) {
        cut(s);
    }
    return n;
}

/* At most one ring full: a writer that goes on meanwhile holds nobody up. */
static void take_all(struct stream *s)
{
    size_t n = 1;
    for (size_t all = 0; n != 0 && all < s->ring.size; all += n) {
        n = take(s);
    }
}

static bool ended(const struct stream *s)
{
    static const struct nos_msg nothing;
    return nos_send(s->lifeline, &nothing, NOS_DEADLINE_POLL) == NOS_PEER_CLOSED;
}

static void reclaim(struct stream *s)
{
    take_all(s);  // its last words
    cut(s);
    drop(&s->lifeline);
    memset(s->mem, 0, (size_t)PAGES * PAGE);
    s->owner = 0;
}

void streams_settle(uint32_t sender)
{
    for (int i = 0; i < STREAMS_MAX; i++) {
        struct stream *s = &streams.slot[i];
        if (s->owner == 0) {
            continue;
        }
        if (ended(s)) {
            reclaim(s);
        } else if (s->owner == sender) {
            take_all(s);
        }
    }
}

void streams_end(void)
{
    for (int i = 0; i < STREAMS_MAX; i++) {
        struct stream *s = &streams.slot[i];
        if (s->owner != 0) {
            take_all(s);
            cut(s);
        }
    }
}

/* ---- beginnings ---- */

static nos_status_t make(struct stream *s)
{
    void *at = NULL;

    if (s->mem != NULL) {
        return NOS_OK;
    }
    nos_status_t st = s->room.v == 0 ? nos_sys_notify_create(&s->room) : NOS_OK;
    if (st == NOS_OK && s->region.v == 0) {
        st = nos_sys_region_create(PAGES, &s->region);
    }
    if (st == NOS_OK) {
        st = nos_sys_region_map(s->region, READ_WRITE, &at);
    }
    s->mem = at;
    return st;
}

static nos_status_t lend(nos_handle_t h, uint64_t rights, nos_handle_t *out)
{
    return nos_sys_cap_derive(h, rights | LEND, 0, 0, 0, out);
}

/* An endpoint of which the owner is to have the only handle that serves it. */
static nos_status_t make_lifeline(struct stream *s, nos_handle_t *serve)
{
    nos_status_t st = nos_sys_endpoint_create(serve);
    if (st == NOS_OK) {
        st = nos_sys_handle_dup(*serve, NOS_RIGHT_CALL, 0, &s->lifeline);
        if (st != NOS_OK) {
            drop(serve);
        }
    }
    return st;
}

static nos_status_t prepare(struct stream *s, nos_handle_t *serve)
{
    nos_status_t st = make(s);
    st = st == NOS_OK ? lend(s->region, REGION_RIGHTS, &s->lent_region) : st;
    st = st == NOS_OK ? lend(s->room, NOS_RIGHT_WAIT, &s->lent_room) : st;
    st = st == NOS_OK ? make_lifeline(s, serve) : st;
    if (st == NOS_OK && !nos_ring_open(&s->ring, s->mem, (size_t)PAGES * PAGE, false)) {
        st = NOS_NOT_SUPPORTED;
    }
    return st;
}

/* The answer, with everything that the client needs and no right more. All or nothing, as each
 * message is. */
static nos_status_t hand_over(struct stream *s, struct nos_msg *m, nos_handle_t serve)
{
    nos_msg_answer(m, NOS_OK);
    m->n_words = 1;
    m->word[0] = (uint64_t)PAGES * PAGE;
    bool fits = nos_msg_copy(m, s->lent_region, REGION_RIGHTS) &&
                nos_msg_copy(m, streams.bell, NOS_RIGHT_SIGNAL) &&
                nos_msg_copy(m, s->lent_room, NOS_RIGHT_WAIT) &&
                nos_msg_move(m, serve, NOS_RIGHT_RECV);
    nos_status_t st = fits ? nos_reply(m) : NOS_BAD_MESSAGE;
    if (st != NOS_OK) {
        drop(&serve);
    }
    return st;
}

static struct stream *free_slot(uint32_t owner, nos_status_t *why)
{
    struct stream *found = NULL;

    *why = NOS_NO_SLOT;
    for (int i = 0; i < STREAMS_MAX; i++) {
        struct stream *s = &streams.slot[i];
        if (s->owner == owner) {
            *why = NOS_BUSY;
            return NULL;
        }
        found = s->owner == 0 && found == NULL ? s : found;
    }
    return found;
}

bool streams_open(struct nos_msg *m)
{
    nos_handle_t serve = { 0 };
    nos_status_t st;
    uint32_t owner = m->sender;
    struct stream *s = free_slot(owner, &st);

    if (s != NULL) {
        s->owner = owner;
        st = prepare(s, &serve);
        if (st == NOS_OK) {
            st = hand_over(s, m, serve);
        }
        if (st == NOS_OK) {
            s->awake = true;  // looks once, and says that it sleeps
            return false;
        }
        cut(s);
        drop(&s->lifeline);
        s->owner = 0;
    }
    nos_msg_answer(m, st);
    return true;
}

/* ---- what the bell brings ---- */

void streams_rang(void)
{
    for (int i = 0; i < STREAMS_MAX; i++) {
        struct stream *s = &streams.slot[i];
        s->awake = s->owner != 0 && s->lent_region.v != 0;
    }
}

static bool may_take(struct stream *s, uint64_t now)
{
    if (now >= s->period_end) {
        s->period_end = now + PERIOD_NS;
        s->left = BURST;
    }
    return s->left != 0;
}

uint64_t streams_due(void)
{
    uint64_t due = NOS_DEADLINE_NEVER, now = nos_now_ns();

    for (int i = 0; i < STREAMS_MAX; i++) {
        struct stream *s = &streams.slot[i];
        if (s->awake && may_take(s, now)) {
            return NOS_DEADLINE_POLL;
        }
        if (s->awake && (due == NOS_DEADLINE_NEVER || s->period_end < due)) {
            due = s->period_end;
        }
    }
    return due;
}

void streams_step(void)
{
    uint64_t now = nos_now_ns();

    for (int i = 0; i < STREAMS_MAX; i++) {
        struct stream *s = &streams.slot[i];
        if (!s->awake || !may_take(s, now)) {
            continue;
        }
        uint32_t n = (uint32_t)take(s);
        s->left -= n < s->left ? n : s->left;
        if (n == 0) {
            s->awake = s->awake && !nos_ring_sleeps(&s->ring) && !s->ring.broken;
        }
    }
}
