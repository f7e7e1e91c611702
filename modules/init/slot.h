#pragma once
/* The capsules that init started and answers for: a slot each, a notification bit each. */
#include <stdbool.h>
#include <stdint.h>

#include "abi/audit.h"
#include "abi/info.h"
#include "abi/start.h"
#include "abi/status.h"
#include "lib/compiler.h"
#include "lib/order.h"
#include "lib/span.h"
#include "modules/init/backoff.h"
#include "modules/init/health.h"
#include "sdk/syscalls.h"

enum { SUPERVISED_MAX = 63, WATCHER_BIT = 63, SLOT_ENDS = 64 };
_Static_assert((int)SUPERVISED_MAX < (int)ORDER_MAX, "a slot is a place of an order");

enum slot_state {
    SLOT_FREE,
    SLOT_RUNNING,
    SLOT_WAITING, /* for its restart */
    SLOT_RETIRED, /* a newer version has its place: it is about to end by itself */
};

struct slot {
    enum slot_state state;
    uint32_t id;  // of the capsule that runs, or ran last
    nos_handle_t capsule, control /* 0: it takes no messages */;
    struct nos_supervision about;
    struct nos_capsule_info last;  // as it was at its start, or its end
    struct backoff backoff;
    struct health health;
    bool killed;        // somebody asked for its end
    bool as_need;       // started because another one needs it
    uint64_t due_ns;    // WAITING: of the restart; RETIRED: killed then
    bool upgrading;     // upgrade.c has it: neither asked, nor stopped, nor given up meanwhile
    nos_handle_t give;  // handed to the capsule when it is started; 0
    nos_handle_t tell;  // its starter's, who waits for its end: it is not started again; 0
    /* stop.c's */
    bool stopping, asked;
    uint32_t tries;
    uint64_t asked_ns;
    uint8_t arg_len;
    char arg[NOS_ARG_MAX];
};
extern struct slot slots[SUPERVISED_MAX];

/** Once: `node` loads and kills, `notify` is what ended capsules signal. */
void slots_init(nos_handle_t node, nos_handle_t notify);

/** Who has that id, running or waiting; NULL. */
struct slot *slot_of(uint32_t id);

/** Who is there, as lib/order.h wants it. */
void slots_set(order_set set);

/** A new slot for that module. Errors: NO_SLOT; TOO_BIG for a long argument. */
MUST_CHECK nos_status_t slot_new(const struct nos_supervision *about, span_t arg,
                                 struct slot **out);

/** Run the slot's module. Errors: those of module_open, capsule_spawn, capsule_control. */
MUST_CHECK nos_status_t slot_launch(struct slot *s);

/** Take note of the end of its capsule. False: it has not ended. */
bool slot_ended(struct slot *s);

/** Give it back; a starter that waits for its end is told. */
void slot_free(struct slot *s);

/** How a capsule with `tell` ended, as the last SLOT_ENDS of them are remembered. Errors: BUSY,
 * NOT_FOUND. */
MUST_CHECK nos_status_t slot_end_of(uint32_t id, uint64_t *state, uint64_t *code);

/** What the manifest of a verified module says: the newest of that name, or the one of that
 * 32-byte id. Errors: NOT_FOUND. */
MUST_CHECK nos_status_t module_about(span_t name_or_id, struct nos_supervision *out);

/** On record: what was decided about a slot, or with NULL about the system. */
void note(enum nos_decision d, const struct slot *s, uint64_t detail);
