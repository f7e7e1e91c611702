#pragma once
/*
 * Hot upgrade, as a service sees it: it can write down what it knows, and begin with what another
 * version wrote. The rest is done here and by the supervisor. Spec and an example: docs/upgrade.md.
 */
#include <stdint.h>

#include "abi/status.h"
#include "lib/compiler.h"
#include "sdk/state.h"

struct nos_upgrade {
    uint32_t form; /* of what `save` writes */
    uint32_t room; /* bytes that it may take, the head included; up to NOS_UPGRADE_ROOM_MAX */

    /** Write the state down. It may still go on with it afterwards: nothing may be given up here
     * that is needed then. Any error: the upgrade is refused with it, and nothing has happened. */
    nos_status_t (*save)(struct nos_state_out *out);

    /** Begin with that state instead of an empty one. Handles that it does not ask for are closed.
     * Any error: it is refused, this capsule ends, and the other one goes on. */
    nos_status_t (*load)(const struct nos_state_in *in);
};
enum { NOS_UPGRADE_ROOM_MAX = 16 << 20 };

/**
 * Once, before the first message is received: this service can be upgraded, in either role. If it
 * was started to take the place of another version this waits for that one's state and loads it, or
 * does not return. Borrows: `u`, for ever.
 *
 * NULL: it cannot be upgraded. Without this call the version that an upgrade starts would serve
 * beside the one that runs until the supervisor has found out that it waits for nothing.
 */
void nos_upgradable(const struct nos_upgrade *u);
