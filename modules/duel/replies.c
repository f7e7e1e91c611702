/* Answers that are nobody's to give: guessed tokens, second ones, late ones, and those of another
 * server; waits that another thread ends. */
#include "abi/caps.h"
#include "modules/duel/duel.h"
#include "sdk/start.h"

enum { STACK = 8192, PRIORITY = 5, SOON_NS = 20000000, GUESSES = 64, CALLS = 64 };

static _Alignas(16) uint8_t stack[STACK];
static struct nos_msg waiting;
static volatile nos_status_t outcome;
static uint64_t deadline;

static void call_and_wait(void *arg, uint64_t *buffer)
{
    (void)arg;
    waiting = (struct nos_msg){ .label = ORDER_HOLD, .buffer = buffer };
    outcome = nos_call(duel.serve, &waiting, deadline);
}

static void soon(void)
{
    nos_ignore(nos_sys_sleep(nos_now_ns() + SOON_NS));
}

/* A thread that has called and is held. */
static nos_handle_t start_waiting(uint64_t until)
{
    static struct nos_thread t = { .run = call_and_wait };
    nos_handle_t h = { 0 };

    outcome = NOT_YET;
    deadline = until;
    nos_ignore(nos_thread_start(&t, stack, sizeof(stack), PRIORITY, &h));
    soon();
    return h;
}

static nos_status_t await_outcome(void)
{
    for (unsigned i = 0; i < 100 && outcome == NOT_YET; i++) {
        soon();
    }
    return outcome;
}

/* This capsule is not who was called: no token is its own to use. */
static nos_status_t guess_tokens(void)
{
    nos_status_t worst = NOS_NOT_FOUND;
    for (uint64_t thread = 0; thread < GUESSES; thread++) {
        for (uint64_t call = 0; call < CALLS; call++) {
            struct nos_msg m = { .token = thread | call << 32 };
            nos_status_t st = nos_reply(&m);
            worst = st == NOS_NOT_FOUND ? worst : st;
        }
    }
    return worst;
}

static nos_status_t word_status(unsigned i)
{
    return (nos_status_t)(int32_t)(uint32_t)duel.m.word[i];
}

static void hijack(void)
{
    nos_handle_t h = start_waiting(NOS_DEADLINE_NEVER);

    row("hijack/held", NOT_YET, outcome);
    row("hijack/guessed-tokens", NOS_NOT_FOUND, guess_tokens());
    row("hijack/still-held", NOT_YET, outcome);
    fresh_message();
    row("release", NOS_OK, ask(ORDER_RELEASE));
    row("hijack/answered", NOS_OK, word_status(0));
    row("hijack/answered-twice", NOS_NOT_FOUND, word_status(1));
    row("hijack/caller-got-it", NOS_OK, await_outcome());
    fresh_message();
    row("release", NOS_OK, ask(ORDER_RELEASE));
    row("hijack/old-token", NOS_NOT_FOUND, word_status(0));
    nos_ignore(nos_sys_handle_close(h));
}

/* A server that loses an answer: its caller is told, and what it kept of it fits nobody. */
static void dropped(void)
{
    fresh_message();
    row("dropped/is-told", NOS_NO_ANSWER, ask(ORDER_DROP));
    fresh_message();
    row("dropped/serves-on", NOS_OK, ask(ORDER_PING));
    fresh_message();
    row("release", NOS_OK, ask(ORDER_RELEASE));
    row("dropped/late-answer", NOS_NOT_FOUND, word_status(0));
}

static void late(void)
{
    nos_handle_t h = start_waiting(nos_now_ns() + SOON_NS / 2);

    row("late/caller-timed-out", NOS_TIMED_OUT, await_outcome());
    fresh_message();
    row("release", NOS_OK, ask(ORDER_RELEASE));
    row("late/answer", NOS_NOT_FOUND, word_status(0));
    nos_ignore(nos_sys_handle_close(h));
}

/* The dueler tries to answer somebody who waits for this capsule. */
static struct nos_msg back;
static nos_handle_t own_endpoint;

static void call_ourselves(void *arg, uint64_t *buffer)
{
    (void)arg;
    waiting = (struct nos_msg){ .label = 1, .buffer = buffer };
    outcome = nos_call(own_endpoint, &waiting, NOS_DEADLINE_NEVER);
}

static void another_server(void)
{
    static struct nos_thread t = { .run = call_ourselves };
    nos_handle_t h = { 0 };

    nos_ignore(nos_sys_endpoint_create(&own_endpoint));
    outcome = NOT_YET;
    nos_ignore(nos_thread_start(&t, stack, sizeof(stack), PRIORITY, &h));
    row("another-server/received", NOS_OK,
        nos_recv(own_endpoint, &back, nos_now_ns() + 1000000000));
    fresh_message();
    duel.m.n_words = 1;
    duel.m.word[0] = back.token;
    row("another-server/true-token", NOS_NOT_FOUND, ask(ORDER_REPLY_WITH));
    row("another-server/still-waits", NOT_YET, outcome);
    nos_msg_answer(&back, NOS_OK);
    row("another-server/ours-to-answer", NOS_OK, nos_reply(&back));
    row("another-server/caller-got-it", NOS_OK, await_outcome());
    row("another-server/twice", NOS_NOT_FOUND, nos_reply(&back));
    nos_ignore(nos_sys_handle_close(h));
}

/* Its thread's handle says who may end a wait; a number is none, and it cannot be sent away. */
static void cancel(void)
{
    nos_handle_t h = start_waiting(NOS_DEADLINE_NEVER), weak = { 0 };

    nos_ignore(nos_sys_handle_dup(h, NOS_RIGHT_INSPECT, 0, &weak));
    row("cancel/no-control", NOS_DENIED, nos_sys_thread_cancel(weak));
    row("cancel/of-an-endpoint", NOS_WRONG_TYPE, nos_sys_thread_cancel(duel.serve));
    fresh_message();
    bool fits = nos_msg_copy(&duel.m, h, NOS_RIGHT_ALL);
    row("cancel/no-transfer", NOS_DENIED, fits ? ask(ORDER_LOOK) : NOS_TOO_BIG);
    row("cancel/still-waits", NOT_YET, outcome);
    row("cancel/own-thread", NOS_OK, nos_sys_thread_cancel(h));
    row("cancel/is-told", NOS_CANCELLED, await_outcome());
    fresh_message();
    row("release", NOS_OK, ask(ORDER_RELEASE));
    row("cancel/late-answer", NOS_NOT_FOUND, word_status(0));
    row("cancel/ended-thread", NOS_BAD_STATE, nos_sys_thread_cancel(h));
    nos_ignore(nos_sys_handle_close(weak));
    nos_ignore(nos_sys_handle_close(h));
}

void attack_replies(void)
{
    hijack();
    dropped();
    late();
    another_server();
    cancel();
}
