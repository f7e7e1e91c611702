#pragma once
/*
 * What a program is given by who starts it (abi/services.h, "A kit"): this is the giver's side. The
 * giver starts the program with an endpoint of its own, and answers there whoever it started and
 * nobody else: the kernel stamps who asks. Spec: docs/services.md, "Kits".
 */
#include "abi/services.h"
#include "sdk/ipc.h"
#include "sdk/pipe.h"

struct nos_kit_given {
    enum nos_kit_stream kind; /* 0 = no such descriptor */
    uint64_t detail;
    const char *path;        /* of OPEN; borrowed */
    struct nos_pipe_end end; /* of a pipe: dropped once it is given; of a FILE: its first three */
};

struct nos_kit {
    span_t text; /* as NOS_KIT_TEXT has it; borrowed */
    uint32_t n_args, n_env;
    struct nos_kit_given stream[NOS_KIT_STREAMS];
};

/** Answer one question of the program's. Gives: the status that it was answered with. */
nos_status_t nos_kit_answer(struct nos_kit *k, struct nos_msg *m);

/** Let go of what nobody has fetched. */
void nos_kit_drop(struct nos_kit *k);
