/* Handles in messages, in the kernel's own tables: three capsules make, derive, map, revoke and
 * close handles, pass them to each other, and end. What comes was the sender's to give, with no
 * right that the sender had not, and only what is moved is gone there. What is refused has moved
 * nothing. At all times references, mappings, servers and what everybody pays for are what the
 * tables say; in the end all is given back. */
#include "fuzz/pass_party.h"

/* ---- what is promised of a message ---- */

struct picture { /* of a table */
    struct handle_slot slot[SLOTS];
    uint32_t n, used, pages, objects;
};

static struct obj *owner_of(struct obj *o) /* of a region: who pays */
{
    const struct region *r = CONTAINER_OF(o, struct region, obj);
    return o->type == NOS_TYPE_REGION && r->owner != NULL ? &r->owner->obj : NULL;
}

static void take_picture(const struct party *p, struct picture *out)
{
    const struct handle_table *t = &p->capsule.handles;

    *out = (struct picture){ .n = t->capacity,
                             .used = t->used,
                             .pages = p->capsule.space.pages,
                             .objects = p->capsule.n_objects };
    PROMISE(t->capacity <= SLOTS);
    for (uint32_t i = 0; i < t->capacity; i++) {
        out->slot[i] = *handle_place(t, i);
    }
}

static bool same(const struct handle_slot *a, const struct handle_slot *b)
{
    return a->obj == b->obj && a->has == b->has && a->name == b->name && a->origin == b->origin &&
           a->depth == b->depth && a->deadline_ns == b->deadline_ns && a->badge == b->badge &&
           a->via == b->via;
}

/* What was there is there, but for `gone`. */
static void check_kept(const struct party *p, const struct picture *was, const struct nos_pass *in_,
                       uint32_t n)
{
    for (uint32_t i = 0; i < was->n; i++) {
        bool gone = was->slot[i].obj == NULL;
        for (uint32_t k = 0; k < n; k++) {
            gone |= moves(in_[k]) && in_[k].handle == was->slot[i].name;
        }
        const struct handle_slot *s = handle_place(&p->capsule.handles, i);
        PROMISE(gone || same(s, &was->slot[i]));
    }
}

static const struct handle_slot *pictured(const struct picture *was, uint32_t h)
{
    uint32_t i = h & HANDLE_TAG_MAX;
    return i < was->n && was->slot[i].obj != NULL && was->slot[i].name == h ? &was->slot[i] : NULL;
}

struct message {
    struct party *from, *to;
    uint32_t n, moved;
    struct nos_pass pass[NOS_MSG_HANDLES];
    struct obj *paid[NOS_MSG_HANDLES]; /* by whom */
    struct picture sender, receiver;
};

static bool is_given(const struct message *m, const struct obj *o)
{
    bool given = false;
    for (uint32_t i = 0; i < m->n && m->from != m->to; i++) {
        given |= moves(m->pass[i]) && pictured(&m->sender, m->pass[i].handle)->obj == o &&
                 m->paid[i] == &m->from->capsule.obj;
    }
    return given;
}

static void check_one(const struct message *m, uint32_t i)
{
    const struct handle_slot *src = pictured(&m->sender, m->pass[i].handle);
    struct nos_pass got = buffer_of(&m->to->thread)->pass[i];
    const struct handle_slot *s = found(m->to, got.handle, 0);
    struct handle_slot want;

    PROMISE(src != NULL && s != NULL && pictured(&m->receiver, got.handle) == NULL);
    PROMISE((src->rights & NOS_RIGHT_TRANSFER) != 0);
    PROMISE(moves(m->pass[i]) || (src->rights & NOS_RIGHT_DUP) != 0);
    PROMISE((m->pass[i].rights & ~(NOS_RIGHT_ALL | NOS_PASS_MOVE)) == 0);
    PROMISE(cell_look(src->via) == CELL_ALIVE && !obj_ended(src->obj));
    PROMISE(src->deadline_ns == 0 || src->deadline_ns > host_now);
    PROMISE((src->obj->classes & ~m->to->capsule.handles.classes) == 0);
    want = *src;
    want.rights &= m->pass[i].rights;
    want.name = got.handle;
    want.origin = NOS_ORIGIN_MESSAGE;
    PROMISE(same(s, &want) && got.rights == s->rights);
    PROMISE(owner_of(s->obj) == (is_given(m, s->obj) ? &m->to->capsule.obj : m->paid[i]));
    PROMISE(!is_given(m, s->obj) || space_borrows(&m->from->capsule.space, s->obj) == NULL);
    for (uint32_t k = 0; k < i; k++) {
        PROMISE(buffer_of(&m->to->thread)->pass[k].handle != got.handle);
        PROMISE(!moves(m->pass[i]) || m->pass[k].handle != m->pass[i].handle);
    }
    PROMISE(!moves(m->pass[i]) || found(m->from, m->pass[i].handle, 0) == NULL);
}

static void check_arrived(const struct message *m)
{
    const struct capsule *to = &m->to->capsule;

    PROMISE(m->n <= buffer_of(&m->to->thread)->accept);
    for (uint32_t i = 0; i < m->n; i++) {
        check_one(m, i);
    }
    check_kept(m->from, &m->sender, m->pass, m->n);
    check_kept(m->to, &m->receiver, m->pass, m->from == m->to ? m->n : 0);
    PROMISE(to->handles.used == m->receiver.used + m->n - (m->from == m->to ? m->moved : 0));
    PROMISE(m->n == 0 || to->handles.used <= to->handles.limit);
    PROMISE(m->from == m->to || m->from->capsule.handles.used == m->sender.used - m->moved);
}

static void check_refused(const struct message *m)
{
    check_kept(m->from, &m->sender, NULL, 0);
    check_kept(m->to, &m->receiver, NULL, 0);
    PROMISE(m->from->capsule.handles.used == m->sender.used);
    PROMISE(m->to->capsule.handles.used == m->receiver.used);
    PROMISE(m->from->capsule.space.pages == m->sender.pages);
    PROMISE(m->to->capsule.space.pages == m->receiver.pages);
    PROMISE(m->to->capsule.n_objects == m->receiver.objects);
}

static void do_pass(void)
{
    static struct message m;
    uint8_t shape = byte();

    m.from = some_party();
    m.to = some_party();
    m.n = shape % (NOS_MSG_HANDLES + 1);
    m.moved = 0;
    take_picture(m.from, &m.sender);
    take_picture(m.to, &m.receiver);
    for (uint32_t i = 0; i < m.n; i++) {
        m.pass[i] = (struct nos_pass){ some_handle(m.from), some_rights() };
        const struct handle_slot *s = pictured(&m.sender, m.pass[i].handle);
        m.paid[i] = s == NULL ? NULL : owner_of(s->obj);
        m.moved += moves(m.pass[i]);
    }
    memcpy(buffer_of(&m.from->thread)->pass, m.pass, sizeof m.pass);
    buffer_of(&m.to->thread)->accept = shape < 200 ? NOS_MSG_HANDLES : byte();
    uint64_t info = (uint64_t)m.n << NOS_MSG_HANDLES_SHIFT;
    nos_status_t now = pass_check(&m.from->thread, info);
    bool short_way = m.n == 1 && m.from != m.to && pass_one(&m.from->thread, &m.to->thread);
    nos_status_t st = short_way ? NOS_OK : pass_handles(&m.from->thread, &m.to->thread, info);
    PROMISE(now == NOS_OK || st == now || st == NOS_HANDLES_REFUSED);
    if (st == NOS_OK) {
        check_arrived(&m);
    } else {
        check_refused(&m);
    }
}

/* ---- books ---- */

struct book {
    uint32_t plain[PLAIN], region[REGIONS], mapped[REGIONS], dead, served;
};

static void enter(struct book *b, const struct obj *o, uint32_t mapped)
{
    if (o >= plain && o < plain + PLAIN) {
        b->plain[o - plain]++;
        return;
    }
    unsigned i = 0;
    while (i < REGIONS && (region[i] == NULL || &region[i]->obj != o)) {
        i++;
    }
    PROMISE(i < REGIONS || o == &no_region.obj);
    if (i == REGIONS) {
        b->dead++;
        return;
    }
    b->region[i]++;
    b->mapped[i] += mapped;
}

static void enter_party(struct book *b, const struct party *p)
{
    const struct capsule *c = &p->capsule;
    uint32_t used = 0, pages = 0, regions = 0;

    for (uint32_t i = 0; i < c->handles.capacity; i++) {
        const struct handle_slot *s = handle_place(&c->handles, i);
        if (s->obj != NULL) {
            used++;
            b->served += (s->rights & NOS_RIGHT_RECV) != 0;
            enter(b, s->obj, 0);
        }
    }
    for (uint32_t i = 0; i < c->space.n_areas; i++) {
        enter(b, c->space.area[i].owner, 1);
    }
    for (const struct region *r = c->regions; r != NULL; r = r->next, regions++) {
        PROMISE(r->owner == c);
        pages += region_cost(r);
    }
    PROMISE(c->handles.used == used && c->space.pages == pages && c->n_objects == regions);
    PROMISE(pages <= c->space.limit && regions <= c->limits.objects);
}

static void check_books(void)
{
    struct book b = { .dead = 1 };

    for (unsigned i = 0; i < PARTIES; i++) {
        enter_party(&b, &party[i]);
    }
    PROMISE(b.served == served && b.dead == no_region.obj.refs);
    for (unsigned i = 0; i < PLAIN; i++) {
        PROMISE(plain[i].refs == b.plain[i]);
    }
    for (unsigned i = 0; i < REGIONS; i++) {
        PROMISE(region[i] == NULL ||
                (region[i]->obj.refs == b.region[i] && region[i]->mapped == b.mapped[i]));
    }
}

/* ---- a run ---- */

static uint64_t frames(void)
{
    return stats.free + stats.deferred;
}

static void start(void)
{
    host_start();
    frame_init(&host_bi);
    for (unsigned i = 0; i < PARTIES; i++) {
        struct capsule *c = &party[i].capsule;
        obj_init(&c->obj, NOS_TYPE_CAPSULE);
        c->id = i + 1;
        c->next = i + 1 < PARTIES ? &party[i + 1].capsule : NULL;
        party[i].thread.capsule = c;
        party[i].thread.ipc_buf = party[i].buffer;
    }
}

static void step(void)
{
    static void (*const act[])(void) = { do_pass,  do_make,  do_pass,   do_derive, do_pass,
                                         do_close, do_pass,  do_revoke, do_map,    do_retire,
                                         do_pass,  do_unmap, do_limits, do_end };
    uint8_t b = byte();

    host_now += b >> 6;
    act[b % ARRAY_LEN(act)]();
    check_books();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static bool started;

    if (!started) {
        start();
        started = true;
    }
    uint64_t free = frames();
    in = span_of(data, size);
    host_now = 1000;
    for (unsigned i = 0; i < PARTIES; i++) {
        begin_party(&party[i]);
        memset(party[i].buffer, 0, sizeof party[i].buffer);
    }
    for (unsigned n = 0; in.len != 0 && n < STEPS; n++) {
        step();
    }
    for (unsigned i = 0; i < PARTIES; i++) {
        end_party(&party[i]);
    }
    check_books();
    PROMISE(obj_live() == PARTIES && cell_count() == 0 && handle_derived_keepers() == 0);
    PROMISE(frames() == free && region_cache.used == 0);
    return 0;
}
