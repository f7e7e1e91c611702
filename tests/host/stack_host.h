#pragma once
/* What a function leaves on the stack: it runs on one of its own, which is then looked through.
 * Included once. */
#include <pthread.h>
#include <sys/mman.h>

#include "tests/host/test.h"

enum { STACK = 1 << 20 };

static uint8_t *thread_stack;

/* Run `f` on a stack of its own, to be looked through afterwards. */
static uint8_t *run_on_a_stack(void *(*f)(void *), void *arg)
{
    pthread_attr_t attr;
    pthread_t t;
    uint8_t *stack = mmap(NULL, STACK, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    assert_ptr_not_equal(stack, MAP_FAILED);
    thread_stack = stack;
    assert_int_equal(pthread_attr_init(&attr), 0);
    assert_int_equal(pthread_attr_setstack(&attr, stack, STACK), 0);
    assert_int_equal(pthread_create(&t, &attr, f, arg), 0);
    assert_int_equal(pthread_join(t, NULL), 0);
    pthread_attr_destroy(&attr);
    return stack;
}

static size_t stack_used;  // bytes from the stack's lowest on that its frames lay in

/* The end of a thread writes on its stack, vector registers among others: it may neither cover the
 * frames that are looked through nor be taken for them. */
#define KEEP_CLEAR(pad) \
    volatile uint8_t pad[1 << 16]; \
    pad[0] = pad[sizeof pad - 1] = 1; \
    stack_used = (size_t)(&pad[0] - (volatile uint8_t *)thread_stack)

static inline bool holds(const void *where, size_t len, const uint8_t *what, size_t n)
{
    const uint8_t *p = where;
    for (size_t i = 0; i + n <= len; i++) {
        if (memcmp(p + i, what, n) == 0) {
            return true;
        }
    }
    return false;
}
