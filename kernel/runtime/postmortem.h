/* What a machine that breaks under panic=hold leaves to be read: abi/postmortem.h. */
#pragma once

/** Take the block, 1 MiB, and mark it. Only under panic=hold: nobody else pays for it. Stops the
 * machine when there is no room. */
void postmortem_init(void);
