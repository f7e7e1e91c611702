/* Printing never hangs: whatever the console does, it is waited for once, and then hardly. */
#include "sdk/ipc.h"
#include "sdk/print.h"
#include "sdk/start.h"
#include "tests/host/test.h"

static uint64_t page[512], now, deadline;
static unsigned calls;
enum console { ANSWERS, HANGS, REFUSES, LEAVES };
static enum console console;

uint64_t *nos_ipc_first_buffer = page;

uint64_t nos_now_ns(void)
{
    return now;
}

nos_handle_t nos_find_handle(enum nos_cap_kind kind, const char *name)
{
    (void)kind, (void)name;
    return (nos_handle_t){ 5 };
}

void nos_ipc_raw(struct nos_ipc_regs *r)
{
    calls++;
    deadline = r->rbx;
    assert_true(r->rax == NOS_SYS_IPC_CALL && r->rdi == 5);
    if (console == HANGS) {
        now = deadline;
    }
    r->rax = (uint32_t)(console == HANGS    ? NOS_TIMED_OUT
                        : console == LEAVES ? NOS_NO_ANSWER
                                            : NOS_OK);
    r->rsi = nos_msg_info((uint32_t)(console == REFUSES ? NOS_BAD_MESSAGE : NOS_OK), 0);
}

static nos_status_t write_to(enum console what, size_t len)
{
    static const char text[1500];
    console = what;
    calls = 0;
    return nos_console_write(span_of(text, len));
}

static void each_call_has_a_deadline(void **state)
{
    (void)state;
    assert_int_equal(write_to(ANSWERS, 10), NOS_OK);
    assert_int_equal(deadline, now + NOS_CONSOLE_PATIENCE_NS);
    assert_int_equal(write_to(ANSWERS, 1500), NOS_OK);
    assert_int_equal(calls, 3);
    assert_int_equal(write_to(REFUSES, 1500), NOS_BAD_MESSAGE);
    assert_int_equal(calls, 1);
    assert_int_equal(write_to(LEAVES, 10), NOS_NO_ANSWER);
    assert_int_equal(write_to(ANSWERS, 10), NOS_OK);
    assert_int_equal(deadline, now + NOS_CONSOLE_PATIENCE_NS);
}

/* A thousand lines to a console that hangs are not a thousand times its patience. */
static void a_hanging_console_costs_its_patience_once(void **state)
{
    uint64_t begin = now;
    (void)state;
    for (int i = 0; i < 100; i++) {
        assert_int_equal(write_to(HANGS, 1500), NOS_TIMED_OUT);
        assert_int_equal(calls, 1);
    }
    assert_true(now - begin >= NOS_CONSOLE_PATIENCE_NS);
    assert_true(now - begin < 2 * NOS_CONSOLE_PATIENCE_NS);
    assert_int_equal(write_to(ANSWERS, 10), NOS_OK);
    assert_int_equal(write_to(ANSWERS, 10), NOS_OK);
    assert_int_equal(deadline, now + NOS_CONSOLE_PATIENCE_NS);  // it is there again
}

/* How a stream is flushed: an empty message. There is no text then, not even where it would be. */
static void nothing_can_be_said(void **state)
{
    (void)state;
    console = ANSWERS;
    calls = 0;
    assert_int_equal(nos_console_send(span_of(NULL, 0)), NOS_OK);
    assert_int_equal(calls, 1);
    assert_int_equal(nos_console_write(span_of(NULL, 0)), NOS_OK);
    assert_int_equal(calls, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_call_has_a_deadline),
        cmocka_unit_test(a_hanging_console_costs_its_patience_once),
        cmocka_unit_test(nothing_can_be_said),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
