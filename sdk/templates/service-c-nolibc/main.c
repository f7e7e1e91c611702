/*
 * newcapsule: a service that keeps a sum.
 *   newcapsule           serves: what comes in word 0 is added, and the sum is the answer
 *   newcapsule NUMBER    has the running one add, and says what the sum is
 */
#include "lib/status.h"
#include "sdk/control.h"
#include "sdk/ipc.h"
#include "sdk/print.h"
#include "sdk/start.h"
#include "sdk/upgrade.h"
#include "total.h"

enum { ADD = 1, PATIENCE_NS = 2000000000 };
enum { FORM = 1, TAG_TOTAL = 1, ROOM = 4096 };

static uint64_t total;

static nos_handle_t endpoint(void)
{
    return nos_find_handle(NOS_CAP_ENDPOINT, "newcapsule");
}

/* What the next version of it is handed by `nonosctl upgrade`; FORM changes when this does. */
static nos_status_t save(struct nos_state_out *out)
{
    nos_state_put_u64(out, TAG_TOTAL, total);
    return NOS_OK;
}

static nos_status_t load(const struct nos_state_in *in)
{
    return in->form == FORM && nos_state_get_u64(in, TAG_TOTAL, &total) ? NOS_OK
                                                                        : NOS_NOT_SUPPORTED;
}

static void answer(struct nos_msg *m)
{
    bool good = m->label == ADD && m->n_words == 1;

    if (good && total_add(&total, m->word[0])) {
        nos_msg_answer(m, NOS_OK);
        m->word[0] = total;
        m->n_words = 1;
    } else {
        nos_msg_answer(m, good ? NOS_TOO_BIG : NOS_BAD_MESSAGE);
    }
    nos_ignore(nos_reply(m));  // who does not wait any more is not told
}

static int serve(void)
{
    static const struct nos_upgrade upgrade = {
        .form = FORM, .room = ROOM, .save = save, .load = load
    };
    static struct nos_msg m;

    nos_upgradable(&upgrade);  // in the place of another version: returns with its sum
    nos_print("newcapsule: serving\n");
    nos_status_t st = nos_recv(endpoint(), &m, NOS_DEADLINE_NEVER);
    while (st == NOS_OK) {
        if (!nos_control(&m)) {  // its supervisor's health checks and upgrades
            answer(&m);
        }
        st = nos_recv(endpoint(), &m, NOS_DEADLINE_NEVER);
    }
    nos_print("newcapsule: cannot receive: %s\n", status_text(st));
    return 1;
}

static int ask(const char *number)
{
    static struct nos_msg m = { .label = ADD, .n_words = 1 };

    if (!total_parse(number, &m.word[0])) {
        nos_print("newcapsule: %s is no number\n", number);
        return 1;
    }
    nos_status_t st = nos_call(endpoint(), &m, nos_now_ns() + PATIENCE_NS);
    st = st == NOS_OK ? nos_msg_status(&m) : st;
    if (st != NOS_OK) {
        nos_print("newcapsule: %s\n", status_text(st));
        return 1;
    }
    nos_print("newcapsule: %llu\n", (unsigned long long)m.word[0]);
    return 0;
}

int nos_main(void)
{
    return nos_arg()[0] != '\0' ? ask(nos_arg()) : serve();
}
