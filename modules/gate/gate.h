#pragma once
/*
 * One attack for each thing that abi/syscalls.tbl says a call needs: class, filter bit, right, type
 * of each handle, and for each argument every kind of bad value. All rows come from the generated
 * tables; tests/qemu/test_gate.py counts them against abi/syscalls.tbl.
 */
#include <stdbool.h>
#include <stdint.h>

#include "abi/caps.h"
#include "abi/status.h"
#include "sdk/syscalls.h"

enum { ARGS = 6, PAGE = 4096 };

struct row { /* one call */
    uint32_t nr;
    const char *name;
    uint32_t classes, types, rights;
    char kind; /* G or M */
};
extern const struct row rows[NOS_SYS_COUNT];

enum arg_kind { ARG_NUMBER, ARG_HANDLE, ARG_IN, ARG_OUT, ARG_PLACE };
struct arg { /* one argument of one call */
    uint32_t nr, index;
    enum arg_kind kind;
    uint32_t types, rights;
    const char *name;
};
extern const struct arg args[];
extern const unsigned n_args;

/* ---- what there is to attack with ---- */

struct things {
    nos_handle_t of[NOS_TYPE_COUNT];      /* one of each type, all rights; 0 = not to be had */
    nos_handle_t expired[NOS_TYPE_COUNT]; /* the same objects, past their deadline */
    nos_handle_t revoked[NOS_TYPE_COUNT]; /* the same objects, cell cut */
    nos_handle_t stale;                   /* was a notification, is closed */
    uint32_t foreign[NOS_TYPE_COUNT];     /* numbers of such handles in the child's table */
    uint32_t child;                       /* capsule id; of[CAPSULE] */
    nos_handle_t spinner, debugged;       /* another child, and the handle to debug it: stopped */
    uint64_t ip, sp;                      /* where it stands */
    uint8_t *page, *read_only;            /* a region, mapped both ways; nothing lies behind */
    uint64_t port;                        /* inside the ports window */
    uint64_t mapping;                     /* what a call mapped; 0 = nothing */
};
extern struct things things;

/** Make all of them; what the capsule's classes do not allow stays 0. `dead`: also the expired, the
 * revoked and the child. */
void things_make(bool dead);

/** Undo what a call made: its mapping, and every handle that is not one of them. */
void things_sweep(void);

/** Start this same module with `arg`, wait for its end. Gives: its exit code, or UINT64_MAX. */
uint64_t child_run(const char *arg);

/** The one of a type to use for a call that needs `rights` of it. */
nos_handle_t thing_with(uint32_t type, uint32_t rights);

/** A child that waits until it is killed. Gives: its handle; 0 on failure. */
nos_handle_t child_start(const char *arg);
uint32_t child_id(nos_handle_t capsule);

/* ---- calls ---- */

/** Arguments with which the call is refused for nothing: `type` is that of its first handle. */
void call_prepare(const struct row *r, uint32_t type, uint64_t a[ARGS]);

nos_status_t call_make(const struct row *r, const uint64_t a[ARGS]);

/** A type that the mask has and the capsule holds; NOS_TYPE_NONE. */
uint32_t type_in(uint32_t mask);

/* ---- rows ---- */

extern const char *const type_names[NOS_TYPE_COUNT];
void expect(const char *name, nos_status_t want, nos_status_t got);
void row_named(const struct row *r, nos_status_t want, nos_status_t got, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));

void attack_rights(void);   /* each right of each handle, alone */
void attack_types(void);    /* each other type of each handle */
void attack_present(void);  /* nothing missing: not refused */
void attack_handles(void);  /* each handle that is none, or no more */
void attack_pointers(void); /* each address that is not the caller's */
void attack_classes(void);  /* the calls of classes that this capsule does not have */
void attack_debug(void);    /* what a debugger must not get */
void attack_filter(void);   /* each call, masked alone, in a child */

/** A child's part of attack_filter: take away call `nr` and try it. */
int filter_child(uint64_t nr);
