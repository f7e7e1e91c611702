/*
 * Signals that a program raises itself: C's <signal.h>, and masks. A handler is a function that is
 * called at once by who raises it, or when he unblocks it. Nobody else can raise one here: a fault,
 * or a capsule that is to end, is never one.
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
    uint64_t blocked, pending;
} state[NOS_LIBC_THREADS]; /* each thread's own; by its number */

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
    state[to - 1].pending = 0;
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

static void deliver(long sig)
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
        return;
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
}

static void deliver_all(void)
{
    uint64_t *pending = &state[nos_libc_tid() - 1].pending, due;

    while ((due = *pending & ~state[nos_libc_tid() - 1].blocked) != 0) {
        long sig = __builtin_ctzll(due) + 1;
        *pending &= ~bit(sig);
        deliver(sig);
    }
}

static long raise_here(long sig)
{
    state[nos_libc_tid() - 1].pending |= bit(sig);
    deliver_all();
    return 0;
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
    return tid == (long)nos_libc_tid() ? raise_here(sig) : -ENOSYS;
}

/* To the capsule: the thread that says so is as good as any. */
long libc_kill(const struct nos_libc_args *x)
{
    long pid = x->a[0], sig = x->a[1];

    if (sig != 0 && !is_signal(sig)) {
        return -EINVAL;
    }
    if (pid != 0 && pid != -1 && (uint32_t)(pid < 0 ? -pid : pid) != nos_self()->capsule) {
        return nos_libc_kill_child(pid, sig);  // of others it is told nothing
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
    deliver_all();
    return 0;
}

long libc_rt_sigpending(const struct nos_libc_args *x)
{
    *(uint64_t *)x->a[0] = state[nos_libc_tid() - 1].pending;
    return 0;
}
