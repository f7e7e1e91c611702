/*
 * Files in memory. Who may call the endpoint `memfs` has a tree of his own; who may call a share's
 * door, `rw-NAME` or `ro-NAME`, has that tree, to write to or to read. So what a capsule sees is
 * what its manifest asked for and the policy granted, and nothing else is asked.
 *
 * One thread serves all clients, which call one endpoint with badges. A door is an endpoint of its
 * own, so each has a thread; all it does is to ask the first one, under a badge that says which
 * door it is, and to hand the answer on.
 */
#include <string.h>

#include "lib/status.h"
#include "modules/memfs/client.h"
#include "sdk/control.h"
#include "sdk/print.h"
#include "sdk/start.h"

enum {
    DOORS = 8,
    BURY_NS = 100000000,
    STACK = 4096,
    PRIORITY = 12,
    SHARE_BYTES = 16 << 20,
    SHARE_NODES = 4096,
};
#define DOOR_BADGE (1ull << 63) /* | the door's index */

struct door {
    struct nos_thread thread;
    nos_handle_t serves, asks;  // the door; the first thread, under the door's badge
    struct share *share;
    bool read_only;
    struct nos_msg m;
    uint8_t stack[STACK] ALIGNED(16);
};

static struct door doors[DOORS];
static struct share shares[DOORS];
static uint32_t n_doors, n_shares;

/* ---- the first thread ---- */

static void refuse(struct nos_msg *m, nos_status_t st)
{
    nos_msg_answer(m, st);
    nos_ignore(nos_reply(m));
}

static nos_status_t begin(struct share *share, bool read_only, struct attached *out)
{
    nos_status_t st = client_begin(share, read_only, out);
    if (st != NOS_OK) {
        (void)clients_bury();
        st = client_begin(share, read_only, out);
    }
    return st;
}

static void attach(struct nos_msg *m)
{
    struct attached a;
    nos_status_t st = m->label == NOS_FS_ATTACH && m->n_words == 0 ? NOS_OK : NOS_BAD_MESSAGE;

    st = st == NOS_OK ? begin(NULL, false, &a) : st;
    st = st == NOS_OK ? client_answer(m, &a) : st;
    if (st != NOS_OK) {
        refuse(m, st);
    }
}

/* For a door: the numbers of the handles, which it sends itself. */
static void attach_door(struct nos_msg *m)
{
    struct attached a;
    uint64_t i = m->badge & ~DOOR_BADGE;
    nos_status_t st = i < n_doors && m->sender == nos_self()->capsule ? NOS_OK : NOS_DENIED;

    st = st == NOS_OK ? begin(doors[i].share, doors[i].read_only, &a) : st;
    nos_msg_answer(m, st);
    if (st == NOS_OK) {
        m->n_words = 3;
        m->word[0] = a.call.v;
        m->word[1] = a.window.v;
        m->word[2] = a.lifeline.v;
    }
    nos_ignore(nos_reply(m));
}

static void serve(struct nos_msg *m)
{
    static struct answer a;
    struct client *c = client_of(m->badge);

    if (c == NULL) {
        refuse(m, NOS_REVOKED);  // of a memfs that was here before
        return;
    }
    nos_status_t st = session_serve(&c->session, m->label, m->word, m->n_words, nos_now_ns(), &a);
    nos_msg_answer(m, st);
    if (st == NOS_OK) {
        m->n_words = a.n_words;
        memcpy(m->word, a.word, sizeof a.word);
    }
    if (st == NOS_OK && a.lent != 0 &&
        !nos_msg_copy(m, (nos_handle_t){ a.lent },
                      NOS_RIGHT_READ | NOS_RIGHT_WRITE | NOS_RIGHT_MAP)) {
        nos_msg_answer(m, NOS_TOO_BIG);
    }
    if (nos_reply(m) != NOS_OK && a.lent != 0) {
        const uint64_t number = a.word[0];  // nobody knows of the mapping
        st = session_serve(&c->session, NOS_FS_CLOSE, &number, 1, nos_now_ns(), &a);
        refuse(m, st == NOS_OK ? NOS_NO_SLOT : st);
    }
}

/* ---- doors ---- */

static void open_door(struct door *d)
{
    struct attached a;
    struct nos_msg *m = &d->m;
    uint64_t token = m->token;
    nos_status_t st = m->label == NOS_FS_ATTACH && m->n_words == 0 ? NOS_OK : NOS_BAD_MESSAGE;

    if (st == NOS_OK) {
        st = nos_call(d->asks, m, NOS_DEADLINE_NEVER);
        st = st == NOS_OK ? nos_msg_status(m) : st;
    }
    m->token = token;
    if (st == NOS_OK) {
        a = (struct attached){ { (uint32_t)m->word[0] },
                               { (uint32_t)m->word[1] },
                               { (uint32_t)m->word[2] } };
        st = client_answer(m, &a);
    }
    if (st != NOS_OK) {
        refuse(m, st);
    }
}

static void run_door(void *arg, uint64_t *ipc_buffer)
{
    struct door *d = arg;

    d->m.buffer = ipc_buffer;
    for (;;) {
        nos_status_t st = nos_recv(d->serves, &d->m, NOS_DEADLINE_NEVER);
        if (st != NOS_OK) {
            nos_log("memfs: a door is closed: %s", status_text(st));
            return;
        }
        open_door(d);
    }
}

static struct share *share_of(const char *name)
{
    for (uint32_t i = 0; i < n_shares; i++) {
        if (memcmp(shares[i].name, name, sizeof shares[i].name) == 0) {
            return &shares[i];
        }
    }
    struct share *s = &shares[n_shares];
    if (tree_begin(&s->tree, SHARE_BYTES, SHARE_NODES) != NOS_OK) {
        return NULL;
    }
    memcpy(s->name, name, sizeof s->name);
    n_shares++;
    return s;
}

static nos_status_t make_door(const struct nos_start_handle *h, nos_handle_t main)
{
    struct door *d = &doors[n_doors];
    char name[NOS_NAME_MAX] = { 0 };
    nos_handle_t thread;

    if (n_doors == DOORS) {
        return NOS_NO_SLOT;
    }
    memcpy(name, h->name + 3, NOS_NAME_MAX - 3);
    d->share = share_of(name);
    if (d->share == NULL) {
        return NOS_NO_MEMORY;
    }
    d->read_only = h->name[1] == 'o';
    d->serves = (nos_handle_t){ h->handle };
    d->thread = (struct nos_thread){ .run = run_door, .arg = d };
    nos_status_t st =
        nos_sys_cap_derive(main, NOS_RIGHT_CALL, 0, DOOR_BADGE | n_doors, 0, &d->asks);
    if (st == NOS_OK) {
        n_doors++;
        st = nos_thread_start(&d->thread, d->stack, STACK, PRIORITY, &thread);
    }
    return st;
}

static nos_status_t make_doors(nos_handle_t main)
{
    nos_status_t st = NOS_OK;

    for (uint32_t i = 0; st == NOS_OK && i < nos_self()->n_handles; i++) {
        const struct nos_start_handle *h = &nos_self()->handle[i];
        bool door = memcmp(h->name, "rw-", 3) == 0 || memcmp(h->name, "ro-", 3) == 0;
        if (h->kind == NOS_CAP_ENDPOINT && door) {
            st = make_door(h, main);
        }
    }
    return st;
}

int nos_main(void)
{
    static struct nos_msg m;
    nos_handle_t main = nos_find_handle(NOS_CAP_ENDPOINT, "memfs");
    uint64_t due = NOS_DEADLINE_NEVER; /* of the next look for who is gone */

    clients_init(main);
    nos_status_t st = make_doors(main);
    while (st == NOS_OK) {
        st = nos_recv(main, &m, due);
        if (st == NOS_OK && nos_control(&m)) {
            continue;
        }
        if (st == NOS_OK && m.badge == 0) {
            attach(&m);
        } else if (st == NOS_OK && (m.badge & DOOR_BADGE) != 0) {
            attach_door(&m);
        } else if (st == NOS_OK) {
            serve(&m);
        }
        st = st == NOS_TIMED_OUT ? NOS_OK : st;
        if (due == NOS_DEADLINE_NEVER || nos_now_ns() >= due) {
            due = clients_bury() ? nos_now_ns() + BURY_NS : NOS_DEADLINE_NEVER;
        }
    }
    nos_log("memfs: cannot serve: %s", status_text(st));
    return 1;
}
