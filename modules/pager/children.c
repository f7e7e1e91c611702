/* A capsule's budget of children: refused beyond it, whole again when they have ended. */
#include "abi/caps.h"
#include "abi/info.h"
#include "modules/pager/pager.h"
#include "sdk/start.h"

enum { BUDGET = 8, TRIES = 20 };

static nos_status_t spawn(nos_handle_t *out)
{
    nos_handle_t module, node = nos_find_handle(NOS_CAP_NODE, NULL);
    nos_status_t st = nos_sys_module_open(node, "pager", 5, &module);
    if (st == NOS_OK) {
        st = nos_sys_capsule_spawn(module, "child", 5, (nos_handle_t){ 0 }, 0, (nos_handle_t){ 0 },
                                   out);
        nos_ignore(nos_sys_handle_close(module));
    }
    return st;
}

void test_children(void)
{
    nos_handle_t made[TRIES];

    for (unsigned round = 0; round < 2; round++) {
        nos_status_t st = NOS_OK;
        unsigned n = 0;
        while (n < TRIES && (st = spawn(&made[n])) == NOS_OK) {
            n++;
        }
        row("children/beyond", NOS_QUOTA, st);
        row("children/all", NOS_OK, n == BUDGET ? NOS_OK : NOS_BAD_STATE);
        row("children/still-beyond", NOS_QUOTA, spawn(&made[TRIES - 1]));
        for (unsigned i = 0; i < n; i++) {
            nos_ignore(nos_sys_capsule_kill(made[i], NOS_KILL_ASKED));
            nos_ignore(nos_sys_handle_close(made[i]));
        }
    }
}
