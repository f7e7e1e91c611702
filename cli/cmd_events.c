/* events: everything that changes on a live node, one line each, as it happens. The audit log is
 * the source; what it says of itself is `nonosctl audit`'s business. */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "cli/eventrows.h"
#include "cli/node.h"
#include "lib/status.h"

enum { OPT_SINCE = 256, OPT_COUNT, POLL_MS = 200 };

struct events_args {
    struct node_args node;
    uint64_t since, count;  // count 0: until interrupted
    bool has_since;
};

static error_t parse_events(int key, char *arg, struct argp_state *state)
{
    struct events_args *a = state->input;
    switch (key) {
    case ARGP_KEY_INIT:
        state->child_inputs[0] = &a->node;
        return 0;
    case OPT_SINCE:
        a->since = parse_number(arg, state, "--since", 0, UINT64_MAX);
        a->has_since = true;
        return 0;
    case OPT_COUNT:
        a->count = parse_number(arg, state, "--count", 1, UINT64_MAX);
        return 0;
    case ARGP_KEY_ARG:
        parse_none(arg, state);
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp_child children[] = { { &node_argp, 0, NULL, 0 }, { 0 } };
static const struct argp_option options[] = {
    { "since", OPT_SINCE, "SEQ", 0, "begin with that record of the audit log (with what comes now)",
      0 },
    { "count", OPT_COUNT, "N", 0, "end after so many (when interrupted)", 0 },
    { 0 },
};
static const struct argp argp_events = {
    options,
    parse_events,
    "",
    "What happens on a live node, as it happens: modules verified, refused and started, "
    "capabilities granted, calls refused, capsules that end, and what their supervisor does about "
    "it. With -o json one object a line.",
    children,
    NULL,
    NULL,
};

static int print_event(const struct nos_audit_entry *e, enum out_form form)
{
    char line[EVENT_LINE_MAX];
    struct fmt f;
    if (form == OUT_JSON) {
        return out_line(row_event(e));
    }
    FMT_INIT(&f, line);
    render_event(&f, e);
    puts(f.buf);
    return out_flush();
}

/** Records may have been dropped between what we saw last and the oldest that is kept. */
static int say_gap(uint64_t want, uint64_t got, enum out_form form)
{
    if (form == OUT_JSON) {
        cJSON *row = out_row();
        out_u64(row, "missed", got - want);
        return out_line(row);
    }
    printf("(%llu records are not kept any more)\n", (unsigned long long)(got - want));
    return out_flush();
}

static int follow(struct node *n, const struct events_args *a, uint64_t seq)
{
    uint64_t shown = 0;
    int rc = DONE;
    while (rc == DONE && (a->count == 0 || shown < a->count)) {
        struct nos_audit_entry e;
        nos_status_t st = NOS_OK;
        rc = node_record(n, NOS_TOPIC_AUDIT, seq, &e, sizeof(e), &st);
        if (rc == DONE && st == NOS_NOT_FOUND) {
            const struct timespec pause = { .tv_nsec = POLL_MS * 1000000L };
            nanosleep(&pause, NULL);
            continue;
        }
        if (rc == DONE && st != NOS_OK) {
            rc = node_refused(n, "to show its audit log", st);
        }
        if (rc == DONE && e.rec.seq < seq) {
            rc = fail(NODE_REFUSED, "the node gives a record older than the one asked for");
        }
        if (rc == DONE && e.rec.seq > seq) {
            rc = say_gap(seq, e.rec.seq, a->node.form);
        }
        if (rc == DONE) {
            rc = print_event(&e, a->node.form);
            shown++;
        }
        seq = e.rec.seq + 1;
    }
    return rc;
}

int cmd_events(int argc, char **argv)
{
    struct events_args a = { 0 };
    struct nos_audit_head head;
    struct node n;
    node_args_init(&a.node);
    parse_args(&argp_events, argc, argv, &a);

    int rc = node_open(&a.node, &n);
    if (rc != DONE) {
        return rc;
    }
    if (!a.has_since) {
        rc = node_need(&n, NOS_TOPIC_AUDIT_HEAD, 0, &head, sizeof(head));
        a.since = head.next;
    }
    if (rc == DONE) {
        rc = follow(&n, &a, a.since);
    }
    node_close(&n);
    return rc;
}
