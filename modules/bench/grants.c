/* Handles that were derived: what their check costs, what cutting them costs; and tokens. */
#include <string.h>

#include "abi/caps.h"
#include "abi/info.h"
#include "abi/token.h"
#include "lib/status.h"
#include "modules/bench/bench.h"
#include "sdk/format.h"
#include "sdk/start.h"

enum { TRIES = 1000, DEPTH_MAX = 4, TOKEN_TRIES = 3, TOKEN_LEN = sizeof(struct nos_token_block) };
#define ALL_OF_IT \
    (NOS_RIGHT_DUP | NOS_RIGHT_TRANSFER | NOS_RIGHT_INSPECT | NOS_RIGHT_REVOKE | \
     NOS_RIGHT_SIGNAL | NOS_RIGHT_WAIT)

/* Two calls that are refused by their first own check with the same status: one looked up a handle
 * before. */
static uint64_t least_refused(uint64_t nr, uint64_t a, uint64_t b)
{
    struct minimum m = MINIMUM_NONE;
    for (int i = 0; i < TRIES; i++) {
        uint64_t from = nos_tsc();
        nos_status_t st = nos_syscall3(nr, a, b, 0, NULL);
        minimum_add(&m, nos_tsc() - from);
        (void)st;
    }
    return m.value;
}

static nos_status_t derive(nos_handle_t from, unsigned depth, nos_handle_t *out)
{
    return nos_sys_cap_derive(from, ALL_OF_IT, 0, 0, depth, out);
}

static void handle_checks(nos_handle_t made)
{
    uint64_t without = least_refused(NOS_SYS_REGION_CREATE, 0, 0);
    nos_handle_t h = made, next;
    char name[32];

    for (unsigned depth = 0; depth <= DEPTH_MAX; depth++) {
        uint64_t with = least_refused(NOS_SYS_NOTIFY_SIGNAL, h.v, 0);
        nos_format(name, sizeof(name), "handle_check_d%u", depth);
        bench_figure(name, with > without ? with - without : 0, "insn");
        nos_status_t st = depth == DEPTH_MAX ? NOS_OK : derive(h, DEPTH_MAX - 1 - depth, &next);
        if (st != NOS_OK) {
            bench_missing("handle_check", status_text(st));
            return;
        }
        h = next;
    }
}

/* A child with `n` more handles under its cell, cut. */
static void revoke_with(nos_handle_t made, unsigned n)
{
    nos_handle_t child, other[128];
    char name[32];

    nos_format(name, sizeof(name), "cap_revoke_%u", n + 1);
    nos_status_t st = derive(made, 1, &child);
    for (unsigned i = 0; i < n && st == NOS_OK; i++) {
        st = derive(child, 0, &other[i]);
    }
    if (st != NOS_OK) {
        bench_missing(name, status_text(st));
        return;
    }
    uint64_t from = nos_tsc();
    st = nos_sys_cap_revoke(child);
    uint64_t took = nos_tsc() - from;
    if (st == NOS_OK) {
        bench_figure(name, took - bench_overhead(), "insn");
    } else {
        bench_missing(name, status_text(st));
    }
    for (unsigned i = 0; i < n; i++) {
        nos_ignore(nos_sys_handle_close(other[i]));
    }
    nos_ignore(nos_sys_handle_close(child));
}

static nos_status_t issue(nos_handle_t h, uint8_t token[TOKEN_LEN])
{
    struct nos_capsule_info self;
    struct nos_token_request want = { .classes = NOS_CLASS_IPC, .rights = NOS_RIGHT_SIGNAL };

    nos_status_t st = nos_sys_self_info(&self, sizeof(self));
    if (st != NOS_OK) {
        return st;
    }
    memcpy(want.audience, self.module_id, sizeof(want.audience));
    return nos_sys_token_issue(h, &want, sizeof(want), token, TOKEN_LEN);
}

static void tokens(nos_handle_t made)
{
    struct minimum m = MINIMUM_NONE;
    uint8_t token[TOKEN_LEN];
    nos_handle_t got;

    nos_status_t st = issue(made, token);
    for (int i = 0; i < TOKEN_TRIES && st == NOS_OK; i++) {
        uint64_t from = nos_tsc();
        st = nos_sys_token_import(token, sizeof(token), &got);
        minimum_add(&m, nos_tsc() - from);
        nos_ignore(nos_sys_handle_close(got));
    }
    if (st != NOS_OK) {
        bench_missing("token_import", status_text(st));
        return;
    }
    bench_figure("token_import", m.value - bench_overhead(), "insn");
}

void bench_grants(void)
{
    nos_handle_t made;

    if (nos_sys_notify_create(&made) != NOS_OK) {
        bench_missing("handle_check", "no notification");
        return;
    }
    handle_checks(made);
    revoke_with(made, 0);
    revoke_with(made, 99);
    tokens(made);
    nos_ignore(nos_sys_handle_close(made));
}
