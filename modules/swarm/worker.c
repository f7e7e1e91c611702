/* Programs, reports, and what the driver hands out with its answers: the others' capsules. */
#include "abi/caps.h"
#include "modules/swarm/swarm.h"
#include "sdk/ipc.h"
#include "sdk/start.h"

static nos_status_t report(uint64_t index, uint64_t programs, uint64_t calls_ok)
{
    struct nos_ipc_buffer *b = (struct nos_ipc_buffer *)nos_self()->ipc_buffer;
    struct nos_ipc_regs r = { .rax = NOS_SYS_IPC_CALL,
                              .rdi = nos_find_handle(NOS_CAP_ENDPOINT, "swarm-report").v,
                              .rsi = nos_msg_info(REPORT_LABEL, 3),
                              .word = { index, programs, calls_ok } };

    b->accept = NOS_MSG_HANDLES;
    nos_ipc_raw(&r);
    nos_status_t st = (nos_status_t)(int32_t)(uint32_t)r.rax;
    uint64_t got = st == NOS_OK ? r.rsi >> NOS_MSG_HANDLES_SHIFT & 7 : 0;
    for (unsigned i = 0; i < got; i++) {
        things_know(b->pass[i].handle, NOS_TYPE_NONE);
    }
    return st;
}

/* Cancelled is what the others' programs may do to it; the report is made again. */
static bool reported(uint64_t index, uint64_t programs, uint64_t calls_ok)
{
    nos_status_t st = report(index, programs, calls_ok);
    while (st == NOS_CANCELLED || st == NOS_TIMED_OUT || st == NOS_QUOTA || st == NOS_NO_SLOT) {
        st = things_fresh();
        st = st == NOS_OK ? report(index, programs, calls_ok) : st;
    }
    return st == NOS_OK;
}

int worker(uint64_t seed, uint64_t index)
{
    uint64_t done = 0, ok = 0;

    draw_seed(seed, nos_self()->capsule);
    while (things_fresh() == NOS_OK && reported(index, done, ok)) {
        ok = 0;
        for (unsigned i = 0; i < REPORT_PROGRAMS * PROGRAM_CALLS; i++) {
            ok += random_call() == NOS_OK ? 1 : 0;
        }
        done = REPORT_PROGRAMS;
    }
    return 1;  // what a program did to it: the driver starts another
}
