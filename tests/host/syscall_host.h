/* One capsule with one thread, and memory that it may name: for tests of system calls' handlers,
 * one family each. Handles, cells and objects are the kernel's own; what else a handler calls its
 * test fakes, so that it can tell what was asked and choose what is answered. Included once by
 * each. */
#pragma once

#include "tests/host/kernel_host.h"
#include "tests/host/test.h"

#include "tests/host/kernel_host_impl.h"

#include "kernel/memory/frame.c"
#define grow cell_grow
#define charge cell_charge
#include "kernel/object/cell.c"
#undef grow
#undef charge
#include "kernel/object/handle.c"
#include "kernel/object/object.c"
#include "kernel/syscall/syscall.h"

static struct capsule mine;
static struct thread me;
static struct arch_context *const saved = &me.ctx;

enum { CALLER = 7, KEEP = 0x7777 /* what w[0] has before a call: untouched when it fails */ };

/* ---- what belongs to layers above ---- */

static unsigned went[NOS_TYPE_COUNT]; /* objects without a reference */
static unsigned cuts;

static void count_gone(struct obj *o)
{
    went[o->type]++;
}

void (*const obj_destroy[NOS_TYPE_COUNT])(struct obj *) = {
    count_gone, count_gone, count_gone, count_gone, count_gone, count_gone,
    count_gone, count_gone, count_gone, count_gone, count_gone, count_gone,
};

bool up_reclaim(void)
{
    return false;
}

void cell_gone(void)
{
    cuts++;
}

#include "tests/host/objects_host.h"

/* ---- the caller's memory: one piece, and nothing else ---- */

#define USER_AT 0x40000ull
static uint8_t user[8192];

static uint8_t *user_bytes(uint64_t at, size_t len)
{
    bool inside = at >= USER_AT && at <= USER_AT + sizeof user && len <= USER_AT + sizeof user - at;
    return inside ? user + (at - USER_AT) : NULL;
}

nos_status_t copy_in(void *dst, uint64_t src, size_t len)
{
    const uint8_t *from = user_bytes(src, len);
    if (from != NULL) {
        memcpy(dst, from, len);
    }
    return from != NULL ? NOS_OK : NOS_BAD_ADDRESS;
}

nos_status_t copy_out(uint64_t dst, const void *src, size_t len)
{
    uint8_t *to = user_bytes(dst, len);
    if (to != NULL) {
        memcpy(to, src, len);
    }
    return to != NULL ? NOS_OK : NOS_BAD_ADDRESS;
}

nos_status_t arg_handle(const struct thread *t, uint64_t h, enum nos_type type, uint32_t need,
                        struct handle_slot **out)
{
    return h > UINT32_MAX ? NOS_BAD_HANDLE
                          : handle_get(&t->capsule->handles, (uint32_t)h, 1u << type, need, out);
}

/* ---- making a call ---- */

static struct handle_slot *slot_of(uint64_t h)
{
    struct handle_slot *s = NULL;
    assert_int_equal(handle_get(&mine.handles, (uint32_t)h, HANDLE_TYPE_ANY, 0, &s), NOS_OK);
    return s;
}

static inline uint32_t hold(struct obj *o, uint32_t rights)
{
    uint32_t h = 0;
    assert_int_equal(handle_add(&mine.handles, o, rights, 0, NOS_ORIGIN_POLICY, &h), NOS_OK);
    return h;
}

/* The same with a cell of its own. */
static inline uint32_t hold_cell(struct obj *o, uint32_t rights)
{
    uint32_t plain = hold(o, rights), h = 0;
    struct handle_slot like = *slot_of(plain);
    assert_int_equal(handle_derive(&mine.handles, &like, &h), NOS_OK);
    assert_int_equal(handle_close(&mine.handles, plain), NOS_OK);
    return h;
}

/* Arguments 0, 1 and 2; those from 3 on stand in saved->w[1]... already. */
static inline void args(uint64_t arg0, uint64_t arg1, uint64_t arg2)
{
    saved->arg0 = arg0;
    saved->arg1 = arg1;
    saved->w[0] = arg2;
}

/* The handle that a call gave, which must be one for `o`. Closed again. */
static inline struct handle_slot given(const struct obj *o)
{
    struct handle_slot s = *slot_of(saved->w[0]);
    assert_ptr_equal(s.obj, o);
    assert_int_equal(handle_close(&mine.handles, (uint32_t)saved->w[0]), NOS_OK);
    return s;
}

/* Nobody gets a handle until the test gives the limit back. */
static inline uint32_t no_more_handles(void)
{
    uint32_t was = mine.handles.limit;
    mine.handles.limit = mine.handles.used;
    return was;
}

static int fresh_caller(void **state)
{
    (void)state;
    host_start();
    memset(head, 0, sizeof head);
    frame_init(&host_bi);
    memset(&mine, 0, sizeof mine);
    memset(&me, 0, sizeof me);
    memset(went, 0, sizeof went);
    memset(user, 0xee, sizeof user);
    memset(host_capsule, 0, sizeof host_capsule);
    host_now = 1000;
    obj_init(&mine.obj, NOS_TYPE_CAPSULE);
    mine.id = CALLER;
    mine.state = NOS_CAPSULE_RUNNING;
    mine.limits.objects = 8;
    host_capsule[0] = &mine;
    handle_table_init(&mine.handles, 64, NOS_CLASS_ALL);
    me.capsule = &mine;
    me.state = THREAD_RUNNING;
    me.client = NULL;
    cpus[0].current = &me;
    return 0;
}

static int drop_caller(void **state)
{
    (void)state;
    handle_close_all(&mine.handles);
    assert_int_equal(cell_count(), 0);
    return 0;
}
