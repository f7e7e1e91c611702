/*
 * Signals that a program raises itself, or its alarm: C's <signal.h>, and masks. A handler is a
 * function that is called at once by who raises it, or when he unblocks it. What another thread or
 * the alarm sends is posted: the thread that is meant is woken if it sleeps, and calls the handler
 * when its call ends, or the next one does. Nobody else can raise one here: a fault, or a capsule
 * that is to end, is never one.
 */
#include <errno.h>
#include <signal.h>
#include <string.h>

#include "sdk/libc/personality.h"

enum { SIGNALS = 64, SIG_CANCEL = 33 /* musl's own: pthread_cancel */ };

struct action {  // as musl hands it over
    void (*handler)(int);
    unsigned long flags;
    void (*restorer)(void);
    uint64_t mask;
};

static struct action actions[SIGNALS];
static struct nos_libc_lock lock;  // of those
static struct {
    uint64_t blocked, pending, awaited;  // awaited: by sigwait, blocked or not
} state[NOS_LIBC_THREADS];               /* by a thread's number; who posts sets `pending` alone */
static uint64_t of_all;                  /* posted to whichever thread takes it */
bool nos_libc_posts;                     /* something was ever posted */

static uint64_t bit(long sig)
{
    return 1ull << (sig - 1);
}

static bool is_signal(long sig)
{
    return sig >= 1 && sig <= SIGNALS;
}

void nos_libc_signals_inherit(uint32_t from, uint32_t to)
{
    state[to - 1].blocked = state[from - 1].blocked;
    state[to - 1].pending = state[to - 1].awaited = 0;
}

/* What a child by vfork changes is put back: there is one thread then. */
static struct {
    struct action actions[SIGNALS];
    uint64_t blocked;
} kept;

void nos_libc_signals_keep(void)
{
    memcpy(kept.actions, actions, sizeof actions);
    kept.blocked = state[nos_libc_tid() - 1].blocked;
}

void nos_libc_signals_restore(void)
{
    memcpy(actions, kept.actions, sizeof actions);
    state[nos_libc_tid() - 1].blocked = kept.blocked;
}

static bool is_ignored(const struct action *a, long sig)
{
    bool quiet = sig == SIGCHLD || sig == SIGURG || sig == SIGWINCH || sig == SIGCONT;
    return a->handler == SIG_IGN || (a->handler == SIG_DFL && quiet);
}

/* Gives: false: its handler wants the call that was interrupted to be begun again, or there is
 * none. */
static bool deliver(long sig)
{
    uint64_t *blocked = &state[nos_libc_tid() - 1].blocked, was = *blocked;
    siginfo_t info = { .si_signo = (int)sig, .si_code = SI_TKILL };

    nos_libc_acquire(&lock);
    const struct action a = actions[sig - 1];
    if ((a.flags & SA_RESETHAND) != 0) {
        actions[sig - 1].handler = SIG_DFL;
    }
    nos_libc_release(&lock);
    if (is_ignored(&a, sig)) {
        return false;
    }
    if (a.handler == SIG_DFL && (sig == SIGPIPE || sig == SIGALRM)) {
        const struct nos_libc_args ends = { { 128 + sig } };  // as a shell has it: nothing is wrong
        (void)libc_exit_group(&ends);
    }
    if (a.handler == SIG_DFL) {
        __builtin_trap();  // nobody handles it: the crash record names who raised it
    }
    *blocked |= a.mask | ((a.flags & SA_NODEFER) != 0 ? 0 : bit(sig));
    if ((a.flags & SA_SIGINFO) != 0) {
        info.si_pid = (pid_t)nos_self()->capsule;
        ((void (*)(int, siginfo_t *, void *))(void *)a.handler)((int)sig, &info, NULL);
    } else {
        a.handler((int)sig);
    }
    *blocked = was;
    return (a.flags & SA_RESTART) == 0;
}

static uint64_t due(void)
{
    const uint32_t me = nos_libc_tid() - 1;
    return (__atomic_load_n(&state[me].pending, __ATOMIC_SEQ_CST) |
            __atomic_load_n(&of_all, __ATOMIC_SEQ_CST)) &
           (~state[me].blocked | state[me].awaited);
}

long nos_libc_signal_take(uint64_t set)
{
    uint64_t *from[] = { &state[nos_libc_tid() - 1].pending, &of_all };

    for (int i = 0; i < 2; i++) {
        uint64_t have = __atomic_load_n(from[i], __ATOMIC_SEQ_CST) & set;
        while (have != 0) {
            long sig = __builtin_ctzll(have) + 1;
            if ((__atomic_fetch_and(from[i], ~bit(sig), __ATOMIC_SEQ_CST) & bit(sig)) != 0) {
                return sig;
            }
            have &= ~bit(sig);  // another thread was quicker
        }
    }
    return 0;
}

bool nos_libc_signals_deliver(void)
{
    bool ends = false;
    long sig;

    while ((sig = nos_libc_signal_take(~state[nos_libc_tid() - 1].blocked)) != 0) {
        ends = deliver(sig) || ends;
    }
    return ends;
}

bool nos_libc_signals_due(void)
{
    return nos_libc_posts && due() != 0;
}

static long raise_here(long sig)
{
    __atomic_fetch_or(&state[nos_libc_tid() - 1].pending, bit(sig), __ATOMIC_SEQ_CST);
    (void)nos_libc_signals_deliver();
    return 0;
}

void nos_libc_raise(int sig)
{
    (void)raise_here(sig);
}

uint64_t nos_libc_signals_await(uint64_t awaited, const uint64_t *blocked)
{
    const uint32_t me = nos_libc_tid() - 1;
    const uint64_t was = state[me].blocked;

    nos_libc_posts = true;  // from now on who sleeps looks
    state[me].awaited = awaited;
    state[me].blocked = blocked != NULL ? *blocked & ~(bit(SIGKILL) | bit(SIGSTOP)) : was;
    return was;
}

/* Not by a thread of the library's: it has no number. */
void nos_libc_post(uint32_t tid, int sig)
{
    nos_libc_acquire(&lock);
    const struct action a = actions[sig - 1];
    nos_libc_release(&lock);
    uint32_t to = tid;
    for (uint32_t i = 1; to == 0 && i <= NOS_LIBC_THREADS; i++) {
        bool takes = ((~state[i - 1].blocked | state[i - 1].awaited) & bit(sig)) != 0;
        to = nos_libc_is_thread(i) && takes ? i : 0;
    }
    if (is_ignored(&a, sig) && (to == 0 || (state[to - 1].awaited & bit(sig)) == 0)) {
        return;
    }
    __atomic_store_n(&nos_libc_posts, true, __ATOMIC_SEQ_CST);
    __atomic_fetch_or(tid == 0 ? &of_all : &state[tid - 1].pending, bit(sig), __ATOMIC_SEQ_CST);
    if (to != 0) {
        nos_libc_rouse(to);
    }
}

/* ---- who is meant ---- */

long libc_tkill(const struct nos_libc_args *x)
{
    long tid = x->a[0], sig = x->a[1];

    if (!nos_libc_is_thread(tid)) {
        return -ESRCH;
    }
    if (sig != 0 && !is_signal(sig)) {
        return -EINVAL;
    }
    if (sig == SIG_CANCEL) {
        return nos_libc_interrupt((uint32_t)tid);
    }
    if (sig == 0) {
        return 0;
    }
    if (tid == (long)nos_libc_tid()) {
        return raise_here(sig);
    }
    nos_libc_post((uint32_t)tid, (int)sig);
    return 0;
}

/* To the capsule: the thread that says so is as good as any that has not blocked it. */
long libc_kill(const struct nos_libc_args *x)
{
    long pid = x->a[0], sig = x->a[1];

    if (sig != 0 && !is_signal(sig)) {
        return -EINVAL;
    }
    if (pid != 0 && pid != -1 && (uint32_t)(pid < 0 ? -pid : pid) != nos_self()->capsule) {
        return nos_libc_kill_child(pid, sig);  // of others it is told nothing
    }
    if (sig != 0 && (state[nos_libc_tid() - 1].blocked & bit(sig)) != 0) {
        nos_libc_post(0, (int)sig);
        return 0;
    }
    return sig == 0 ? 0 : raise_here(sig);
}

/* ---- actions and masks ---- */

long libc_rt_sigaction(const struct nos_libc_args *x)
{
    long sig = x->a[0];
    const struct action *set = (const struct action *)x->a[1];
    struct action *old = (struct action *)x->a[2];

    if (!is_signal(sig) || sig == SIGKILL || sig == SIGSTOP) {
        return -EINVAL;
    }
    nos_libc_acquire(&lock);
    const struct action was = actions[sig - 1];
    if (set != NULL) {
        actions[sig - 1] = *set;
    }
    nos_libc_release(&lock);
    if (old != NULL) {
        *old = was;
    }
    return 0;
}

long libc_rt_sigprocmask(const struct nos_libc_args *x)
{
    const uint64_t never = bit(SIGKILL) | bit(SIGSTOP);
    const uint64_t *set = (const uint64_t *)x->a[1];
    uint64_t *blocked = &state[nos_libc_tid() - 1].blocked, was = *blocked;

    if (set != NULL) {
        if (x->a[0] != SIG_BLOCK && x->a[0] != SIG_UNBLOCK && x->a[0] != SIG_SETMASK) {
            return -EINVAL;
        }
        uint64_t now = x->a[0] == SIG_BLOCK     ? was | *set
                       : x->a[0] == SIG_UNBLOCK ? was & ~*set
                                                : *set;
        *blocked = now & ~never;
    }
    if (x->a[2] != 0) {
        *(uint64_t *)x->a[2] = was;
    }
    (void)nos_libc_signals_deliver();
    return 0;
}

long libc_rt_sigpending(const struct nos_libc_args *x)
{
    *(uint64_t *)x->a[0] = state[nos_libc_tid() - 1].pending | of_all;
    return 0;
}
