/*
 * newcapsule: the driver of the keyboard.
 *   newcapsule           serves: who asks is answered with what was typed, once there is something
 *   newcapsule wait      asks the running one, and says what was typed
 */
#include <stdio.h>

#include "controller.h"
#include "keys.h"
#include "lib/status.h"
#include "sdk/control.h"
#include "sdk/ipc.h"
#include "sdk/start.h"
#include "sdk/upgrade.h"

enum { READ = 1, KEY_BIT = 1, PATIENCE_S = 30 };

static struct keys keys;
static uint64_t reader;  // token of the question that waits; 0 = none

static nos_handle_t endpoint(void)
{
    return nos_find_handle(NOS_CAP_ENDPOINT, "newcapsule");
}

/* Both are there, a reader and something typed: the one gets the other. */
static void answer_reader(void)
{
    static struct nos_msg m;

    if (reader == 0 || keys.n == 0) {
        return;
    }
    m.token = reader;
    reader = 0;
    nos_msg_answer(&m, NOS_OK);
    m.word[0] = keys.n;
    if (nos_msg_put(&m, 1, keys.text, keys.n) && nos_reply(&m) == NOS_OK) {
        keys.n = 0;  // else it is gone, and the next one has it
    }
}

static void take_keys(void)
{
    uint8_t code;

    while (controller_read(&code)) {
        keys_take(&keys, code);
    }
    controller_ack();
    answer_reader();
}

/* One reader waits at a time: the last. The one before it may have died. */
static void serve(struct nos_msg *m)
{
    uint64_t before = reader;

    if (m->label == READ && m->n_words == 0 && m->token != 0) {
        reader = nos_hold(m);
        m->token = before;
        nos_msg_answer(m, NOS_CANCELLED);
    } else {
        nos_msg_answer(m, NOS_BAD_MESSAGE);
    }
    if (m->token != 0) {
        nos_ignore(nos_reply(m));
    }
    answer_reader();
}

static nos_status_t open_device(void)
{
    nos_handle_t notify;
    nos_status_t st = nos_sys_notify_create(&notify);

    if (st == NOS_OK) {
        st = nos_sys_notify_bind(notify, endpoint());
    }
    return st == NOS_OK ? controller_open(notify, KEY_BIT) : st;
}

static int drive(void)
{
    static struct nos_msg m;
    const char *missing = controller_missing();

    // Two versions would take each other's keys: `nonosctl stop` the old one, then start the next.
    nos_upgradable(NULL);
    if (missing != NULL) {
        printf("newcapsule: needs %s: manifest.json has to ask for it, and the operator of the "
               "machine to grant it, in \"grants\" of the policy's rule for newcapsule\n",
               missing);
        return 1;
    }
    nos_status_t st = open_device();
    if (st != NOS_OK) {
        printf("newcapsule: no keyboard answers at ports 0x60 and 0x64: %s\n", status_text(st));
        return 1;
    }
    printf("newcapsule: serving, the keyboard answers\n");
    while ((st = nos_recv(endpoint(), &m, NOS_DEADLINE_NEVER)) == NOS_OK) {
        if (m.notified) {
            take_keys();
        } else if (!nos_control(&m)) {  // its supervisor's health checks
            serve(&m);
        }
    }
    printf("newcapsule: cannot receive: %s\n", status_text(st));
    return 1;
}

static int ask(void)
{
    static struct nos_msg m = { .label = READ };
    span_t text = { 0 };
    nos_status_t st = nos_call(endpoint(), &m, nos_now_ns() + (uint64_t)PATIENCE_S * 1000000000);

    st = st == NOS_OK ? nos_msg_status(&m) : st;
    if (st == NOS_OK && (m.n_words < 1 || !nos_msg_get(&m, 1, m.word[0], &text))) {
        st = NOS_BAD_MESSAGE;
    }
    if (st != NOS_OK) {
        printf("newcapsule: %s\n", status_text(st));
        return 1;
    }
    printf("newcapsule: typed: %.*s\n", (int)text.len, (const char *)text.data);
    return 0;
}

int main(int argc, char **argv)
{
    (void)argv;
    return argc > 1 ? ask() : drive();
}
