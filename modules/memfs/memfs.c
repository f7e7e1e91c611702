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
#include "modules/memfs/wads.h"
#include "sdk/control.h"
#include "sdk/print.h"
#include "sdk/start.h"
#include "sdk/upgrade.h"

enum {
    DOORS = 8,
    BURY_NS = 100000000,
    STACK = 4096,
    PRIORITY = 12,
    WORDS = 8,
};
#define DOOR_BADGE (1ull << 63) /* | the door's index */
#define WADS_BADGE (DOOR_BADGE | 1ull << 32)

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
static struct limits limits;

/* ---- the first thread ---- */

static void refuse(struct nos_msg *m, nos_status_t st)
{
    nos_msg_answer(m, st);
    nos_ignore(nos_reply(m));
}

static nos_status_t begin(uint32_t capsule, struct share *share, bool read_only,
                          struct attached *out)
{
    nos_status_t st = client_begin(capsule, share, read_only, out);
    if (st != NOS_OK) {
        (void)clients_bury();
        st = client_begin(capsule, share, read_only, out);
    }
    return st;
}

static void attach(struct nos_msg *m)
{
    struct attached a;
    nos_status_t st = m->label == NOS_FS_ATTACH && m->n_words == 0 ? NOS_OK : NOS_BAD_MESSAGE;

    st = st == NOS_OK ? begin(m->sender, NULL, false, &a) : st;
    st = st == NOS_OK ? client_answer(m, &a, 0) : st;
    if (st != NOS_OK) {
        refuse(m, st);
    }
}

/* For a door, which says whose: the numbers of the handles, which it sends itself. */
static void attach_door(struct nos_msg *m)
{
    struct attached a;
    uint64_t i = m->badge & ~DOOR_BADGE;
    nos_status_t st = i < n_doors && m->sender == nos_self()->capsule ? NOS_OK : NOS_DENIED;

    st = st == NOS_OK ? begin((uint32_t)m->word[0], doors[i].share, doors[i].read_only, &a) : st;
    nos_msg_answer(m, st);
    if (st == NOS_OK) {
        m->n_words = 3;
        m->word[0] = a.call.v;
        m->word[1] = a.window.v;
        m->word[2] = a.lifeline.v;
    }
    nos_ignore(nos_reply(m));
}

/* A file for whom the client wants: one of its children. */
static void lend(struct client *c, struct nos_msg *m)
{
    struct attached a;
    nos_status_t st = m->n_words == 2 ? NOS_OK : NOS_BAD_MESSAGE;

    st = st == NOS_OK ? client_lend(c, m->sender, m->word[0], m->word[1], &a) : st;
    if (st == NOS_NO_SLOT) {
        (void)clients_bury();  // those of children that have ended
        c = client_of(m->badge);
        st = c == NULL ? NOS_REVOKED : client_lend(c, m->sender, m->word[0], m->word[1], &a);
    }
    st = st == NOS_OK ? client_answer(m, &a, NOS_RIGHT_DUP | NOS_RIGHT_TRANSFER) : st;
    if (st != NOS_OK) {
        refuse(m, st);
    }
}

/* True: `m` is the answer, not sent yet. A mapping's is sent here, because it can be refused: then
 * nobody knows of the mapping. */
static bool serve(struct nos_msg *m)
{
    static struct answer a;
    struct client *c = client_of(m->badge);

    if (c == NULL) {
        nos_msg_answer(m, NOS_REVOKED);  // of a memfs that was here before
        return true;
    }
    if (m->label == NOS_FS_LEND) {
        lend(c, m);
        return false;
    }
    nos_status_t st = session_serve(&c->session, m->label, m->word, m->n_words, nos_now_ns(), &a);
    nos_msg_answer(m, st);
    m->n_words = a.n_words;
    for (uint32_t i = 0; i < a.n_words; i++) {
        m->word[i] = a.word[i];
    }
    if (a.lent == 0) {
        return true;
    }
    bool fits =
        nos_msg_copy(m, (nos_handle_t){ a.lent }, NOS_RIGHT_READ | NOS_RIGHT_WRITE | NOS_RIGHT_MAP);
    if (!fits || nos_reply(m) != NOS_OK) {
        const uint64_t number = a.word[0];
        st = session_serve(&c->session, NOS_FS_CLOSE, &number, 1, nos_now_ns(), &a);
        refuse(m, st == NOS_OK ? NOS_NO_SLOT : st);
    }
    return false;
}

/* ---- doors ---- */

static void open_door(struct door *d)
{
    struct attached a;
    struct nos_msg *m = &d->m;
    uint64_t token = m->token;
    nos_status_t st = m->label == NOS_FS_ATTACH && m->n_words == 0 ? NOS_OK : NOS_BAD_MESSAGE;

    if (st == NOS_OK) {
        m->word[0] = m->sender;
        m->n_words = 1;
        st = nos_call(d->asks, m, NOS_DEADLINE_NEVER);
        st = st == NOS_OK ? nos_msg_status(m) : st;
    }
    m->token = token;
    if (st == NOS_OK) {
        a = (struct attached){ { (uint32_t)m->word[0] },
                               { (uint32_t)m->word[1] },
                               { (uint32_t)m->word[2] } };
        st = client_answer(m, &a, 0);
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

static struct share *find_share(const char *name)
{
    for (uint32_t i = 0; i < n_shares; i++) {
        if (memcmp(shares[i].name, name, sizeof shares[i].name) == 0) {
            return &shares[i];
        }
    }
    return NULL;
}

static struct share *share_of(const char *name)
{
    struct share *there = find_share(name), *s = &shares[n_shares];
    if (there != NULL) {
        return there;
    }
    if (tree_begin(&s->tree, limits.share_kib * 1024, (uint32_t)limits.share_nodes) != NOS_OK) {
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

/* ---- a share with what is in a wad ---- */

/* Who may write to it could say that it came from there. */
static bool is_written(const struct share *s)
{
    for (uint32_t i = 0; i < n_doors; i++) {
        if (doors[i].share == s && !doors[i].read_only) {
            return true;
        }
    }
    return false;
}

static void fill(struct nos_msg *m)
{
    struct share *s = find_share(wads_share());
    nos_status_t st = m->sender != nos_self()->capsule ? NOS_DENIED
                      : s == NULL                      ? NOS_NOT_FOUND
                      : is_written(s)                  ? NOS_DENIED
                                                       : wads_fill(s, m);
    if (st != NOS_OK) {
        nos_msg_answer(m, st);
    }
    nos_ignore(nos_reply(m));
}

/* ---- who looks for clients that are gone ---- */

static struct {
    struct nos_thread thread;
    nos_handle_t begin, due;  // there are clients; it is time to look
    bool wanted;
    uint8_t stack[STACK] ALIGNED(16);
} watch;

/* A thread of its own, so that the first one waits without a deadline: a message is then half the
 * work for the kernel. */
static void run_watch(void *arg, uint64_t *ipc_buffer)
{
    uint64_t bits;

    (void)arg;
    (void)ipc_buffer;
    for (;;) {
        if (!__atomic_load_n(&watch.wanted, __ATOMIC_SEQ_CST) &&
            nos_sys_notify_wait(watch.begin, NOS_DEADLINE_NEVER, &bits) != NOS_OK) {
            return;
        }
        nos_ignore(nos_sys_sleep(nos_now_ns() + BURY_NS));
        nos_ignore(nos_sys_notify_signal(watch.due, 1));
    }
}

static nos_status_t make_watch(nos_handle_t main)
{
    nos_handle_t thread;

    watch.thread.run = run_watch;
    nos_status_t st = nos_sys_notify_create(&watch.begin);
    st = st == NOS_OK ? nos_sys_notify_create(&watch.due) : st;
    st = st == NOS_OK ? nos_sys_notify_bind(watch.due, main) : st;
    return st == NOS_OK ? nos_thread_start(&watch.thread, watch.stack, STACK, PRIORITY, &thread)
                        : st;
}

static void look(void)
{
    bool any = clients_bury(), was = __atomic_exchange_n(&watch.wanted, any, __ATOMIC_SEQ_CST);

    if (any && !was) {
        nos_ignore(nos_sys_notify_signal(watch.begin, 1));
    }
}

/* ---- the loop ---- */

/* True: `m` is the answer, not sent yet. */
static bool handle(struct nos_msg *m)
{
    if (m->notified) {
        look();
        return false;
    }
    if (nos_control(m) || m->token == 0) {
        return false;  // nobody waits: it would be done on this capsule's account
    }
    if (m->badge != 0 && (m->badge & DOOR_BADGE) == 0) {
        return serve(m);
    }
    if (m->badge == WADS_BADGE) {
        fill(m);
        return false;
    }
    if (m->badge == 0) {
        attach(m);
    } else {
        attach_door(m);
    }
    look();
    return false;
}

static bool read_limits(void)
{
    static char copy[NOS_ARG_MAX + 1];
    char *word[WORDS];
    size_t n = nos_arg_words(copy, word, WORDS);

    limits = LIMITS_DEFAULT;
    for (size_t i = 0; i < n; i++) {
        if (!limits_take(&limits, word[i])) {
            nos_log(
                "memfs: %s is no limit: private_kib=, private_nodes=, share_kib= or share_nodes=, "
                "and a number from 1 on",
                word[i]);
            return false;
        }
    }
    return true;
}

int nos_main(void)
{
    static struct nos_msg m;
    nos_handle_t main = nos_find_handle(NOS_CAP_ENDPOINT, "memfs");
    bool answer = false;

    nos_upgradable(NULL);
    if (!read_limits()) {
        return 1;
    }
    clients_init(main, &limits);
    nos_status_t st = make_watch(main);
    st = st == NOS_OK ? make_doors(main) : st;
    st = st == NOS_OK ? wads_begin(main, WADS_BADGE) : st;
    while (st == NOS_OK) {
        st = answer ? nos_reply_recv(main, &m, NOS_DEADLINE_NEVER)
                    : nos_recv(main, &m, NOS_DEADLINE_NEVER);
        answer = st == NOS_OK && handle(&m);
    }
    nos_log("memfs: cannot serve: %s", status_text(st));
    return 1;
}
