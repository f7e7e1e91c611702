/*
 * The flavour tried on itself: one fault of each kind that it must find. A debugger at the machine
 * writes the number of one of them into san_fault (tests/qemu/test_sanitised.py); the next system
 * call commits it. With SAN_ALL they are committed one after the other, and what is found is told
 * without a panic. This file is instrumented, unlike its neighbours.
 */
#include <string.h>

#include "kernel/core/lock.h"
#include "kernel/core/log.h"
#include "kernel/core/percpu.h"
#include "kernel/memory/cache.h"
#include "kernel/memory/frame.h"
#include "kernel/runtime/capsule.h"
#include "kernel/sanitize/sanitize.h"
#include "kernel/sched/thread.h"

enum { SAN_ALL = 0xff /* but the last, which the CPU refuses too */ };

uint32_t san_fault;

struct victim {
    uint8_t bytes[24];
};
static struct cache victims = CACHE(victim);
static uint8_t global[12];
static volatile uint64_t at, sink; /* what the compiler must not know */

#define USE(address) (sink += *(volatile uint8_t *)(address))

static void object(int64_t offset, bool freed)
{
    uint8_t *p = cache_alloc(&victims);
    if (p == NULL) {
        return;
    }
    if (freed) {
        cache_free(&victims, p);
    }
    USE(p + offset);
    if (!freed) {
        cache_free(&victims, p);
    }
}

static void object_after(void)
{
    object(0, true);
}

static void object_above(void)
{
    object(sizeof(struct victim), false);
}

static void object_below(void)
{
    object(-1, false);
}

static void object_twice(void)
{
    void *p = cache_alloc(&victims);
    if (p != NULL) {
        cache_free(&victims, p);
        cache_free(&victims, p);
        sink++;  // behind the fault, so that it is a call of this function's
    }
}

static void object_copied(void)
{
    uint8_t *p = cache_alloc(&victims);
    if (p != NULL) {
        at = sizeof(struct victim) + 1;
        memcpy(global, p + at - sizeof global, sizeof global);
        cache_free(&victims, p);
    }
}

static void frame_after(void)
{
    paddr_t p = frame_alloc(0);
    frame_free(p, 0);
    USE((uint8_t *)phys_ptr(p) + PAGE_SIZE - 1);
}

static void frame_twice(void)
{
    paddr_t p = frame_alloc(0);
    frame_free(p, 0);
    frame_free(p, 0);
    sink++;
}

static void stack_above(void)
{
    volatile uint8_t local[12] = { 0 };
    at = sizeof local;
    USE(&local[0] + at);
}

static void stack_below(void)
{
    volatile uint8_t local[12] = { 0 };
    at = 1;
    USE(&local[0] - at);
}

static void global_above(void)
{
    at = sizeof global;
    USE(global + at);
}

static void user_address(void)
{
    at = USER_MIN;
    if (this_cpu()->current != NULL) {
        at = this_cpu()->current->ctx.sp - 8;  // mapped: nothing but the checker sees it
    }
    USE((uint8_t *)at);  // NOLINT: that is the fault
}

static void shift(void)
{
    at = 32;
    sink += 1u << at;
}

static void array_index(void)
{
    static uint32_t four[4], behind[4];
    at = 4;
    sink += four[at] + behind[0];
}

static void overflow(void)
{
    at = INT32_MAX;
    sink += (uint64_t)((int32_t)at + 1);
}

static void lock_twice(void)
{
    static struct ticket_lock leaf;
    leaf_lock(&leaf);
    (void)kernel_lock();
    kernel_unlock();
    leaf_unlock(&leaf);
}

static void lock_not_held(void)
{
    kernel_unlock();
}

static void lock_kept(void)
{
    (void)kernel_lock();
}

static void refs_unlocked(void)
{
    struct obj *o = &this_cpu()->current->obj;
    obj_get(o);
    obj_put(o);
}

static struct obj none = { .type = NOS_TYPE_NOTIFICATION };

static void refs_from_none(void)
{
    (void)kernel_lock();
    obj_get(&none);
    kernel_unlock();
}

static void refs_below_none(void)
{
    (void)kernel_lock();
    obj_put(&none);
    kernel_unlock();
}

static void refs_by_hand(void)
{
    struct obj *o = &this_cpu()->current->obj;
    (void)kernel_lock();
    obj_get(o);
    o->refs--;
    obj_get(o);
    obj_put(o);
    kernel_unlock();
}

static void refs_missing(void)
{
    struct capsule *c = this_cpu()->current->capsule;
    (void)kernel_lock();
    for (uint32_t i = 1; i < HANDLES_PER_PAGE; i++) {
        if (c->handles.page[0][i].obj != NULL) {
            refs_try_balance(c->handles.page[0][i].obj);
            break;
        }
    }
    kernel_unlock();
}

static const struct {
    const char *name;
    void (*commit)(void);
} faults[] = { { "none", NULL },
               { "object_after", object_after },
               { "object_above", object_above },
               { "object_below", object_below },
               { "object_twice", object_twice },
               { "object_copied", object_copied },
               { "frame_after", frame_after },
               { "frame_twice", frame_twice },
               { "stack_above", stack_above },
               { "stack_below", stack_below },
               { "global_above", global_above },
               { "shift", shift },
               { "index", array_index },
               { "overflow", overflow },
               { "lock_order", lock_twice },
               { "lock_not_held", lock_not_held },
               { "refs_unlocked", refs_unlocked },
               { "refs_from_none", refs_from_none },
               { "refs_below_none", refs_below_none },
               { "refs_by_hand", refs_by_hand },
               { "refs_missing", refs_missing },
               { "lock_kept", lock_kept },
               { "user_address", user_address } };

static void commit(uint32_t n)
{
    uint32_t told = san_told;
    klog("sanitised: %s", faults[n].name);
    faults[n].commit();
    klog("sanitised: %s: %u found", faults[n].name, san_told - told);
}

void san_faults_due(void)
{
    uint32_t n = san_fault;
    if (LIKELY(n == 0)) {
        return;
    }
    san_fault = 0;
    log_serial(true);
    san_goes_on = n == SAN_ALL;
    for (uint32_t i = 1; san_goes_on && i < ARRAY_LEN(faults) - 1; i++) {
        commit(i);
    }
    if (n < ARRAY_LEN(faults)) {
        commit(n);
    }
}
