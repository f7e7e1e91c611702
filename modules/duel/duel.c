/* The attacker's first thread. */
#include "modules/duel/duel.h"

#include <string.h>

#include "abi/caps.h"
#include "abi/info.h"
#include "lib/fmt.h"
#include "lib/status.h"
#include "sdk/print.h"
#include "sdk/start.h"

struct duel duel;
static unsigned good, bad;

void row(const char *name, nos_status_t want, nos_status_t got)
{
    bool ok = want == got;
    good += ok ? 1 : 0;
    bad += ok ? 0 : 1;
    nos_print("DUEL %s %s %s %s\n", name, status_name(want), status_name(got), ok ? "ok" : "BAD");
}

void fresh_message(void)
{
    memset(&duel.m, 0, sizeof(duel.m));
}

nos_status_t ask(enum order what)
{
    duel.m.label = what;
    nos_status_t st = nos_call(duel.serve, &duel.m, nos_now_ns() + 5000000000);
    return st == NOS_OK ? nos_msg_status(&duel.m) : st;
}

static nos_status_t open_all(void)
{
    duel.serve = nos_find_handle(NOS_CAP_ENDPOINT, "duel-serve");
    duel.node = nos_find_handle(NOS_CAP_NODE, NULL);
    nos_status_t st = nos_sys_module_open(duel.node, "dueler", 6, &duel.module);
    if (st == NOS_OK) {
        st = nos_sys_capsule_spawn(duel.module, "dueler", 6, (nos_handle_t){ 0 }, 0,
                                   (nos_handle_t){ 0 }, &duel.capsule);
    }
    return st;
}

int nos_main(void)
{
    uint64_t rounds;
    if (!parse_u64(span_of(nos_arg(), strlen(nos_arg())), &rounds)) {
        return nos_arg()[0] == 'c' ? counter() : dueler();
    }
    nos_status_t st = open_all();
    if (st != NOS_OK) {
        nos_print("DUEL cannot start: %s\nDUEL done\n", status_text(st));
        return 1;
    }
    attack_messages();
    attack_replies();
    attack_quotas();
    attack_revoke();
    fresh_message();
    row("after-all", NOS_OK, ask(ORDER_PING));
    attack_faults();
    row("kill-an-ended-one", NOS_BAD_STATE, nos_sys_capsule_kill(duel.capsule, NOS_KILL_ASKED));
    attack_cpus((unsigned)rounds);
    nos_print("DUEL total %u ok %u BAD\nDUEL done\n", good, bad);
    return bad == 0 ? 0 : 1;
}
