/* The management service, whole. The input says what comes on the line: bytes as they are, or
 * requests that are put into frames and signed as an operator would, with a counter and a nonce
 * that may be right. Whatever comes: what it sends are frames, of which none is longer than a frame
 * may be; and between two requests it holds no handle but its own, the region's that is staged and
 * a debugger's. */
#include "abi/info.h"
#include "abi/manage.h"
#include "fuzz/fuzz.h"
#include "fuzz/world/world.h"
#include "lib/crypto/blake3.h"
#include "lib/crypto/ed25519.h"
#include "lib/frame.h"
#include "modules/manage/staging.h"
#include "sdk/ipc.h"
#include "sdk/start.h"

enum { OWN = 7 + 1 /* its notification */, DEBUGGER = 1 };

static struct frame_decoder sent;
static uint8_t pk[32], sk[64];  // the operator's

static void hear(uint8_t byte)
{
    span_t in = span_of(&byte, 1);
    struct frame f;

    while (frame_feed(&sent, &in, &f)) {
        PROMISE(f.payload.len <= NOS_MG_PAYLOAD);
        PROMISE(f.payload.len == 0 || nos_mg_has_payload(f.status));
    }
}

static void asked(const struct nos_ipc_regs *r)
{
    unsigned staged = staging_bytes().data != NULL;

    if (r->rax == NOS_SYS_IPC_RECV) {
        PROMISE(world_handles() <= OWN + staged + DEBUGGER && world_mappings() == staged);
    }
}

static void run(void)
{
    (void)nos_main();
}

/* What is staged by its length and its hash, as LOAD and SHARE begin. */
static void name_staged(uint8_t *room)
{
    span_t staged = staging_bytes();

    store_le64(room, staged.len);
    blake3_hash(staged, room + 8);
}

/* how, verb, counter, arguments: the request of a client that may be the operator. */
static span_t typed(void)
{
    static uint8_t frame[FRAME_MAX], room[NOS_MG_PAYLOAD], nonce[32];
    uint8_t how = world_byte();

    if ((how & 1) == 0) {
        return world_take(world_byte());
    }
    struct frame f = { .verb = (uint16_t)world_word(), .seq = how };
    uint64_t counter = world_word();
    span_t args = world_take(world_byte());
    size_t len = args.len;
    memset(nonce, 0x5a, sizeof nonce);  // the world's randomness
    if (len > 0) {
        memcpy(room, args.data, len);
    }
    if ((how & 4) != 0 && len >= 8 + 32) {
        name_staged(room);
    }
    if ((how & 2) != 0) {
        PROMISE(mg_sign(MSPAN_OF(room), len, f.verb, nonce, counter, sk, &len) == NOS_OK);
    }
    f.payload = span_of(room, len);
    PROMISE(frame_encode(&f, MSPAN_OF(frame), &len) == NOS_OK);
    return span_of(frame, len);
}

/* The kernel knows the operator. */
static bool about(uint64_t nr, const uint64_t a[6], uint64_t *value, nos_status_t *st)
{
    if (nr != NOS_SYS_NODE_INFO || a[1] != NOS_TOPIC_ABOUT) {
        return false;
    }
    PROMISE(a[4] == sizeof(struct nos_about) || a[4] == NOS_MG_PAYLOAD);
    struct nos_about *out = (struct nos_about *)a[3];
    memset(out, 0, sizeof *out);
    memcpy(out->operator_pk, pk, sizeof pk);
    *value = sizeof *out;
    *st = NOS_OK;
    return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct nos_start start = {
        .capsule = 5,
        .supervisor = 1,
        .n_handles = 7,
        .handle = { { .handle = 1, .kind = NOS_CAP_ENDPOINT, .name = "manage" },
                    { .handle = 2, .kind = NOS_CAP_PORTS, .a = 0x2f8 },
                    { .handle = 3, .kind = NOS_CAP_IRQ, .a = 3 },
                    { .handle = 4, .kind = NOS_CAP_NODE },
                    { .handle = 5, .kind = NOS_CAP_ENDPOINT, .name = "init" },
                    { .handle = 6, .kind = NOS_CAP_POWER },
                    { .handle = 7, .kind = NOS_CAP_ENDPOINT, .name = "memfs-wads" } },
    };
    static const uint8_t seed[32] = { 9 };

    if (pk[0] == 0) {
        ed25519_keypair_from_seed(pk, sk, seed);
    }
    world_asked = asked;
    world_sent = hear;
    frame_decoder_init(&sent);
    world_line = typed;
    world_kernel = about;
    world_begin(span_of(data, size), &start);
    world_run(run);
    world_end();
    return 0;
}
