/* A client holds the only handle that serves its lifeline: a send there that would not wait says
 * PEER_CLOSED once that handle, or the client, is gone. Its badge is random: the endpoint outlives
 * this capsule, and a handle that an earlier one gave away must not fit a client of this one. */
#include "modules/memfs/client.h"

#include <string.h>

#include "modules/memfs/pool.h"
#include "sdk/start.h"

enum {
    CLIENTS = 64,
    LENT_MAX = 12, /* by one capsule */
    WINDOW_PAGES = NOS_FS_WINDOW / FS_PAGE,
    READ_WRITE = 3,
    LEND = NOS_RIGHT_DUP | NOS_RIGHT_TRANSFER | NOS_RIGHT_REVOKE,
    WINDOW_RIGHTS = NOS_RIGHT_READ | NOS_RIGHT_WRITE | NOS_RIGHT_MAP,
};

static struct client clients[CLIENTS];
static nos_handle_t door;
static struct limits limit;
static uint64_t last_badge;

void clients_init(nos_handle_t endpoint, const struct limits *limits)
{
    limit = *limits;
    door = endpoint;
    last_badge = load_le64(nos_self()->seed) & INT64_MAX;  // above are the doors'
}

static void drop(nos_handle_t *h)
{
    if (h->v != 0) {
        nos_ignore(nos_sys_handle_close(*h));
    }
    *h = (nos_handle_t){ 0 };
}

static void cut(nos_handle_t *h)
{
    if (h->v != 0) {
        nos_ignore(nos_sys_cap_revoke(*h));
    }
    drop(h);
}

struct client *client_of(uint64_t badge)
{
    struct client *c = &clients[badge % CLIENTS];
    return badge != 0 && c->session.id == badge ? c : NULL;
}

/* `whose` it is, that wipes it, but for what others have open. */
static void own_leave(struct own *o, bool whose)
{
    if (whose && o->tree.root != NULL) {
        tree_end(&o->tree);
    }
    if (--o->refs == 0) {
        pool_give(o, sizeof *o);
    }
}

/* Whoever it was reaches nothing any more before the first byte goes. */
static void client_end(struct client *c)
{
    cut(&c->call);
    cut(&c->lent);
    session_end(&c->session);
    if (c->own != NULL) {
        own_leave(c->own, !c->is_lent);
    }
    if (c->session.window.data != NULL) {
        nos_ignore(nos_sys_region_unmap(c->session.window.data));
    }
    drop(&c->region);
    drop(&c->lifeline);
    memset(c, 0, sizeof *c);
}

static nos_status_t make_window(struct client *c)
{
    void *at;

    nos_status_t st = nos_sys_region_create(WINDOW_PAGES, &c->region);
    st = st == NOS_OK ? nos_sys_region_map(c->region, READ_WRITE, &at) : st;
    if (st == NOS_OK) {
        c->session.window = mspan_of(at, NOS_FS_WINDOW);
        st = nos_sys_cap_derive(c->region, LEND | WINDOW_RIGHTS, 0, 0, 0, &c->lent);
    }
    return st;
}

static nos_status_t make_handles(struct client *c, struct attached *out)
{
    nos_status_t st =
        nos_sys_cap_derive(door, LEND | NOS_RIGHT_CALL, 0, c->session.id, 0, &c->call);
    if (st != NOS_OK) {
        return st;
    }
    *out = (struct attached){ .call = c->call, .window = c->lent };
    st = nos_sys_endpoint_create(&out->lifeline);
    if (st == NOS_OK) {
        st = nos_sys_handle_dup(out->lifeline, NOS_RIGHT_CALL, 0, &c->lifeline);
        if (st != NOS_OK) {
            drop(&out->lifeline);
        }
    }
    return st;
}

static struct client *unused(uint64_t *badge)
{
    for (unsigned i = 0; i < CLIENTS; i++) {
        last_badge++;
        if (last_badge != 0 && clients[last_badge % CLIENTS].session.id == 0) {
            *badge = last_badge;
            return &clients[last_badge % CLIENTS];
        }
    }
    return NULL;
}

static nos_status_t make_folder(struct node *in, span_t name, struct node **out)
{
    const struct place at = { .dir = in, .name = name };
    return tree_make(&at, NOS_FS_KIND_DIR, span_of(NULL, 0), nos_now_ns(), out);
}

/* A tree with the places that a C library counts on: for what is temporary (tmpfile), and for
 * memory and semaphores with a name (shm_open, sem_open). */
static nos_status_t make_own(uint32_t capsule, struct own **out)
{
    struct node *tmp, *dev, *shm;
    struct own *o = pool_take(sizeof *o);

    *out = o;
    if (o == NULL) {
        return NOS_NO_MEMORY;
    }
    o->refs = 1;
    o->capsule = capsule;
    struct tree *t = &o->tree;
    nos_status_t st = tree_begin(t, limit.private_kib * 1024, (uint32_t)limit.private_nodes);
    st = st == NOS_OK ? make_folder(t->root, SPAN_LIT("tmp"), &tmp) : st;
    st = st == NOS_OK ? make_folder(t->root, SPAN_LIT("dev"), &dev) : st;
    return st == NOS_OK ? make_folder(dev, SPAN_LIT("shm"), &shm) : st;
}

/* One session through a door for a capsule: one that asks again and again would have all places,
 * and a private tree's quota each time. A tree that was left counts as long as a file of it is
 * lent: it holds what the quota is for. */
static bool has_one(uint32_t capsule, const struct share *share, bool read_only)
{
    for (unsigned i = 0; i < CLIENTS; i++) {
        const struct client *c = &clients[i];
        bool of_share = share != NULL && !c->is_lent && c->capsule == capsule &&
                        c->session.tree == &share->tree && c->session.read_only == read_only;
        bool of_own = share == NULL && c->own != NULL && c->own->capsule == capsule;
        if (c->session.id != 0 && (of_share || of_own)) {
            return true;
        }
    }
    return false;
}

nos_status_t client_begin(uint32_t capsule, struct share *share, bool read_only,
                          struct attached *out)
{
    nos_status_t st = NOS_OK;
    uint64_t badge = 0;

    if (has_one(capsule, share, read_only)) {
        return NOS_BUSY;
    }
    struct client *c = unused(&badge);
    if (c == NULL) {
        return NOS_NO_SLOT;
    }
    c->session.id = badge;
    c->capsule = capsule;
    c->session.read_only = read_only;
    if (share == NULL) {
        st = make_own(capsule, &c->own);
    }
    c->session.tree = share != NULL ? &share->tree : st == NOS_OK ? &c->own->tree : NULL;
    st = st == NOS_OK ? make_window(c) : st;
    st = st == NOS_OK ? make_handles(c, out) : st;
    if (st != NOS_OK) {
        client_end(c);
    }
    return st;
}

nos_status_t client_lend(struct client *from, uint32_t capsule, uint64_t number, uint64_t at,
                         struct attached *out)
{
    unsigned lent = 0;
    uint64_t badge = 0;

    for (unsigned i = 0; i < CLIENTS; i++) {
        lent += clients[i].session.id != 0 && clients[i].is_lent && clients[i].capsule == capsule;
    }
    struct client *c = lent < LENT_MAX ? unused(&badge) : NULL;
    if (c == NULL) {
        return NOS_NO_SLOT;
    }
    c->session.id = badge;
    c->capsule = capsule;
    c->is_lent = true;
    c->own = from->own;
    if (c->own != NULL) {
        c->own->refs++;
    }
    nos_status_t st = session_lend(&from->session, number, at, &c->session);
    st = st == NOS_OK ? make_window(c) : st;
    st = st == NOS_OK ? make_handles(c, out) : st;
    if (st != NOS_OK) {
        client_end(c);
    }
    return st;
}

nos_status_t client_answer(struct nos_msg *m, const struct attached *a, uint32_t also)
{
    nos_handle_t lifeline = a->lifeline;

    nos_msg_answer(m, NOS_OK);
    m->n_words = 1;
    m->word[0] = NOS_FS_WINDOW;
    bool fits = nos_msg_copy(m, a->call, NOS_RIGHT_CALL | also) &&
                nos_msg_copy(m, a->window, WINDOW_RIGHTS | also) &&
                nos_msg_move(m, lifeline, NOS_RIGHT_RECV | also);
    nos_status_t st = fits ? nos_reply(m) : NOS_BAD_MESSAGE;
    if (st != NOS_OK) {
        drop(&lifeline);  // so it is found to be gone
    }
    return st;
}

static bool is_gone(const struct client *c)
{
    static const struct nos_msg nothing;
    return nos_send(c->lifeline, &nothing, NOS_DEADLINE_POLL) == NOS_PEER_CLOSED;
}

bool clients_bury(void)
{
    bool any = false;

    for (unsigned i = 0; i < CLIENTS; i++) {
        if (clients[i].session.id != 0 && is_gone(&clients[i])) {
            client_end(&clients[i]);
        }
        any = any || clients[i].session.id != 0;
    }
    return any;
}
