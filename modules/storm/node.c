/* What the kernel is asked. */
#include <string.h>

#include "abi/caps.h"
#include "abi/info.h"
#include "modules/storm/storm.h"
#include "sdk/start.h"

nos_handle_t node;

void node_open(void)
{
    node = nos_find_handle(NOS_CAP_NODE, NULL);
}

nos_status_t node_fault(const struct nos_storm_fault *f)
{
    return nos_syscall3(NOS_SYS_STORM, node.v, NOS_STORM_FAULT, (uint64_t)f, NULL);
}

void node_look(struct nos_storm_state *out)
{
    if (nos_syscall3(NOS_SYS_STORM, node.v, NOS_STORM_LOOK, (uint64_t)out, NULL) != NOS_OK) {
        nos_exit(4);  // no kernel for storms: who started it here is told by init
    }
}

void node_pause(bool really)
{
    nos_ignore(nos_syscall3(NOS_SYS_STORM, node.v, NOS_STORM_PAUSE, really ? 1 : 0, NULL));
}

nos_status_t node_quiet(uint64_t most_ns)
{
    return nos_syscall3(NOS_SYS_STORM, node.v, NOS_STORM_QUIET, most_ns, NULL);
}

bool node_record(uint64_t topic, uint64_t index, void *out, size_t len)
{
    uint64_t got = 0;
    return nos_sys_node_info(node, topic, index, out, len, &got) == NOS_OK && got == len;
}

void node_end(uint32_t id)
{
    nos_handle_t c;
    if (nos_sys_capsule_open(node, id, &c) == NOS_OK) {
        nos_ignore(nos_sys_capsule_kill(c, NOS_KILL_ASKED));  // BAD_STATE: it has ended by itself
        nos_ignore(nos_sys_handle_close(c));
    }
}
