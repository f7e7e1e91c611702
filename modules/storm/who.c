/* Victims and witnesses are the same capsules: whom this fault does not meet must not notice it. */
#include <string.h>

#include "abi/caps.h"
#include "abi/info.h"
#include "modules/storm/storm.h"
#include "sdk/start.h"

enum { NO_OP = 99, INIT_PATIENCE_MS = 400, LOOKS = 8 };

struct who who[WHO_COUNT] = {
    [WHO_WARD1] = { .name = "ward1" },     [WHO_WARD2] = { .name = "ward2" },
    [WHO_WARD3] = { .name = "ward3" },     [WHO_WARD4] = { .name = "ward4" },
    [WHO_CONSOLE] = { .name = "console" }, [WHO_LOOPBACK] = { .name = "loopback" },
    [WHO_MANAGE] = { .name = "manage" },   [WHO_SHELL] = { .name = "shell" },
};
static struct nos_msg m;

void who_open(void)
{
    for (unsigned w = 0; w < WHO_COUNT; w++) {
        who[w].endpoint = w == WHO_LOOPBACK ? nos_find_handle(NOS_CAP_NETWORK, who[w].name)
                                            : nos_find_handle(NOS_CAP_ENDPOINT, who[w].name);
    }
}

static void is_now(struct who *w, uint32_t id)
{
    w->touched = w->touched && w->id == id;
    w->id = id;
}

/* True: everybody was there. Whom the kernel takes off its list meanwhile moves the others up, so
 * one can be passed over. */
static bool look_once(uint32_t now[WHO_COUNT])
{
    struct nos_capsule_info c;
    bool all = true;

    for (uint64_t i = 0; node_record(NOS_TOPIC_CAPSULES, i, &c, sizeof(c)); i++) {
        for (unsigned w = 0; w < WHO_COUNT && c.state == NOS_CAPSULE_RUNNING; w++) {
            now[w] = nos_name_is(c.name, who[w].name) ? c.id : now[w];
        }
    }
    for (unsigned w = 0; w < WHO_COUNT; w++) {
        all = all && now[w] != 0;
    }
    return all;
}

void who_refresh(void)
{
    uint32_t now[WHO_COUNT];
    bool all = false;

    for (unsigned tries = 0; tries < LOOKS && !all; tries++) {
        memset(now, 0, sizeof(now));
        all = look_once(now);
    }
    for (unsigned w = 0; w < WHO_COUNT; w++) {
        is_now(&who[w], now[w]);
    }
}

static nos_status_t call(nos_handle_t ep, uint64_t label, uint32_t words, uint64_t word,
                         uint64_t patience_ns)
{
    m = (struct nos_msg){ .label = label, .n_words = words, .word[0] = word };
    nos_status_t st = nos_call(ep, &m, nos_now_ns() + patience_ns);
    return st == NOS_OK ? nos_msg_status(&m) : st;
}

nos_status_t who_ask(unsigned w, uint64_t op, uint64_t number, uint64_t patience_ns,
                     nos_status_t *did)
{
    nos_status_t st = call(who[w].endpoint, op, 1, number, patience_ns);
    if (st == NOS_OK && (m.n_words != 2 || m.word[0] != ward_answer(number))) {
        return NOS_BAD_MESSAGE;
    }
    *did = st == NOS_OK ? (nos_status_t)(int32_t)(uint32_t)m.word[1] : st;
    return st;
}

/* A service says BAD_MESSAGE to what it does not know; that is an answer. */
static nos_status_t must_be(nos_status_t st, nos_status_t want)
{
    return st == want ? NOS_OK : st == NOS_OK ? NOS_BAD_STATE : st;
}

nos_status_t who_alive(unsigned w, uint64_t patience_ns)
{
    nos_status_t did;
    if (who[w].id == 0) {
        return NOS_NOT_FOUND;
    }
    if (w < WARDS) {
        return who_ask(w, WARD_ECHO, at_fault + w, patience_ns, &did);
    }
    if (w == WHO_CONSOLE) {
        return must_be(call(who[w].endpoint, NOS_CONSOLE_WRITE, 0, 0, patience_ns), NOS_OK);
    }
    if (w == WHO_LOOPBACK) {
        return must_be(call(who[w].endpoint, NO_OP, 1, 0, patience_ns), NOS_BAD_MESSAGE);
    }
    return NOS_OK;  // it serves nobody here
}

nos_status_t init_alive(void)
{
    nos_handle_t init = nos_find_handle(NOS_CAP_ENDPOINT, "init");
    return must_be(call(init, NO_OP, 1, 0, INIT_PATIENCE_MS * NS_PER_MS), NOS_BAD_MESSAGE);
}
