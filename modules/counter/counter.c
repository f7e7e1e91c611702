/*
 * Each lane is one caller that asks again and again; what it is told must be one more each time,
 * whatever is put in this capsule's place meanwhile. One question may wait for its answer across
 * an upgrade, and a notification of the service's own goes along. `mark` is what tests change in a
 * finished module to get builds that are bad in a known way.
 */
#include <string.h>

#include "lib/status.h"
#include "modules/counter/counter.h"
#include "sdk/control.h"
#include "sdk/ipc.h"
#include "sdk/print.h"
#include "sdk/start.h"
#include "sdk/upgrade.h"

enum bad {
    BAD_NOT = '0',
    BAD_START = '1',
    BAD_REFUSES = '2',
    BAD_LOAD = '3',
    BAD_LOOP = '4',
    BAD_CRASH = '5',
    BAD_SAVE = '6'
};
static volatile const char mark[] = "counter is bad: 0";

enum { ROOM = 4096, MAGIC_BIT = 0x400 };
enum tag {
    TAG_LANES = 1,
    TAG_HELD = 2,
    TAG_NOTE = 3,
    TAG_LANE_FIRST = 0x10 /* form 2: one each */
};

static struct {
    uint64_t lane[LANES];
    uint64_t held, held_lane;  // token of the question that waits; 0 = none
    nos_handle_t note;         // signalled at the very start, by the first of all versions
} counter;

static bool is(enum bad what)
{
    return mark[sizeof(mark) - 2] == (char)what;
}

static _Noreturn void hang(void)
{
    for (;;) {
        __asm__ volatile("pause");
    }
}

/* ---- the state, in two forms ---- */

static nos_status_t save(struct nos_state_out *out)
{
    uint8_t lanes[LANES * 8];

    if (is(BAD_SAVE)) {
        return NOS_BUSY;
    }
    for (size_t i = 0; i < LANES; i++) {
        store_le64(lanes + 8 * i, counter.lane[i]);
    }
    if (counter_form == 1) {
        nos_state_put(out, TAG_LANES, SPAN_OF(lanes));
    }
    nos_state_put_u64(out, TAG_HELD, counter.held);
    nos_state_put_u64(out, TAG_NOTE,
                      nos_state_pass(out, counter.note, NOS_RIGHT_ALL) | counter.held_lane << 32);
    for (size_t i = 0; counter_form == 2 && i < LANES; i++) {
        nos_state_put_u64(out, (uint16_t)(TAG_LANE_FIRST + i), counter.lane[i]);
    }
    return NOS_OK;
}

static bool load_lane(const struct nos_state_in *in, size_t i)
{
    span_t lanes;

    return in->form == 1 ? nos_state_get(in, TAG_LANES, &lanes) && lanes.len == 8 * LANES &&
                               span_le64(lanes, 8 * i, &counter.lane[i])
                         : nos_state_get_u64(in, (uint16_t)(TAG_LANE_FIRST + i), &counter.lane[i]);
}

static nos_status_t load(const struct nos_state_in *in)
{
    uint64_t note, bits;

    if (is(BAD_LOAD)) {
        hang();
    }
    if (is(BAD_REFUSES) || (in->form != 1 && in->form != 2)) {
        return NOS_NOT_SUPPORTED;
    }
    for (size_t i = 0; i < LANES; i++) {
        if (!load_lane(in, i)) {
            return NOS_BAD_MESSAGE;
        }
    }
    if (!nos_state_get_u64(in, TAG_HELD, &counter.held) ||
        !nos_state_get_u64(in, TAG_NOTE, &note)) {
        return NOS_BAD_MESSAGE;
    }
    counter.held_lane = note >> 32;
    counter.note = nos_state_handle(in, (uint32_t)note);
    nos_status_t st = nos_sys_notify_wait(counter.note, NOS_DEADLINE_POLL, &bits);
    return st != NOS_OK ? st
           : bits != MAGIC_BIT || counter.held_lane >= LANES
               ? NOS_BAD_MESSAGE
               : nos_sys_notify_signal(counter.note, MAGIC_BIT);
}

static const struct nos_upgrade *upgrade(void)
{
    static struct nos_upgrade u;

    u = (struct nos_upgrade){ .form = counter_form, .room = ROOM, .save = save, .load = load };
    return &u;
}

/* ---- the service ---- */

static uint64_t total(void)
{
    uint64_t sum = 0;

    for (size_t i = 0; i < LANES; i++) {
        sum += counter.lane[i];
    }
    return sum;
}

static void answer(struct nos_msg *m, uint64_t lane)
{
    nos_msg_answer(m, NOS_OK);
    m->word[0] = ++counter.lane[lane];
    m->word[1] = total();
    m->n_words = 2;
    nos_ignore(nos_reply(m));
}

static void answer_held(void)
{
    static struct nos_msg m;

    if (counter.held != 0) {
        m.token = counter.held;
        counter.held = 0;
        answer(&m, counter.held_lane);
    }
}

static void serve(struct nos_msg *m)
{
    uint64_t lane = m->word[0];
    bool ok = m->n_words == 1 && lane < LANES && m->token != 0;

    if (ok && m->label == COUNTER_NEXT) {
        answer_held();
        answer(m, lane);
    } else if (ok && m->label == COUNTER_HOLD) {
        answer_held();
        counter.held = nos_hold(m);
        counter.held_lane = lane;
    } else if (m->token != 0) {
        nos_msg_answer(m, NOS_BAD_MESSAGE);
        nos_ignore(nos_reply(m));
    }
}

static nos_status_t begin(void)
{
    if (is(BAD_START)) {
        __builtin_trap();
    }
    nos_status_t st = nos_sys_notify_create(&counter.note);
    if (st == NOS_OK) {
        st = nos_sys_notify_signal(counter.note, MAGIC_BIT);
    }
    if (st == NOS_OK) {
        nos_upgradable(upgrade());
    }
    return st;
}

int nos_main(void)
{
    static struct nos_msg m;
    nos_handle_t endpoint = nos_find_handle(NOS_CAP_ENDPOINT, "counter");

    nos_status_t st = begin();
    while (st == NOS_OK) {
        st = nos_recv(endpoint, &m, NOS_DEADLINE_NEVER);
        if (st == NOS_OK && is(BAD_LOOP)) {
            hang();
        }
        if (st == NOS_OK && is(BAD_CRASH)) {
            __builtin_trap();
        }
        if (st == NOS_OK && !nos_control(&m)) {
            serve(&m);
        }
    }
    nos_log("counter: %s", status_text(st));
    return 1;
}
