/* Threads and the scheduler: 32 priorities, round robin inside one, a time slice, deadlines. A
 * blocked thread holds no kernel stack: whoever wakes it writes its result into its saved
 * registers. What takes several bounded steps is a continuation: an enum and a job, resumed by one
 * switch (SETTLED 13). */
#pragma once

#include "kernel/core/percpu.h"
#include "kernel/object/capsule.h"

enum thread_state {
    THREAD_READY = 1, /* on a run queue */
    THREAD_RUNNING,   /* current on its CPU */
    THREAD_SLEEP,
    THREAD_NOTE,    /* waits for a notification */
    THREAD_CALL,    /* queued at an endpoint, message not taken yet */
    THREAD_SEND,    /* the same, and no answer is awaited */
    THREAD_REPLY,   /* message taken, waits for the answer */
    THREAD_RECV,    /* queued at an endpoint as receiver */
    THREAD_STOPPED, /* held, and would run if it were not */
    THREAD_DEAD,
};

enum continuation {
    CONT_NONE = 0,
    CONT_VERIFY,
    CONT_SPAWN,
    CONT_ZERO,
    CONT_REVOKE,
    CONT_CRASH,
    CONT_TOKEN
};

struct endpoint;

struct thread {
    struct obj obj;
    struct arch_context ctx;
    uint32_t state; /* enum thread_state */
    uint32_t cont;  /* enum continuation */
    bool stepping;  /* its CPU is between sched_step_begin and sched_step_end */
    void *job;      /* owned: what the continuation works on; a frame, for CONT_ZERO a region */
    struct capsule *capsule;        /* referenced */
    uint32_t cpus;                  /* mask: where it may run; 0 = held */
    uint32_t cpu;                   /* where it ran last; READY, RUNNING, deadline: whose queue */
    struct thread *sibling;         /* capsule's list */
    struct thread *next, *prev;     /* run queue, or the wait queue of `waits_on` */
    struct thread *t_next, *t_prev; /* deadline list, while deadline_ns != 0 */
    uint64_t deadline_ns;
    via_t via;              /* cell of the handle that it used last: it waits through that one */
    uint64_t cursor;        /* CONT_REVOKE: how far it is */
    struct obj *waits_on;   /* NOTE, CALL, RECV: not referenced; the queue is emptied before the
                               object goes */
    uint32_t priority;      /* effective: the highest of its own and of those lent to it */
    uint32_t base_priority; /* its own */
    struct capsule *payer;  /* whose budget it runs on: its own capsule's, or its caller's; not
                               referenced: a loan ends before its lender does */
    uint64_t badge;         /* of the handle that its call went through */
    uint32_t index;         /* in the thread table */
    uint64_t token; /* of its last call: index | number of the call << 32; a stale one never fits */
    struct thread *worker; /* REPLY only: who took the message, and works for it */
    struct thread *client; /* whose message it received last, while that one waits for the answer:
                              ipc_reply_recv answers it, and its payer pays */
    union {
        struct {
            uint32_t lends; /* REPLY: the priority that it lends its worker; 0 = none */
            uint32_t fault; /* NOS_FAULT_ bits of a page fault that another capsule looks after: its
                               registers are no message, and no status may go into them. 0 = none */
        };
        uint64_t special; /* either */
    };
    uint32_t borrows;             /* bit p: somebody lends it priority p, which is above its own */
    uint16_t lenders[PRIORITIES]; /* how many do */
    uint64_t fault_addr;
    bool parked;       /* READY, but on its capsule's queue until the budget's next period */
    bool serves;       /* has received: others may wait for its answer */
    uint64_t *ipc_buf; /* IPC buffer through the direct map */
    uint64_t ipc_va;
    struct arch_fpu *fpu; /* NULL until first use */

    /* A debugger's: kernel/runtime/debug.c. */
    uint32_t held;     /* what `cpus` is once it may go on; 0 = it may */
    uint16_t stop_why; /* enum nos_crash; 0 = no event of its own */
    bool single_step;  /* traps after one instruction */
    bool crash_passes; /* its next crash is one */
    uint64_t stop_addr;
};
enum { THREADS_MAX = 4096, SLICE_NS = 10000000 };
#define CPUS_ALL ((1u << CPUS_MAX) - 1)

/** New thread of `c`, not yet ready. Gives: a reference; the capsule's list holds another. Errors:
 * QUOTA, NO_MEMORY. */
MUST_CHECK nos_status_t thread_create(struct capsule *c, uint64_t ip, uint64_t sp, uint64_t arg0,
                                      uint64_t arg1, uint32_t priority, struct thread **out);

void thread_kill(struct thread *t); /* off every queue, dead; drops the capsule's list reference */
void thread_destroy(struct obj *o);
extern struct thread *thread_table[THREADS_MAX];
extern uint32_t thread_top;                            /* every thread's index is below it */
static inline struct thread *thread_at(uint32_t index) /* NULL */
{
    return index < THREADS_MAX ? thread_table[index] : NULL;
}
uint64_t thread_count(void);

/** Where `t`, which is the current thread, finds thread-local storage; 0 = nowhere. Errors:
 * BAD_ADDRESS, NO_MEMORY. */
MUST_CHECK nos_status_t thread_set_tls(struct thread *t, uint64_t base);

/** Why `t` does what it does, as far as the kernel can tell: whose call it has taken and not yet
 * answered, else its own capsule. The record of that one's start. */
static inline const struct audit_ref *thread_cause(const struct thread *t)
{
    const struct thread *from = t->client;
    bool serves = from != NULL && from->state == THREAD_REPLY && from->worker == t;
    return &(serves ? from : t)->capsule->record;
}

/* ---- run queues ---- */
void sched_ready(struct thread *t); /* blocked -> ready, at the tail of a CPU's queue; preempts a
                                       lower priority */

/** The IPC switch. The current thread has just blocked: run `t` in its place at once if nothing
 * more urgent is ready; else `t` is ready like any other. */
void sched_handoff(struct thread *t);
void sched_yield(void); /* current to the tail */

/** Current thread blocks in `state`; the queue link is the caller's. deadline_ns 0 = none. */
void sched_block(enum thread_state state, struct obj *on, uint64_t deadline_ns);

/** Wake a blocked thread with a status; takes it off the deadline list. The caller has taken it off
 * its wait queue. */
void sched_wake(struct thread *t, nos_status_t st);
void sched_unwait(struct thread *t);                          /* deadline list only */
void sched_unqueue(struct thread *t);                         /* READY: off the run queue */
void sched_reprioritise(struct thread *t, uint32_t priority); /* its effective one, in any state */
void sched_forget_space(
    const struct arch_space *s); /* it is about to be torn down: no CPU stands on it afterwards */
void sched_charge_all(void);     /* cpu_tsc of every capsule is that of this moment */
void sched_forget_payer(struct capsule *c); /* it has ended: nobody is charged */

/** Where `t` may run: `cpus`, of which one runs. It goes there if it stands elsewhere. */
void sched_set_cpus(struct thread *t, uint32_t mask);
uint32_t
sched_cpus_of(const struct capsule *c); /* as its manifest says; all, if none of those run */

/** It runs no further, on no CPU, until it is released: a thread whose mask of CPUs is empty is
 * taken by none of the short ways. One that is ready is STOPPED at once, one that runs at its next
 * exit, which is made to come; one that waits goes on waiting, and is STOPPED when that is over. */
void sched_hold(struct thread *t);
void sched_release(struct thread *t);

/** Around the part of a bounded step that works on what this thread alone can reach: without the
 * lock, interrupts let in. Who kills the thread meanwhile leaves it its job; sched_step_end then
 * says false, and the job is dropped here. */
void sched_step_begin(struct thread *t);
MUST_CHECK bool sched_step_end(struct thread *t);

/** The context to leave the kernel with: the current thread's if it may go on, else another's; runs
 * continuations, idles when nothing is ready. */
struct arch_context *sched_exit(void);

void sched_arm_background(
    void);             /* there may be something to do: even a busy CPU comes back for it */
void sched_tick(void); /* timer interrupt: deadlines and slices */
/** The common case of the timer in user mode: one sleeper's time has come, and it runs at once. The
 * context to leave with; NULL, and nothing changed: by sched_tick. */
struct arch_context *sched_tick_fast(void);
/** A timer interrupt that should have come and has not is made up for: true. For other interrupts,
 * and for a CPU that is about to sleep. */
bool sched_overdue(void);
void sched_kicked(void); /* another CPU put somebody into this one's queue, or wants it to look */
uint64_t sched_idle_ns(void);
uint64_t sched_longest_step(void); /* TSC ticks */

/* ---- up-calls of the scheduler, in kernel/runtime/background.c ---- */
bool background_step(void);    /* one bounded step of reclaim or audit; false = nothing to do */
uint64_t background_due(void); /* when it wants its next step; 1 = now, 0 = nothing to do */
void thread_wait_cancel(
    struct thread *t); /* take it off the wait queue it is in: kernel/ipc/cancel.c */
void thread_left_clients(struct thread *t); /* it dies: another thread of its capsule may answer
                                               those who wait for it: kernel/ipc/cancel.c */
nos_status_t continuation_step(struct thread *t,
                               bool *done); /* one bounded step of t->job: kernel/runtime/jobs.c */
void continuation_drop(struct thread *t);   /* the thread dies in the middle of it */
