/* lib/crash.h: one rule broken at a time, every truncation, every bit of a saved file flipped; and
 * what is let through can be shown whole. */
#include "lib/crash.h"
#include "lib/render.h"
#include "tests/host/golden.h"
#include "tests/host/test.h"

static nos_status_t parse(const struct nos_crash_record *r)
{
    struct nos_crash_record out;
    return crash_parse(span_of(r, sizeof *r), &out);
}

static void as_killed(struct nos_crash_record *r)
{
    r->info.state = NOS_CAPSULE_KILLED;
    r->info.exit_code = 0;
    r->killer = 2;
    r->flags = NOS_CR_THREAD;
    r->code_at = r->code_len = r->stack_len = 0;
    r->client = 0;
    r->label = 0;
    memset(r->message, 0, sizeof r->message);
    memset(r->regs, 0, sizeof r->regs);
    memset(r->code, 0, sizeof r->code);
    memset(r->stack, 0, sizeof r->stack);
}

/* A crash of one whose manifest wants no bytes kept. */
static void as_private(struct nos_crash_record *r)
{
    uint64_t why = r->info.exit_code;
    as_killed(r);
    r->info.state = NOS_CAPSULE_CRASHED;
    r->info.exit_code = why;
    r->killer = 0;
    r->flags = NOS_CR_THREAD | NOS_CR_PRIVATE;
}

static void as_never_started(struct nos_crash_record *r)
{
    as_killed(r);
    r->flags = 0;
    r->doing = NOS_DOING_NOTHING;
    r->n_trace = 0;
    memset(r->trace, 0, sizeof r->trace);
}

static void test_good(void **state)
{
    struct nos_crash_record r, out;
    (void)state;
    golden_crash(&r);
    assert_int_equal(crash_parse(span_of(&r, sizeof r), &out), NOS_OK);
    assert_memory_equal(&out, &r, sizeof r);
    as_killed(&r);
    assert_int_equal(parse(&r), NOS_OK);
    r.flags |= NOS_CR_MESSAGE;  // whose call it was is told, what that said is not
    r.client = 4;
    assert_int_equal(parse(&r), NOS_OK);
    as_never_started(&r);
    assert_int_equal(parse(&r), NOS_OK);
    golden_crash(&r);
    as_private(&r);
    assert_int_equal(parse(&r), NOS_OK);
}

#define AT(field) offsetof(struct nos_crash_record, field)
#define IN_INFO(field) (AT(info) + offsetof(struct nos_capsule_info, field))
struct rule {
    const char *name;
    size_t at, size;
    uint64_t value;
};

static const struct rule crashed_rules[] = {
    { "magic", AT(magic), 1, 'n' },
    { "version", AT(version), 2, 2 },
    { "size", AT(size), 2, 2047 },
    { "flags", AT(flags), 4, 0x17 },
    { "memory of a private one", AT(flags), 4, 0xf },
    { "no memory of a crash", AT(flags), 4, NOS_CR_THREAD | NOS_CR_MESSAGE },
    { "memory without a thread", AT(flags), 4, NOS_CR_MEMORY | NOS_CR_MESSAGE },
    { "client without a message", AT(flags), 4, NOS_CR_THREAD | NOS_CR_MEMORY },
    { "reserved", AT(rsv[2]), 2, 1 },
    { "killer of a crash", AT(killer), 4, 1 },
    { "running", IN_INFO(state), 4, NOS_CAPSULE_RUNNING },
    { "state", IN_INFO(state), 4, 5 },
    { "name", IN_INFO(name), 1, 'A' },
    { "no crash", IN_INFO(exit_code), 8, NOS_CRASH_NONE },
    { "unknown crash", IN_INFO(exit_code), 8, 17 },
    { "ends before it starts", IN_INFO(ended_ns), 8, 999999999 },
    { "symbol", IN_INFO(fault_symbol), 1, 0x1b },
    { "symbol, behind its end", IN_INFO(fault_symbol[20]), 1, 'x' },
    { "image wraps", AT(image_len), 8, UINT64_MAX },
    { "doing nothing", AT(doing), 4, NOS_DOING_NOTHING },
    { "doing", AT(doing), 4, NOS_DOING_COUNT },
    { "trace count", AT(n_trace), 2, NOS_CR_TRACE + 1 },
    { "trace behind its count", AT(n_trace), 2, 1 },
    { "trace below the image", AT(trace[1].ip), 8, 0x3fffff },
    { "trace above the image", AT(trace[1].ip), 8, 0x403000 },
    { "trace symbol", AT(trace[0].symbol[1]), 1, 0x80 },
    { "handle count", AT(n_handles), 2, NOS_CR_HANDLES + 1 },
    { "handle behind its count", AT(n_handles), 2, 0 },
    { "more handles than it had", IN_INFO(handles), 4, 0 },
    { "handle type none", AT(handle[0].type), 4, NOS_TYPE_NONE },
    { "handle type", AT(handle[0].type), 4, NOS_TYPE_COUNT },
    { "handle rights", AT(handle[0].rights), 4, 1u << 27 },
    { "handle origin", AT(handle[0].origin), 4, NOS_ORIGIN_TOKEN + 1 },
    { "handle name", AT(handle[0].name[3]), 1, '\n' },
    { "code count", AT(code_len), 2, NOS_CR_CODE + 1 },
    { "code behind its count", AT(code_len), 2, NOS_CR_CODE - 1 },
    { "stack count", AT(stack_len), 2, NOS_CR_STACK + 1 },
    { "stack behind its count", AT(stack_len), 2, 39 },
    { "log count", AT(log_len), 2, NOS_CR_LOG + 1 },
    { "log behind its count", AT(log_len), 2, 9 },
};
static const struct rule killed_rules[] = {
    { "exit with a killer", IN_INFO(state), 4, NOS_CAPSULE_EXITED },
    { "memory of a killed one", AT(flags), 4, NOS_CR_THREAD | NOS_CR_MEMORY },
    { "a killed one that is private", AT(flags), 4, NOS_CR_THREAD | NOS_CR_PRIVATE },
    { "register", AT(regs[NOS_REG_rsp]), 8, 1 },
    { "code_at", AT(code_at), 8, 1 },
    { "code_len", AT(code_len), 2, 1 },
    { "stack_len", AT(stack_len), 2, 1 },
    { "client", AT(client), 4, 1 },
    { "label", AT(label), 8, 1 },
    { "message", AT(message[7]), 8, 1 },
};
static const struct rule private_rules[] = {
    { "neither memory nor private", AT(flags), 4, NOS_CR_THREAD },
    { "register", AT(regs[NOS_REG_rax]), 8, 1 },
    { "code_len", AT(code_len), 2, 1 },
    { "stack", AT(stack[0]), 1, 1 },
    { "message", AT(message[0]), 8, 1 },
};
static const struct rule never_started_rules[] = {
    { "message of no thread", AT(flags), 4, NOS_CR_MESSAGE },
    { "doing without a thread", AT(doing), 4, NOS_DOING_RUNNING },
    { "a thread that does nothing", AT(flags), 4, NOS_CR_THREAD },
};

static void break_each(const struct nos_crash_record *good, const struct rule *rule, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        struct nos_crash_record r = *good;
        memcpy((uint8_t *)&r + rule[i].at, &rule[i].value, rule[i].size);
        if (parse(&r) != NOS_BAD_MESSAGE) {
            fail_msg("%s", rule[i].name);
        }
    }
}

static void test_one_rule_broken(void **state)
{
    struct nos_crash_record r;
    (void)state;
    golden_crash(&r);
    break_each(&r, crashed_rules, ARRAY_LEN(crashed_rules));
    as_killed(&r);
    break_each(&r, killed_rules, ARRAY_LEN(killed_rules));
    golden_crash(&r);
    as_private(&r);
    break_each(&r, private_rules, ARRAY_LEN(private_rules));
    as_killed(&r);
    r.flags |= NOS_CR_MESSAGE;  // the label of a message is kept of a crash only
    r.label = 1;
    assert_int_equal(parse(&r), NOS_BAD_MESSAGE);
    r.label = 0;
    as_never_started(&r);
    break_each(&r, never_started_rules, ARRAY_LEN(never_started_rules));
    r.n_trace = 1;
    r.trace[0].ip = r.image_base;
    assert_int_equal(parse(&r), NOS_BAD_MESSAGE);
}

static void test_truncated(void **state)
{
    struct nos_crash_record r, out;
    struct nos_crash_file file;
    (void)state;
    golden_crash(&r);
    crash_seal(&r, &file);
    for (size_t len = 0; len < sizeof file; len++) {
        struct buf cut = buf_copy(span_of(&file, len));
        memset(&out, 0xff, sizeof out);
        assert_int_equal(crash_file_parse(buf_span(cut), &out), NOS_BAD_MESSAGE);
        assert_true(span_is_zero(span_of(&out, sizeof out)));
        if (len != sizeof r) {
            assert_int_equal(crash_parse(buf_span(cut), &out), NOS_BAD_MESSAGE);
        }
        buf_free(&cut);
    }
    struct buf longer = buf_new(sizeof file + 1);
    memcpy(longer.data, &file, sizeof file);
    assert_int_equal(crash_file_parse(buf_span(longer), &out), NOS_BAD_MESSAGE);
    buf_free(&longer);
}

static void test_bit_flips(void **state)
{
    struct nos_crash_record r, out;
    struct nos_crash_file file;
    (void)state;
    golden_crash(&r);
    crash_seal(&r, &file);
    assert_int_equal(crash_file_parse(span_of(&file, sizeof file), &out), NOS_OK);
    assert_memory_equal(&out, &r, sizeof r);
    for (size_t bit = 0; bit < 8 * sizeof file; bit++) {
        ((uint8_t *)&file)[bit / 8] ^= (uint8_t)(1u << bit % 8);
        assert_int_equal(crash_file_parse(span_of(&file, sizeof file), &out), NOS_IO_ERROR);
        ((uint8_t *)&file)[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    r.seq = 8;
    r.flags = 8;  // a check over what is no record
    crash_seal(&r, &file);
    assert_int_equal(crash_file_parse(span_of(&file, sizeof file), &out), NOS_BAD_MESSAGE);
}

/* The longest text that any record makes. */
static void fill(struct nos_crash_record *r)
{
    golden_crash(r);
    r->seq = r->info.id = UINT32_MAX;
    r->info.handles = r->info.threads = r->info.parent = r->info.restarts = UINT32_MAX;
    r->info.mem_pages = r->info.mem_limit = r->client = UINT32_MAX;
    r->seq = r->label = r->info.ended_ns = r->info.cpu_ns = UINT64_MAX;
    r->info.fault_addr = r->info.fault_ip = UINT64_MAX;
    r->info.exit_code = NOS_CRASH_WRITE_BAD;
    memset(r->info.name, 'w', sizeof r->info.name);
    memset(r->info.fault_symbol, 'w', sizeof r->info.fault_symbol);
    memset(r->message, 0xff, sizeof r->message);
    memset(r->regs, 0xff, sizeof r->regs);
    r->n_trace = NOS_CR_TRACE;
    r->n_handles = NOS_CR_HANDLES;
    for (size_t i = 0; i < NOS_CR_TRACE; i++) {
        r->trace[i].ip = r->image_base + i;
        memset(r->trace[i].symbol, 'w', sizeof r->trace[i].symbol);
    }
    for (size_t i = 0; i < NOS_CR_HANDLES; i++) {
        r->handle[i] = (struct nos_crash_handle){
            .handle = UINT32_MAX,
            .type = NOS_TYPE_NOTIFICATION,
            .rights = NOS_RIGHT_ALL,
            .origin = NOS_ORIGIN_MESSAGE,
        };
        memset(r->handle[i].name, 'w', sizeof r->handle[i].name);
    }
    r->stack_len = NOS_CR_STACK;
    memset(r->stack, 0xff, sizeof r->stack);
    r->log_len = NOS_CR_LOG;
    memset(r->log, 0xff, sizeof r->log);
}

static void test_fits(void **state)
{
    static char page[RENDER_CRASH_MAX];
    struct nos_crash_record r;
    struct fmt f;
    (void)state;
    fill(&r);
    assert_int_equal(parse(&r), NOS_OK);
    FMT_INIT(&f, page);
    render_crash_page(&f, &r);
    assert_false(f.cut);
    assert_true(f.len > RENDER_CRASH_MAX * 3 / 4);  // the page is not much too large either
    assert_true(strstr(page, "debug\n") != NULL);   // the last right
    char line[RENDER_LINE_MAX];
    FMT_INIT(&f, line);
    render_crash_row(&f, &r);
    assert_false(f.cut);
}

static void test_text(void **state)
{
    static const char *const want[] = {
        "death 7: capsule 9 crashme\n",
        "crashed: write near address zero at null_write+0x9 (ip 401000, address 8)",
        "up 0.500 s",
        "running, answering a call of capsule 4\n",
        "label 12, registers 1 2 3 0",
        "  0000000000402fff  image+0x2fff  nos_main+0x12\n",
        "rip    000000000000100f",
        "00010001 endpoint",
        "  one\n  two\n  \\x1b\n",
    };
    static char page[RENDER_CRASH_MAX];
    struct nos_crash_record r;
    struct fmt f;
    (void)state;
    golden_crash(&r);
    FMT_INIT(&f, page);
    render_crash_page(&f, &r);
    for (size_t i = 0; i < ARRAY_LEN(want); i++) {
        if (strstr(page, want[i]) == NULL) {
            fail_msg("no \"%s\" in:\n%s", want[i], page);
        }
    }
    as_killed(&r);
    FMT_INIT(&f, page);
    render_crash_page(&f, &r);
    assert_true(strstr(page, "killed by capsule 2 at null_write+0x9\n") != NULL);
    assert_true(strstr(page, "registers") == NULL && strstr(page, "stack") == NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_good),      cmocka_unit_test(test_one_rule_broken),
        cmocka_unit_test(test_truncated), cmocka_unit_test(test_bit_flips),
        cmocka_unit_test(test_fits),      cmocka_unit_test(test_text),
    };
    return cmocka_run_group_tests_name("crash", tests, NULL, NULL);
}
