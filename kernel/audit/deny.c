/* Refused calls: the first of one capsule and status is told at once, the others are counted. */
#include <string.h>

#include "kernel/audit/audit_impl.h"

enum { DENIALS = 64 };

struct denial {     /* repeats of one capsule and status since the last record of them */
    uint32_t actor; /* 0 = free: the kernel is never refused */
    int32_t status;
    uint64_t nr; /* NOS_AUDIT_SEVERAL: not all the same call */
    uint64_t times;
    struct audit_ref told; /* the record of the first */
};

static struct denial denials[DENIALS];
static uint32_t oldest; /* the one to go when all are taken */

void denials_init(void)
{
    memset(denials, 0, sizeof denials);
    oldest = 0;
}

static void flush(struct denial *d)
{
    if (d->times != 0) {
        audit_add(NOS_AUDIT_DENY, d->actor, (nos_status_t)d->status, NULL, d->nr, d->times, NULL);
        audit_cause(&d->told);
    }
    d->times = 0;
}

static struct denial *find(uint32_t actor, nos_status_t status)
{
    for (unsigned i = 0; i < DENIALS; i++) {
        if (denials[i].actor == actor && denials[i].status == status) {
            return &denials[i];
        }
    }
    return NULL;
}

static struct denial *take(void)
{
    for (unsigned i = 0; i < DENIALS; i++) {
        if (denials[i].actor == 0) {
            return &denials[i];
        }
    }
    struct denial *d = &denials[oldest++ % DENIALS];
    flush(d);
    return d;
}

void audit_deny(uint32_t actor, uint32_t nr, nos_status_t status, const struct audit_ref *cause)
{
    struct denial *d = find(actor, status);

    if (d == NULL) {
        d = take();
        audit_forget(&d->told);
        *d = (struct denial){ .actor = actor, .status = status };
        audit_add(NOS_AUDIT_DENY, actor, status, NULL, nr, 1, NULL);
        audit_cause(cause);
        audit_remember(&d->told);
        return;
    }
    d->nr = d->times == 0 || d->nr == nr ? nr : NOS_AUDIT_SEVERAL;
    d->times++;
    note_news();
}

/* Say what was counted; forget those that were quiet since the last time, so that their next
 * refusal is told at once. */
void denials_flush(void)
{
    for (unsigned i = 0; i < DENIALS; i++) {
        struct denial *d = &denials[i];
        if (d->times == 0) {
            d->actor = 0;
        }
        flush(d);
    }
}
