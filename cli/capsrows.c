/* Handles of a live node, collected. */
#include "cli/capsrows.h"

#include <stdlib.h>
#include <string.h>

#include "lib/status.h"

enum { ROWS_MAX = 16384 };

static void add_row(struct caps_rows *c, const struct nos_capsule_info *capsule,
                    const struct nos_handle_info *h)
{
    if ((c->n & (c->n - 1)) == 0) {  // full at each power of two
        struct captree_row *more = must_alloc((c->n == 0 ? 1 : 2 * (size_t)c->n) * sizeof(*more));
        if (c->n != 0) {
            memcpy(more, c->row, c->n * sizeof(*more));
        }
        free(c->row);
        c->row = more;
    }
    struct captree_row *r = &c->row[c->n++];
    *r = (struct captree_row){ .h = *h, .capsule = capsule->id };
    memcpy(r->name, capsule->name, sizeof(r->name));
}

static int list_item(struct node *n, uint64_t topic, uint64_t index, void *out, size_t size,
                     bool *more)
{
    nos_status_t st = NOS_OK;
    int rc = node_record(n, topic, index, out, size, &st);
    *more = rc == DONE && st == NOS_OK;
    return rc == DONE && st != NOS_OK && st != NOS_NOT_FOUND ? node_refused(n, "to tell", st) : rc;
}

static int collect_of(struct node *n, const struct nos_capsule_info *capsule, struct caps_rows *c)
{
    bool more = true;
    int rc = DONE;
    for (uint64_t i = 0; rc == DONE && more && c->n < ROWS_MAX; i++) {
        struct nos_handle_info h;
        rc = list_item(n, NOS_TOPIC_HANDLES, (uint64_t)capsule->id << 32 | i, &h, sizeof(h), &more);
        if (more) {
            add_row(c, capsule, &h);
        }
    }
    return rc;
}

int caps_collect(struct node *n, struct caps_rows *out)
{
    struct caps_rows c = { 0 };
    struct nos_about about;
    bool more = true;
    int rc = node_need(n, NOS_TOPIC_ABOUT, 0, &about, sizeof(about));
    for (uint64_t i = 0; rc == DONE && more; i++) {
        struct nos_capsule_info capsule;
        rc = list_item(n, NOS_TOPIC_CAPSULES, i, &capsule, sizeof(capsule), &more);
        if (more && capsule.state == NOS_CAPSULE_RUNNING) {
            rc = collect_of(n, &capsule, &c);
        }
    }
    if (rc != DONE) {
        caps_rows_free(&c);
        return rc;
    }
    c.now_ns = about.uptime_ns;
    captree_sort(c.row, c.n);
    *out = c;
    return DONE;
}

void caps_rows_free(struct caps_rows *c)
{
    free(c->row);
    *c = (struct caps_rows){ 0 };
}
