/* What init says costs it little: a call with a deadline, whose answer brings it no handles. */
#include "abi/info.h"
#include "modules/init/say.h"
#include "sdk/ipc.h"
#include "sdk/start.h"
#include "tests/host/test.h"

enum { REQUESTS = 3 /* handles that init takes with a request */ };

static uint64_t page[512], deadline;
static unsigned calls;
static uint32_t accepts;
uint64_t *nos_ipc_first_buffer = page;

uint64_t nos_now_ns(void)
{
    return 1000;
}

nos_handle_t nos_find_handle(enum nos_cap_kind kind, const char *name)
{
    (void)kind, (void)name;
    return (nos_handle_t){ 5 };
}

bool nos_name_is(const char field[NOS_NAME_MAX], const char *name)
{
    return strncmp(field, name, NOS_NAME_MAX) == 0;
}

void nos_log(const char *fmt, ...)
{
    (void)fmt;
}

void nos_ipc_raw(struct nos_ipc_regs *r)
{
    calls++;
    deadline = r->rbx;
    accepts = ((struct nos_ipc_buffer *)(void *)page)->accept;
    r->rax = (uint32_t)NOS_OK;
    r->rsi = nos_msg_info(0, 0);
}

static void a_line(void **state)
{
    const struct nos_msg m = { .n_words = 0 };
    (void)state;
    nos_msg_accept(&m, REQUESTS);
    say("%u capsules", 3u);
    assert_int_equal(calls, 1);
    assert_true(deadline > 1000 && deadline <= 1000 + 50000000);
    assert_int_equal(accepts, 0);
    assert_int_equal(nos_msg_accept(&m, 0), REQUESTS);  // as it was
}

static void the_console_is_not_told_of_its_own_end(void **state)
{
    const struct nos_capsule_info console = { .name = "console", .state = NOS_CAPSULE_CRASHED };
    const struct nos_capsule_info other = { .name = "other", .state = NOS_CAPSULE_CRASHED };
    (void)state;
    calls = 0;
    say_end(&console, "restart %u", 1u);
    assert_int_equal(calls, 0);
    say_end(&other, "restart %u", 1u);
    assert_int_equal(calls, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_line),
        cmocka_unit_test(the_console_is_not_told_of_its_own_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
