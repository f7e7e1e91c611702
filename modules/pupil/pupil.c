/*
 * What a supervisor has to do with: a capsule that obeys, one that hangs, one that answers and does
 * not stop, one that answers nonsense, one that crashes when it is told to; and one that is no
 * supervisor and asks all the same.
 */
#include <string.h>

#include "lib/status.h"
#include "sdk/control.h"
#include "sdk/print.h"
#include "sdk/start.h"

enum { LIFE_NS = 700000000 };

static bool is(const char *word)
{
    const char *arg = nos_arg();
    return strlen(arg) == strlen(word) && memcmp(arg, word, strlen(word)) == 0;
}

static void say_farewell(void)
{
    nos_print("pupil %u: stopping\n", nos_self()->capsule);
}

/* Answers everything well and does nothing of it. */
static void pretend(struct nos_msg *m)
{
    nos_msg_answer(m, is("liar") ? NOS_BAD_STATE : NOS_OK);
    nos_ignore(nos_reply(m));
}

static int serve(nos_handle_t endpoint)
{
    static struct nos_msg m;
    nos_status_t st;

    if (is("deaf")) {
        return (int)nos_sys_sleep(UINT64_MAX);  // the message is never taken
    }
    nos_before_stop = say_farewell;
    while ((st = nos_recv(endpoint, &m, NOS_DEADLINE_NEVER)) == NOS_OK) {
        if (is("stubborn") || is("liar")) {
            pretend(&m);
        } else if (is("hung")) {
            for (;;) {  // with the supervisor's call taken: it must not run as urgently as that one
                __asm__ volatile("pause");
            }
        } else if (!nos_control(&m)) {
            nos_msg_answer(&m, NOS_OK);
            nos_ignore(nos_reply(&m));
        }
    }
    nos_log("pupil: cannot receive: %s", status_text(st));
    return 1;
}

static nos_status_t send(nos_handle_t to, uint64_t op, uint64_t id)
{
    static struct nos_msg m;

    m.label = NOS_CTL_FIRST + op;
    m.word[0] = id;
    m.n_words = 1;
    m.n_handles = 0;
    nos_status_t st = nos_call(to, &m, nos_now_ns() + 1000000000);
    return st == NOS_OK ? nos_msg_status(&m) : st;
}

/* Control messages to the console and to another pupil from one who supervises nobody. */
static int attack(nos_handle_t pupil)
{
    nos_handle_t console = nos_find_handle(NOS_CAP_ENDPOINT, "console");

    for (uint64_t id = 1; id < 16; id++) {
        nos_status_t st = send(console, NOS_CTL_STOP, id), of_pupil = send(pupil, NOS_CTL_STOP, id);
        if (st != NOS_DENIED || of_pupil != NOS_DENIED) {
            nos_print("PUPIL attack BAD %s %s\n", status_name(st), status_name(of_pupil));
            return 1;
        }
    }
    nos_status_t health = send(console, NOS_CTL_HEALTH, 2), unknown = send(console, 99, 2);
    nos_print("PUPIL attack %s\n", health == NOS_DENIED && unknown == NOS_DENIED ? "ok" : "BAD");
    return 0;
}

/* The endpoint that has the module's own name: tests give its code other manifests. */
static nos_handle_t own_endpoint(void)
{
    char name[NOS_NAME_MAX + 1] = { 0 };
    memcpy(name, nos_self()->name, NOS_NAME_MAX);
    return nos_find_handle(NOS_CAP_ENDPOINT, name);
}

int nos_main(void)
{
    nos_handle_t endpoint = own_endpoint();

    if (is("attack")) {
        return attack(endpoint);
    }
    if (is("later")) {
        nos_ignore(nos_sys_sleep(nos_now_ns() + LIFE_NS));
        __builtin_trap();
    }
    nos_print("pupil %u: %s\n", nos_self()->capsule, nos_arg());
    return serve(endpoint);
}
