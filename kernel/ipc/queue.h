/* The threads that wait at an endpoint, linked through themselves. */
#pragma once

#include "kernel/sched/thread.h"

struct wait_queue {
    struct thread *first, *last;
};

static inline void queue_add(struct wait_queue *q, struct thread *t)
{
    t->next = NULL;
    t->prev = q->last;
    *(q->last != NULL ? &q->last->next : &q->first) = t;
    q->last = t;
}

/* Behind everyone of its priority, before everyone below. */
static inline void queue_add_urgent(struct wait_queue *q, struct thread *t)
{
    struct thread *before = q->last;
    while (before != NULL && before->priority < t->priority) {
        before = before->prev;
    }
    t->prev = before;
    t->next = before != NULL ? before->next : q->first;
    *(before != NULL ? &before->next : &q->first) = t;
    *(t->next != NULL ? &t->next->prev : &q->last) = t;
}

static inline void queue_remove(struct wait_queue *q, struct thread *t)
{
    *(t->prev != NULL ? &t->prev->next : &q->first) = t->next;
    *(t->next != NULL ? &t->next->prev : &q->last) = t->prev;
    t->next = t->prev = NULL;
}
