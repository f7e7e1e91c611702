#pragma once
/* A live node behind its management channel (docs/management.md): a stream socket that carries a
 * serial line. */
#include <stdbool.h>
#include <stdint.h>

#include "abi/info.h"
#include "abi/manage.h"
#include "cli/cli.h"
#include "cli/dump.h"
#include "cli/file.h"
#include "lib/compiler.h"
#include "lib/frame.h"

struct node_args { /* --node, --dump, --timeout, --operator, -o: filled by node_argp */
    const char *socket, *operator_key;
    const char *dump; /* NULL: a live node */
    uint32_t timeout_ms;
    enum out_form form;
};

struct node {
    int fd;
    uint32_t seq, timeout_ms;
    const char *socket; /* or the dump's path */
    struct dump dump;
    struct frame_decoder decoder;
    struct nos_mg_hello hello;
    uint64_t counter; /* for the next signed request */
};

/** Options of every verb for a live node, and of those that change something. Input: struct
 * node_args. */
extern const struct argp node_argp;
extern const struct argp node_signed_argp;
extern const struct argp node_reach_argp; /* where it is, and no more: for a verb with another -o */

/** Defaults: $N0N_NODE or build/run/manage.sock, $N0N_OPERATOR or build/keys/operator.key, 5
 * seconds. */
void node_args_init(struct node_args *a);

/** Connect and say hello; or open the dump, which then answers INFO as the node would have. Errors:
 * NODE_SILENT, NODE_REFUSED, those of dump_open; reported. */
MUST_CHECK int node_open(const struct node_args *a, struct node *out);
void node_close(struct node *n);

/**
 * One request and its whole answer.
 * Gives:  `*status` of the node; `answer` (may be NULL): the payload, to be released, empty unless
 * nos_mg_has_payload(*status). Errors: NODE_SILENT, reported: nothing came in time.
 */
MUST_CHECK int node_call(struct node *n, uint16_t verb, span_t payload, nos_status_t *status,
                         struct buf *answer);

/** One record of abi/info.h of exactly `size` bytes. A refusal is in `*status`, unreported.
 * Errors: NODE_SILENT; NODE_REFUSED when the record has another size (another version). */
MUST_CHECK int node_record(struct node *n, uint64_t topic, uint64_t index, void *out, size_t size,
                           nos_status_t *status);

/** The capsule of that id; NOT_FOUND in `*status`, unreported, when there is none. Errors: as
 * node_record. */
MUST_CHECK int node_capsule(struct node *n, uint32_t id, struct nos_capsule_info *out,
                            nos_status_t *status);

/** The same, a refusal being a failure: NODE_REFUSED, reported. */
MUST_CHECK int node_need(struct node *n, uint64_t topic, uint64_t index, void *out, size_t size);

/** Send a file, to be staged: a signed request says then what to do with it. Errors: as node_call;
 * NODE_REFUSED, reported. */
MUST_CHECK int node_upload(struct node *n, span_t file);

/** A request that the operator signs. Errors: as node_call; IO_FAILED, REFUSED for the key file;
 * NODE_REFUSED, reported, when the node refuses. */
MUST_CHECK int node_signed(struct node *n, const struct node_args *a, uint16_t verb, span_t args,
                           struct buf *answer);

/** The same; a refusal of the node is in `*status`, unreported. */
MUST_CHECK int node_try(struct node *n, const struct node_args *a, uint16_t verb, span_t args,
                        nos_status_t *status, struct buf *answer);

/** Report a refusal of the node. Gives: NODE_REFUSED. */
int node_refused(const struct node *n, const char *what, nos_status_t status);
