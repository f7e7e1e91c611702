#pragma once
/* What the attacks share: things to attack with, and the tally. */
#include <stdbool.h>
#include <stdint.h>

#include "abi/status.h"
#include "sdk/syscalls.h"

#define NOT_YET ((nos_status_t)-1000)  // what no call answers

struct target {
    nos_handle_t console, node;            /* granted: call; inspect */
    nos_handle_t region, endpoint, notify; /* made here, all rights */
    nos_handle_t stale;                    /* was a notification, is closed */
    uint8_t *page;      /* mapped, read and write; what follows it is not mapped */
    uint8_t *read_only; /* the same region, mapped read-only */
};
extern struct target target;

/** Make the things of `target`. Errors: the kernel's; nothing can be said then. */
MUST_CHECK nos_status_t target_open(void);

/** Count and print one attack. */
void expect(const char *name, nos_status_t want, nos_status_t got);

struct address {
    const char *name;
    uint64_t at;
    bool readable; /* bad for the kernel to write to, fine to read from */
};
enum { ADDRESSES = 12 };

/** Addresses that are not the capsule's to write `len` bytes to. Gives: how many of `out` were
 * filled. */
unsigned bad_addresses(struct address out[ADDRESSES], uint64_t len);

void attack_pointers(void);
void attack_handles(void);
void attack_values(void);
void attack_threads(void);
void attack_placing(void);
void attack_waits(void);
void attack_derived(void);
void attack_cuts(void);
void attack_guards(void);
void attack_stream(void); /* the console's streams; `probe stream` */
void attack_filter(void); /* takes calls away for good: the last */

/* Two capsules: one gives and cuts, the other has and loses; it ends at the page that it mapped. */
void giver(void);
void holder(void);

void mute(void); /* no call is left; only a fault ends this capsule */

/** Clients of the console's streams that end badly, and a good one. False: no such role. */
bool stream_role(const char *word);

/** A fault that no guard covers; `how` is its first letter. False: no such one. */
bool unguarded(const char *how);

/** Seeded random system calls. */
void fuzz(uint64_t seed, uint64_t count);
