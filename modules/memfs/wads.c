/*
 * From a wad in a region to a share that holds its assets. Whoever may call the door vouches for
 * the bytes (`manage`: the operator signed their hash); that they are what the wad's index says is
 * looked at here, lump by lump, before one of them is used. The region is this capsule's alone by
 * then: it was moved here.
 *
 * A thread of its own, because hashes over 16 MiB take a while. The tree is the first thread's, so
 * that one copies.
 */
#include "modules/memfs/wads.h"

#include <string.h>

#include "abi/info.h"
#include "lib/status.h"
#include "modules/memfs/fill.h"
#include "sdk/print.h"
#include "sdk/start.h"

enum {
    STACK = 32768, /* BLAKE3 goes down 1.4 KiB for each doubling of a lump: 22 KiB at 16 MiB */
    PRIORITY = 11, /* below who serves files */
    READ = 1,
};

static struct {
    struct nos_thread thread;
    nos_handle_t serves, asks;
    struct nos_msg m;
    char name[NOS_NAME_MAX + 1];
    struct wad wad;
    struct wad_tree names;
    uint8_t stack[STACK] ALIGNED(16);
} door;

const char *wads_share(void)
{
    return door.name;
}

nos_status_t wads_fill(struct share *s, struct nos_msg *m)
{
    uint32_t files = 0;
    nos_status_t st = fill_tree(&door.wad, &door.names, &s->tree, nos_now_ns(), &files);

    st = st == NOS_FS_EXISTS ? NOS_BUSY : st;  // a status that people can be told
    nos_msg_answer(m, st);
    if (st == NOS_OK) {
        m->n_words = 2;
        m->word[0] = files;
        m->word[1] = s->tree.purse.bytes;
    }
    return st;
}

static nos_status_t ask(struct nos_msg *m)
{
    m->label = 0;
    m->n_words = 0;
    m->n_handles = 0;
    nos_status_t st = nos_call(door.asks, m, NOS_DEADLINE_NEVER);
    return st == NOS_OK ? nos_msg_status(m) : st;
}

/* The first thread sees nothing of a wad that does not hold. */
static nos_status_t take(struct nos_msg *m, nos_handle_t region, uint64_t len)
{
    struct nos_handle_info info;
    void *at;

    nos_status_t st = nos_sys_handle_info(region, &info, sizeof info);
    if (st == NOS_OK && (info.type != NOS_TYPE_REGION || len > info.a * FS_PAGE)) {
        st = NOS_BAD_MESSAGE;
    }
    st = st == NOS_OK ? nos_sys_region_map(region, READ, &at) : st;
    if (st != NOS_OK) {
        return st;
    }
    st = fill_check(span_of(at, len), &door.wad, &door.names);
    st = st == NOS_OK ? ask(m) : st;
    nos_ignore(nos_sys_region_unmap(at));
    return st;
}

/* One is accepted. */
static nos_handle_t passed(const struct nos_msg *m)
{
    return (nos_handle_t){ m->n_handles != 0 ? m->pass[0].handle : 0 };
}

static void serve(struct nos_msg *m)
{
    const uint64_t token = m->token;
    nos_handle_t region = passed(m);
    span_t name;
    nos_status_t st = m->label == NOS_FS_FILL && m->n_words == 3 && region.v != 0 &&
                              nos_msg_get(m, 1, NOS_NAME_MAX, &name)
                          ? NOS_OK
                          : NOS_BAD_MESSAGE;

    if (st == NOS_OK) {
        memcpy(door.name, name.data, NOS_NAME_MAX);
        st = take(m, region, m->word[0]);
    }
    if (region.v != 0) {
        nos_ignore(nos_sys_handle_close(region));
    }
    m->token = token;
    if (st != NOS_OK) {
        nos_msg_answer(m, st);
    }
    if (st != NOS_OK && region.v != 0) {
        nos_log("memfs: share %s is not filled: %s", door.name, status_text(st));
    }
    nos_ignore(nos_reply(m));
}

static void run(void *arg, uint64_t *ipc_buffer)
{
    (void)arg;
    door.m.buffer = ipc_buffer;
    (void)nos_msg_accept(&door.m, 1);
    while (nos_recv(door.serves, &door.m, NOS_DEADLINE_NEVER) == NOS_OK) {
        if (door.m.token != 0) {
            serve(&door.m);
        } else if (passed(&door.m).v != 0) {
            nos_ignore(nos_sys_handle_close(passed(&door.m)));  // nobody waits for an answer
        }
    }
}

nos_status_t wads_begin(nos_handle_t main, uint64_t badge)
{
    nos_handle_t thread;

    door.serves = nos_find_handle(NOS_CAP_ENDPOINT, "memfs-wads");
    if (door.serves.v == 0) {
        return NOS_OK;
    }
    door.thread = (struct nos_thread){ .run = run };
    nos_status_t st = nos_sys_cap_derive(main, NOS_RIGHT_CALL, 0, badge, 0, &door.asks);
    return st == NOS_OK ? nos_thread_start(&door.thread, door.stack, STACK, PRIORITY, &thread) : st;
}
