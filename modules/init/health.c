#include "modules/init/health.h"

#define NS_PER_MS 1000000ull
#define LATER_NS 20000000ull

void health_init(struct health *h, const struct nos_control *rule, uint64_t now_ns)
{
    *h = (struct health){ .every_ns = rule->every_ms * NS_PER_MS,
                          .deadline_ns = rule->deadline_ms * NS_PER_MS,
                          .due_ns = now_ns + rule->every_ms * NS_PER_MS };
}

enum health_verdict health_look(struct health *h, uint64_t now_ns)
{
    if (h->every_ns == 0 || now_ns < h->due_ns) {
        return HEALTH_WAIT;
    }
    if (!h->open) {
        return h->failed ? HEALTH_FAILED : HEALTH_ASK;
    }
    bool late = now_ns - h->due_ns > h->deadline_ns / 2;
    h->open = false;
    if (late && !h->doubted) {
        h->doubted = true;
        h->due_ns = now_ns;
        return HEALTH_DOUBT;
    }
    return HEALTH_FAILED;
}

void health_asked(struct health *h, uint64_t now_ns)
{
    h->open = true;
    h->asked_ns = now_ns;
    h->due_ns = now_ns + h->deadline_ns;
}

void health_later(struct health *h, uint64_t now_ns)
{
    h->due_ns = now_ns + LATER_NS;
}

void health_answered(struct health *h, bool well, uint64_t now_ns)
{
    h->open = h->doubted = false;
    h->failed = !well;
    h->due_ns = well ? now_ns + h->every_ns : now_ns;
}
