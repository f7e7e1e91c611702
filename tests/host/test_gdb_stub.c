/* The remote stub: packets out of a stream that may hold anything, and what each means, against a
 * capsule made up here. */
#include "cli/gdb_regs.h"
#include "cli/gdb_stub.h"
#include "tests/host/test.h"

enum { BASE = 0x100000, MEM = 64, ROOM = 8 };

struct gdb_target { /* two threads, and memory of MEM bytes at BASE */
    struct nos_debug_thread thread[2];
    uint8_t memory[MEM];
    size_t n_breaks;
    struct {
        uint32_t id;
        enum nos_debug_how how;
    } ran[ROOM];
    size_t n_ran;
    enum nos_mg_debugged state;
    bool killed;
    nos_status_t fails;
};

static struct gdb_target target;
static struct stub stub;

nos_status_t target_state(struct gdb_target *t, enum nos_mg_debugged *out)
{
    *out = t->state;
    return t->fails;
}

nos_status_t target_thread(struct gdb_target *t, uint32_t from, struct nos_debug_thread *out)
{
    for (size_t i = 0; t->fails == NOS_OK && i < ARRAY_LEN(t->thread); i++) {
        if (t->thread[i].id >= from) {
            *out = t->thread[i];
            return NOS_OK;
        }
    }
    return t->fails == NOS_OK ? NOS_NOT_FOUND : t->fails;
}

nos_status_t target_set(struct gdb_target *t, uint32_t id, const uint64_t regs[NOS_REG_COUNT])
{
    memcpy(t->thread[id == t->thread[0].id ? 0 : 1].regs, regs, sizeof(t->thread[0].regs));
    return t->fails;
}

nos_status_t target_read(struct gdb_target *t, uint64_t at, uint8_t *out, size_t len)
{
    if (at < BASE || at - BASE > MEM || len > MEM - (at - BASE)) {
        return NOS_BAD_ADDRESS;
    }
    memcpy(out, t->memory + (at - BASE), len);
    return t->fails;
}

nos_status_t target_write(struct gdb_target *t, uint64_t at, span_t bytes)
{
    if (at < BASE || at - BASE > MEM || bytes.len > MEM - (at - BASE)) {
        return NOS_BAD_ADDRESS;
    }
    memcpy(t->memory + (at - BASE), bytes.data, bytes.len);
    return t->fails;
}

nos_status_t target_break(struct gdb_target *t, uint64_t at, bool on)
{
    if (at < BASE || at >= BASE + MEM) {
        return NOS_BAD_ADDRESS;
    }
    t->n_breaks += on ? 1 : (size_t)-1;
    return t->fails;
}

nos_status_t target_run(struct gdb_target *t, uint32_t id, enum nos_debug_how how)
{
    if (t->n_ran < ROOM) {
        t->ran[t->n_ran].id = id;
        t->ran[t->n_ran++].how = how;
    }
    return t->fails;
}

nos_status_t target_kill(struct gdb_target *t)
{
    t->killed = true;
    return NOS_OK;
}

void target_end(struct gdb_target *t, char out[8])
{
    (void)t;
    memcpy(out, "W07", 4);
}

static int fresh(void **state)
{
    (void)state;
    target = (struct gdb_target){ .state = NOS_MG_STOPPED };
    for (size_t i = 0; i < 2; i++) {
        target.thread[i] = (struct nos_debug_thread){ .id = i == 0 ? 5 : 0x1f,
                                                      .doing = NOS_DOING_STOPPED,
                                                      .image_base = BASE };
        for (size_t r = 0; r < NOS_REG_COUNT; r++) {
            target.thread[i].regs[r] = 0x1000 * (i + 1) + r;
        }
    }
    for (size_t i = 0; i < MEM; i++) {
        target.memory[i] = (uint8_t)i;
    }
    stub_init(&stub, &target);
    return 0;
}

/* The answer; NULL: none yet. */
static const char *ask(const char *packet)
{
    size_t n = strlen(packet);
    uint8_t *copy = malloc(n + 1);
    memcpy(copy, packet, n);
    bool answered = stub_packet(&stub, span_of(copy, n));
    free(copy);
    return answered ? stub.text : NULL;
}

/* ---- packets ---- */

static enum rsp_event feed(struct rsp *r, const char *bytes, span_t *packet)
{
    span_t in = span_of(bytes, strlen(bytes));
    enum rsp_event e, last = RSP_NONE;
    while ((e = rsp_feed(r, &in, packet)) != RSP_NONE) {
        last = e;
        if (e == RSP_PACKET) {
            break;
        }
    }
    return last;
}

static void test_framing(void **state)
{
    static const struct {
        const char *bytes;
        enum rsp_event event;
        const char *packet;
    } rows[] = {
        { "$g#67", RSP_PACKET, "g" },
        { "$g#68", RSP_BAD, "" },
        { "$g#6x", RSP_BAD, "" },
        { "$#00", RSP_PACKET, "" },
        { "+", RSP_ACK, "" },
        { "-", RSP_NAK, "" },
        { "\x03", RSP_INTERRUPT, "" },
        { "junk$g#67", RSP_PACKET, "g" },
        { "$half$g#67", RSP_PACKET, "g" },
        { "$g#6$g#67", RSP_PACKET, "g" },
        { "$}\x03#80", RSP_PACKET, "#" },
        { "$}]#da", RSP_PACKET, "}" },
        { "$a}#de", RSP_BAD, "" },
        { "$g", RSP_NONE, "" },
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        static struct rsp r;
        span_t p = { NULL, 0 };
        memset(&r, 0, sizeof(r));
        assert_int_equal(feed(&r, rows[i].bytes, &p), rows[i].event);
        if (rows[i].event == RSP_PACKET) {
            assert_true(span_equal(p, span_of(rows[i].packet, strlen(rows[i].packet))));
        }
    }
}

static void test_too_long(void **state)
{
    static struct rsp r;
    static uint8_t bytes[RSP_MAX + 8], room[RSP_ROOM];
    span_t p, in = SPAN_LIT("$g#67");
    size_t len;
    (void)state;
    memset(bytes, '0', sizeof(bytes));
    bytes[0] = '$';
    bytes[RSP_MAX + 2] = '#';  // one too many
    span_t all = span_of(bytes, RSP_MAX + 5);
    assert_int_equal(rsp_feed(&r, &all, &p), RSP_BAD);
    assert_int_equal(rsp_feed(&r, &in, &p), RSP_PACKET);
    assert_false(rsp_encode(span_of(bytes, RSP_MAX + 1), MSPAN_OF(room), &len));
    assert_false(rsp_encode(span_of(bytes, 1), mspan_of(room, RSP_ROOM - 1), &len));
}

/* What is sent comes back, whatever bytes. */
static void test_round(void **state)
{
    static struct rsp r;
    static uint8_t bytes[RSP_MAX], room[RSP_ROOM];
    span_t p;
    size_t len;
    (void)state;
    for (size_t n = 0; n <= RSP_MAX; n = n < 300 ? n + 1 : n * 2) {
        for (size_t i = 0; i < n; i++) {
            bytes[i] = (uint8_t)(i * 7 + n);
        }
        assert_true(rsp_encode(span_of(bytes, n), MSPAN_OF(room), &len));
        span_t in = span_of(room, len);
        assert_int_equal(rsp_feed(&r, &in, &p), RSP_PACKET);
        assert_true(span_equal(p, span_of(bytes, n)));
    }
}

/* ---- meanings ---- */

static void test_answers(void **state)
{
    static const struct {
        const char *packet, *answer;
    } rows[] = {
        { "", "" },
        { "!", "" },
        { "vMustReplyEmpty", "" },
        { "vCont?", "vCont;c;C;s;S;t" },
        { "QStartNoAckMode", "OK" },
        { "qAttached", "1" },
        { "qAttached:1", "1" },
        { "qSymbol::", "OK" },
        { "qOffsets", "Text=100000;Data=100000;Bss=100000" },
        { "qfThreadInfo", "m5,1f" },
        { "qsThreadInfo", "l" },
        { "qThreadExtraInfo,5", "73746f70706564206279206120646562756767657" },
        { "T5", "OK" },
        { "T6", "E12" },
        { "T-1", "E12" },
        { "Hg5", "OK" },
        { "Hc-1", "OK" },
        { "Hx5", "E18" },
        { "Hg", "E18" },
        { "Hgffffffffff", "E18" },
        { "m100000,4", "00010203" },
        { "m10003f,1", "3f" },
        { "m10003f,2", "E0a" },
        { "m0,4", "E0a" },
        { "m100000", "E18" },
        { "m100000,", "E18" },
        { "m100000,4x", "E18" },
        { "mfffffffffffffffff,4", "E18" },
        { "M100000,2:aabb", "OK" },
        { "M100000,2:aab", "E18" },
        { "M100000,2:aabbcc", "E18" },
        { "M100000,ffff:00", "E18" },
        { "X100000,2:zz", "OK" },
        { "X100000,3:zz", "E18" },
        { "X100000,0:", "OK" },
        { "Z0,100000,1", "OK" },
        { "z0,100000,1", "OK" },
        { "Z0,1,1", "E0a" },
        { "Z0,", "E18" },
        { "Z1,100000,1", "" },
        { "Z2,100000,4", "" },
        { "p38", "801f0000" },
        { "p12", "xxxxxxxx" },
        { "p39", "E18" },
        { "p", "E18" },
        { "P12=00000000", "E15" },
        { "P10=00", "E18" },
        { "P10", "E18" },
        { "vCont", "E18" },
        { "vCont;", "E18" },
        { "vCont;q", "E18" },
        { "vCont;s:zz", "E18" },
        { "c1000", "E18" },
        { "qXfer:features:read:target.xml:0", "E18" },
        { "qXfer:features:read:target.xml:ffffff,10", "E18" },
        { "qXfer:features:read:other.xml:0,10", "" },
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        const char *got = ask(rows[i].packet);
        assert_non_null(got);
        if (strncmp(got, rows[i].answer, strlen(rows[i].answer)) != 0 ||
            (rows[i].answer[0] != '7' && strcmp(got, rows[i].answer) != 0)) {
            print_error("%s: %s, not %s\n", rows[i].packet, got, rows[i].answer);
            fail();
        }
    }
    assert_int_equal(target.n_breaks, 1);  // away when it goes on
    assert_null(ask("c"));
    assert_int_equal(target.n_breaks, 0);
}

/* gdb takes all breakpoints away at each stop and puts them back: the node need not hear of it. */
static void test_breaks(void **state)
{
    char packet[32];
    (void)state;
    for (unsigned i = 0; i < NOS_DEBUG_BREAKS; i++) {
        snprintf(packet, sizeof(packet), "Z0,%x,1", BASE + i);
        assert_string_equal(ask(packet), "OK");
    }
    assert_string_equal(ask("Z0,100000,1"), "OK");
    assert_int_equal(target.n_breaks, NOS_DEBUG_BREAKS);
    assert_string_equal(ask("Z0,100030,1"), "E0d");  // one more
    assert_string_equal(ask("z0,100000,1"), "OK");
    assert_string_equal(ask("Z0,100030,1"), "OK");  // now there is room
    assert_int_equal(target.n_breaks, NOS_DEBUG_BREAKS);
    assert_string_equal(ask("z0,100001,1"), "OK");
    assert_string_equal(ask("Z0,100001,1"), "OK");
    assert_string_equal(ask("z0,100002,1"), "OK");
    assert_null(ask("vCont;s:5"));
    assert_int_equal(target.n_breaks, NOS_DEBUG_BREAKS - 1);
    target.fails = NOS_EXPIRED;
    assert_string_equal(ask("Z0,100002,1"), "E08");
}

static void test_registers(void **state)
{
    (void)state;
    assert_int_equal(gdb_n_regs, 57);
    const char *all = ask("g");
    assert_int_equal(strlen(all), 2 * (16 * 8 + 8 + 4 + 6 * 4 + 8 * 10 + 8 * 4 + 16 * 16 + 4));
    assert_memory_equal(all, "0010000000000000", 16);  // rax of the first thread
    assert_string_equal(ask("P10=8877665544332211"), "OK");
    assert_true(target.thread[0].regs[NOS_REG_rip] == 0x1122334455667788);
    assert_string_equal(ask("Hg1f"), "OK");
    assert_string_equal(ask("P0=0100000000000000"), "OK");
    assert_true(target.thread[1].regs[NOS_REG_rax] == 1);
    static char back[2048];
    snprintf(back, sizeof(back), "G%s", ask("g"));
    assert_string_equal(ask(back), "OK");
    back[2 * (17 * 8 + 4) + 1] = '0';  // of cs: no longer unavailable
    assert_memory_equal(ask(back), "E", 1);
    back[strlen(back) - 1] = 0;
    assert_memory_equal(ask(back), "E", 1);
}

static void test_description(void **state)
{
    static char all[16384];
    char packet[64];
    size_t n = 0;
    (void)state;
    for (bool more = true; more;) {
        snprintf(packet, sizeof(packet), "qXfer:features:read:target.xml:%zx,100", n);
        const char *part = ask(packet);
        more = part[0] == 'm';
        memcpy(all + n, part + 1, strlen(part + 1));
        n += strlen(part + 1);
    }
    assert_non_null(strstr(all, "org.gnu.gdb.i386.core"));
    assert_non_null(strstr(all, "<reg name=\"mxcsr\""));
    assert_string_equal(all + n - 10, "</target>\n");
}

static void test_running(void **state)
{
    (void)state;
    assert_null(ask("c"));
    assert_true(stub.running && target.ran[0].id == 0 && target.ran[0].how == NOS_DEBUG_GO);
    target.state = NOS_MG_RUNS;
    assert_false(stub_poll(&stub));
    target.state = NOS_MG_STOPPED;
    target.thread[1].why = NOS_CRASH_DEBUG;
    assert_true(stub_poll(&stub));
    assert_string_equal(stub.text, "T05thread:1f;");
    assert_false(stub.running);

    assert_string_equal(ask("Z0,100001,1"), "OK");
    target.thread[1].regs[NOS_REG_rip] = 0x100001;
    assert_null(ask("vCont;s:1f;c"));
    assert_true(target.ran[1].id == 5 && target.ran[1].how == NOS_DEBUG_GO);
    assert_true(target.ran[2].id == 0x1f && target.ran[2].how == NOS_DEBUG_STEP);
    assert_true(stub_poll(&stub));
    assert_string_equal(stub.text, "T05thread:1f;swbreak:;");

    target.thread[1].why = NOS_CRASH_WRITE_BAD;
    assert_string_equal(ask("?"), "T0bthread:1f;");
    assert_null(ask("vCont;C0b:1f;c"));
    assert_true(target.ran[4].how == NOS_DEBUG_PASS);
    target.state = NOS_MG_ENDED;
    assert_true(stub_poll(&stub));
    assert_string_equal(stub.text, "W07");
    assert_true(stub.over);
}

static void test_over(void **state)
{
    (void)state;
    assert_null(ask("c"));
    target.state = NOS_MG_OVER;
    assert_true(stub_poll(&stub));
    assert_memory_equal(stub.text, "O546865", 7);  // text for gdb's user
    assert_true(stub.over);
}

static void test_interrupt(void **state)
{
    (void)state;
    stub_interrupt(&stub);
    assert_int_equal(target.n_ran, 0);  // it does not run
    assert_null(ask("vCont;c"));
    stub_interrupt(&stub);
    assert_true(target.n_ran == 2 && target.ran[1].how == NOS_DEBUG_STOP);
    assert_true(stub_poll(&stub));
    assert_string_equal(stub.text, "T02thread:5;");
}

static void test_leaving(void **state)
{
    (void)state;
    assert_string_equal(ask("D"), "OK");
    assert_true(stub.over && !target.killed);
    fresh(state);
    assert_null(ask("k"));
    assert_true(stub.over && target.killed);
    fresh(state);
    target.fails = NOS_EXPIRED;
    assert_string_equal(ask("g"), "E08");
    assert_string_equal(ask("vCont;c"), "E08");
    assert_false(stub.running);
    target.fails = NOS_IO_ERROR;
    assert_memory_equal(ask("?"), "E", 1);
    assert_true(stub.over);  // nobody there
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_framing),
        cmocka_unit_test(test_too_long),
        cmocka_unit_test(test_round),
        cmocka_unit_test_setup(test_answers, fresh),
        cmocka_unit_test_setup(test_breaks, fresh),
        cmocka_unit_test_setup(test_registers, fresh),
        cmocka_unit_test_setup(test_description, fresh),
        cmocka_unit_test_setup(test_running, fresh),
        cmocka_unit_test_setup(test_over, fresh),
        cmocka_unit_test_setup(test_interrupt, fresh),
        cmocka_unit_test_setup(test_leaving, fresh),
    };
    return cmocka_run_group_tests_name("gdb_stub", tests, NULL, NULL);
}
