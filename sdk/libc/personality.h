#pragma once
/*
 * The C library's other half: what Linux would do for musl, done with this system's handles and
 * messages. Each call is a row of calls.tbl, which names its handler below; a number without a row
 * is ENOSYS. Spec: docs/libc.md.
 *
 * Answers are Linux's: 0 or more, or -errno. Nothing here needs a right that the manifest did not
 * ask for: a call that would need one answers EPERM or ENOENT.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "abi/info.h"
#include "abi/ipc.h"
#include "sdk/start.h"

struct nos_libc_args {
    long a[6];
};

/** Call `n` with its arguments. Gives: 0 or more, or -errno. */
long nos_libc_call(long n, long a, long b, long c, long d, long e, long f);

/** The errno, positive, that says best what a status says; 0 for OK. */
int nos_libc_errno(nos_status_t st);

/* ---- lock.c: for what is held for a few hundred instructions ---- */

struct nos_libc_lock {
    uint32_t held;
};
void nos_libc_acquire(struct nos_libc_lock *l);
void nos_libc_release(struct nos_libc_lock *l);

/* ---- memory.c ---- */

/** Anonymous memory, whole pages, zeroed. Gives: its address, or -errno. `apart`: with unmapped
 * pages on both sides. */
long nos_libc_map(size_t bytes, bool apart);
long nos_libc_unmap(uint64_t at, size_t bytes);

/** Forget memory that lies apart, without unmapping it: whoever runs on it does that with his last
 * call. False: no such memory. */
bool nos_libc_disown(uint64_t at);

/* ---- futex.c ---- */

struct nos_libc_lock *nos_libc_futex_lock(void);

/** With that lock held: take one who waits on `word` off the list. Gives: what to signal to wake
 * him; 0: nobody. */
nos_handle_t nos_libc_futex_take(const volatile uint32_t *word);

/* ---- identity.c ---- */

/** What open and mkdir take away of a mode. */
uint32_t nos_libc_mask(void);

enum { NOS_LIBC_FILES = 64 /* descriptors */, NOS_LIBC_THREADS = 128 };

/* ---- signals.c ---- */

/** A new thread has the mask of who made it. */
void nos_libc_signals_inherit(uint32_t from, uint32_t to);

/** Was ever one posted: by another thread, or the alarm? */
extern bool nos_libc_posts;

/** Post one: to that thread, or to any (0). */
void nos_libc_post(uint32_t tid, int sig);

/** Raise one in this thread. */
void nos_libc_raise(int sig);

/** Is there one for this thread, or which it awaits? Who sleeps ends that then, with EINTR. */
bool nos_libc_signals_due(void);

/** Take one of `set` that was raised or posted: it is not delivered. Gives: 0: there is none. */
long nos_libc_signal_take(uint64_t set);

/** Call the handlers. Gives: true: the call that was interrupted is not to be begun again. */
bool nos_libc_signals_deliver(void);

/** This thread awaits these, and blocks those (NULL: as it did). Gives: what it blocked. */
uint64_t nos_libc_signals_await(uint64_t awaited, const uint64_t *blocked);

/** Keep how they are handled and blocked; and have it so again. */
void nos_libc_signals_keep(void);
void nos_libc_signals_restore(void);

/* ---- thread.c ---- */

/** Are there others beside this one? */
bool nos_libc_has_threads(void);

/** What is called instead of ending the capsule, with the exit code; NULL: nothing is. */
void nos_libc_at_exit(void (*instead)(long code));

bool nos_libc_is_thread(long tid);

/** This thread is in a cancellation point: `*cancelled` is not 0 once it is to be cancelled. NULL:
 * it is in none. */
void nos_libc_cancellable(const volatile int *cancelled);

/** Is it in one, and to be cancelled, or is there a signal for it? Who is woken goes on waiting
 * otherwise. */
bool nos_libc_is_interrupted(void);

/** Sleep. Errors: CANCELLED (that). In clock.c. */
MUST_CHECK nos_status_t nos_libc_sleep(uint64_t deadline_ns);

/** End what a thread sleeps in, now or as soon as it begins. Gives: 0. */
long nos_libc_interrupt(uint32_t tid);

/** Wake a thread that sleeps in the library, so that it looks for signals. */
void nos_libc_rouse(uint32_t tid);

/** This thread's number in the library, from 1. */
uint32_t nos_libc_tid(void);

/* Bits of the notification that a thread sleeps on. */
enum { NOS_LIBC_WAKE = 1, NOS_LIBC_INTERRUPT = 2 };

/** This thread's IPC buffer, and the notification it sleeps on; 0 when there was no room for one.
 */
uint64_t *nos_libc_ipc_buffer(void);
nos_handle_t nos_libc_note(void);

/** kill, of a program that this one has started; -ESRCH. In files/, or without.c. */
long nos_libc_kill_child(long pid, long sig);

/* ---- console.c: what the standard descriptors are to begin with ---- */
long libc_console_write(const char *text, size_t len);
long libc_console_read(char *out, size_t len);
bool libc_console_granted(void);

/* ---- files/, or without.c: the program's manifest asks for no tree, and it is linked without ----
 */

/** mmap of a file; -errno. */
long libc_map_file(long fd, size_t len, long prot, long flags, uint64_t at);

/** munmap of it. Gives: 1: this is no file's mapping. */
long libc_unmap_file(uint64_t at, size_t len);

/* ---- handlers, one for each name in calls.tbl ---- */
#define HANDLER(handler) long handler(const struct nos_libc_args *x);
#include "sdk/libc/handlers.inc"
#undef HANDLER
