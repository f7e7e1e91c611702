#pragma once
/* Wads that `manage` hands over, for shares (docs/memfs.md, "Trees of wads"). */
#include "modules/memfs/client.h"

/** Serve the door `memfs-wads`, if it was granted: a thread that checks what comes, and then asks
 * `main` under that badge. Errors: those of threads and handles. */
MUST_CHECK nos_status_t wads_begin(nos_handle_t main, uint64_t badge);

/** The name of the share that the one who asks wants filled. */
const char *wads_share(void);

/** Fill it, in the first thread. Gives: words of the answer. Errors: BUSY (it has files), QUOTA,
 * NO_MEMORY. */
MUST_CHECK nos_status_t wads_fill(struct share *s, struct nos_msg *m);
