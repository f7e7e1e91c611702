#pragma once
/* The parts of the storm capsule. storm.c has the story. */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/compiler.h"
#include "modules/storm/plan.h"
#include "modules/ward/ward.h"
#include "sdk/ipc.h"
#include "sdk/syscalls.h"

#define NS_PER_MS 1000000ull

/* ---- say.c: out of the debug port, and into the digest ---- */

void say(const char *fmt, ...) PRINTF_LIKE(1, 2);
void say_broken(const char *fmt, ...) PRINTF_LIKE(1, 2); /* a rule does not hold */
extern uint64_t broken;
extern uint64_t at_fault; /* number of the fault that is on */
void digest_begin(void);
void digest_add(const void *bytes, size_t len);
void digest_text(char text[65]); /* of all that was added so far */

/* ---- node.c: the kernel's side ---- */

void node_open(void);
extern nos_handle_t node;
nos_status_t node_fault(const struct nos_storm_fault *f);
void node_look(struct nos_storm_state *out);
nos_status_t node_quiet(uint64_t most_ns); /* OK, or TIMED_OUT */
void node_pause(bool really);
bool node_record(uint64_t topic, uint64_t index, void *out, size_t len); /* false: no such */
void node_end(uint32_t id);                                              /* kill that capsule */

/* ---- who.c: those who are hurt, and those who must not be ---- */

struct who {
    const char *name;
    nos_handle_t endpoint; /* 0: it has none */
    uint32_t id;           /* of the capsule that it is now; 0 = it does not run */
    bool touched;          /* a fault has met it since it started */
};
extern struct who who[WHO_COUNT];
void who_open(void);
void who_refresh(void); /* ids anew: who has one that was not there before is whole again */
nos_status_t who_ask(unsigned w, uint64_t op, uint64_t number, uint64_t patience_ns,
                     nos_status_t *did);
nos_status_t who_alive(unsigned w, uint64_t patience_ns); /* OK: it answers as it should */
nos_status_t init_alive(void);

/* ---- act.c: faults that are made from here ---- */

void act_messages(struct storm_plan *p);
void act_quota(const struct storm_plan *p);
void act_module(struct storm_plan *p);

/* ---- look.c: what must hold whenever all is quiet ---- */

void look_begin(void);
void look_check(void);
void look_deaths(uint32_t kind); /* new records: said, counted, digested */
void look_audit(void);
extern uint64_t deaths_by_kind[NOS_STORM_KINDS];
