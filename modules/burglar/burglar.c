/*
 * Tries what the signing service and the secret broker must refuse, a line each:
 *   burglar signer    asks in every wrong way, and for others
 *   burglar broker    the same; the test has kept "theirs" and "shared" before
 *   burglar plant     secrets to be searched for in RAM
 */
#include "modules/burglar/burglar.h"

#include <string.h>

#include "lib/status.h"

void row(const char *name, nos_status_t want, nos_status_t got)
{
    nos_print("BREAK %s %s %s %s\n", name, status_name(want), status_name(got),
              want == got ? "ok" : "BAD");
}

nos_status_t ask(const char *endpoint, struct nos_msg *m)
{
    nos_handle_t h = nos_find_handle(NOS_CAP_ENDPOINT, endpoint);
    nos_status_t st = nos_call(h, m, nos_now_ns() + NOS_CONSOLE_PATIENCE_NS);
    return st == NOS_OK ? nos_msg_status(m) : st;
}

nos_status_t control(const char *endpoint, uint32_t capsule)
{
    static const enum nos_ctl_op op[] = { NOS_CTL_HEALTH, NOS_CTL_STOP, NOS_CTL_UPGRADE };
    nos_status_t worst = NOS_DENIED;

    for (size_t i = 0; i < sizeof op / sizeof op[0]; i++) {
        struct nos_msg m = { .label = NOS_CTL_FIRST + op[i], .n_words = 1, .word = { capsule } };
        nos_status_t st = ask(endpoint, &m);
        worst = st == NOS_DENIED ? worst : st;
    }
    return worst;
}

int nos_main(void)
{
    const char *arg = nos_arg();

    if (strlen(arg) == 6 && memcmp(arg, "signer", 6) == 0) {
        break_into_signer();
    } else if (strlen(arg) == 6 && memcmp(arg, "broker", 6) == 0) {
        break_into_broker();
    } else if (strlen(arg) == 5 && memcmp(arg, "plant", 5) == 0) {
        plant_in_broker();
    } else {
        nos_print("burglar: into what?\n");
    }
    nos_print("BREAK done\n");
    return 0;
}
