/*
 * Waiting for a word of memory to change: what musl's mutexes, condition variables and joins stand
 * on. All inside the capsule, so the kernel need not know: each thread sleeps on a notification of
 * its own, and a list says who waits for what.
 */
#include <errno.h>
#include <time.h>

#include "sdk/libc/clock.h"
#include "sdk/libc/personality.h"

enum { OP_WAIT = 0, OP_WAKE = 1, OP_REQUEUE = 3, OP_LOCK_PI = 6, OP_UNLOCK_PI = 7, OP_FLAGS = 128 };

/* A mutex that hands on priority holds its owner's number and these. */
#define PI_OWNER 0x3fffffffu
#define PI_WAITED 0x80000000u

struct waiter {  // on the stack of who waits
    const volatile uint32_t *word;
    nos_handle_t note;
    struct waiter *next;
    bool queued;
};

static struct waiter *first; /* in the order in which they came */
static struct nos_libc_lock lock;

struct nos_libc_lock *nos_libc_futex_lock(void)
{
    return &lock;
}

static void append(struct waiter *w)
{
    struct waiter **at = &first;

    while (*at != NULL) {
        at = &(*at)->next;
    }
    w->next = NULL;
    w->queued = true;
    *at = w;
}

static void take(struct waiter **at)
{
    struct waiter *w = *at;
    *at = w->next;
    w->queued = false;
}

nos_handle_t nos_libc_futex_take(const volatile uint32_t *word)
{
    for (struct waiter **at = &first; *at != NULL; at = &(*at)->next) {
        if ((*at)->word == word) {
            nos_handle_t note = (*at)->note;  // his stack may go as soon as he is off the list
            take(at);
            return note;
        }
    }
    return (nos_handle_t){ 0 };
}

static void leave(struct waiter *w)
{
    for (struct waiter **at = &first; *at != NULL; at = &(*at)->next) {
        if (*at == w) {
            take(at);
            return;
        }
    }
}

static long wait(const volatile uint32_t *word, uint32_t value, uint64_t deadline)
{
    struct waiter w = { .word = word, .note = nos_libc_note() };
    uint64_t bits;

    if (w.note.v == 0) {
        return -ENOMEM;
    }
    nos_libc_acquire(&lock);
    if (__atomic_load_n(word, __ATOMIC_SEQ_CST) != value) {
        nos_libc_release(&lock);
        return -EAGAIN;
    }
    append(&w);
    nos_libc_release(&lock);
    nos_status_t st = NOS_OK;
    while (st == NOS_OK && !nos_libc_is_interrupted()) {
        // what was meant for an earlier wait, or for who is not to be cancelled, ends none
        st = nos_sys_notify_wait(w.note, deadline, &bits);
        if (!__atomic_load_n(&w.queued, __ATOMIC_ACQUIRE)) {
            return 0;
        }
        st = st == NOS_CANCELLED ? NOS_OK : st;
    }
    st = st == NOS_OK ? NOS_CANCELLED : st;
    nos_libc_acquire(&lock);
    bool queued = w.queued;
    leave(&w);
    nos_libc_release(&lock);
    return queued ? -nos_libc_errno(st) : 0;
}

/* Who is to wait on after a signal waits until the same time: the call begun again would begin with
 * the whole span. */
static long wait_on(const volatile uint32_t *word, uint32_t value, uint64_t deadline)
{
    long r;

    do {
        r = wait(word, value, deadline);
    } while (r == -EINTR && !nos_libc_signals_deliver() && !nos_libc_is_interrupted());
    return r;
}

static long wake(const volatile uint32_t *word, long most)
{
    long woken = 0;

    nos_libc_acquire(&lock);
    while (woken < most) {
        nos_handle_t note = nos_libc_futex_take(word);
        if (note.v == 0) {
            break;
        }
        nos_ignore(
            nos_sys_notify_signal(note, NOS_LIBC_WAKE));  // his thread has ended: nobody to wake
        woken++;
    }
    nos_libc_release(&lock);
    return woken;
}

/* Those who are not woken wait for `to` from now on. */
static long requeue(const volatile uint32_t *word, long wakes, long moves,
                    const volatile uint32_t *to)
{
    long n = wake(word, wakes);

    nos_libc_acquire(&lock);
    for (struct waiter *w = first; w != NULL && moves > 0; w = w->next) {
        if (w->word == word) {
            w->word = to;
            moves--;
            n++;
        }
    }
    nos_libc_release(&lock);
    return n;
}

/* ---- mutexes that hand on priority: all threads of a capsule have one, so there is nothing to
 * hand on but the mutex ---- */

static long lock_pi(uint32_t *word, uint64_t deadline)
{
    const uint32_t me = nos_libc_tid();
    long r = 0;

    while (r == 0 || r == -EAGAIN) {
        uint32_t v = __atomic_load_n(word, __ATOMIC_SEQ_CST);
        bool free = (v & PI_OWNER) == 0;
        uint32_t want = free ? v | me : v | PI_WAITED;
        if ((v & PI_OWNER) == me) {
            return -EDEADLK;
        }
        if (!__atomic_compare_exchange_n(word, &v, want, false, __ATOMIC_SEQ_CST,
                                         __ATOMIC_SEQ_CST)) {
            continue;
        }
        if (free) {
            return 0;
        }
        r = wait_on(word, want, deadline);
    }
    return r;
}

static bool is_awaited(const uint32_t *word)
{
    const struct waiter *w = first;

    while (w != NULL && w->word != word) {
        w = w->next;
    }
    return w != NULL;
}

static long unlock_pi(uint32_t *word)
{
    if ((__atomic_load_n(word, __ATOMIC_SEQ_CST) & PI_OWNER) != nos_libc_tid()) {
        return -EPERM;
    }
    nos_libc_acquire(&lock);
    nos_handle_t note = nos_libc_futex_take(word);
    __atomic_store_n(word, is_awaited(word) ? PI_WAITED : 0, __ATOMIC_SEQ_CST);
    nos_libc_release(&lock);
    if (note.v != 0) {
        nos_ignore(nos_sys_notify_signal(note, NOS_LIBC_WAKE));
    }
    return 0;
}

long libc_futex(const struct nos_libc_args *x)
{
    const volatile uint32_t *word = (const volatile uint32_t *)x->a[0];
    const struct timespec *ts = (const struct timespec *)x->a[3];
    uint64_t deadline = NOS_DEADLINE_NEVER;

    switch (x->a[1] & ~(long)OP_FLAGS) {
    case OP_WAIT:
        if (ts != NULL && !nos_libc_after(ts, &deadline)) {
            return -EINVAL;
        }
        return wait_on(word, (uint32_t)x->a[2], deadline);
    case OP_WAKE:
        return wake(word, x->a[2]);
    case OP_REQUEUE:
        return requeue(word, x->a[2], x->a[3], (const volatile uint32_t *)x->a[4]);
    case OP_LOCK_PI:
        if (ts != NULL && !nos_libc_until(ts, &deadline)) {
            return -EINVAL;
        }
        deadline += ts != NULL && deadline == 0;  // 0 would be no deadline
        return lock_pi((uint32_t *)x->a[0], deadline);
    case OP_UNLOCK_PI:
        return unlock_pi((uint32_t *)x->a[0]);
    default:
        return -ENOSYS;
    }
}

/* Asked once, whether there are robust mutexes: the library looks after them at a thread's end. */
long libc_get_robust_list(const struct nos_libc_args *x)
{
    *(void **)x->a[1] = NULL;
    *(size_t *)x->a[2] = 0;
    return 0;
}
