/* ps -w: the capsules of a live node, followed. On a terminal the table is drawn anew; elsewhere
 * there is one line for each change. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "cli/noderows.h"
#include "cli/watch.h"
#include "lib/render.h"
#include "lib/status.h"

enum { POLL_MS = 300, CAPSULES_MAX = 65536 };

struct list {
    struct nos_capsule_info *row;
    size_t n;
};

static int fetch(struct node *n, struct list *out)
{
    struct buf rows = { NULL, 0 };
    struct nos_capsule_info c;
    nos_status_t st = NOS_OK;
    size_t count = 0;
    int rc = DONE;
    while (rc == DONE && st == NOS_OK && count < CAPSULES_MAX) {
        rc = node_record(n, NOS_TOPIC_CAPSULES, count, &c, sizeof(c), &st);
        if (rc == DONE && st == NOS_OK) {
            buf_add(&rows, span_of(&c, sizeof(c)));
            count++;
        }
    }
    if (rc == DONE && st != NOS_OK && st != NOS_NOT_FOUND) {
        rc = node_refused(n, "to tell", st);
    }
    *out = (struct list){ (struct nos_capsule_info *)(void *)rows.data, count };
    return rc;
}

static const struct nos_capsule_info *find(const struct list *l, uint32_t id)
{
    for (size_t i = 0; i < l->n; i++) {
        if (l->row[i].id == id) {
            return &l->row[i];
        }
    }
    return NULL;
}

static int tell(const char *change, const struct nos_capsule_info *c, uint64_t now,
                enum out_form form)
{
    char line[RENDER_LINE_MAX + 32];
    struct fmt f;
    if (form == OUT_JSON) {
        cJSON *row = row_capsule(c);
        out_text(row, "change", change);
        return out_line(row);
    }
    FMT_INIT(&f, line);
    fmt_str(&f, change);
    fmt_pad(&f, 0, sizeof("ended"));
    render_ps(&f, c, now);
    fputs(f.buf, stdout);
    return out_flush();
}

/** A list is read record by record: when one goes meanwhile, its neighbour can be passed over. Then
 * a capsule that ran is missing, and the list is read once more. */
static bool lacks(const struct list *was, const struct list *is)
{
    for (size_t i = 0; i < was->n; i++) {
        if (was->row[i].state == NOS_CAPSULE_RUNNING && find(is, was->row[i].id) == NULL) {
            return true;
        }
    }
    return false;
}

/** What is new, what has ended, what is not listed any more. */
static int tell_changes(const struct list *was, const struct list *is, uint64_t now,
                        enum out_form form, uint64_t *changes)
{
    int rc = DONE;
    for (size_t i = 0; rc == DONE && i < is->n; i++) {
        const struct nos_capsule_info *c = &is->row[i], *before = find(was, c->id);
        if (before == NULL || before->state != c->state) {
            rc = tell(before == NULL ? "new" : "ended", c, now, form);
            ++*changes;
        }
    }
    for (size_t i = 0; rc == DONE && i < was->n; i++) {
        if (find(is, was->row[i].id) == NULL) {
            rc = tell("gone", &was->row[i], now, form);
            ++*changes;
        }
    }
    return rc;
}

static int draw(const struct list *is, uint64_t now)
{
    char line[RENDER_LINE_MAX];
    struct fmt f;
    fputs("\x1b[H\x1b[J", stdout);
    FMT_INIT(&f, line);
    render_ps_head(&f);
    fputs(f.buf, stdout);
    for (size_t i = 0; i < is->n; i++) {
        FMT_INIT(&f, line);
        render_ps(&f, &is->row[i], now);
        fputs(f.buf, stdout);
    }
    return out_flush();
}

static int print_head(enum out_form form)
{
    char line[RENDER_LINE_MAX];
    struct fmt f;
    if (form == OUT_JSON) {
        return DONE;
    }
    FMT_INIT(&f, line);
    fmt_pad(&f, 0, sizeof("ended"));
    render_ps_head(&f);
    fputs(f.buf, stdout);
    return out_flush();
}

int watch_capsules(struct node *n, enum out_form form, uint64_t count)
{
    bool terminal = form == OUT_TEXT && isatty(STDOUT_FILENO) == 1;
    struct list was = { NULL, 0 };
    uint64_t changes = 0;
    int rc = terminal ? DONE : print_head(form);
    while (rc == DONE && (count == 0 || changes < count)) {
        const struct timespec pause = { .tv_nsec = POLL_MS * 1000000L };
        struct nos_about about;
        struct list is = { NULL, 0 };
        rc = node_need(n, NOS_TOPIC_ABOUT, 0, &about, sizeof(about));
        if (rc == DONE) {
            rc = fetch(n, &is);
        }
        if (rc == DONE && lacks(&was, &is)) {
            free(is.row);
            rc = fetch(n, &is);
        }
        if (rc == DONE && terminal) {
            changes++;
            rc = draw(&is, about.uptime_ns);
        } else if (rc == DONE) {
            rc = tell_changes(&was, &is, about.uptime_ns, form, &changes);
        }
        free(was.row);
        was = is;
        if (rc == DONE && (count == 0 || changes < count)) {
            nanosleep(&pause, NULL);
        }
    }
    free(was.row);
    return rc;
}
