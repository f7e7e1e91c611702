/*
 * Derived handles: what cap_derive, cap_revoke and filter_narrow refuse, and what is left of a
 * handle after a cut: its close.
 */
#include "abi/caps.h"
#include "abi/info.h"
#include "modules/probe/probe.h"
#include "sdk/ipc.h"
#include "sdk/start.h"

enum { POLL = NOS_DEADLINE_POLL, READ = 1, DEEPEST = 3, MADE_MAX = 512 };
enum { ALL_OF_NOTE = NOS_RIGHT_DUP | NOS_RIGHT_SIGNAL | NOS_RIGHT_WAIT | NOS_RIGHT_INSPECT };

static void refusals(void)
{
    const uint64_t too_deep[] = { DEEPEST + 1, DEEPEST + 2, 256, UINT64_MAX };
    nos_handle_t h, bare, named;

    expect("cap_derive/unknown-right", NOS_INVALID,
           nos_sys_cap_derive(target.notify, 1u << 31, 0, 0, 0, &h));
    expect("cap_derive/right-above-32", NOS_INVALID,
           nos_sys_cap_derive(target.notify, 1ull << 40, 0, 0, 0, &h));
    expect("cap_derive/endless-ttl", NOS_INVALID,
           nos_sys_cap_derive(target.notify, NOS_RIGHT_DUP, UINT64_MAX, 0, 0, &h));
    expect("cap_derive/badge-on-region", NOS_INVALID,
           nos_sys_cap_derive(target.region, NOS_RIGHT_DUP, 0, 7, 0, &h));
    expect("cap_derive/wider", NOS_DENIED,
           nos_sys_cap_derive(target.notify, NOS_RIGHT_DUP | NOS_RIGHT_MAP, 0, 0, 0, &h));
    for (size_t i = 0; i < sizeof(too_deep) / sizeof(too_deep[0]); i++) {
        expect("cap_derive/deeper", NOS_DEPTH,
               nos_sys_cap_derive(target.notify, 0, 0, 0, too_deep[i], &h));
    }
    expect("cap_derive/bare", NOS_OK, nos_sys_cap_derive(target.notify, 0, 0, 0, 0, &bare));
    expect("cap_derive/no-dup", NOS_DENIED, nos_sys_cap_derive(bare, 0, 0, 0, 0, &h));
    expect("cap_revoke/no-right", NOS_DENIED, nos_sys_cap_revoke(bare));
    expect("handle_dup/gains-revoke", NOS_DENIED,
           nos_sys_handle_dup(target.notify, NOS_RIGHT_REVOKE, 0, &h));
    expect("cap_revoke/no-cell", NOS_BAD_STATE, nos_sys_cap_revoke(target.node));
    expect("handle_close/bare-derived", NOS_OK, nos_sys_handle_close(bare));
    expect("cap_derive/badge", NOS_OK,
           nos_sys_cap_derive(target.endpoint, NOS_RIGHT_DUP | NOS_RIGHT_CALL, 0, 7, 2, &named));
    expect("cap_derive/badge-again", NOS_DENIED,
           nos_sys_cap_derive(named, NOS_RIGHT_CALL, 0, 8, 0, &h));
    expect("handle_close/badged", NOS_OK, nos_sys_handle_close(named));
}

/* Four cells below one another, no fifth; each may be told to stop earlier. */
static void depth(void)
{
    nos_handle_t h[DEEPEST + 2] = { target.notify }, more;
    nos_status_t st = NOS_OK;

    for (unsigned i = 0; i <= DEEPEST && st == NOS_OK; i++) {
        st = nos_sys_cap_derive(h[i], NOS_RIGHT_DUP | NOS_RIGHT_REVOKE, 0, 0, DEEPEST - i,
                                &h[i + 1]);
    }
    expect("cap_derive/four-deep", NOS_OK, st);
    expect("cap_derive/fifth", NOS_DEPTH, nos_sys_cap_derive(h[DEEPEST + 1], 0, 0, 0, 0, &more));
    expect("handle_dup/of-the-fourth", NOS_OK, nos_sys_handle_dup(h[DEEPEST + 1], 0, 0, &more));
    expect("cap_revoke/second", NOS_OK, nos_sys_cap_revoke(h[2]));
    struct nos_handle_info info;
    expect("handle_info/first", NOS_OK, nos_sys_handle_info(h[1], &info, sizeof(info)));
    for (unsigned i = 2; i <= DEEPEST + 1; i++) {
        expect("handle_info/below", NOS_REVOKED, nos_sys_handle_info(h[i], &info, sizeof(info)));
    }
    expect("handle_info/copy-below", NOS_REVOKED, nos_sys_handle_info(more, &info, sizeof(info)));
    expect("handle_close/copy-below", NOS_OK, nos_sys_handle_close(more));
    for (unsigned i = 1; i <= DEEPEST + 1; i++) {
        expect("handle_close/chain", NOS_OK, nos_sys_handle_close(h[i]));
    }
}

static void after_the_cut(void)
{
    nos_handle_t child = { 0 }, copy = { 0 }, beside = { 0 }, h;
    struct nos_handle_info info;
    uint64_t bits;

    nos_status_t st =
        nos_sys_cap_derive(target.notify, ALL_OF_NOTE | NOS_RIGHT_REVOKE, 0, 0, 2, &child);
    st = st == NOS_OK ? nos_sys_handle_dup(child, NOS_RIGHT_SIGNAL, 0, &copy) : st;
    st = st == NOS_OK ? nos_sys_cap_derive(target.notify, ALL_OF_NOTE, 0, 0, 0, &beside) : st;
    expect("cap_derive/three", NOS_OK, st);
    expect("notify_signal/derived", NOS_OK, nos_sys_notify_signal(child, 1));
    expect("notify_wait/derived", NOS_OK, nos_sys_notify_wait(child, POLL, &bits));
    expect("cap_revoke/child", NOS_OK, nos_sys_cap_revoke(child));
    expect("notify_signal/revoked", NOS_REVOKED, nos_sys_notify_signal(child, 1));
    expect("notify_signal/copy-of-revoked", NOS_REVOKED, nos_sys_notify_signal(copy, 1));
    expect("notify_wait/revoked-no-right", NOS_REVOKED, nos_sys_notify_wait(copy, POLL, &bits));
    expect("region_map/revoked-wrong-type", NOS_WRONG_TYPE,
           nos_sys_region_map(child, READ, &(void *){ NULL }));
    expect("handle_info/revoked", NOS_REVOKED, nos_sys_handle_info(child, &info, sizeof(info)));
    expect("handle_dup/revoked", NOS_REVOKED, nos_sys_handle_dup(child, 0, 0, &h));
    expect("cap_derive/revoked", NOS_REVOKED, nos_sys_cap_derive(child, 0, 0, 0, 0, &h));
    expect("cap_revoke/revoked", NOS_REVOKED, nos_sys_cap_revoke(child));
    expect("notify_bind/revoked", NOS_REVOKED, nos_sys_notify_bind(child, target.endpoint));
    expect("notify_signal/beside", NOS_OK, nos_sys_notify_signal(beside, 1));
    expect("notify_wait/parent", NOS_OK, nos_sys_notify_wait(target.notify, POLL, &bits));
    expect("handle_close/revoked", NOS_OK, nos_sys_handle_close(child));
    expect("handle_close/revoked-twice", NOS_BAD_HANDLE, nos_sys_handle_close(child));
    expect("handle_close/copy-of-revoked", NOS_OK, nos_sys_handle_close(copy));
    expect("handle_close/beside", NOS_OK, nos_sys_handle_close(beside));
}

#define BRIEF_NS 400000000ull

static void expired(void)
{
    nos_handle_t brief, longer;
    struct nos_handle_info info;

    // long enough for the second call to come in time, whatever else the machine's host does
    nos_status_t st = nos_sys_cap_derive(target.notify, ALL_OF_NOTE | NOS_RIGHT_REVOKE,
                                         (uint32_t)BRIEF_NS, 0, 2, &brief);
    if (st == NOS_OK) {
        st = nos_sys_cap_derive(brief, NOS_RIGHT_SIGNAL, UINT32_MAX, 0, 0, &longer);
    }
    if (st != NOS_OK) {
        expect("cap_derive/brief", NOS_OK, st);
        return;
    }
    nos_ignore(nos_sys_sleep(nos_now_ns() + BRIEF_NS));
    expect("handle_info/expired", NOS_EXPIRED, nos_sys_handle_info(brief, &info, sizeof(info)));
    expect("cap_derive/expired", NOS_EXPIRED, nos_sys_cap_derive(brief, 0, 0, 0, 0, &longer));
    expect("notify_signal/outlives-parent", NOS_EXPIRED, nos_sys_notify_signal(longer, 1));
    expect("handle_close/expired", NOS_OK, nos_sys_handle_close(brief));
    expect("handle_close/expired-child", NOS_OK, nos_sys_handle_close(longer));
}

/* The mapping goes with the handle that it was made through, not with others of the region. */
static void mappings(void)
{
    nos_handle_t child = { 0 }, other = { 0 };
    void *at = NULL, *kept = NULL;
    struct nos_capsule_info *there;

    nos_status_t st = nos_sys_cap_derive(target.region,
                                         NOS_RIGHT_DUP | NOS_RIGHT_READ | NOS_RIGHT_WRITE |
                                             NOS_RIGHT_MAP | NOS_RIGHT_REVOKE,
                                         0, 0, 1, &child);
    st = st == NOS_OK ? nos_sys_cap_derive(child, NOS_RIGHT_READ | NOS_RIGHT_WRITE | NOS_RIGHT_MAP,
                                           0, 0, 0, &other)
                      : st;
    st = st == NOS_OK ? nos_sys_region_map(other, 3, &at) : st;
    st = st == NOS_OK ? nos_sys_region_map(target.region, 3, &kept) : st;
    expect("region_map/derived", NOS_OK, st);
    there = at;
    expect("self_info/mapped", NOS_OK, nos_sys_self_info(there, sizeof(*there)));
    expect("cap_revoke/mapped", NOS_OK, nos_sys_cap_revoke(child));
    expect("self_info/unmapped", NOS_BAD_ADDRESS, nos_sys_self_info(there, sizeof(*there)));
    expect("region_unmap/unmapped", NOS_NOT_FOUND, nos_sys_region_unmap(at));
    expect("region_map/revoked", NOS_REVOKED, nos_sys_region_map(other, READ, &at));
    there = kept;
    expect("self_info/kept", NOS_OK, nos_sys_self_info(there, sizeof(*there)));
    expect("region_unmap/kept", NOS_OK, nos_sys_region_unmap(kept));
    expect("handle_close/region-child", NOS_OK, nos_sys_handle_close(child));
    expect("handle_close/region-grandchild", NOS_OK, nos_sys_handle_close(other));
}

/* A number that names something in the first capsule's table, and nothing here. */
static void foreign(void)
{
    struct nos_handle_info info, again;
    uint64_t index = 1ull << 32, got;

    while (nos_sys_node_info(target.node, NOS_TOPIC_HANDLES, index, &info, sizeof(info), &got) ==
           NOS_OK) {
        nos_handle_t theirs = { info.handle };
        if (nos_sys_handle_info(theirs, &again, sizeof(again)) == NOS_BAD_HANDLE) {
            expect("cap_revoke/foreign", NOS_BAD_HANDLE, nos_sys_cap_revoke(theirs));
            expect("node_info/foreign-lives", NOS_OK,
                   nos_sys_node_info(target.node, NOS_TOPIC_HANDLES, index, &again, sizeof(again),
                                     &got));
            return;
        }
        index++;
    }
}

/* Cells end with the handles' quota; everything comes back. */
static void exhaustion(void)
{
    static nos_handle_t made[MADE_MAX];
    nos_status_t st = NOS_OK;
    unsigned n = 0;

    while (n < MADE_MAX && (st = nos_sys_cap_derive(target.notify, NOS_RIGHT_REVOKE, 0, 0, 0,
                                                    &made[n])) == NOS_OK) {
        n++;
    }
    expect("cap_derive/full", NOS_QUOTA, st);
    for (unsigned i = 0; i < n; i++) {
        st = i % 2 == 0 ? nos_sys_cap_revoke(made[i]) : NOS_OK;
        if (st != NOS_OK || nos_sys_handle_close(made[i]) != NOS_OK) {
            expect("cap_revoke/each", NOS_OK, st);
        }
    }
    expect("cap_derive/after", NOS_OK, nos_sys_cap_derive(target.notify, 0, 0, 0, 0, &made[0]));
    expect("handle_close/after-derive", NOS_OK, nos_sys_handle_close(made[0]));
}

void attack_derived(void)
{
    refusals();
    depth();
    after_the_cut();
    expired();
    mappings();
    foreign();
    exhaustion();
}

/* What is taken from the filter never comes back; the last of all attacks. */
void attack_filter(void)
{
    const uint64_t no_sleep = ~(1ull << NOS_SYS_SLEEP),
                   no_thread = ~(1ull << NOS_SYS_THREAD_CREATE);
    nos_handle_t h;

    _Static_assert(NOS_SYS_SLEEP < 64 && NOS_SYS_THREAD_CREATE < 64, "in the low word");
    expect("sleep/before", NOS_OK, nos_sys_sleep(2));
    expect("filter_narrow/sleep", NOS_OK, nos_sys_filter_narrow(no_sleep, UINT64_MAX));
    expect("sleep/filtered", NOS_FILTERED, nos_sys_sleep(2));
    expect("filter_narrow/widen", NOS_OK, nos_sys_filter_narrow(UINT64_MAX, UINT64_MAX));
    expect("sleep/still-filtered", NOS_FILTERED, nos_sys_sleep(2));
    expect("filter_narrow/other", NOS_OK, nos_sys_filter_narrow(no_thread, 0));
    expect("sleep/filtered-too", NOS_FILTERED, nos_sys_sleep(2));
    expect("thread_create/filtered", NOS_FILTERED, nos_sys_thread_create(0, 0, 0, 0, &h));
    expect("filter_narrow/itself", NOS_OK,
           nos_sys_filter_narrow(~(1ull << NOS_SYS_FILTER_NARROW), UINT64_MAX));
    expect("filter_narrow/filtered", NOS_FILTERED, nos_sys_filter_narrow(UINT64_MAX, UINT64_MAX));
}

/* Not even `exit` is kept: what ends such a capsule is a fault. */
void mute(void)
{
    nos_ignore(nos_sys_filter_narrow(0, 0));
}
