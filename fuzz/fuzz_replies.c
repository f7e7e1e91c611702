/* What a capsule of the SDK is answered, by services that lie: memfs, broker, signer, loopback, the
 * console, another version of itself, who holds the other end of a pipe. Whatever they say, an
 * answer that is believed is within its bounds, and one that is not leaves nothing behind. */
#include "abi/info.h"
#include "fuzz/fuzz.h"
#include "fuzz/world/world.h"
#include "sdk/broker.h"
#include "sdk/fs.h"
#include "sdk/kit.h"
#include "sdk/net.h"
#include "sdk/pipe.h"
#include "sdk/print.h"
#include "sdk/signer.h"
#include "sdk/start.h"
#include "sdk/stream.h"
#include "sdk/upgrade.h"
#include "sdk/who.h"

static unsigned given;  // handles that it had at its start

static void try_files(void)
{
    struct nos_fs f = { .buffer = NULL };
    struct nos_fs_answer a;
    nos_handle_t door = nos_find_handle(NOS_CAP_ENDPOINT, "memfs"), lent[NOS_FS_PASSES];
    uint8_t bytes[64];
    unsigned n = 0;

    if (nos_fs_attach(door, &f) == NOS_OK) {
        PROMISE(f.window != NULL && f.call.v != 0 && f.region.v != 0 && f.lifeline.v != 0);
        const uint64_t word[2] = { world_word(), world_word() };
        if (nos_fs_ask(&f, world_byte() % 2 == 0 ? NOS_FS_READ : NOS_FS_MAP, word, 2, &a) ==
                NOS_OK &&
            a.handle.v != 0) {
            nos_ignore(nos_sys_handle_close(a.handle));
        }
        (void)!nos_fs_get(&f, (size_t)world_word(), MSPAN_OF(bytes));
        (void)!nos_fs_put(&f, (size_t)world_word(), SPAN_OF(bytes));
        if (nos_fs_lend(&f, word[0], word[1], lent) == NOS_OK) {
            for (int i = 0; i < NOS_FS_PASSES; i++) {
                PROMISE(lent[i].v != 0);
                n += nos_sys_handle_close(lent[i]) == NOS_OK;
            }
            PROMISE(n == NOS_FS_PASSES);
        }
        nos_fs_detach(&f);
    }
    PROMISE(f.call.v == 0 && f.region.v == 0 && f.lifeline.v == 0 && world_mappings() == 0);
}

static void try_services(void)
{
    static const uint8_t text[] = "release/1.0 of this";
    uint8_t bytes[NOS_BROKER_BYTES], pk[32];
    struct nos_broker_entry entry;
    struct nos_signature sig;
    struct nos_signer_record rec;
    struct nos_who who;
    size_t len = 0;

    if (nos_secret_get("web", "db", bytes, &len) == NOS_OK) {
        PROMISE(len <= sizeof bytes);
    }
    (void)!nos_secret_list(world_word(), &entry);
    (void)!nos_sign(span_of(text, 11), span_of(text + 12, 7), &sig);
    (void)!nos_signer_key(pk);
    (void)!nos_signer_log(world_word(), &rec);
    (void)!nos_who((uint32_t)world_word(), &who);
}

static void try_network(void)
{
    struct nos_port p;
    struct nos_datagram d;

    if (nos_net_bind(7, &p) != NOS_OK) {
        return;
    }
    (void)!nos_net_send(&p, 9, SPAN_LIT("text"));
    if (nos_net_recv(&p, &d, NOS_DEADLINE_NEVER) == NOS_OK) {
        PROMISE(d.len <= sizeof d.data);
    }
    nos_net_close(&p);
}

static void try_console(void)
{
    if (nos_stream_begin() == NOS_OK) {
        (void)!nos_console_write(SPAN_LIT("a line of text for whoever reads it\n"));
        (void)!nos_console_write(SPAN_LIT("another"));
    }
    (void)!nos_stream_close();
    PROMISE(world_mappings() == 0);
}

/* An end that somebody has passed on: handles and memory of his. */
static void try_pipe(void)
{
    struct nos_pipe_end ends[2], *end = &ends[world_byte() % 2];
    struct nos_pipe p;
    uint8_t bytes[300] = { 1 };
    size_t done;

    if (nos_pipe_make(NOS_PIPE_SMALL, ends, NULL) != NOS_OK) {
        return;
    }
    struct nos_pipe_end *other = end == &ends[0] ? &ends[1] : &ends[0];
    nos_pipe_drop(other);
    if (nos_pipe_open(&p, end, NULL) != NOS_OK) {
        return;
    }
    for (unsigned i = 0; i < 8 && !world_silent(); i++) {
        nos_status_t st = p.end.writer ? nos_pipe_write(&p, SPAN_OF(bytes), &done, NULL)
                                       : nos_pipe_read(&p, MSPAN_OF(bytes), &done, NULL);
        PROMISE(st != NOS_OK || done <= sizeof bytes);
        PROMISE(nos_pipe_unread(&p, NULL) <= p.ring.size);
        if (nos_pipe_ready(&p, NULL) != NOS_OK && nos_pipe_sleeps(&p, NULL)) {
            (void)!nos_pipe_doze(&p, nos_now_ns() + 1000);
        }
    }
    nos_pipe_close(&p);
    PROMISE(world_mappings() == 0);
}

static nos_status_t load(const struct nos_state_in *in)
{
    span_t value;
    uint64_t number;

    PROMISE(in->n_handles <= NOS_STATE_HANDLES);
    for (uint16_t tag = 0; tag < 8; tag++) {
        (void)!nos_state_get(in, tag, &value);
        if (nos_state_get_u64(in, tag, &number)) {
            (void)nos_state_handle(in, number);
        }
    }
    return NOS_OK;
}

static nos_status_t save(struct nos_state_out *out)
{
    nos_state_put_u64(out, 1, 5);
    return NOS_OK;
}

static void try_upgrade(void)
{
    static const struct nos_upgrade u = { .form = 1, .room = 4096, .save = save, .load = load };
    nos_upgradable(&u);
}

static void all(void)
{
    static void (*const part[])(void) = { try_files,   try_services, try_network,
                                          try_console, try_pipe,     try_upgrade };
    while (!world_silent()) {
        uint8_t which = world_byte() % ARRAY_LEN(part);
        part[which]();
        PROMISE(world_handles() == given || part[which] == try_upgrade);
        given = world_handles();  // a state may bring some
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct nos_start start = {
        .capsule = 5,
        .supervisor = 1,
        .n_handles = 5,
        .handle = { { .handle = 1, .kind = NOS_CAP_ENDPOINT, .name = "memfs" },
                    { .handle = 2, .kind = NOS_CAP_ENDPOINT, .name = "broker" },
                    { .handle = 3, .kind = NOS_CAP_ENDPOINT, .name = "console" },
                    { .handle = 4, .kind = NOS_CAP_NETWORK, .name = "loopback" },
                    { .handle = 5, .kind = NOS_CAP_NODE } },
    };

    start.given = size > 0 && data[0] == 1 ? 1 : 0;
    given = start.n_handles;
    world_begin(span_of(data, size), &start);
    world_run(all);
    world_end();
    return 0;
}
