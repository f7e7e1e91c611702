/*
 * Threads: each is one of the kernel's. What musl expects of Linux besides: a number, a thread
 * pointer, and that a word is cleared, and somebody who waits for it woken, once the thread has run
 * its last instruction.
 */
#include <errno.h>
#include <stdarg.h>

#include "sdk/libc/pipes.h"
#include "sdk/libc/thread_end.h"

enum {
    CLONE_SETTLS = 0x80000,
    CLONE_PARENT_SETTID = 0x100000,
    CLONE_CHILD_CLEARTID = 0x200000,
    SET_FS = 0x1002,
};

struct thread {  // slot i is thread i + 1
    bool used;
    nos_handle_t handle,
        note;  // kept for the next one in the slot; 0 = none yet. The first thread has no handle
    uint64_t *ipc_buffer;
    uint32_t *clear;
    const volatile int *cancelled;  // NULL: it is in no cancellation point
    uint64_t tls;
    int (*run)(void *);
    void *arg;
    struct nos_thread start;
};

_Static_assert(END_UNMAP == NOS_SYS_REGION_UNMAP && END_SIGNAL == NOS_SYS_NOTIFY_SIGNAL &&
                   END_EXIT == NOS_SYS_THREAD_EXIT && END_WAKE == NOS_LIBC_WAKE,
               "as the calls are numbered");

static struct thread threads[NOS_LIBC_THREADS]; /* the first is used by whoever began */
static _Thread_local struct thread *self;
static bool has_tls; /* the first thread's pointer is set: `self` can be read */

/* musl's names, in the place of its own files. */
int __clone(int (*run)(void *), void *stack, int flags, void *arg, ...);
_Noreturn void __unmapself(void *base, size_t size);
int __set_thread_area(void *tls);

/* unmap `stack` unless it is 0, clear `*word` unless it is NULL, free the lock, signal `note`
 * unless it is 0, end the thread: all without a stack (thread_end.S). */
_Noreturn void nos_libc_thread_end(uint64_t stack, uint32_t *word, uint32_t *lock, uint64_t note);

static struct thread *current(void)
{
    struct thread *t = has_tls ? self : NULL;
    return t != NULL ? t : &threads[0];
}

static long tid_of(const struct thread *t)
{
    return t - threads + 1;
}

uint32_t nos_libc_tid(void)
{
    return (uint32_t)tid_of(current());
}

nos_handle_t nos_libc_note(void)
{
    struct thread *t = current();

    if (t->note.v == 0 && nos_sys_notify_create(&t->note) != NOS_OK) {
        t->note.v = 0;
    }
    return t->note;
}

uint64_t *nos_libc_ipc_buffer(void)
{
    return current()->ipc_buffer;  // NULL: the first thread's, for the SDK too
}

static void begin(void *arg, uint64_t *ipc_buffer)
{
    struct thread *t = arg;

    t->ipc_buffer = ipc_buffer;
    t->cancelled = NULL;
    if (nos_sys_thread_pointer(t->tls) != NOS_OK) {
        __builtin_trap();  // it could only go wrong in ways that nobody finds
    }
    self = t;
    t->run(t->arg);
    __builtin_trap();  // musl's start functions end their thread themselves
}

bool nos_libc_has_threads(void)
{
    size_t n = current() != &threads[0];  // the first one is there, or may be

    for (size_t i = 1; i < NOS_LIBC_THREADS; i++) {
        n += threads[i].used && &threads[i] != current();
    }
    return n != 0;
}

static struct thread *slot_new(void)
{
    struct thread *t = NULL;

    nos_libc_acquire(nos_libc_futex_lock());
    for (size_t i = 1; i < NOS_LIBC_THREADS && t == NULL; i++) {
        if (!threads[i].used) {
            t = &threads[i];
            t->used = true;
        }
    }
    nos_libc_release(nos_libc_futex_lock());
    return t;
}

static void slot_free(struct thread *t)
{
    nos_libc_acquire(nos_libc_futex_lock());
    t->used = false;
    nos_libc_release(nos_libc_futex_lock());
}

/* musl's only use of clone: pthread_create. */
int __clone(int (*run)(void *), void *stack, int flags, void *arg, ...)
{
    struct nos_capsule_info info;
    va_list more;

    va_start(more, arg);
    int *tid = va_arg(more, int *);
    uint64_t tls = (uint64_t)va_arg(more, void *);
    uint32_t *clear = va_arg(more, uint32_t *);
    va_end(more);
    struct thread *t = nos_sys_self_info(&info, sizeof info) == NOS_OK ? slot_new() : NULL;
    if (t == NULL) {
        return -EAGAIN;
    }
    if (t->handle.v != 0) {
        nos_ignore(nos_sys_handle_close(t->handle));  // the slot's last thread
        t->handle.v = 0;
    }
    t->run = run;
    t->arg = arg;
    t->tls = (flags & CLONE_SETTLS) != 0 ? tls : 0;
    t->clear = (flags & CLONE_CHILD_CLEARTID) != 0 ? clear : NULL;
    t->start = (struct nos_thread){ .run = begin, .arg = t };
    nos_libc_signals_inherit(nos_libc_tid(), (uint32_t)tid_of(t));
    if ((flags & CLONE_PARENT_SETTID) != 0) {
        *tid = (int)tid_of(t);
    }
    nos_status_t st = nos_thread_start(&t->start, stack, 0, info.priority, &t->handle);
    if (st != NOS_OK) {
        t->handle.v = 0;
        slot_free(t);
        return -EAGAIN;
    }
    return (int)tid_of(t);
}

static _Noreturn void end(uint64_t stack)
{
    struct thread *t = current();
    struct nos_libc_lock *lock = nos_libc_futex_lock();

    nos_libc_acquire(lock);
    uint32_t *word = t->clear;
    nos_handle_t note = word != NULL ? nos_libc_futex_take(word) : (nos_handle_t){ 0 };
    t->used = false;
    nos_libc_thread_end(stack, word, &lock->held, note.v);
}

/* A detached thread goes with its own stack. */
_Noreturn void __unmapself(void *base, size_t size)
{
    (void)size;
    end(nos_libc_disown((uint64_t)base) ? (uint64_t)base : 0);
}

long libc_thread_exit(const struct nos_libc_args *x)
{
    (void)x;
    end(0);
}

static void (*instead_of_exit)(long code);

void nos_libc_at_exit(void (*instead)(long code))
{
    instead_of_exit = instead;
}

long libc_exit_group(const struct nos_libc_args *x)
{
    if (instead_of_exit != NULL) {
        instead_of_exit(x->a[0]);
    }
    libc_pipes_leave();
    nos_exit((uint64_t)x->a[0] & 0xff);
}

int __set_thread_area(void *tls)
{
    nos_status_t st = nos_sys_thread_pointer((uint64_t)tls);

    has_tls = st == NOS_OK;
    return -nos_libc_errno(st);
}

long libc_arch_prctl(const struct nos_libc_args *x)
{
    return x->a[0] == SET_FS ? __set_thread_area((void *)x->a[1]) : -EINVAL;
}

long libc_set_tid_address(const struct nos_libc_args *x)
{
    current()->clear = (uint32_t *)x->a[0];
    return tid_of(current());
}

long libc_gettid(const struct nos_libc_args *x)
{
    (void)x;
    return tid_of(current());
}

long libc_getpid(const struct nos_libc_args *x)
{
    (void)x;
    return (long)nos_self()->capsule;
}

long libc_yield(const struct nos_libc_args *x)
{
    (void)x;
    return -nos_libc_errno(nos_sys_yield());
}

bool nos_libc_is_thread(long tid)
{
    return tid == 1 || (tid > 1 && tid <= NOS_LIBC_THREADS && threads[tid - 1].used);
}

void nos_libc_cancellable(const volatile int *cancelled)
{
    current()->cancelled = cancelled;
}

bool nos_libc_is_interrupted(void)
{
    const volatile int *cancelled = current()->cancelled;
    return (cancelled != NULL && *cancelled != 0) || nos_libc_signals_due();
}

/* pthread_cancel has marked the thread; whatever it sleeps in ends, now or as soon as it begins. */
long nos_libc_interrupt(uint32_t tid)
{
    struct thread *t = &threads[tid - 1];

    if (t->note.v != 0) {
        nos_ignore(nos_sys_notify_signal(t->note, NOS_LIBC_INTERRUPT));
    }
    if (t->handle.v != 0 && t->cancelled != NULL) {
        nos_ignore(
            nos_sys_thread_cancel(t->handle));  // it waits for another capsule, or it does not
    }
    return 0;
}

/* Its request to another capsule is not ended: nobody would know whether it was done. */
void nos_libc_rouse(uint32_t tid)
{
    const nos_handle_t note = threads[tid - 1].note;

    if (note.v != 0) {
        nos_ignore(nos_sys_notify_signal(note, NOS_LIBC_INTERRUPT));
    }
}
