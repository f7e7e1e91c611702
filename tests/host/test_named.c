/* kernel/ipc/named.c: what a capability record names, and for whom it is the same. */
#include "tests/host/syscall_host.h"

#define grow cache_grow
#include "kernel/memory/cache.c"
#undef grow

static bool no_memory;

static void *cache_or_none(struct cache *c)
{
    return no_memory ? NULL : cache_alloc(c);
}

#define cache_alloc cache_or_none
#include "kernel/ipc/named.c"
#undef cache_alloc

static struct endpoint made_ep[NAMES_MAX];
static struct notification made_note[NAMES_MAX];
static unsigned n_ep, n_note, reserved_asked, serial_off;
static bool reserved;

nos_status_t endpoint_create(struct endpoint **out)
{
    if (no_memory) {
        return NOS_NO_MEMORY;
    }
    *out = &made_ep[n_ep++];
    obj_init(&(*out)->obj, NOS_TYPE_ENDPOINT);
    return NOS_OK;
}

nos_status_t notify_create(struct notification **out)
{
    if (no_memory) {
        return NOS_NO_MEMORY;
    }
    *out = &made_note[n_note++];
    obj_init(&(*out)->obj, NOS_TYPE_NOTIFICATION);
    return NOS_OK;
}

bool arch_port_reserved(uint16_t port, uint32_t count)
{
    reserved_asked = (unsigned)port << 16 | (count & 0xffff);
    return reserved;
}

void log_serial(bool on)
{
    assert_false(on);
    serial_off++;
}

static struct nos_start_handle start;
static struct obj *object;

static nos_status_t ask(enum nos_cap_kind kind, uint64_t a, uint64_t b)
{
    struct nos_cap cap = { .kind = (uint16_t)kind, .a = a, .b = b };
    object = (struct obj *)user;
    memset(&start, 0, sizeof start);
    return cap_object(&cap, &start, &object);
}

static nos_status_t ask_name(enum nos_cap_kind kind, const char *name)
{
    struct nos_cap cap = { .kind = (uint16_t)kind };
    strncpy(cap.name, name, sizeof cap.name);
    object = (struct obj *)user;
    return cap_object(&cap, &start, &object);
}

static struct nos_bootinfo info;

static int fresh(void **state)
{
    fresh_caller(state);
    memset(made_ep, 0, sizeof made_ep);
    memset(made_note, 0, sizeof made_note);
    memset(endpoints, 0, sizeof endpoints);
    memset(notifications, 0, sizeof notifications);
    memset(irqs, 0, sizeof irqs);
    ports_cache = (struct cache)CACHE(ports);
    frames_held = 0;
    n_ep = n_note = serial_off = reserved_asked = 0;
    reserved = no_memory = false;
    info.fb = (struct nos_framebuffer){ .base = 0xe0000000,
                                        .len = 0x300000,
                                        .width = 1024,
                                        .height = 768,
                                        .pitch = 4096,
                                        .format = 1 };
    named_init(&info);
    return 0;
}

/* Two services of one name on two networks of names; the same one for each who asks. */
static void endpoints_by_name(void **state)
{
    (void)state;
    assert_int_equal(ask_name(NOS_CAP_ENDPOINT, "console"), NOS_OK);
    assert_ptr_equal(object, &made_ep[0].obj);
    assert_int_equal(object->refs, 2);  // the kernel's and the asker's
    assert_int_equal(object->classes, NOS_CLASS_IPC);
    assert_true(made_ep[0].named);
    assert_false(made_ep[0].network);
    assert_memory_equal(made_ep[0].name, "console\0\0\0\0\0\0\0\0\0", NOS_NAME_MAX);
    assert_int_equal(ask_name(NOS_CAP_NETWORK, "console"), NOS_OK);
    assert_ptr_equal(object, &made_ep[1].obj);
    assert_true(made_ep[1].named);
    assert_true(made_ep[1].network);
    assert_int_equal(object->classes, NOS_CLASS_NETWORK);
    assert_int_equal(ask_name(NOS_CAP_ENDPOINT, "console-of-sixtee"), NOS_OK);
    assert_ptr_equal(object, &made_ep[2].obj);
    for (unsigned again = 0; again < 2; again++) {
        assert_int_equal(ask_name(NOS_CAP_ENDPOINT, "console"), NOS_OK);
        assert_ptr_equal(object, &made_ep[0].obj);
        assert_int_equal(object->refs, 3 + again);
        assert_int_equal(ask_name(NOS_CAP_NETWORK, "console"), NOS_OK);
        assert_ptr_equal(object, &made_ep[1].obj);
    }
    assert_int_equal(n_ep, 3);
    no_memory = true;
    assert_int_equal(ask_name(NOS_CAP_ENDPOINT, "other"), NOS_NO_MEMORY);
    assert_ptr_equal(object, user);
    assert_null(endpoints[3]);
    no_memory = false;
    for (unsigned i = n_ep; i < NAMES_MAX; i++) {
        char name[NOS_NAME_MAX];
        snprintf(name, sizeof name, "n%u", i);
        assert_int_equal(ask_name(NOS_CAP_ENDPOINT, name), NOS_OK);
    }
    assert_int_equal(ask_name(NOS_CAP_ENDPOINT, "one-too-many"), NOS_NO_MEMORY);
    assert_int_equal(ask_name(NOS_CAP_ENDPOINT, "n63"), NOS_OK);
    assert_ptr_equal(object, &made_ep[63].obj);
}

static void notifications_by_name(void **state)
{
    (void)state;
    no_memory = true;
    assert_int_equal(ask_name(NOS_CAP_NOTIFY, "tick"), NOS_NO_MEMORY);
    no_memory = false;
    assert_int_equal(ask_name(NOS_CAP_NOTIFY, "tick"), NOS_OK);
    assert_ptr_equal(object, &made_note[0].obj);
    assert_int_equal(object->refs, 2);
    assert_memory_equal(made_note[0].name, "tick\0\0\0\0\0\0\0\0\0\0\0\0", NOS_NAME_MAX);
    assert_int_equal(ask_name(NOS_CAP_NOTIFY, "tock"), NOS_OK);
    assert_ptr_equal(object, &made_note[1].obj);
    assert_int_equal(ask_name(NOS_CAP_NOTIFY, "tick"), NOS_OK);
    assert_ptr_equal(object, &made_note[0].obj);
    assert_int_equal(object->refs, 3);
    for (unsigned i = n_note; i < NAMES_MAX; i++) {
        char name[NOS_NAME_MAX];
        snprintf(name, sizeof name, "n%u", i);
        assert_int_equal(ask_name(NOS_CAP_NOTIFY, name), NOS_OK);
    }
    assert_int_equal(ask_name(NOS_CAP_NOTIFY, "one-too-many"), NOS_NO_MEMORY);
    assert_int_equal(n_note, NAMES_MAX);
}

static void port_windows(void **state)
{
    static const struct {
        uint64_t a, b;
        nos_status_t want;
        unsigned claims; /* COM1 is in it */
    } rows[] = {
        { 0x60, 0, NOS_INVALID, 0 },       { 0x10000, 1, NOS_INVALID, 0 },
        { 1ull << 32, 1, NOS_INVALID, 0 }, { 0xffff, 2, NOS_INVALID, 0 },
        { 1, UINT64_MAX, NOS_INVALID, 0 }, { 0xffff, 1, NOS_OK, 0 },
        { 0, 0x10000, NOS_OK, 1 },         { 0x3f8, 8, NOS_OK, 1 },
        { 0x3f8, 1, NOS_OK, 1 },           { 0x3f9, 7, NOS_OK, 0 },
        { 0x3f0, 8, NOS_OK, 0 },           { 0x3f0, 9, NOS_OK, 1 },
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        serial_off = reserved_asked = 0;
        assert_int_equal(ask(NOS_CAP_PORTS, rows[i].a, rows[i].b), rows[i].want);
        assert_int_equal(serial_off, rows[i].claims);
        if (rows[i].want == NOS_OK) {
            const struct ports *p = CONTAINER_OF(object, struct ports, obj);
            assert_int_equal(object->type, NOS_TYPE_PORTS);
            assert_int_equal(object->refs, 1);
            assert_int_equal(p->base, rows[i].a);
            assert_int_equal(p->count, rows[i].b);
            assert_int_equal(reserved_asked, rows[i].a << 16 | (rows[i].b & 0xffff));
            ports_destroy(object);
        } else {
            assert_int_equal(reserved_asked, 0);
            assert_ptr_equal(object, user);
        }
    }
    assert_int_equal(ports_cache.used, 0);
    assert_int_equal(cache_frames(), 0);
    serial_off = 0;
    reserved = true;
    assert_int_equal(ask(NOS_CAP_PORTS, 0x3f8, 8), NOS_DENIED);
    reserved = false;
    no_memory = true;
    assert_int_equal(ask(NOS_CAP_PORTS, 0x3f8, 8), NOS_NO_MEMORY);
    assert_int_equal(serial_off, 0);
}

static void of_which_there_is_one(void **state)
{
    static const struct {
        enum nos_cap_kind kind;
        enum nos_type type;
    } rows[] = { { NOS_CAP_POWER, NOS_TYPE_POWER },
                 { NOS_CAP_NODE, NOS_TYPE_NODE },
                 { NOS_CAP_FRAMEBUFFER, NOS_TYPE_DEVICE } };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        assert_int_equal(ask(rows[i].kind, 0, 0), NOS_OK);
        struct obj *once = object;
        assert_int_equal(once->type, rows[i].type);
        assert_int_equal(once->refs, 2);
        assert_int_equal(ask(rows[i].kind, 0, 0), NOS_OK);
        assert_ptr_equal(object, once);
        assert_int_equal(once->refs, 3);
    }
    const struct device *d = CONTAINER_OF(object, struct device, obj);
    assert_int_equal(d->base.v, 0xe0000000);
    assert_int_equal(d->len, 0x300000);
    assert_int_equal(d->map_flags, ARCH_MAP_WC);
    assert_int_equal(start.a, 1024ull << 32 | 768);
    assert_int_equal(start.b, 4096ull << 32 | 1);
    info.fb = (struct nos_framebuffer){ 0 };
    named_init(&info);
    assert_int_equal(ask(NOS_CAP_FRAMEBUFFER, 0, 0), NOS_NOT_SUPPORTED);
    assert_int_equal(start.a, 0);
    assert_int_equal(ask(NOS_CAP_LOG, 0, 0), NOS_OK);
    assert_null(object);
    assert_int_equal(ask(NOS_CAP_KIND_COUNT, 0, 0), NOS_INVALID);
    assert_int_equal(ask(0, 0, 0), NOS_INVALID);
    assert_int_equal(ask(0xffff, 0, 0), NOS_INVALID);
}

static void lines(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < 16; i++) {
        assert_int_equal(ask(NOS_CAP_IRQ, i, 0), NOS_OK);
        struct irq *q = CONTAINER_OF(object, struct irq, obj);
        assert_int_equal(q->line, i);
        assert_int_equal(q->obj.refs, 2);
        assert_int_equal(q->obj.type, NOS_TYPE_IRQ);
        assert_ptr_equal(irq_at(i), q);
    }
    assert_null(irq_at(16));
    assert_int_equal(ask(NOS_CAP_IRQ, 16, 0), NOS_NOT_SUPPORTED);
    assert_int_equal(ask(NOS_CAP_IRQ, 1ull << 32, 0), NOS_NOT_SUPPORTED);
}

/* Bound through two handles: with either of them cut it is bound no longer. */
static void bindings(void **state)
{
    struct irq *q = irq_at(4);
    struct notification *n = &made_note[0];
    (void)state;
    obj_init(&n->obj, NOS_TYPE_NOTIFICATION);
    assert_false(irq_is_bound(q));
    irq_unbind(q);  // nothing to undo
    for (unsigned cut = 0; cut < 3; cut++) {
        uint32_t a = hold_cell(&q->obj, NOS_RIGHT_WAIT), b = hold_cell(&n->obj, NOS_RIGHT_SIGNAL);
        via_t via[2] = { slot_of(a)->via, slot_of(b)->via };
        obj_get(&n->obj);
        cell_get(via[0]);
        cell_get(via[1]);
        q->note = n;
        memcpy(q->via, via, sizeof via);
        assert_true(irq_is_bound(q));
        assert_ptr_equal(q->note, n);
        if (cut < 2) {
            cell_revoke(via[cut]);
            assert_false(irq_is_bound(q));
        } else {
            irq_unbind(q);
        }
        assert_null(q->note);
        assert_int_equal(n->obj.refs, 2);
        assert_int_equal(handle_close(&mine.handles, a), NOS_OK);
        assert_int_equal(handle_close(&mine.handles, b), NOS_OK);
        assert_int_equal(n->obj.refs, 1);
        assert_int_equal(cell_count(), 0);
    }
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, fresh, drop_caller)
    const struct CMUnitTest tests[] = {
        TEST(endpoints_by_name),
        TEST(notifications_by_name),
        TEST(port_windows),
        TEST(of_which_there_is_one),
        TEST(lines),
        TEST(bindings),
    };
    return cmocka_run_group_tests_name("named", tests, NULL, NULL);
}
