/* A capsule that serves another's page faults, maps memory into it, and gives regions to it and
 * takes them back; with what must be refused on the way. `PAGER name want got ok` is a row. */
#include "modules/pager/pager.h"

#include "abi/caps.h"
#include "abi/info.h"
#include "lib/status.h"
#include "sdk/print.h"
#include "sdk/start.h"

nos_handle_t meeting;
static unsigned good, bad;
enum { SETTLE_NS = 50000000 };

void row(const char *name, nos_status_t want, nos_status_t got)
{
    bool ok = want == got;
    good += ok ? 1 : 0;
    bad += ok ? 0 : 1;
    nos_print("PAGER %s %s %s %s\n", name, status_name(want), status_name(got), ok ? "ok" : "BAD");
}

nos_status_t child_start(struct child *c)
{
    nos_handle_t module, node = nos_find_handle(NOS_CAP_NODE, NULL);
    nos_status_t st = nos_sys_module_open(node, "pager", 5, &module);
    if (st == NOS_OK) {
        st = nos_sys_capsule_spawn(module, "child", 5, (nos_handle_t){ 0 }, 0, (nos_handle_t){ 0 },
                                   &c->capsule);
        nos_ignore(nos_sys_handle_close(module));
    }
    return st == NOS_OK ? child_wait(c) : st;
}

nos_status_t child_wait(struct child *c)
{
    c->m.buffer = NULL;
    nos_msg_accept(&c->m, 1);
    nos_status_t st = nos_recv(meeting, &c->m, nos_now_ns() + 2000000000);
    if (st != NOS_OK) {
        return st;
    }
    c->m.token = nos_hold(&c->m);  // told what to do later, with other children heard between
    return nos_msg_status(&c->m);
}

nos_status_t child_tell(struct child *c, enum order what)
{
    c->m.label = what;
    c->m.n_words = 2;
    return nos_reply(&c->m);
}

nos_status_t child_do(struct child *c, enum order what)
{
    nos_status_t st = child_tell(c, what);
    return st == NOS_OK ? child_wait(c) : st;
}

nos_status_t child_take(struct child *c, nos_handle_t h, bool move)
{
    bool fits;
    c->m.n_handles = 0;
    fits = move ? nos_msg_move(&c->m, h, NOS_RIGHT_ALL) : nos_msg_copy(&c->m, h, NOS_RIGHT_ALL);
    return fits ? child_do(c, ORDER_TAKE) : NOS_TOO_BIG;
}

nos_status_t child_reaches(struct child *c, uint64_t at)
{
    c->m.n_handles = 0;
    c->m.word[0] = at;
    return child_do(c, ORDER_REACH);
}

uint32_t child_state(const struct child *c)
{
    struct nos_capsule_info info = { .state = NOS_CAPSULE_RUNNING };
    for (unsigned i = 0; i < 100 && info.state == NOS_CAPSULE_RUNNING; i++) {
        nos_ignore(nos_sys_sleep(nos_now_ns() + 1000000));
        if (nos_sys_capsule_info(c->capsule, &info, sizeof info) != NOS_OK) {
            break;
        }
    }
    return info.state;
}

void child_end(struct child *c)
{
    nos_ignore(nos_sys_capsule_kill(c->capsule, NOS_KILL_ASKED));  // it may have ended by itself
    nos_ignore(nos_sys_handle_close(c->capsule));
    nos_ignore(nos_sys_sleep(nos_now_ns() + SETTLE_NS));  // what it mapped is given back meanwhile
}

int nos_main(void)
{
    meeting = nos_find_handle(NOS_CAP_ENDPOINT, "pager");
    if (nos_arg()[0] != 0) {
        child_main();
    }
    test_paging();
    test_map_into();
    test_giving();
    test_foreign();
    test_theft();
    test_children();
    nos_print("PAGER total %u ok %u BAD\nPAGER done\n", good, bad);
    return bad == 0 ? 0 : 1;
}
