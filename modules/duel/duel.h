#pragma once
/*
 * Attacks that need two capsules. `duel` attacks, `dueler` is the same code under another manifest:
 * a server with few rights and tight quotas, which does what it is asked and says what it saw.
 * `duelcount` is the same again: it counts in memory of the attacker's. Rows are `DUEL name want
 * got ok`.
 */
#include <stdbool.h>
#include <stdint.h>

#include "abi/status.h"
#include "sdk/ipc.h"
#include "sdk/syscalls.h"

#define NOT_YET ((nos_status_t)-1000)  // what no call answers

/* Label of a call to the dueler; the words of its answer. */
enum order {
    ORDER_PING = 1,    // word 0 = the sender's id, 1 = the badge, as the kernel stamped them
    ORDER_USE,         // signal word 0's bits with the handle that came along; label = status
    ORDER_LOOK,        // word 0 = handles that came, then the rights of each
    ORDER_HOLD,        // no answer: the token is kept
    ORDER_DROP,        // no answer, and the kernel is not told that there will be one
    ORDER_RELEASE,     // answer whoever is held; word 0, 1 = status of that, and of a second time
    ORDER_CREATE,      // can it still make a notification? label = status
    ORDER_SWEEP,       // close all that it was handed
    ORDER_KEEP,        // keep the handle that came for the next
    ORDER_HAMMER,      // signal with it until that fails; label = how
    ORDER_ACCEPT,      // word 0 = how many handles it takes from now on
    ORDER_REPLY_WITH,  // word 0 = a token: answer that one; label = status
    ORDER_TOUCH,       // read at TOUCHED, where it has nothing
    ORDER_GIVE,        // the answer carries a handle; the next PING's word 2 = how that went
};

/* Label of the one call to a counter, with a region; word 0 = where in it to count. */
enum work { WORK_COMPUTE = 1, WORK_CALLS, WORK_UNMAP };

#define TOUCHED 0x123456000ull

struct duel {
    nos_handle_t serve; /* the dueler's endpoint: call, grant, dup */
    nos_handle_t node, module, capsule;
    struct nos_msg m;
};
extern struct duel duel;

void row(const char *name, nos_status_t want, nos_status_t got);

/** Call the dueler with duel.m's handles and words. Gives: the status of the call, else the label
 * of the answer. */
nos_status_t ask(enum order what);

/** duel.m without words and handles. */
void fresh_message(void);

void attack_messages(void);
void attack_replies(void);
void attack_quotas(void);
void attack_revoke(void);
void attack_faults(void); /* ends the dueler */

/** Each trial so often. The dueler has ended: the counters serve in its place. */
void attack_cpus(unsigned rounds);

/** Their whole lives. */
int dueler(void);
int counter(void);
