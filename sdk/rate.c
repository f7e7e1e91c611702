/* A leaking bucket kept as the time when it will be empty. */
#include "sdk/rate.h"

bool nos_rate_take(struct nos_rate *r, const struct nos_rate_limit *limit, uint64_t now_ns,
                   uint64_t *wait_ns)
{
    uint64_t from_ns = r->busy_ns > now_ns ? r->busy_ns : now_ns;
    uint64_t until_ns = from_ns + limit->each_ns;
    uint64_t latest_ns = now_ns + limit->each_ns * limit->burst;

    if (until_ns > latest_ns) {
        *wait_ns = until_ns - latest_ns;
        return false;
    }
    r->busy_ns = until_ns;
    return true;
}

struct nos_client *nos_client_of(struct nos_client *all, size_t n, const struct nos_who *who,
                                 uint64_t now_ns)
{
    struct nos_client *idle = NULL;

    for (size_t i = 0; i < n; i++) {
        if (nos_who_same(&all[i].who, who)) {
            return &all[i];
        }
        if (all[i].asks.busy_ns <= now_ns && all[i].lines.busy_ns <= now_ns) {
            idle = &all[i];
        }
    }
    if (idle != NULL) {
        *idle = (struct nos_client){ .who = *who };
    }
    return idle;
}

bool nos_client_tell(struct nos_client *c, uint64_t now_ns, uint64_t *untold)
{
    static const struct nos_rate_limit lines = { .each_ns = 1000000000, .burst = 1 };
    uint64_t wait_ns;

    if (!nos_rate_take(&c->lines, &lines, now_ns, &wait_ns)) {
        c->untold++;
        return false;
    }
    *untold = c->untold;
    c->untold = 0;
    return true;
}
