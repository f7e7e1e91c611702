#pragma once
/* A dump of a machine's RAM, in place of a live node: what a kernel that broke under panic=hold
 * left there (lib/postmortem.h). */
#include "cli/file.h"
#include "lib/compiler.h"
#include "lib/postmortem.h"

struct dump {
    span_t map; /* the file; empty: not open */
    struct postmortem left;
};

/** Errors: IO_FAILED, REFUSED, reported: no such file; nothing of a kernel's in it, or broken. Says
 * aloud when not all was written. */
MUST_CHECK int dump_open(const char *path, struct dump *out);
void dump_close(struct dump *d);

/** What INFO of the management channel answers: `args` is its topic and index. `answer` is the
 * caller's to release. */
nos_status_t dump_info(const struct dump *d, span_t args, struct buf *answer);
