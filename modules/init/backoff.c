/* See backoff.h: the rule is three numbers, and the delay follows from how many restarts the window
 * has seen. */
#include "modules/init/backoff.h"

#define NS_PER_MS 1000000ull
#define NS_PER_S 1000000000ull

void backoff_init(struct backoff *b, const struct nos_restart *rule)
{
    *b = (struct backoff){ .rule = *rule };
}

static bool wanted(const struct backoff *b, bool crashed)
{
    return b->rule.when == NOS_RESTART_ALWAYS || (b->rule.when == NOS_RESTART_ON_CRASH && crashed);
}

enum backoff_verdict backoff_ended(struct backoff *b, bool crashed, uint64_t now_ns,
                                   uint64_t *due_ns)
{
    if (!wanted(b, crashed)) {
        return BACKOFF_DONE;
    }
    if (b->in_window == 0 || now_ns - b->window_ns > b->rule.window_s * NS_PER_S) {
        b->window_ns = now_ns;
        b->in_window = 0;
    }
    if (b->in_window >= b->rule.max_in_window) {
        return BACKOFF_GIVE_UP;
    }
    uint32_t doublings = b->in_window < BACKOFF_DOUBLINGS ? b->in_window : BACKOFF_DOUBLINGS;
    *due_ns = now_ns + ((uint64_t)b->rule.backoff_ms << doublings) * NS_PER_MS;
    b->in_window++;
    b->total++;
    return BACKOFF_RESTART;
}
