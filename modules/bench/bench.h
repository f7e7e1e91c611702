#pragma once
/* Shared by the measurements: printing, minima, the peer capsule. */
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "abi/info.h"
#include "lib/span.h"
#include "sdk/syscalls.h"

uint64_t bench_empty(void);
uint64_t bench_null(void);
uint64_t bench_call(uint64_t ep, uint64_t info);
_Noreturn void bench_serve(uint64_t ep);
_Noreturn void bench_serve_pass(uint64_t ep, void *ipc_buffer);
uint64_t bench_serve_faults(uint64_t ep, uint64_t skip);
uint64_t bench_fault(uint64_t address);
_Noreturn void bench_watch(volatile uint64_t *at);

struct minimum {
    uint64_t value;
};
#define MINIMUM_NONE ((struct minimum){ UINT64_MAX })

static inline void minimum_add(struct minimum *m, uint64_t v)
{
    m->value = v < m->value ? v : m->value;
}

/** Ticks that two readings of the counter cost by themselves. */
uint64_t bench_overhead(void);

/** "n0n.NAME VALUE UNIT". */
void bench_figure(const char *name, uint64_t value, const char *unit);
/** A figure that could not be taken, and why. */
void bench_missing(const char *name, const char *why);

extern nos_handle_t bench_node;
/** How many capsules stand by: a part of the figures' names; 0 = the machine is as it was. */
extern uint64_t bench_at;

static inline bool bench_role_is(const char *role, const char *name)
{
    size_t len = strlen(name);
    return strlen(role) == len && memcmp(role, name, len) == 0;
}

/** Another capsule of this module, in the role that `arg` names. Ends it with bench_peer_end. */
MUST_CHECK nos_status_t bench_peer_start(const char *arg, nos_handle_t *capsule);
void bench_peer_end(nos_handle_t capsule);

void bench_calls(void);    /* system calls, notifications, the handle check */
void bench_messages(void); /* round trips, in one capsule and between two */
void bench_switches(void); /* yield, signal and wait */
void bench_modules(void);  /* load, spawn, memory of a capsule */
void bench_spawn(nos_handle_t nil);
int bench_crowd(const char *what, const char *count);

/** The module nil, loaded. */
MUST_CHECK nos_status_t bench_nil(nos_handle_t *module);
/** Run it with this argument to its end. Gives: what became of it. */
MUST_CHECK nos_status_t bench_run(nos_handle_t module, const char *arg,
                                  struct nos_capsule_info *info);
/** Bytes in use, less what is being given back. */
MUST_CHECK nos_status_t bench_used(uint64_t *bytes);
void bench_grants(void); /* derived handles, revocation, tokens */
void bench_memory(void); /* mapping, handing over, faults */
void bench_timer(void);  /* from an interrupt to the thread that waits for it */
void bench_ring(void);   /* text to another capsule, the same two ways */
void bench_text(void);   /* to the console, by message and by stream */
void bench_crypto(void); /* the kernel's primitives */

/** What a peer of messages.c, memory.c, ring.c does; they come back when the role is not theirs. */
void bench_message_peer(const char *role);
void bench_memory_peer(const char *role);
void bench_ring_peer(const char *role);

/** What a peer does. Never returns for a known role. */
void bench_peer_run(const char *role);
