/* kernel/syscall/node.c and token.c: what is told of the machine, random bytes, and tokens in and
 * out. */
#include "tests/host/syscall_host.h"

#include "lib/secret.h"

static void vault_gives(void *out, size_t len);
static void wiped(void *at, size_t len);
#define vault_random vault_gives
#define secret_wipe wiped
#include "kernel/syscall/node.c"
#undef vault_random
#undef secret_wipe
#include "kernel/syscall/token.c"

#include "tests/host/audit_told.h"

static struct obj node, thing;
static struct module a_module;
static struct capsule other;

static nos_status_t answer;

#include "tests/host/jobs_host.h"

static char logged[256];
static size_t logged_len;
static unsigned lines;

void log_capsule(const char *name, span_t text)
{
    assert_ptr_equal(name, a_module.name);
    memcpy(logged, text.data, text.len);
    logged_len = text.len;
    lines++;
}

static uint8_t *random_at; /* where the bytes were: on the stack of the call */

static void vault_gives(void *out, size_t len)
{
    random_at = out;
    memset(out, 0x77, len);
}

static size_t wiped_len;

static void wiped(void *at, size_t len)
{
    assert_ptr_equal(at, random_at);
    wiped_len = len;
}

static struct {
    uint64_t topic, index;
    size_t room, got;
} record;

uint32_t node_topic_right(uint64_t topic)
{
    return topic == 6 ? NOS_RIGHT_LOG : 0;
}

nos_status_t node_record(uint32_t topic, uint64_t index, void *page, size_t room, size_t *got)
{
    record.topic = topic;
    record.index = index;
    record.room = room;
    memset(page, 0x66, record.got);
    *got = record.got;
    return answer;
}

/* ---- kernel/modules/token.c, token_pass.c ---- */

static const struct handle_slot *slot_asked;
static struct nos_token_request request_asked;
static unsigned recalled, begun;
static size_t begun_len;

nos_status_t token_make(const struct capsule *c, const struct handle_slot *s, uint32_t actor,
                        uint8_t out[TOKEN_BYTES])
{
    assert_ptr_equal(c, &other);
    assert_int_equal(actor, CALLER);
    slot_asked = s;
    memset(out, 0x55, TOKEN_BYTES);
    return answer;
}

nos_status_t token_issue(struct capsule *c, const struct handle_slot *s,
                         const struct nos_token_request *req, uint8_t out[TOKEN_BYTES])
{
    assert_ptr_equal(c, &mine);
    slot_asked = s;
    request_asked = *req;
    memset(out, 0x55, TOKEN_BYTES);
    return answer;
}

void token_recall(struct capsule *c)
{
    assert_ptr_equal(c, &mine);
    recalled++;
}

nos_status_t token_import_begin(struct token_job *j, size_t len)
{
    begun++;
    begun_len = len;
    assert_memory_equal(j->bytes, user, len);
    return answer;
}

static int fresh(void **state)
{
    fresh_caller(state);
    memset(&told, 0, sizeof told);
    memset(&a_module, 0, sizeof a_module);
    memset(&other, 0, sizeof other);
    obj_init(&node, NOS_TYPE_NODE);
    obj_init(&thing, NOS_TYPE_ENDPOINT);
    mine.module = &a_module;
    other.id = 9;
    handle_table_init(&other.handles, 8, NOS_CLASS_ALL);
    host_capsule[1] = &other;
    answer = NOS_OK;
    no_jobs = false;
    jobs = lines = recalled = begun = 0;
    slot_asked = NULL;
    record.room = 0;
    return 0;
}

static int drop(void **state)
{
    handle_close_all(&other.handles);
    return drop_caller(state);
}

/* ---- node.c ---- */

static nos_status_t write_log(uint64_t at, uint64_t len)
{
    args(at, len, 0);
    return sys_log_write(&me, saved, NULL);
}

static void a_line_of_the_log(void **state)
{
    (void)state;
    assert_int_equal(write_log(USER_AT, 1), NOS_DENIED);
    mine.may_log = true;
    assert_int_equal(write_log(USER_AT, 201), NOS_TOO_BIG);
    assert_int_equal(write_log(USER_AT, UINT64_MAX), NOS_TOO_BIG);
    assert_int_equal(write_log(8, 1), NOS_BAD_ADDRESS);
    assert_int_equal(lines, 0);
    memset(user, 'x', 200);
    assert_int_equal(write_log(USER_AT, 200), NOS_OK);
    assert_int_equal(lines, 1);
    assert_int_equal(logged_len, 200);
    assert_memory_equal(logged, user, 200);
    assert_int_equal(write_log(USER_AT, 0), NOS_OK);
    assert_int_equal(logged_len, 0);
}

static void random_bytes(void **state)
{
    (void)state;
    args(USER_AT, 257, 0);
    assert_int_equal(sys_random(&me, saved, NULL), NOS_TOO_BIG);
    args(8, 256, 0);
    wiped_len = 0;
    assert_int_equal(sys_random(&me, saved, NULL), NOS_BAD_ADDRESS);
    assert_int_equal(wiped_len, 256);  // whatever became of them
    wiped_len = 0;
    args(USER_AT, 256, 0);
    assert_int_equal(sys_random(&me, saved, NULL), NOS_OK);
    assert_int_equal(wiped_len, 256);
    for (unsigned i = 0; i < 256; i++) {
        assert_int_equal(user[i], 0x77);
    }
    assert_int_equal(user[256], 0xee);
}

static nos_status_t info(uint32_t rights, uint64_t topic, uint64_t at, uint64_t len)
{
    struct handle_slot slot = { .obj = &node, .rights = rights };
    args(0, topic, 0x1234567890);
    saved->w[1] = at;
    saved->w[2] = len;
    return sys_node_info(&me, saved, &slot);
}

static void records(void **state)
{
    (void)state;
    record.got = 100;
    assert_int_equal(info(NOS_RIGHT_ALL, 7, USER_AT, 100), NOS_INVALID);
    assert_int_equal(info(NOS_RIGHT_ALL & ~NOS_RIGHT_LOG, 6, USER_AT, 100), NOS_DENIED);
    no_jobs = true;
    assert_int_equal(info(NOS_RIGHT_LOG, 6, USER_AT, 100), NOS_NO_MEMORY);
    no_jobs = false;
    assert_int_equal(record.room, 0);
    assert_int_equal(info(NOS_RIGHT_LOG, 6, USER_AT, 100), NOS_OK);
    assert_int_equal(record.topic, 6);
    assert_int_equal(record.index, 0x1234567890);
    assert_int_equal(record.room, 100);
    assert_int_equal(saved->w[0], 100);
    assert_int_equal(user[99], 0x66);
    assert_int_equal(user[100], 0xee);
    assert_int_equal(info(NOS_RIGHT_LOG, 6, USER_AT, 99), NOS_TOO_BIG);
    assert_int_equal(saved->w[0], 0x1234567890);
    assert_int_equal(info(NOS_RIGHT_LOG, 6, 8, 100), NOS_BAD_ADDRESS);
    assert_int_equal(saved->w[0], 0x1234567890);
    assert_int_equal(info(NOS_RIGHT_LOG, 6, USER_AT, UINT64_MAX), NOS_OK);
    assert_int_equal(record.room, PAGE_SIZE);
    assert_int_equal(info(NOS_RIGHT_LOG, 6, USER_AT, PAGE_SIZE - 1), NOS_OK);
    assert_int_equal(record.room, PAGE_SIZE - 1);
    answer = NOS_NOT_FOUND;
    assert_int_equal(info(NOS_RIGHT_LOG, 6, USER_AT, 100), NOS_NOT_FOUND);
    assert_int_equal(saved->w[0], 0x1234567890);
    assert_int_equal(jobs, 0);
}

/* ---- token.c ---- */

static nos_status_t export_it(uint64_t id, uint64_t h, uint64_t at, uint64_t len)
{
    args(0, id, h);
    saved->w[1] = at;
    saved->w[2] = len;
    return sys_token_export(&me, saved, NULL);
}

static void exported(void **state)
{
    uint32_t h = 0;
    (void)state;
    assert_int_equal(handle_add(&other.handles, &thing, NOS_RIGHT_CALL, 0, NOS_ORIGIN_MADE, &h),
                     NOS_OK);
    assert_int_equal(export_it(9, h, USER_AT, TOKEN_BYTES - 1), NOS_TOO_BIG);
    assert_int_equal(export_it(9, h, USER_AT, TOKEN_BYTES + 1), NOS_TOO_BIG);
    assert_int_equal(export_it(10, h, USER_AT, TOKEN_BYTES), NOS_NOT_FOUND);
    assert_int_equal(export_it(1ull << 32 | 9, h, USER_AT, TOKEN_BYTES), NOS_NOT_FOUND);
    assert_int_equal(export_it(9, 1ull << 32 | h, USER_AT, TOKEN_BYTES), NOS_NOT_FOUND);
    assert_int_equal(export_it(9, h + 1, USER_AT, TOKEN_BYTES), NOS_NOT_FOUND);
    assert_null(slot_asked);
    answer = NOS_EXPIRED;
    assert_int_equal(export_it(9, h, USER_AT, TOKEN_BYTES), NOS_EXPIRED);
    assert_int_equal(told.causes, 0);
    assert_int_equal(user[0], 0xee);
    answer = NOS_OK;
    assert_int_equal(export_it(9, h, 8, TOKEN_BYTES), NOS_BAD_ADDRESS);
    told.causes = 0;
    assert_int_equal(export_it(9, h, USER_AT, TOKEN_BYTES), NOS_OK);
    assert_ptr_equal(slot_asked->obj, &thing);
    assert_int_equal(told.causes, 1);
    assert_ptr_equal(told.cause[0], &mine.record);
    assert_int_equal(user[TOKEN_BYTES - 1], 0x55);
    assert_int_equal(user[TOKEN_BYTES], 0xee);
    other.id = UINT32_MAX;  // the last there can be
    assert_int_equal(export_it(UINT32_MAX, h, USER_AT, TOKEN_BYTES), NOS_OK);
}

static nos_status_t issue(uint64_t req, uint64_t req_len, uint64_t out, uint64_t out_len)
{
    static struct handle_slot slot;
    slot.obj = &thing;
    args(0, req, req_len);
    saved->w[1] = out;
    saved->w[2] = out_len;
    return sys_token_issue(&me, saved, &slot);
}

static void issued(void **state)
{
    enum { REQ = sizeof(struct nos_token_request), OUT_AT = USER_AT + 1000 };
    (void)state;
    user[0] = 0xa1;
    user[REQ - 1] = 0xa2;
    assert_int_equal(issue(USER_AT, REQ - 1, OUT_AT, TOKEN_BYTES), NOS_TOO_BIG);
    assert_int_equal(issue(USER_AT, REQ, OUT_AT, TOKEN_BYTES + 1), NOS_TOO_BIG);
    assert_int_equal(issue(8, REQ, OUT_AT, TOKEN_BYTES), NOS_BAD_ADDRESS);
    assert_null(slot_asked);
    answer = NOS_QUOTA;
    assert_int_equal(issue(USER_AT, REQ, OUT_AT, TOKEN_BYTES), NOS_QUOTA);
    assert_int_equal(user[1000], 0xee);
    assert_int_equal(recalled, 0);
    answer = NOS_OK;
    assert_int_equal(issue(USER_AT, REQ, 8, TOKEN_BYTES), NOS_BAD_ADDRESS);
    assert_int_equal(recalled, 1);  // nobody has it
    assert_int_equal(issue(USER_AT, REQ, OUT_AT, TOKEN_BYTES), NOS_OK);
    assert_int_equal(recalled, 1);
    assert_ptr_equal(slot_asked->obj, &thing);
    assert_memory_equal(&request_asked, user, REQ);
    assert_int_equal(user[1000 + TOKEN_BYTES - 1], 0x55);
    assert_int_equal(user[1000 + TOKEN_BYTES], 0xee);
}

static nos_status_t import_it(uint64_t at, uint64_t len)
{
    args(at, len, 0);
    return sys_token_import(&me, saved, NULL);
}

static void imported(void **state)
{
    (void)state;
    assert_int_equal(import_it(USER_AT, TOKEN_CHAIN_BYTES + 1), NOS_TOO_BIG);
    no_jobs = true;
    assert_int_equal(import_it(USER_AT, TOKEN_BYTES), NOS_NO_MEMORY);
    no_jobs = false;
    assert_int_equal(import_it(8, TOKEN_BYTES), NOS_BAD_ADDRESS);
    assert_int_equal(begun, 0);
    answer = NOS_TOKEN_FORMAT;
    assert_int_equal(import_it(USER_AT, TOKEN_BYTES), NOS_TOKEN_FORMAT);
    assert_int_equal(jobs, 0);
    assert_null(me.job);
    assert_int_equal(me.cont, CONT_NONE);
    answer = NOS_OK;
    assert_int_equal(import_it(USER_AT, TOKEN_CHAIN_BYTES), NOS_OK);
    assert_int_equal(begun_len, TOKEN_CHAIN_BYTES);
    assert_int_equal(me.cont, CONT_TOKEN);
    assert_int_equal(jobs, 1);
    assert_non_null(me.job);
    assert_memory_equal(((struct token_wait *)me.job)->job.bytes, user, TOKEN_CHAIN_BYTES);
    job_free(me.job);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, fresh, drop)
    const struct CMUnitTest tests[] = {
        TEST(a_line_of_the_log), TEST(random_bytes), TEST(records),
        TEST(exported),          TEST(issued),       TEST(imported),
    };
    return cmocka_run_group_tests_name("sys_node", tests, NULL, NULL);
}
