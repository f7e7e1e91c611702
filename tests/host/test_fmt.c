/* lib/fmt.h, lib/status.h, lib/render.h. */
#include "lib/fmt.h"
#include "lib/record.h"
#include "lib/render.h"
#include "lib/status.h"
#include "tests/host/test.h"

static char out[4096];
static struct fmt f;

#define SHOWS(call, text) \
    do { \
        FMT_INIT(&f, out); \
        call; \
        assert_string_equal(out, text); \
        assert_false(f.cut); \
    } while (0)

static void test_numbers(void **state)
{
    (void)state;
    SHOWS(fmt_u64(&f, 0), "0");
    SHOWS(fmt_u64(&f, UINT64_MAX), "18446744073709551615");
    SHOWS(fmt_i64(&f, -5), "-5");
    SHOWS(fmt_i64(&f, INT64_MIN), "-9223372036854775808");
    SHOWS(fmt_i64(&f, INT64_MAX), "9223372036854775807");
    SHOWS(fmt_hex(&f, 0, 0), "0");
    SHOWS(fmt_hex(&f, 0xabc, 1), "abc");
    SHOWS(fmt_hex(&f, 0xabc, 8), "00000abc");
    SHOWS(fmt_hex(&f, UINT64_MAX, 99), "ffffffffffffffff");
    SHOWS(fmt_u64_right(&f, 12, 5), "   12");
    SHOWS(fmt_u64_right(&f, 123456, 5), "123456");
    SHOWS(fmt_size(&f, 0), "0 B");
    SHOWS(fmt_size(&f, 1023), "1023 B");
    SHOWS(fmt_size(&f, 1024), "1 KiB");
    SHOWS(fmt_size(&f, 1536), "1.5 KiB");
    SHOWS(fmt_size(&f, 200 * 1024 + 512), "200 KiB");
    SHOWS(fmt_size(&f, UINT64_MAX), "16777215 TiB");
    SHOWS(fmt_time(&f, 12034999999ull), "12.034");
    SHOWS(fmt_time(&f, 999999), "0.000");
    SHOWS(fmt_version(&f, (uint64_t)1 << 32 | 20 << 16 | 3), "1.20.3");
}

static void test_text(void **state)
{
    (void)state;
    SHOWS(fmt_str(&f, NULL), "");
    SHOWS(fmt_str(&f, "abc"), "abc");
    SHOWS(fmt_safe(&f, span_of("a\x1b[\\\x7f\xff ~", 8)), "a\\x1b[\\x5c\\x7f\\xff ~");
    SHOWS(fmt_name(&f, "ab\0cd", 5), "ab");
    SHOWS(fmt_name(&f, "abcdef", 3), "abc");
    SHOWS(fmt_bytes(&f, SPAN_LIT("\x01\xfe")), "01fe");
    FMT_INIT(&f, out);
    fmt_str(&f, "ab");
    fmt_pad(&f, 0, 5);
    fmt_char(&f, '|');
    fmt_pad(&f, 0, 2);
    fmt_char(&f, '|');
    assert_string_equal(out, "ab   | |");
}

static void test_never_past_the_end(void **state)
{
    (void)state;
    for (size_t cap = 0; cap < 8; cap++) {
        char *small = malloc(cap == 0 ? 1 : cap);
        fmt_init(&f, small, cap);
        fmt_str(&f, "123456");
        fmt_pad(&f, 0, 1000);
        assert_true(f.cut);
        assert_true(cap == 0 || f.len == (cap - 1 < 6 ? cap - 1 : cap - 1));
        assert_true(cap == 0 || small[f.len] == 0);
        assert_int_equal(fmt_text(&f).len, f.len);
        free(small);
    }
}

static bool number_is(const char *s, uint64_t want)
{
    uint64_t v = 0;
    return parse_u64(span_of(s, strlen(s)), &v) && v == want;
}

static void test_parse(void **state)
{
    static const char *const bad[] = { "",
                                       "0x",
                                       "-1",
                                       "+1",
                                       " 1",
                                       "1 ",
                                       "12a",
                                       "0xg",
                                       "18446744073709551616",
                                       "0x10000000000000000" };
    uint64_t v = 7;
    (void)state;
    assert_true(number_is("0", 0));
    assert_true(number_is("0012", 12));
    assert_true(number_is("18446744073709551615", UINT64_MAX));
    assert_true(number_is("0xFFffFFffFFffFFff", UINT64_MAX));
    assert_true(number_is("0X3f8", 0x3f8));
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        assert_false(parse_u64(span_of(bad[i], strlen(bad[i])), &v));
    }
    assert_int_equal(v, 7);
}

static void test_status(void **state)
{
    (void)state;
    assert_string_equal(status_name(NOS_OK), "OK");
    assert_string_equal(status_name(NOS_BAD_SIGNATURE), "BAD_SIGNATURE");
    assert_string_equal(status_text(NOS_BAD_SIGNATURE), "signature does not verify");
    assert_string_equal(status_name(1), "UNKNOWN");
    assert_string_equal(status_text(INT32_MIN), "not a status code");
}

static void test_records(void **state)
{
    struct nos_limits l;
    uint8_t bytes[33] = { 1 };
    (void)state;
    assert_true(RECORD_GET(span_of(bytes, 32), &l));
    assert_int_equal(l.mem_pages, 1);
    assert_false(RECORD_GET(span_of(bytes, 33), &l));
    assert_false(RECORD_GET(span_of(bytes, 31), &l));
}

/* --- listings
 * --------------------------------------------------------------------------------------------------
 */

static void test_ps(void **state)
{
    struct nos_capsule_info c = { .id = 3,
                                  .state = NOS_CAPSULE_RUNNING,
                                  .name = "console",
                                  .threads = 1,
                                  .handles = 5,
                                  .mem_pages = 12,
                                  .mem_limit = 64,
                                  .restarts = 2,
                                  .started_ns = 1000000000,
                                  .cpu_ns = 2500000 };
    (void)state;
    SHOWS(render_ps_head(&f); render_ps(&f, &c, 3500000000ull),
                              "   ID MODULE           STATE    THR HANDLES  MEMORY     LIMIT      "
                              "RESTARTS CPU s     UP s\n"
                              "    3 console          running    1       5  48 KiB     256 KiB     "
                              "      2 0.002     2.500\n");
    c.state = NOS_CAPSULE_CRASHED;
    c.exit_code = NOS_CRASH_DIVIDE;
    c.fault_ip = 0x401234;
    memcpy(c.fault_symbol, "main+0x12", 9);
    SHOWS(render_end(&f, &c),
          "crashed: division by zero or overflow at main+0x12 (ip 401234, address 0)");
    c.state = NOS_CAPSULE_EXITED;
    SHOWS(render_end(&f, &c), "exited with code 8");
    c.state = NOS_CAPSULE_KILLED;
    SHOWS(render_end(&f, &c), "killed: ?");
    c.exit_code = NOS_KILL_ASKED;
    SHOWS(render_end(&f, &c), "killed");
    c.exit_code = NOS_KILL_WATCHDOG;
    SHOWS(render_end(&f, &c), "killed: watchdog: no answer to its health check in time");
}

static void test_caps(void **state)
{
    struct nos_handle_info h = { .handle = 0x10002,
                                 .type = NOS_TYPE_PORTS,
                                 .origin = NOS_ORIGIN_POLICY,
                                 .a = 0x3f8,
                                 .b = 8,
                                 .rights = NOS_RIGHT_READ | NOS_RIGHT_WRITE };
    (void)state;
    SHOWS(render_cap(&f, &h, 0),
          "00010002 ports        policy  never      03f8..03ff                read,write\n");
    h.type = NOS_TYPE_ENDPOINT;
    h.object = 9;
    memcpy(h.name, "con\x1bsole", 8);
    h.deadline_ns = 2000000000;
    SHOWS(render_cap(&f, &h, 500000000),
          "00010002 endpoint     policy  1.500      con\\x1bsole #9            read,write\n");
    SHOWS(render_cap(&f, &h, 2000000000),
          "00010002 endpoint     policy  expired    con\\x1bsole #9            read,write\n");
    SHOWS(render_rights(&f, 0), "-");
    SHOWS(render_rights(&f, NOS_RIGHT_RESET), "reset");
    SHOWS(render_classes(&f, 0), "-");
    SHOWS(render_classes(&f, NOS_CLASS_COREEXEC | NOS_CLASS_CRYPTO), "CoreExec,Crypto");
}

static void test_modules(void **state)
{
    struct nos_module_info m = { .name = "hello",
                                 .status = NOS_OK,
                                 .sec_version = 1,
                                 .version = (uint64_t)1 << 32,
                                 .image_len = 65536,
                                 .capsules = 2,
                                 .module_id = { 0xab },
                                 .publisher_id = { 0xcd } };
    (void)state;
    SHOWS(render_modules_head(&f); render_module(&f, &m),
                                   "NAME             VERSION      SEC RUNS SIZE       PUBLISHER    "
                                   "    MODULE ID        STATUS\n"
                                   "hello            1.0.0          1    2 64 KiB     "
                                   "cd00000000000000 ab00000000000000 verified\n");
    m.status = NOS_BAD_SIGNATURE;
    memcpy(m.name, "HELLO.MOD", 9);
    SHOWS(render_module(&f, &m),
          "HELLO.MOD        refused: BAD_SIGNATURE (signature does not verify)\n");
}

static void test_audit_lines(void **state)
{
    struct nos_audit_entry e = {
        .rec = { .seq = 4, .tick = 1234000000, .actor = 2, .kind = NOS_AUDIT_GRANT },
        .body = { .a = (uint64_t)NOS_CAP_PORTS << 32 | NOS_RIGHT_READ }
    };
    (void)state;
    SHOWS(render_audit(&f, &e), "     4 1.234          2 grant      ports [read]\n");
    e.rec.kind = NOS_AUDIT_REFUSE;
    e.body.status = NOS_HASH_CHUNK;
    memcpy(e.body.text, "HELLO.MOD", 9);
    SHOWS(render_audit(&f, &e), "     4 1.234          2 refuse     0000000000000000 HELLO.MOD "
                                "HASH_CHUNK (module: a chunk does not match its hash)\n");
    e.rec.kind = NOS_AUDIT_DENY;
    e.body = (struct nos_audit_body){ .a = NOS_AUDIT_SEVERAL, .b = 9, .status = NOS_DENIED };
    SHOWS(render_audit(&f, &e), "     4 1.234          2 deny       several calls, times 9 DENIED "
                                "(handle lacks a required right)\n");
    e.rec.back[0] = 1;
    SHOWS(render_audit(&f, &e), "     4 1.234          2 deny       several calls, times 9 DENIED "
                                "(handle lacks a required right) <- 3\n");
    e.rec.back[1] = 4;
    SHOWS(render_audit_hidden(&f, &e.rec), "     4 1.234          2 deny       (hidden) <- 3 0\n");
    e = (struct nos_audit_entry){ .rec = { .kind = NOS_AUDIT_CRASH },
                                  .body = { .a = 7, .b = NOS_CRASH_FPU } };
    SHOWS(render_audit(&f, &e),
          "     0 0.000          0 crash      capsule 7: floating-point exception\n");
}

/* Records are bytes from a wire: whatever they hold, the text is plain and a line fits its bound.
 */
static void test_any_record_is_plain_text(void **state)
{
    union {
        uint8_t bytes[512];
        struct nos_capsule_info c;
        struct nos_handle_info h;
        struct nos_module_info m;
        struct nos_audit_entry e;
        struct nos_mem_info mem;
        struct nos_about a;
    } r;
    uint32_t seed = 1;
    (void)state;
    for (unsigned round = 0; round < 3000; round++) {
        for (size_t i = 0; i < sizeof r; i++) {
            seed = seed * 1664525 + 1013904223;
            r.bytes[i] = round == 0 ? 0xff : (uint8_t)(seed >> 24);
        }
        for (unsigned kind = 0; kind < 9; kind++) {
            fmt_init(&f, out, kind < 7 ? RENDER_LINE_MAX : RENDER_PAGE_MAX);
            if (kind == 0) {
                render_ps(&f, &r.c, round);
            } else if (kind == 1) {
                render_cap(&f, &r.h, round);
            } else if (kind == 2) {
                r.m.status = round % 2 == 0 ? NOS_OK : r.m.status;
                render_module(&f, &r.m);
            } else if (kind == 3) {
                r.e.rec.kind = (uint16_t)(round % 15);
                render_audit(&f, &r.e);
            } else if (kind == 4) {
                r.c.state = NOS_CAPSULE_CRASHED;
                r.c.exit_code = round % 18;
                render_end(&f, &r.c);
            } else if (kind == 5) {
                r.h.type = round % 13;
                render_cap(&f, &r.h, round);
            } else if (kind == 6) {
                r.m.status = -(int32_t)(round % 160);
                render_module(&f, &r.m);
            } else if (kind == 7) {
                render_mem(&f, &r.mem);
            } else {
                render_about(&f, &r.a);
            }
            assert_false(f.cut);
            for (size_t i = 0; i < f.len; i++) {
                assert_true(out[i] == '\n' || (out[i] >= 0x20 && out[i] < 0x7f));
            }
        }
    }
}

/* The longest line of the audit log that bytes from outside can make: every number as large as it
 * gets, every right, text that shows as four characters a byte, each kind with each status. */
static void test_longest_audit_line(void **state)
{
    struct nos_audit_entry e;
    (void)state;
    memset(&e, 0xff, sizeof e);
    e.rec.back[0] = 1;
    e.rec.back[1] = 2;
    for (unsigned kind = 0; kind < 18; kind++) {
        for (unsigned detail = 0; detail < 160; detail++) {
            e.rec.kind = (uint16_t)kind;
            e.body.status = -(int32_t)detail;
            e.body.a = kind == NOS_AUDIT_TOKEN || kind == NOS_AUDIT_IMPORT
                           ? (uint64_t)UINT32_MAX << 32 | NOS_TYPE_NOTIFICATION
                           : (uint64_t)detail << 32 | UINT32_MAX;
            e.body.b = kind == NOS_AUDIT_SUPERVISE ? (uint64_t)(detail % NOS_DECISION_COUNT) << 32 |
                                                         (uint32_t) - (int32_t)detail
                                                   : UINT64_MAX;
            fmt_init(&f, out, RENDER_LINE_MAX);
            render_audit(&f, &e);
            assert_false(f.cut);
            assert_int_equal(out[f.len - 1], '\n');
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_numbers),
        cmocka_unit_test(test_text),
        cmocka_unit_test(test_never_past_the_end),
        cmocka_unit_test(test_parse),
        cmocka_unit_test(test_status),
        cmocka_unit_test(test_records),
        cmocka_unit_test(test_ps),
        cmocka_unit_test(test_caps),
        cmocka_unit_test(test_modules),
        cmocka_unit_test(test_audit_lines),
        cmocka_unit_test(test_any_record_is_plain_text),
        cmocka_unit_test(test_longest_audit_line),
    };
    return cmocka_run_group_tests_name("fmt", tests, NULL, NULL);
}
