/*
 * Every object's references, counted a second time. The two counts must agree at each step; none is
 * taken from an object that has none left; and when a capsule has been given back, no object has
 * fewer than the handles and mappings of those that are left, and the kernel's own check finds
 * nothing.
 */
#include <string.h>

#include "kernel/arch/api/arch.h"
#include "kernel/core/panic.h"
#include "kernel/runtime/capsule.h"
#include "kernel/runtime/node.h"
#include "kernel/sanitize/sanitize.h"

#define CALLER ((uint64_t)__builtin_return_address(0))
enum { SLOTS = 1 << 15 };

/* An open hash table; an entry stays when its object has gone, and is that address's next time. */
static struct entry {
    const struct obj *obj;
    uint32_t refs;
    uint32_t seen; /* by the balance */
} * entries;

void __real_obj_init(struct obj *o, enum nos_type type);
void __real_obj_get(struct obj *o);
void __real_obj_put(struct obj *o);
void __real_arch_forget_ended(void);
void __wrap_obj_init(struct obj *o, enum nos_type type);
void __wrap_obj_get(struct obj *o);
void __wrap_obj_put(struct obj *o);
void __wrap_arch_forget_ended(void);

static struct entry *entry_of(const struct obj *o)
{
    if (entries == NULL) {
        entries = shadow_spare(SLOTS * sizeof *entries);
        KASSERT(entries != NULL);
    }
    uint64_t at = ((uint64_t)o >> 4) * 0x9e3779b97f4a7c15ull >> 40;
    for (uint32_t i = 0; i < SLOTS; i++) {
        struct entry *e = &entries[(at + i) % SLOTS];
        if (e->obj == NULL || e->obj == o) {
            return e;
        }
    }
    panic("the sanitiser has no room for another object's count");
}

void __wrap_obj_init(struct obj *o, enum nos_type type)
{
    __real_obj_init(o, type);
    *entry_of(o) = (struct entry){ o, o->refs, 0 };
}

/* Statically made objects come here first with a count already. */
static bool counted(const struct obj *o, struct entry *e, const char *what, uint64_t ip)
{
    lock_needed(ip);
    if (e->obj == NULL) {
        *e = (struct entry){ o, o->refs, 0 };
    }
    if (e->refs != o->refs) {
        san_found(ip, "REFS: object %lu: it says %u references, %u were counted", o->serial,
                  o->refs, e->refs);
        e->refs = o->refs;
    }
    if (e->refs == 0) {
        san_found(ip, "REFS: object %lu: a reference is %s, and it has none", o->serial, what);
        return false;
    }
    return true;
}

void __wrap_obj_get(struct obj *o)
{
    struct entry *e = entry_of(o);
    if (counted(o, e, "taken", CALLER)) {
        e->refs++;
        __real_obj_get(o);
    }
}

void __wrap_obj_put(struct obj *o)
{
    struct entry *e = entry_of(o);
    if (counted(o, e, "given back", CALLER)) {
        e->refs--;
        __real_obj_put(o);
    }
}

static void see(const struct obj *o)
{
    struct entry *e = entry_of(o);
    if (e->obj != NULL && ++e->seen == e->refs + 1) {
        san_found(CALLER, "REFS: object %lu, type %u: held more often than its %u references",
                  o->serial, o->type, e->refs);
    }
}

static void see_capsule(const struct capsule *c)
{
    for (uint32_t i = 1; i < c->handles.capacity; i++) {
        const struct handle_slot *s = &c->handles.page[i / HANDLES_PER_PAGE][i % HANDLES_PER_PAGE];
        if (s->obj != NULL) {
            see(s->obj);
        }
    }
    for (uint32_t i = 0; i < c->space.n_areas; i++) {
        if (c->space.area[i].kind == AREA_BORROWED) {
            see(c->space.area[i].owner);
        }
    }
}

void refs_balance(void)
{
    struct nos_check_info books;
    for (uint32_t i = 0; entries != NULL && i < SLOTS; i++) {
        entries[i].seen = 0;
    }
    for (const struct capsule *c = capsule_nth(0); c != NULL; c = c->next) {
        see_capsule(c);
    }
    if (check_record(0, &books) == NOS_OK && books.broken[0] != 0) {
        san_found(CALLER, "REFS: the kernel's books do not agree: %s", books.broken);
    }
}

/* The last step of an ended capsule's return. */
void __wrap_arch_forget_ended(void)
{
    __real_arch_forget_ended();
    refs_balance();
}

/* As if one of the object's holders had forgotten to take a reference. */
void refs_try_balance(struct obj *o)
{
    struct entry *e = entry_of(o);
    uint32_t refs = e->refs;
    e->refs = 0;
    refs_balance();
    e->refs = refs;
}
