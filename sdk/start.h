#pragma once
/*
 * What a capsule starts with: its own name, its argument string, its handles, the clock. A capsule
 * defines nos_main(); returning from it ends the capsule with that code. Spec: docs/sdk.md.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "abi/start.h"
#include "sdk/syscalls.h"

/** The capsule's own: runs first. Gives: the code that the capsule ends with. */
int nos_main(void);

/** The kernel's start record, as long as the capsule lives. */
const struct nos_start *nos_self(void);

/** The argument string of capsule_spawn; "" when there was none. */
const char *nos_arg(void);

/** Start record of the granted handle of that kind and, for endpoints and notifications, that name;
 * or NULL. */
const struct nos_start_handle *nos_find(enum nos_cap_kind kind, const char *name);

/** The handle itself; 0 when it was not granted: every call answers BAD_HANDLE to that. */
nos_handle_t nos_find_handle(enum nos_cap_kind kind, const char *name);

/** Nanoseconds since boot, from the time-stamp counter: no system call. */
uint64_t nos_now_ns(void);

/** The time-stamp counter itself. */
uint64_t nos_tsc(void);

/** End this capsule, with all its threads. */
_Noreturn void nos_exit(uint64_t code);

/** What nos_exit does first; NULL: nothing. */
extern void (*nos_before_exit)(void);

/**
 * Cut a copy of the argument string into words at blanks.
 * Gives:  the number of words, at most `max`; words[i] stay valid as long as `copy`.
 */
size_t nos_arg_words(char copy[NOS_ARG_MAX + 1], char **words, size_t max);

/** Compare a zero-padded name field with a C string. */
bool nos_name_is(const char field[NOS_NAME_MAX], const char *name);

struct nos_thread {  // stays alive as long as the thread
    void (*run)(void *arg, uint64_t *ipc_buffer);
    void *arg;
};

/**
 * Start a thread of this capsule on a stack of the caller's, `len` bytes at `stack`, 16-byte
 * aligned. Errors: thread_create's.
 */
MUST_CHECK nos_status_t nos_thread_start(struct nos_thread *t, void *stack, size_t len,
                                         uint64_t priority, nos_handle_t *out);
