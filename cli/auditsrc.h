#pragma once
/* A node's audit log as one file in memory, whether it comes from a live node or from a file that
 * `audit export` wrote: what follows is the same. */
#include "cli/file.h"
#include "cli/node.h"
#include "lib/audit_file.h"

struct audit_log {
    struct buf bytes;
    struct audit_file file; /* borrows `bytes` */
    const char *from;       /* for messages: the file, or the node's socket */
};

/** Gives: `out`, to be freed. Errors: as node_open, NODE_REFUSED; reported. */
MUST_CHECK int audit_log_fetch(const struct node_args *a, struct audit_log *out);

/** Errors: IO_FAILED; REFUSED: not such a file; reported. */
MUST_CHECK int audit_log_read(const char *path, struct audit_log *out);

/** From `path`, or when that is NULL from the node. */
MUST_CHECK int audit_log_get(const char *path, const struct node_args *a, struct audit_log *out);
void audit_log_free(struct audit_log *l);

/** The bytes of a file of either kind. Errors: IO_FAILED, reported. */
MUST_CHECK int audit_bytes_read(const char *path, struct buf *out);

/** Report why they are none. Gives: REFUSED. */
int audit_bytes_bad(const char *path, nos_status_t st);

/* ---- what the reader trusts: --key and --checkpoint ---- */

struct audit_trust { /* options, filled by audit_trust_argp */
    const char *checkpoint;
    bool have_key;
    uint8_t key[32];
};
extern const struct argp audit_trust_argp;

struct audit_pinned { /* the pin, and what it stands on */
    struct audit_pin pin;
    struct audit_note note;
    uint8_t key[32];
};

/** Errors: IO_FAILED, REFUSED: not a checkpoint; reported. */
MUST_CHECK int audit_trust_load(const struct audit_trust *t, struct audit_pinned *out);

/** "key", "checkpoint", "key, checkpoint" or "nothing". */
const char *audit_trust_name(const struct audit_pinned *p);

/* ---- a verdict ---- */

struct audit_verdict {
    nos_status_t status;
    bool in_pin; /* the log is good by itself, but not what the reader trusts */
    struct audit_report report;
};

struct audit_verdict audit_log_judge(const struct audit_log *l, const struct audit_pinned *p);

/** Report a failure: REFUSED. DONE when there is none. */
MUST_CHECK int audit_verdict_report(const char *from, const struct audit_verdict *v);

/** `audit verify` of a log: the verdict alone. Errors: as above. */
MUST_CHECK int audit_verify_log(const char *path, const struct audit_trust *trust,
                                enum out_form form);

/** Judge a log with nothing pinned, before something is made of it. Errors: REFUSED, reported. */
MUST_CHECK int audit_log_need_good(const struct audit_log *l);
