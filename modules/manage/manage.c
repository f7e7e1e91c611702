/*
 * The management channel on COM2. One thread: the interrupt signals, what arrived goes into the
 * frame decoder, each frame is answered before the next is looked at. A client has one request
 * under way, so the line is silent while one is carried out, and the device's sixteen bytes are
 * enough.
 *
 * What this capsule can do at all is bounded by its handles; what changes something also needs the
 * operator's signature over this boot's nonce and a counter that only rises.
 */
#include <string.h>

#include "abi/fs.h"
#include "abi/info.h"
#include "abi/token.h"
#include "lib/crypto/blake3.h"
#include "lib/frame.h"
#include "lib/secret.h"
#include "lib/status.h"
#include "modules/manage/debug.h"
#include "modules/manage/request.h"
#include "modules/manage/staging.h"
#include "sdk/control.h"
#include "sdk/ipc.h"
#include "sdk/print.h"
#include "sdk/start.h"
#include "sdk/uart.h"
#include "sdk/upgrade.h"

enum { COM2 = 0x2f8, COM2_IRQ = 3, BIT_SERIAL = 1, PROTO = 1, MODULE_ID = 32 };
#define DRAIN_NS 20000000
#define SHARE_NS 20000000000ull /* hashes over 16 MiB, and a copy */
#define THERE_NS 1000000000ull

static struct manage {
    nos_handle_t node, init, power, notify, control, wads;
    struct nos_uart uart;
    uint8_t nonce[32], boot_id[32], operator_pk[32];
    uint64_t counter;  // the least that the next signed request may use
    struct frame_decoder decoder;
} mg;

struct answer {
    uint8_t bytes[NOS_MG_PAYLOAD];
    size_t len;
};
static struct answer answer;

static void send(const struct frame *request, nos_status_t st)
{
    static uint8_t out[FRAME_MAX];
    struct frame f = { .flags = NOS_MG_LAST,
                       .verb = request->verb,
                       .seq = request->seq,
                       .status = st,
                       .payload = span_of(answer.bytes, nos_mg_has_payload(st) ? answer.len : 0) };
    size_t len;

    if (frame_encode(&f, MSPAN_OF(out), &len) == NOS_OK) {
        nos_uart_write(&mg.uart, span_of(out, len));
    }
}

static void give(const void *bytes, size_t len)
{
    memcpy(answer.bytes + answer.len, bytes, len);  // every answer is far below a frame's payload
    answer.len += len;
}

static void give_le32(uint32_t v)
{
    uint8_t bytes[4];
    store_le32(bytes, v);
    give(bytes, sizeof(bytes));
}

static nos_status_t do_hello(void)
{
    uint8_t counter[8];

    debug_end();  // this is another client
    give_le32(PROTO);
    give_le32(NOS_MG_PAYLOAD);
    give(mg.nonce, sizeof(mg.nonce));
    store_le64(counter, mg.counter);
    give(counter, sizeof(counter));
    give(mg.boot_id, sizeof(mg.boot_id));
    give(mg.operator_pk, sizeof(mg.operator_pk));
    return NOS_OK;
}

static nos_status_t do_info(const struct request *r)
{
    uint64_t got = 0;
    nos_status_t st =
        nos_sys_node_info(mg.node, r->topic, r->index, answer.bytes, sizeof(answer.bytes), &got);
    if (st == NOS_OK) {
        answer.len = got <= sizeof(answer.bytes) ? got : sizeof(answer.bytes);
    }
    return st;
}

static nos_status_t ask_init(struct nos_msg *m, uint32_t *id)
{
    if (mg.init.v == 0) {
        return NOS_DENIED;
    }
    nos_status_t st = nos_call(mg.init, m, NOS_DEADLINE_NEVER);
    if (st == NOS_OK) {
        st = nos_msg_status(m);
    }
    if (st == NOS_OK && id != NULL) {
        *id = (uint32_t)m->word[0];
    }
    return st;
}

static nos_status_t start(enum nos_init_op op, span_t module, span_t arg, uint32_t *id)
{
    static struct nos_msg m;
    size_t words = op == NOS_INIT_START ? 2 : 4;

    m.label = (uint64_t)op | (uint64_t)arg.len << 8;
    if (!nos_msg_put(&m, 0, module.data, module.len) ||
        !nos_msg_put(&m, words, arg.data, arg.len)) {
        return NOS_TOO_BIG;
    }
    return ask_init(&m, id);
}

static nos_status_t check_staged(const struct request *r)
{
    uint8_t hash[32];
    span_t staged = staging_bytes();

    if (staged.len != r->len) {
        return NOS_BAD_STATE;  // the upload is not complete
    }
    blake3_hash(staged, hash);
    // what arrived may not be what was sent
    return memcmp(hash, r->hash.data, sizeof(hash)) == 0 ? NOS_OK : NOS_IO_ERROR;
}

static nos_status_t id_of_staged(uint8_t id[MODULE_ID])
{
    span_t header, staged = staging_bytes();

    if (!span_cut(staged, 0, NOS_MOD_HDR_LEN, &header)) {
        return NOS_MOD_TRUNCATED;
    }
    blake3_derive(NOS_CTX_MODULE_ID, header, id);
    return NOS_OK;
}

static nos_status_t do_load(const struct request *r)
{
    uint8_t id[MODULE_ID];
    nos_handle_t region, module;
    uint32_t capsule = 0;

    nos_status_t st = check_staged(r);
    if (st == NOS_OK) {
        st = id_of_staged(id);
    }
    if (st == NOS_OK) {
        st = staging_take(&region);
    }
    if (st == NOS_OK) {
        st = nos_sys_module_load(mg.node, region, r->len, &module);
        if (st == NOS_NO_MEMORY) {
            nos_ignore(nos_sys_handle_close(region));  // not taken
        }
    }
    if (st != NOS_OK) {
        return st;
    }
    if (r->start) {
        st = start(NOS_INIT_START_ID, SPAN_OF(id), r->arg, &capsule);
    }
    nos_ignore(nos_sys_handle_close(module));  // the registry keeps the module, the handle was ours
    if (st == NOS_OK) {
        give(id, sizeof(id));
        give_le32(capsule);
    }
    return st;
}

/* Whoever serves there refuses what says nothing; who does not, is not waited for. */
static nos_status_t is_there(nos_handle_t ep)
{
    static struct nos_msg m;

    m = (struct nos_msg){ .n_words = 0 };
    nos_status_t st = nos_call(ep, &m, nos_now_ns() + THERE_NS);
    return st == NOS_BAD_HANDLE ? NOS_DENIED : st == NOS_TIMED_OUT ? NOS_NOT_FOUND : st;
}

/* The operator vouches for every byte of a wad; memfs looks whether it is one that holds. */
static nos_status_t do_share(const struct request *r)
{
    static struct nos_msg m;
    nos_handle_t region;
    uint8_t bytes[8];

    nos_status_t st = check_staged(r);
    if (st == NOS_OK) {
        st = is_there(mg.wads);
    }
    if (st == NOS_OK) {
        st = staging_take(&region);
    }
    if (st != NOS_OK) {
        return st;
    }
    m = (struct nos_msg){ .label = NOS_FS_FILL, .word = { r->len }, .n_words = 1 };
    bool fits = nos_msg_put(&m, 1, r->name, NOS_NAME_MAX) &&
                nos_msg_move(&m, region, NOS_RIGHT_READ | NOS_RIGHT_MAP);
    st = fits ? nos_call(mg.wads, &m, nos_now_ns() + SHARE_NS) : NOS_TOO_BIG;
    if (st != NOS_OK) {
        nos_ignore(nos_sys_handle_close(region));  // it was not taken, or it is not ours any more
        return st;
    }
    st = nos_msg_status(&m);
    if (st == NOS_OK) {
        give_le32((uint32_t)m.word[0]);
        store_le64(bytes, m.word[1]);
        give(bytes, sizeof(bytes));
    }
    return st;
}

static nos_status_t do_start(const struct request *r)
{
    uint32_t id;
    nos_status_t st = start(NOS_INIT_START, SPAN_OF(r->name), r->arg, &id);
    if (st == NOS_OK) {
        give_le32(id);
    }
    return st;
}

static nos_status_t do_kill(const struct request *r)
{
    static struct nos_msg m;

    m.label = NOS_INIT_KILL;
    m.word[0] = r->id;
    m.n_words = 1;
    return ask_init(&m, NULL);
}

static nos_status_t do_stop(const struct request *r)
{
    static struct nos_msg m;

    m.label = NOS_INIT_STOP;
    m.word[0] = r->id;
    m.word[1] = r->with_all;
    m.n_words = 2;
    nos_status_t st = ask_init(&m, NULL);
    for (size_t i = 0; i < m.n_words && nos_mg_has_payload(st); i++) {
        give_le32((uint32_t)m.word[i]);
    }
    return st;
}

static nos_status_t do_upgrade(const struct request *r)
{
    static struct nos_msg m;
    uint8_t pause[8];

    m.label = NOS_INIT_UPGRADE;
    if (!nos_msg_put(&m, 1, r->module_id.data, r->module_id.len)) {
        return NOS_TOO_BIG;
    }
    m.word[0] = r->id;
    nos_status_t st = ask_init(&m, NULL);
    if (st == NOS_OK) {
        give_le32((uint32_t)m.word[0]);
        store_le64(pause, m.word[1]);
        give(pause, sizeof(pause));
    }
    return st;
}

/* All others end first, each in its time. Whatever init says, or if there is none: the machine goes
 * off. */
static void shut_down(void)
{
    static struct nos_msg m;

    m.label = NOS_INIT_SHUTDOWN;
    m.n_words = 0;
    nos_status_t st =
        mg.init.v == 0 ? NOS_DENIED : nos_call(mg.init, &m, nos_now_ns() + NOS_SHUTDOWN_NS);
    if (st != NOS_OK) {
        nos_log("manage: what runs is not stopped in order: %s", status_text(st));
    }
}

static nos_status_t do_token(const struct request *r)
{
    size_t len = sizeof(struct nos_token_block);
    nos_status_t st =
        nos_sys_token_export(mg.node, r->id, (nos_handle_t){ r->handle }, answer.bytes, len);
    if (st == NOS_OK) {
        answer.len = len;
    }
    return st;
}

/* Answered before it is done: afterwards there is nobody left to answer. */
static void power(const struct frame *f, const struct request *r)
{
    uint32_t action = r->action & ~(uint32_t)NOS_MG_NOW;

    if (mg.power.v == 0 || (action != NOS_POWER_OFF && action != NOS_POWER_RESET)) {
        send(f, mg.power.v == 0 ? NOS_DENIED : NOS_INVALID);
        return;
    }
    send(f, NOS_OK);
    if (r->action == action) {
        shut_down();
    }
    nos_ignore(nos_sys_sleep(nos_now_ns() + DRAIN_NS));  // the last bytes are still in the device
    nos_status_t st = nos_sys_power(mg.power, action);
    nos_log("manage: power: %s", status_text(st));
}

static nos_status_t carry_out(const struct request *r)
{
    switch (r->verb) {
    case NOS_MG_HELLO:
        return do_hello();
    case NOS_MG_INFO:
        return do_info(r);
    case NOS_MG_UPLOAD:
        return staging_put(r->offset, r->bytes);
    case NOS_MG_LOAD:
        return do_load(r);
    case NOS_MG_SHARE:
        return do_share(r);
    case NOS_MG_START:
        return do_start(r);
    case NOS_MG_KILL:
        return do_kill(r);
    case NOS_MG_STOP:
        return do_stop(r);
    case NOS_MG_UPGRADE:
        return do_upgrade(r);
    case NOS_MG_TOKEN:
        return do_token(r);
    case NOS_MG_DEBUG:
        return debug_begin(mg.node, r);
    case NOS_MG_DEBUGGED:
        give_le32(debug_state());
        return NOS_OK;
    default:
        return debug_carry_out(r, answer.bytes, &answer.len);
    }
}

static nos_status_t authorise(const struct frame *f, span_t *args)
{
    uint64_t counter;

    *args = f->payload;
    if (!request_is_signed(f->verb)) {
        return NOS_OK;
    }
    nos_status_t st =
        mg_verify(f->payload, f->verb, mg.nonce, mg.counter, mg.operator_pk, args, &counter);
    if (st == NOS_OK) {
        mg.counter = counter + 1;  // also when what follows fails: a signature serves once
    } else {
        nos_log("manage: verb %u refused: %s", f->verb, status_text(st));
    }
    return st;
}

static void serve(const struct frame *f)
{
    struct request r;
    span_t args;

    answer.len = 0;
    nos_status_t st = authorise(f, &args);
    if (st == NOS_OK) {
        st = request_parse(f->verb, args, &r);
    }
    if (st == NOS_OK && r.verb == NOS_MG_POWER) {
        power(f, &r);
        return;
    }
    if (st == NOS_OK) {
        st = carry_out(&r);
    }
    send(f, st);
}

static void take_input(void)
{
    static uint8_t bytes[256];
    struct frame f;
    size_t n;

    while ((n = nos_uart_read(&mg.uart, MSPAN_OF(bytes))) > 0) {
        span_t in = span_of(bytes, n);
        while (frame_feed(&mg.decoder, &in, &f)) {
            serve(&f);
        }
    }
    nos_uart_ack(&mg.uart);
}

/* What is the same whether it begins or takes another version's place. */
static nos_status_t find_all(void)
{
    struct nos_about about;
    uint64_t got;

    mg.node = nos_find_handle(NOS_CAP_NODE, NULL);
    mg.init = nos_find_handle(NOS_CAP_ENDPOINT, "init");
    mg.power = nos_find_handle(NOS_CAP_POWER, NULL);
    mg.control = nos_find_handle(NOS_CAP_ENDPOINT, "manage");
    mg.wads = nos_find_handle(NOS_CAP_ENDPOINT, "memfs-wads");
    frame_decoder_init(&mg.decoder);
    nos_status_t st = nos_sys_node_info(mg.node, NOS_TOPIC_ABOUT, 0, &about, sizeof(about), &got);
    if (st == NOS_OK) {
        memcpy(mg.boot_id, about.boot_id, sizeof(mg.boot_id));
        memcpy(mg.operator_pk, about.operator_pk, sizeof(mg.operator_pk));
    }
    return st;
}

static nos_status_t open_all(void)
{
    mg.counter = 1;
    nos_status_t st = nos_sys_random(mg.nonce, sizeof(mg.nonce));
    if (st == NOS_OK) {
        st = nos_sys_notify_create(&mg.notify);
    }
    if (st == NOS_OK && mg.control.v == 0) {
        st =
            nos_sys_endpoint_create(&mg.control);  // the policy gives none: nobody asks it anything
    }
    if (st == NOS_OK) {
        st = nos_sys_notify_bind(mg.notify, mg.control);
    }
    if (st == NOS_OK) {
        st = nos_uart_open(&mg.uart, COM2, COM2_IRQ, mg.notify, BIT_SERIAL);
    }
    return st;
}

/* ---- from one version to the next: a client's session goes on, with its nonce and its counter.
 * What is staged is dropped: a client that is in the middle of an upload is told so, and begins
 * anew ---- */

enum { FORM = 1, ROOM = 4096 + FRAME_MAX };
enum tag {
    TAG_NONCE = 1,
    TAG_COUNTER = 2,
    TAG_NOTIFY = 3, /* handle: bound to the endpoint and to the interrupt */
    TAG_INPUT = 4,  /* of a frame that is not whole yet */
};

static nos_status_t save(struct nos_state_out *out)
{
    const struct frame_decoder *d = &mg.decoder;
    enum nos_mg_debugged session = debug_state();

    if (session == NOS_MG_RUNS || session == NOS_MG_STOPPED) {
        return NOS_BUSY;  // the capsule under the debugger would be let go
    }
    nos_state_put(out, TAG_NONCE, SPAN_OF(mg.nonce));
    nos_state_put_u64(out, TAG_COUNTER, mg.counter);
    nos_state_put_u64(out, TAG_NOTIFY, nos_state_pass(out, mg.notify, NOS_RIGHT_ALL));
    nos_state_put(out, TAG_INPUT, span_of(d->buf + d->keep_from, d->have - d->keep_from));
    return NOS_OK;
}

static nos_status_t load(const struct nos_state_in *in)
{
    span_t nonce, input;
    struct frame f;
    uint64_t notify;

    if (in->form != FORM || !nos_state_get(in, TAG_NONCE, &nonce) ||
        nonce.len != sizeof(mg.nonce) || !nos_state_get_u64(in, TAG_COUNTER, &mg.counter) ||
        !nos_state_get_u64(in, TAG_NOTIFY, &notify) || !nos_state_get(in, TAG_INPUT, &input)) {
        return NOS_BAD_MESSAGE;
    }
    memcpy(mg.nonce, nonce.data, sizeof(mg.nonce));
    mg.notify = nos_state_handle(in, notify);
    while (frame_feed(&mg.decoder, &input, &f)) {  // none is whole
    }
    return nos_uart_adopt(&mg.uart, COM2, COM2_IRQ, mg.notify, BIT_SERIAL);
}

/* Anew, or where another version was. */
static nos_status_t begin(void)
{
    static const struct nos_upgrade u = { .form = FORM, .room = ROOM, .save = save, .load = load };

    nos_status_t st = find_all();
    if (st == NOS_OK && nos_self()->given == 0) {
        st = open_all();
    }
    if (st == NOS_OK) {
        nos_upgradable(&u);
    }
    return st;
}

int nos_main(void)
{
    static struct nos_msg m;

    nos_status_t st = begin();
    if (st == NOS_NOT_SUPPORTED) {
        nos_log("manage: no second serial port: this machine cannot be managed");
        return 0;
    }
    while (st == NOS_OK) {
        st = nos_recv(mg.control, &m, NOS_DEADLINE_NEVER);
        if (st == NOS_OK && m.notified) {
            take_input();
        } else if (st == NOS_OK && !nos_control(&m) && m.token != 0) {
            nos_msg_answer(&m, NOS_BAD_MESSAGE);  // it serves nobody else
            nos_ignore(nos_reply(&m));
        }
    }
    nos_log("manage: cannot serve: %s", status_text(st));
    return 1;
}
