#pragma once
/* Control messages (abi/services.h): a capsule's supervisor asks whether it still answers, and asks
 * it to stop. One line in a service's loop. Spec: docs/services.md, "Control messages". */
#include <stdbool.h>

#include "sdk/ipc.h"

/** Called when the supervisor has asked this capsule to stop, before it ends with code 0. NULL:
 * nothing is to be done. */
extern void (*nos_before_stop)(void);

/** sdk/upgrade.h's: what UPGRADE, and the next HEALTH, go to instead; they answer `m` themselves.
 */
extern void (*nos_on_upgrade)(struct nos_msg *m);
extern void (*nos_on_health)(struct nos_msg *m);

/**
 * Is `m` a control message? Then it is answered, and the service goes on as if it had not come: no
 * answer is owed. One that does not come from the supervisor is refused (DENIED). Asked to stop,
 * this does not return. Takes: the message's handles.
 */
MUST_CHECK bool nos_control(struct nos_msg *m);
