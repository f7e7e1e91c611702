/* Handles that are none, that were, that name something else, that lack a right; and numbers that
 * are no call. */
#include "abi/caps.h"
#include "abi/info.h"
#include "modules/probe/probe.h"
#include "sdk/format.h"
#include "sdk/ipc.h"
#include "sdk/start.h"

enum { POLL = NOS_DEADLINE_POLL };

struct row {
    uint64_t nr;
    const char *name;
    uint32_t classes, types, rights;
};

static const struct row rows[] = {
#define SYSCALL(nr, name, cls, types, rights, n_args, kind) { nr, #name, cls, types, rights },
#include "sdk/syscall_rows.inc"
#undef SYSCALL
};

/* Message calls take their deadline in rbx, so that a forged handle cannot make this thread wait
 * for ever. */
static nos_status_t call_with(const struct row *r, uint64_t h)
{
    if (r->nr >= NOS_SYS_IPC_CALL && r->nr <= NOS_SYS_IPC_REPLY_RECV) {
        static struct nos_msg m;
        nos_handle_t ep = { (uint32_t)h };
        m.n_words = 0;
        m.label = 0;
        return r->nr == NOS_SYS_IPC_CALL   ? nos_call(ep, &m, POLL)
               : r->nr == NOS_SYS_IPC_RECV ? nos_recv(ep, &m, POLL)
                                           : nos_reply_recv(ep, &m, POLL);
    }
    return nos_syscall6(r->nr, h, 0, 0, 0, 0, 0, NULL);
}

static bool is_message(const struct row *r)
{
    return r->nr >= NOS_SYS_IPC_CALL && r->nr <= NOS_SYS_IPC_REPLY_RECV;
}

static void forged(const struct row *r)
{
    const struct {
        const char *name;
        uint64_t h;
    } forgeries[] = {
        { "zero", 0 },
        { "all-ones", UINT32_MAX },
        { "stale", target.stale.v },
        { "next-generation", target.notify.v + 0x10000 },
        { "beyond-table", 0x0000ffff },
        { "above-32-bits", 1ull << 32 | target.region.v },
    };
    char name[64];

    for (size_t i = 0; i < ARRAY_LEN(forgeries); i++) {
        if (forgeries[i].h > UINT32_MAX && is_message(r)) {
            continue;  // the SDK's message calls cannot even pass it
        }
        nos_format(name, sizeof(name), "%s/%s", r->name, forgeries[i].name);
        expect(name, NOS_BAD_HANDLE, call_with(r, forgeries[i].h));
    }
}

static void wrong_type(const struct row *r)
{
    // one of the two is not of the type that the call wants, unless it takes any
    bool region = (r->types & 1u << NOS_TYPE_REGION) != 0,
         note = (r->types & 1u << NOS_TYPE_NOTIFICATION) != 0;
    char name[64];

    if (region && note) {
        return;
    }
    nos_format(name, sizeof(name), "%s/wrong-type", r->name);
    expect(name, NOS_WRONG_TYPE, call_with(r, region ? target.notify.v : target.region.v));
}

static void missing_rights(void)
{
    nos_handle_t bare, no_dup;
    static struct nos_msg m;
    uint64_t v;

    if (nos_sys_handle_dup(target.notify, NOS_RIGHT_DUP, 0, &bare) != NOS_OK) {
        return;
    }
    expect("notify_signal/no-right", NOS_DENIED, nos_sys_notify_signal(bare, 1));
    expect("notify_wait/no-right", NOS_DENIED, nos_sys_notify_wait(bare, POLL, &v));
    expect("notify_bind/no-right", NOS_DENIED, nos_sys_notify_bind(bare, target.endpoint));
    expect("handle_dup/wider", NOS_DENIED,
           nos_sys_handle_dup(bare, NOS_RIGHT_DUP | NOS_RIGHT_SIGNAL, 0, &no_dup));
    expect("handle_dup/unknown-right", NOS_INVALID, nos_sys_handle_dup(bare, 1u << 31, 0, &no_dup));
    expect("handle_dup/right-above-32", NOS_INVALID,
           nos_sys_handle_dup(bare, 1ull << 40, 0, &no_dup));
    expect("handle_dup/endless-ttl", NOS_INVALID,
           nos_sys_handle_dup(bare, NOS_RIGHT_DUP, UINT64_MAX, &no_dup));
    expect("handle_dup/no-dup", NOS_DENIED,
           nos_sys_handle_dup(target.console, NOS_RIGHT_CALL, 0, &no_dup));
    m.n_words = 0;
    expect("ipc_recv/no-right", NOS_DENIED, nos_recv(target.console, &m, POLL));
    expect("ipc_reply_recv/no-right", NOS_DENIED, nos_reply_recv(target.console, &m, POLL));
    expect("notify_bind/ep-no-right", NOS_DENIED,
           nos_sys_notify_bind(target.notify, target.console));
    expect("handle_close/bare", NOS_OK, nos_sys_handle_close(bare));
    expect("handle_close/twice", NOS_BAD_HANDLE, nos_sys_handle_close(bare));
}

static void node_rights(void)
{
    static uint8_t buf[512];
    nos_handle_t h;
    uint64_t got;

    expect("node_info/log", NOS_DENIED,
           nos_sys_node_info(target.node, NOS_TOPIC_LOG, 0, buf, sizeof(buf), &got));
    expect("node_info/audit", NOS_DENIED,
           nos_sys_node_info(target.node, NOS_TOPIC_AUDIT, 0, buf, sizeof(buf), &got));
    expect("node_info/crash", NOS_DENIED,
           nos_sys_node_info(target.node, NOS_TOPIC_CRASH, 0, buf, sizeof(buf), &got));
    expect("node_info/unknown-topic", NOS_INVALID,
           nos_sys_node_info(target.node, 99, 0, buf, sizeof(buf), &got));
    expect("node_info/topic-above-32", NOS_INVALID,
           nos_sys_node_info(target.node, 1ull << 32, 0, buf, sizeof(buf), &got));
    expect("node_info/far-index", NOS_NOT_FOUND,
           nos_sys_node_info(target.node, NOS_TOPIC_CAPSULES, UINT64_MAX, buf, sizeof(buf), &got));
    expect("node_info/short", NOS_TOO_BIG,
           nos_sys_node_info(target.node, NOS_TOPIC_CAPSULES, 0, buf, 8, &got));
    expect("module_open/no-right", NOS_DENIED, nos_sys_module_open(target.node, "init", 4, &h));
    expect("module_load/no-right", NOS_DENIED,
           nos_sys_module_load(target.node, target.region, 4096, &h));
    expect("capsule_open/no-right", NOS_DENIED, nos_sys_capsule_open(target.node, 1, &h));
    expect("random/no-class", NOS_NO_CLASS, nos_sys_random(buf, 32));
    expect("token_export/no-class", NOS_NO_CLASS,
           nos_sys_token_export(target.node, 1, target.node, buf, 196));
}

static void numbers(void)
{
    const uint64_t none[] = { NOS_SYS_COUNT, 127,        128,        255,        256,
                              0xffff,        1ull << 31, 1ull << 32, 1ull << 63, UINT64_MAX };
    char name[64];

    for (size_t i = 0; i < ARRAY_LEN(none); i++) {
        nos_format(name, sizeof(name), "number/0x%llx", (unsigned long long)none[i]);
        expect(name, NOS_BAD_SYSCALL, nos_syscall6(none[i], 1, 2, 3, 4, 5, 6, NULL));
    }
}

void attack_handles(void)
{
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        const struct row *r = &rows[i];
        bool may =
            (r->classes & NOS_CLASS_CRYPTO) == 0;  // without the class no handle is looked at
        if (r->types != 0 && may) {
            forged(r);
            wrong_type(r);
        }
    }
    missing_rights();
    node_rights();
    numbers();
}
