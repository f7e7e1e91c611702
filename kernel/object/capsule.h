/* A capsule: address space + handle table + quota + threads. Life and death are in kernel/runtime.
 */
#pragma once

#include "abi/info.h"
#include "kernel/audit/audit.h"
#include "kernel/core/percpu.h"
#include "kernel/memory/space.h"
#include "kernel/object/handle.h"

struct module;
struct region;
struct thread;
struct notification;
struct endpoint;
struct export;
struct debug;

struct budget {                  /* the scheduler's; only of capsules whose `sched` has one */
    uint64_t end_tsc;            /* used up when the capsule's `cpu_tsc` gets there */
    uint64_t until_ns;           /* the period's end; the next begins with the first use after it */
    bool watched;                /* one CPU watches for that end */
    struct ready_queue parked;   /* threads that wait for it */
    struct capsule *next_parked; /* of those whose end that CPU watches */
};

struct capsule {
    struct obj obj;
    struct capsule *next, *prev; /* all capsules, by id; a reference is held until reclaimed */
    struct capsule *same_hash;   /* the next whose id has the same last bits */
    uint32_t id;                 /* 1.. */
    uint32_t state;              /* enum nos_capsule_state */
    uint32_t classes;            /* fixed at spawn; also in `handles` */
    uint32_t parent;
    uint64_t filter[2]; /* bit n: system call n allowed; bits only go */
    struct handle_table handles;
    struct space space;
    struct module *module;   /* referenced */
    struct region *regions;  /* those it pays for */
    struct export *exports;  /* what it issued tokens for; the living ones it pays for */
    struct thread *threads;  /* list; each referenced */
    struct audit_ref record; /* its start; before that the newest of its grants; then its end */
    uint32_t n_threads;
    uint32_t n_objects;       /* kernel objects charged to this capsule */
    struct nos_limits limits; /* manifest, lowered by policy */
    struct nos_restart restart;
    struct nos_sched sched; /* manifest, lowered by policy */
    struct budget budget;
    struct nos_children children; /* what it can still hand on */
    uint32_t sponsor;  /* gets that and its limits back: the parent, or who is above it; 0 = none */
    uint32_t sponsors; /* how many capsules it is the sponsor of */
    bool kill_on_filter;    /* the policy: a filtered call ends the capsule */
    bool no_debug;          /* the policy: no debugger */
    bool had_debugger;      /* a trap of its may be one that is not there any more */
    struct debug *debug;    /* its debugger's session; NULL = none */
    uint32_t debug_handles; /* that can debug it; with the last one the session ends */
    uint32_t restarts;
    bool may_log;
    bool reclaiming;
    struct capsule *reclaim_next;
    struct endpoint *faults;  /* referenced; page faults are calls there; NULL = they are its end */
    struct endpoint *control; /* named, so immortal; where it takes control messages; NULL: none */
    uint64_t fault_badge;
    via_t fault_via;             /* cell of the handle that `faults` came through; referenced */
    struct notification *on_end; /* referenced; end_bits are signalled */
    uint64_t end_bits;
    via_t end_via; /* cell of the handle that `on_end` came through; referenced */
    uint64_t started_ns, ended_ns, cpu_tsc;
    uint64_t exit_code, fault_addr, fault_ip;
    uint64_t image_base;                         /* where the module's image lies: for symbols */
    uint64_t entry, start_va, stack_top, ipc_va; /* set by stages 6 and 7 */
    char fault_symbol[40];
};
struct capsule *capsule_find(uint32_t id); /* Borrows; NULL */
struct capsule *capsule_nth(uint32_t n);   /* for listings */

/** Up-call, after a cut: `c` no longer pays for its dead exports, and the objects that they name
 * are let go. One bounded step; implemented in kernel/modules/token_pass.c. */
void up_exports_prune(struct capsule *c);

/** Up-call: no handle is left that can debug `c`. Implemented in kernel/runtime/debug.c. */
void up_debugger_left(struct capsule *c);
