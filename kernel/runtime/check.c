/*
 * Does what the kernel keeps twice agree? For tests and for an operator who wonders: one part for
 * each call, so that no call walks more than one capsule, or the machine's own lists. Nothing is
 * changed, nothing panics: the answer says what is broken.
 */
#include <string.h>

#include "kernel/memory/frame.h"
#include "kernel/runtime/capsule.h"
#include "kernel/runtime/node.h"

static const char *check_handles(const struct capsule *c)
{
    uint32_t n = 0;

    for (uint32_t i = 1; i < c->handles.capacity; i++) {
        const struct handle_slot *s = &c->handles.page[i / HANDLES_PER_PAGE][i % HANDLES_PER_PAGE];
        if (s->obj == NULL) {
            continue;
        }
        n++;
        if (s->type != 1u << s->obj->type || s->obj->refs == 0) {
            return "handle: object";
        }
        if (cell_look(s->via) == CELL_GONE) {
            return "handle: cell";
        }
    }
    if (n != c->handles.used || n > c->handles.limit) {
        return "handle table: count";
    }
    return c->state != NOS_CAPSULE_RUNNING && n != 0 ? "handle table: of an ended capsule" : NULL;
}

static bool waits_well(const struct thread *t)
{
    switch ((enum thread_state)t->state) {
    case THREAD_NOTE:
        return t->waits_on != NULL && t->waits_on->type == NOS_TYPE_NOTIFICATION;
    case THREAD_CALL:
    case THREAD_SEND:
    case THREAD_RECV:
        return t->waits_on != NULL && t->waits_on->type == NOS_TYPE_ENDPOINT;
    case THREAD_REPLY:
        return t->worker != NULL && t->worker->state != THREAD_DEAD;
    case THREAD_READY:
    case THREAD_RUNNING:
    case THREAD_SLEEP:
        return true;
    case THREAD_STOPPED:
        return t->cpus == 0 && t->held != 0;
    case THREAD_DEAD:
        break;
    }
    return false;
}

static const char *check_threads(const struct capsule *c)
{
    uint32_t n = 0;

    for (const struct thread *t = c->threads; t != NULL && n <= c->n_threads; t = t->sibling) {
        n++;
        if (t->capsule != c || thread_at(t->index) != t) {
            return "thread: owner";
        }
        if (!waits_well(t)) {
            return "thread: wait";
        }
    }
    return n == c->n_threads ? NULL : "threads: count";
}

static const char *check_space(const struct capsule *c)
{
    const struct space *s = &c->space;
    uint64_t end = 0;

    for (uint32_t i = 0; i < s->n_areas; i++) {
        const struct area *a = &s->area[i];
        const struct obj *owner = a->owner;
        if (a->va < end || a->kind == AREA_NONE) {
            return "space: areas overlap";
        }
        if ((a->kind == AREA_BORROWED) != (owner != NULL) || (owner != NULL && owner->refs == 0)) {
            return "space: owner";
        }
        end = a->va + (uint64_t)a->pages * PAGE_SIZE;
    }
    return s->pages > s->limit && c->state == NOS_CAPSULE_RUNNING ? "space: above its limit" : NULL;
}

static const char *check_machine(void)
{
    uint64_t threads = 0;
    uint32_t cells = 0;

    for (uint32_t i = 0; i < THREADS_MAX; i++) {
        threads += thread_at(i) != NULL ? 1 : 0;
    }
    for (const struct capsule *c = capsule_nth(0); c != NULL; c = c->next) {
        cells += c->handles.cells.used;
    }
    if (threads != thread_count()) {
        return "threads: count of the machine";
    }
    if (cells > cell_count()) {
        return "cells: more paid for than there are";
    }
    return frame_check() ? NULL : "frames: free lists";
}

nos_status_t check_record(uint64_t index, struct nos_check_info *out)
{
    const struct capsule *c =
        index == 0 || index > UINT32_MAX ? NULL : capsule_nth((uint32_t)index - 1);
    const char *broken;

    if (index != 0 && c == NULL) {
        return NOS_NOT_FOUND;
    }
    *out = (struct nos_check_info){ .capsule = c == NULL ? 0 : c->id };
    if (c == NULL) {
        broken = check_machine();
    } else {
        broken = check_handles(c);
        broken = broken == NULL ? check_threads(c) : broken;
        broken = broken == NULL ? check_space(c) : broken;
    }
    if (broken != NULL) {
        memcpy(out->broken, broken, strlen(broken));
    }
    return NOS_OK;
}
