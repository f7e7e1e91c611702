/* Inside the storm flavour (docs/storm.md). The released objects are linked with --wrap: who calls
 * f() comes to __wrap_f() here, and __real_f() is the kernel's own. Nothing in the released kernel
 * knows of it. One CPU. */
#pragma once

#include "abi/storm.h"
#include "kernel/arch/api/upcalls.h"
#include "kernel/sched/thread.h"

/* clock.c: the clock's jumps, and the timer's second use. */
extern uint64_t storm_idle_ticks;
void storm_clock_jump(uint64_t ticks, bool back);
enum storm_timer { STORM_FAULT, STORM_RESCUE, STORM_TIMERS };
void storm_timer_arm(void);
void storm_timer_set(enum storm_timer which, uint64_t after_ticks); /* 0 = off */
bool storm_timer_due(enum storm_timer which); /* once, when its time has come */
bool storm_timer_forget(void); /* the kernel's deadline, if it has come: as if it never had been */

/* quiet.c */
void storm_wait_quiet(struct thread *self, uint64_t most_ns);
void storm_idles(void);

/* irq.c */
void storm_lose(unsigned line);

/* fault.c */
extern struct nos_storm_state storm;
bool storm_has_fired(void); /* no fault is still to come */
MUST_CHECK nos_status_t storm_begin(const struct nos_storm_fault *f);
void storm_fire(void); /* Locks: the kernel lock is held */

/* alloc.c: the k-th allocation from now fails, and n - 1 more. */
void storm_alloc_fail(uint64_t k, uint64_t n);
void storm_leak(void);

/* calls.c: the next `n` system calls of that capsule are drawn anew. */
void storm_calls_begin(uint32_t capsule, uint64_t n, uint64_t seed);
void storm_calls_change(struct thread *self);
uint64_t storm_mix(uint64_t *state); /* splitmix64 */

/* deaths.c */
void storm_watch(const struct thread *self, uint64_t nr);
void storm_count(struct nos_storm_state *out);

/* start.c */
void storm_say(const char *text, size_t len);
void storm_pause(bool really);
void storm_raise(uint8_t vector); /* an interrupt at this CPU */
