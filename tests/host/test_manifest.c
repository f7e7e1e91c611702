/* lib/cap.h and lib/manifest.h: each rule broken alone gives its own status. */
#include "lib/cap.h"
#include "lib/manifest.h"
#include "lib/text.h"
#include "lib/tlv.h"
#include "tests/host/golden.h"
#include "tests/host/test.h"

static struct nos_cap cap(uint16_t kind, uint32_t rights, uint64_t a, uint64_t b)
{
    return (struct nos_cap){ .kind = kind, .rights = rights, .a = a, .b = b };
}

static struct nos_cap name(uint16_t kind, uint32_t rights, const char *text)
{
    struct nos_cap c = { .kind = kind, .rights = rights };
    memcpy(c.name, text, strlen(text));
    return c;
}

static void test_cap_rules(void **state)
{
    const struct nos_cap good[] = {
        cap(NOS_CAP_LOG, 0, 0, 0),
        name(NOS_CAP_ENDPOINT, NOS_RIGHT_CALL, "console"),
        name(NOS_CAP_NOTIFY, NOS_RIGHT_WAIT, "tick"),
        cap(NOS_CAP_PORTS, NOS_RIGHT_READ, 0, 65536),
        cap(NOS_CAP_PORTS, NOS_RIGHT_READ, 65535, 1),
        cap(NOS_CAP_IRQ, NOS_RIGHT_WAIT, 15, 0),
        cap(NOS_CAP_FRAMEBUFFER, NOS_RIGHT_MAP, 0, 0),
        cap(NOS_CAP_POWER, NOS_RIGHT_OFF, 0, 0),
        cap(NOS_CAP_NODE, NOS_RIGHT_ALL, 0, 0),
        name(NOS_CAP_NETWORK, NOS_RIGHT_CALL, "loopback"),
    };
    struct nos_cap rsv = cap(NOS_CAP_LOG, 0, 0, 0);
    rsv.rsv = 1;
    struct nos_cap dirty = name(NOS_CAP_ENDPOINT, NOS_RIGHT_CALL, "console");
    dirty.name[15] = 'x';
    const struct nos_cap bad[] = {
        cap(0, 1, 0, 0),
        cap(10, 1, 0, 0),
        name(NOS_CAP_NETWORK, 1, "Loopback"),
        cap(NOS_CAP_NETWORK, 1, 0, 0),
        cap(0xffff, 1, 0, 0),
        rsv,
        dirty,
        cap(NOS_CAP_LOG, 1, 0, 0),
        cap(NOS_CAP_LOG, 0, 1, 0),
        cap(NOS_CAP_LOG, 0, 0, 1),
        name(NOS_CAP_ENDPOINT, 0, "console"),
        name(NOS_CAP_ENDPOINT, 1, ""),
        name(NOS_CAP_ENDPOINT, 1, "Console"),
        name(NOS_CAP_NOTIFY, 1, "9"),
        name(NOS_CAP_ENDPOINT, 1u << 4, "console"),
        name(NOS_CAP_ENDPOINT, 1u << 31, "console"),
        cap(NOS_CAP_PORTS, 1, 0, 0),
        cap(NOS_CAP_PORTS, 1, 65536, 1),
        cap(NOS_CAP_PORTS, 1, 1, 65536),
        cap(NOS_CAP_PORTS, 1, 0, 65537),
        cap(NOS_CAP_PORTS, 1, UINT64_MAX, 2),
        cap(NOS_CAP_PORTS, 1, 2, UINT64_MAX),
        cap(NOS_CAP_IRQ, 1, 16, 0),
        cap(NOS_CAP_IRQ, 1, 1, 1),
        cap(NOS_CAP_FRAMEBUFFER, 1, 1, 0),
        cap(NOS_CAP_POWER, 1, 0, 1),
        cap(NOS_CAP_NODE, 1, 1, 0),
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(good); i++) {
        assert_int_equal(cap_check(&good[i]), NOS_OK);
    }
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        if (cap_check(&bad[i]) != NOS_MAN_CAP) {
            fail_msg("bad capability %zu was taken", i);
        }
    }
}

static void test_cap_tables(void **state)
{
    (void)state;
    assert_int_equal(cap_class(NOS_CAP_LOG), NOS_CLASS_IO);
    assert_int_equal(cap_class(NOS_CAP_ENDPOINT), NOS_CLASS_IPC);
    assert_int_equal(cap_class(NOS_CAP_NODE), NOS_CLASS_COREEXEC);
    assert_int_equal(cap_class(NOS_CAP_NETWORK), NOS_CLASS_NETWORK);
    assert_int_equal(cap_type(NOS_CAP_NETWORK), NOS_TYPE_ENDPOINT);
    assert_int_equal(cap_class(0), 0);
    assert_int_equal(cap_type(NOS_CAP_FRAMEBUFFER), NOS_TYPE_DEVICE);
    assert_int_equal(cap_type(NOS_CAP_LOG), NOS_TYPE_NONE);
    assert_int_equal(cap_type(77), NOS_TYPE_NONE);
    static const struct {
        uint32_t kind, type;
        const char *name;
    } all[] = {
#define X(kind, value, text, type, cls) { value, NOS_TYPE_##type, text },
        NOS_CAP_KIND_LIST(X)
#undef X
    };
    for (size_t i = 0; i < ARRAY_LEN(all); i++) {
        assert_int_equal(cap_type(all[i].kind), all[i].type);
        assert_string_equal(cap_kind_name(all[i].kind), all[i].name);
    }
    assert_string_equal(cap_kind_name(NOS_CAP_PORTS), "ports");
    assert_string_equal(cap_kind_name(77), "?");
}

static void test_cap_bytes(void **state)
{
    struct nos_cap c = cap(NOS_CAP_PORTS, 0x301, 0x3f8, 8), d;
    uint8_t bytes[64];
    (void)state;
    c.ttl_ns = 0x0102030405060708;
    cap_write(&c, bytes);
    cap_write(&c, bytes + 32);
    assert_true(cap_read(SPAN_OF(bytes), 1, &d));
    assert_memory_equal(&c, &d, sizeof c);
    assert_false(cap_read(SPAN_OF(bytes), 2, &d));
    assert_false(cap_read(SPAN_OF(bytes), SIZE_MAX, &d));
    assert_false(cap_read(SPAN_OF(bytes), SIZE_MAX / 32 + 1, &d));  // times 32 it is 0 again
    assert_false(cap_read(span_of(bytes, 63), 1, &d));
}

static void test_cap_intersect(void **state)
{
    struct nos_cap w = cap(NOS_CAP_PORTS, NOS_RIGHT_READ | NOS_RIGHT_WRITE, 0x3f8, 8), g = w, out;
    (void)state;
    g.rights = NOS_RIGHT_READ | NOS_RIGHT_DUP;
    g.a = 0x3f0;
    g.b = 0x10;
    assert_true(cap_intersect(&w, &g, &out));
    assert_int_equal(out.rights, NOS_RIGHT_READ);
    assert_int_equal(out.a, 0x3f8);
    assert_int_equal(out.b, 8);
    assert_int_equal(out.ttl_ns, 0);
    assert_true(cap_intersect(&w, &w, &out));  // exactly the range
    g.a = 0x3f9;
    assert_false(cap_intersect(&w, &g, &out));  // starts below
    g.a = 0x3f0;
    g.b = 0xf;
    assert_false(cap_intersect(&w, &g, &out));  // ends above
    g.b = 0x10;
    w.ttl_ns = 5;
    assert_true(cap_intersect(&w, &g, &out));
    assert_int_equal(out.ttl_ns, 5);
    g.ttl_ns = 3;
    assert_true(cap_intersect(&w, &g, &out));
    assert_int_equal(out.ttl_ns, 3);
    w.ttl_ns = 2;
    assert_true(cap_intersect(&w, &g, &out));
    assert_int_equal(out.ttl_ns, 2);
    w.ttl_ns = 0;
    assert_true(cap_intersect(&w, &g, &out));
    assert_int_equal(out.ttl_ns, 3);
    g.rights = NOS_RIGHT_DUP;
    assert_false(cap_intersect(&w, &g, &out));  // no right is left
    struct nos_cap e = name(NOS_CAP_ENDPOINT, 1, "aa"), f = name(NOS_CAP_ENDPOINT, 1, "ab");
    assert_false(cap_intersect(&e, &f, &out));
    assert_true(cap_intersect(&e, &e, &out));
    f = name(NOS_CAP_ENDPOINT, 1, "aa");
    f.name[12] = 'x';
    assert_false(cap_intersect(&e, &f, &out));
    f = name(NOS_CAP_NOTIFY, 1, "aa");
    assert_false(cap_intersect(&e, &f, &out));  // another kind
    f = name(NOS_CAP_NETWORK, 1, "aa");
    assert_false(cap_intersect(&e, &f, &out));
    struct nos_cap i = cap(NOS_CAP_IRQ, 1, 4, 0), j = cap(NOS_CAP_IRQ, 1, 3, 0);
    assert_false(cap_intersect(&i, &j, &out));
    struct nos_cap log = cap(NOS_CAP_LOG, 0, 0, 0);
    assert_true(cap_intersect(&log, &log, &out));  // the one without rights
}

/* Parse a golden manifest with one record changed. */
static nos_status_t parse_with(uint16_t tag, span_t value, bool drop)
{
    struct manifest m = { .n_caps = 99 };
    struct buf b = golden_manifest((struct change){ tag, drop, value });
    nos_status_t st = manifest_parse(buf_span(b), &m);
    buf_free(&b);
    assert_int_equal(m.n_caps == 99, st != NOS_OK);  // what is refused writes nothing
    return st;
}

static void test_golden(void **state)
{
    struct buf b = golden_manifest((struct change){ 0 });
    struct manifest m;
    struct nos_cap c;
    (void)state;
    assert_int_equal(manifest_parse(buf_span(b), &m), NOS_OK);
    assert_string_equal(m.name, "hello");
    assert_int_equal(m.classes,
                     NOS_CLASS_COREEXEC | NOS_CLASS_IO | NOS_CLASS_IPC | NOS_CLASS_MEMORY);
    assert_int_equal(m.limits.mem_pages, 64);
    assert_int_equal(m.limits.stack_pages, 8);
    assert_int_equal(m.limits.handles, 32);
    assert_int_equal(m.limits.threads, 4);
    assert_int_equal(m.limits.priority, 16);
    assert_int_equal(m.restart.when, NOS_RESTART_ON_CRASH);
    assert_int_equal(m.restart.backoff_ms, 100);
    assert_int_equal(m.restart.max_in_window, 5);
    assert_int_equal(m.restart.window_s, 60);
    assert_int_equal(m.limits.objects, 300);
    assert_int_equal(m.sched.budget_us, 2000);
    assert_int_equal(m.sched.period_us, 10000);
    assert_int_equal(m.sched.cpus, 5);
    assert_int_equal(m.children.mem_pages, 1024);
    assert_int_equal(m.children.capsules, 3);
    assert_true(m.has_filter);
    assert_int_equal(m.n_caps, 3);
    assert_true(manifest_cap(&m, 1, &c));
    assert_int_equal(c.kind, NOS_CAP_ENDPOINT);
    assert_false(manifest_cap(&m, 3, &c));
    assert_true(span_equal(m.semver, SPAN_LIT("1.2.3")));
    assert_true(span_equal(m.licence, SPAN_LIT("ISC")));
    assert_true(m.about.len != 0);
    assert_int_equal(m.symbols_hashes.len, 32);
    buf_free(&b);
}

static void test_defaults(void **state)
{
    struct buf b = golden_manifest((struct change){ NOS_MAN_FILTER, true, { 0 } });
    struct manifest m;
    (void)state;
    assert_int_equal(manifest_parse(buf_span(b), &m), NOS_OK);
    assert_false(m.has_filter);
    assert_true(m.filter[0] == UINT64_MAX && m.filter[1] == UINT64_MAX);
    buf_free(&b);
    b = golden_manifest((struct change){ NOS_MAN_RESTART, true, { 0 } });
    assert_int_equal(manifest_parse(buf_span(b), &m), NOS_OK);
    assert_int_equal(m.restart.when, NOS_RESTART_NEVER);
    buf_free(&b);
    b = golden_manifest((struct change){ NOS_MAN_SCHED, true, { 0 } });
    assert_int_equal(manifest_parse(buf_span(b), &m), NOS_OK);
    assert_true(m.sched.budget_us == 0 && m.sched.period_us == 0 && m.sched.cpus == UINT64_MAX);
    buf_free(&b);
    b = golden_manifest((struct change){ NOS_MAN_CHILDREN, true, { 0 } });
    assert_int_equal(manifest_parse(buf_span(b), &m), NOS_OK);
    assert_true(m.children.mem_pages == 0 && m.children.capsules == 0);
    buf_free(&b);
    assert_false(m.private);
    b = golden_manifest((struct change){ NOS_MAN_PRIVATE, false, { 0 } });
    assert_int_equal(manifest_parse(buf_span(b), &m), NOS_OK);
    assert_true(m.private);
    buf_free(&b);
    assert_int_equal(parse_with(NOS_MAN_PRIVATE, SPAN_LIT("1"), false), NOS_MAN_FIELD);
    const uint32_t limits[8] = { 64, 8, 32, 4, 16 };
    b = golden_manifest((struct change){ NOS_MAN_LIMITS, false, SPAN_OF(limits) });
    assert_int_equal(manifest_parse(buf_span(b), &m), NOS_OK);
    assert_int_equal(m.limits.objects, 256);
    buf_free(&b);
}

static const struct {
    uint16_t tag;
    const char *value;
    size_t len;
    nos_status_t status;
} records[] = {
#define REC(tag, text, status) \
    { \
        tag, text, sizeof(text) - 1, status \
    }
    REC(NOS_MAN_SEMVER, "1.2", NOS_MAN_FIELD),
    REC(NOS_MAN_NEEDS, "", NOS_MAN_FIELD),
    REC(NOS_MAN_SEMVER, "1.2.x", NOS_MAN_FIELD),
    REC(NOS_MAN_SEMVER, "1.2.3-aaaaaaaaaaaaaaaaaaaaaaaaaa", NOS_OK),  // 32 bytes
    REC(NOS_MAN_SEMVER, "1.2.3-aaaaaaaaaaaaaaaaaaaaaaaaaaa", NOS_MAN_FIELD),
    REC(NOS_MAN_LICENCE, "", NOS_MAN_FIELD),
    REC(NOS_MAN_LICENCE, "I", NOS_OK),
    REC(NOS_MAN_LICENCE, "I\nSC", NOS_MAN_FIELD),
    REC(NOS_MAN_LICENCE, "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
        NOS_MAN_FIELD),
    REC(NOS_MAN_ABOUT, "", NOS_MAN_FIELD),
    REC(NOS_MAN_ABOUT, "\xff", NOS_MAN_FIELD),
    REC(NOS_MAN_MODULE_NAME, "", NOS_MAN_FIELD),
    REC(NOS_MAN_MODULE_NAME, "Hello", NOS_MAN_FIELD),
    REC(NOS_MAN_MODULE_NAME, "hello\0", NOS_MAN_FIELD),
    REC(NOS_MAN_MODULE_NAME, "abcdefghijklmnopq", NOS_MAN_FIELD),
    REC(NOS_MAN_ABI, "\2\0\0\0", NOS_MAN_FIELD),
    REC(NOS_MAN_ABI, "\1\0\0", NOS_MAN_FIELD),
    REC(NOS_MAN_ABI, "\1\0\0\0\0", NOS_MAN_FIELD),
    REC(NOS_MAN_CLASSES, "\x7f\0\0\0", NOS_MAN_FIELD),
    REC(NOS_MAN_CLASSES, "\x0a\0\0\0", NOS_MAN_FIELD),  // something, but not CoreExec
    REC(NOS_MAN_CLASSES, "\x0b\0\0", NOS_MAN_FIELD),
    REC(NOS_MAN_CLASSES, "\x01\0\0\0", NOS_CAP_CLASS),  // caps need IO and IPC
    REC(NOS_MAN_CLASSES, "\x03\0\0\0", NOS_CAP_CLASS),
    REC(NOS_MAN_CLASSES, "\0\0\0\0", NOS_CAP_CLASS),
    REC(NOS_MAN_CAPS, "", NOS_MAN_FIELD),
    REC(NOS_MAN_CAPS, "\1", NOS_MAN_FIELD),
    REC(NOS_MAN_FILTER, "0123456789abcde", NOS_MAN_FIELD),
    REC(NOS_MAN_FILTER, "0123456789abcdefg", NOS_MAN_FIELD),
    REC(NOS_MAN_SYMBOLS, "", NOS_MAN_FIELD),
    REC(NOS_MAN_SYMBOLS, "\0\0\0\0\0\0\0\0", NOS_MAN_FIELD),  // no symbols: no record
    REC(NOS_MAN_SYMBOLS, "\1\0\0\0\0\0\0\0", NOS_MAN_FIELD),  // no hash
    REC(NOS_MAN_SYMBOLS,
        "\1\0\0\0\0\0\0\0"
        "0123456789abcdef0123456789abcdef",
        NOS_OK),  // one byte
    REC(NOS_MAN_SYMBOLS,
        "\1\0\1\0\0\0\0\0"
        "0123456789abcdef0123456789abcdef",
        NOS_MAN_FIELD),  // one too few
    REC(NOS_MAN_SYMBOLS,
        "\1\0\0\0\0\0\0\1"
        "0123456789abcdef0123456789abcdef",
        NOS_MAN_FIELD),
    REC(0x800d, "", NOS_TLV_CRITICAL),
    REC(0x8000, "", NOS_TLV_CRITICAL),
    REC(0x0013, "passed over", NOS_OK),
};

static void test_one_record_broken(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(records); i++) {
        nos_status_t st =
            parse_with(records[i].tag, span_of(records[i].value, records[i].len), false);
        if (st != records[i].status) {
            fail_msg("record %zu: %d, wanted %d", i, st, records[i].status);
        }
    }
    struct buf long_about = buf_new(201);
    memset(long_about.data, 'a', 201);
    assert_int_equal(parse_with(NOS_MAN_ABOUT, buf_span(long_about), false), NOS_MAN_FIELD);
    assert_int_equal(parse_with(NOS_MAN_ABOUT, span_of(long_about.data, 200), false), NOS_OK);
    buf_free(&long_about);
    struct buf big = buf_new(8 + 65 * 32);  // 65 chunks: above the limit of a lump
    store_le64(big.data, (uint64_t)NOS_MOD_SYMBOLS_MAX + 1);
    assert_int_equal(parse_with(NOS_MAN_SYMBOLS, buf_span(big), false), NOS_MAN_FIELD);
    store_le64(big.data, NOS_MOD_SYMBOLS_MAX);
    assert_int_equal(parse_with(NOS_MAN_SYMBOLS, span_of(big.data, 8 + 64 * 32), false), NOS_OK);
    buf_free(&big);
}

/* ---- what the supervisor is told ---- */

enum { CTL_AT_EVERY = 16, CTL_AT_DEADLINE = 20, CTL_AT_STOP = 24, CTL_AT_ESCALATE = 28 };

/* A module "svc" that serves `endpoint` with `rights`, and these two records; empty: left out. */
static nos_status_t parse_supervised(const char *endpoint, uint32_t rights, span_t control,
                                     span_t needs, struct manifest *m)
{
    static uint8_t room[1024];
    uint8_t caps[CAP_BYTES], limits[32] = { 64, 0, 0, 0, 8, 0, 0, 0, 32, 0, 0, 0, 4, 0, 0, 0, 16 };
    struct nos_cap c = name(NOS_CAP_ENDPOINT, rights, endpoint);
    struct tlv_writer w;
    span_t tlv;

    cap_write(&c, caps);
    tlv_write_init(&w, MSPAN_OF(room));
    tlv_put(&w, NOS_MAN_MODULE_NAME, SPAN_LIT("svc"));
    tlv_put_le32(&w, NOS_MAN_ABI, NOS_ABI_VERSION);
    tlv_put_le32(&w, NOS_MAN_CLASSES, NOS_CLASS_COREEXEC | NOS_CLASS_IPC);
    tlv_put(&w, NOS_MAN_CAPS, SPAN_OF(caps));
    tlv_put(&w, NOS_MAN_LIMITS, SPAN_OF(limits));
    if (control.len > 0) {
        tlv_put(&w, NOS_MAN_CONTROL, control);
    }
    if (needs.len > 0) {
        tlv_put(&w, NOS_MAN_NEEDS, needs);
    }
    assert_int_equal(tlv_write_end(&w, &tlv), NOS_OK);
    return manifest_parse(tlv, m);
}

static void test_control(void **state)
{
    static const struct {
        const char *endpoint;
        uint32_t every, deadline, stop, escalate;
        nos_status_t status;
    } rows[] = {
        { "svc", 1000, 100, 500, NOS_ESCALATE_SYSTEM, NOS_OK },
        { "svc", 100, 10, 0, 0, NOS_OK },
        { "svc", 3600000, 60000, 60000, 0, NOS_OK },
        { "svc", 0, 0, 1, 0, NOS_OK },
        { "", 0, 0, 0, NOS_ESCALATE_DEPENDANTS, NOS_OK },
        { "", 0, 0, 0, 0, NOS_MAN_FIELD },       // says nothing
        { "svc", 0, 0, 0, 1, NOS_MAN_FIELD },    // an endpoint for nothing
        { "", 1000, 100, 0, 0, NOS_MAN_FIELD },  // asked where?
        { "", 0, 0, 500, 0, NOS_MAN_FIELD },
        { "other", 1000, 100, 0, 0, NOS_MAN_FIELD },  // it does not serve that one
        { "Svc", 1000, 100, 0, 0, NOS_MAN_FIELD },
        { "svc", 99, 10, 0, 0, NOS_MAN_FIELD },
        { "svc", 3600001, 10, 0, 0, NOS_MAN_FIELD },
        { "svc", 100, 9, 0, 0, NOS_MAN_FIELD },
        { "svc", 100, 60001, 0, 0, NOS_MAN_FIELD },
        { "svc", 0, 100, 500, 0, NOS_MAN_FIELD },  // a deadline of no question
        { "svc", 100, 0, 500, 0, NOS_MAN_FIELD },
        { "svc", 100, 10, 60001, 0, NOS_MAN_FIELD },
        { "svc", 100, 10, 0, 3, NOS_MAN_FIELD },
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        uint8_t v[33] = { 0 };
        struct manifest m;
        memcpy(v, rows[i].endpoint, strlen(rows[i].endpoint));
        store_le32(v + CTL_AT_EVERY, rows[i].every);
        store_le32(v + CTL_AT_DEADLINE, rows[i].deadline);
        store_le32(v + CTL_AT_STOP, rows[i].stop);
        store_le32(v + CTL_AT_ESCALATE, rows[i].escalate);
        nos_status_t st =
            parse_supervised("svc", NOS_RIGHT_RECV, span_of(v, 32), (span_t){ 0 }, &m);
        if (st != rows[i].status) {
            fail_msg("row %zu: %d, wanted %d", i, st, rows[i].status);
        }
        if (st == NOS_OK) {
            assert_int_equal(m.control.every_ms, rows[i].every);
            assert_int_equal(m.control.deadline_ms, rows[i].deadline);
            assert_int_equal(m.control.stop_ms, rows[i].stop);
            assert_int_equal(m.control.escalate, rows[i].escalate);
            assert_memory_equal(m.control.endpoint, v, 16);
            assert_int_equal(
                parse_supervised("svc", NOS_RIGHT_RECV, span_of(v, 31), (span_t){ 0 }, &m),
                NOS_MAN_FIELD);
            assert_int_equal(
                parse_supervised("svc", NOS_RIGHT_RECV, span_of(v, 33), (span_t){ 0 }, &m),
                NOS_MAN_FIELD);
            if (rows[i].endpoint[0] != 0) {  // to call it is not to serve it
                assert_int_equal(
                    parse_supervised("svc", NOS_RIGHT_CALL, span_of(v, 32), (span_t){ 0 }, &m),
                    NOS_MAN_FIELD);
            }
        }
    }
}

/* No endpoint is 16 zeros, not a name behind a zero. */
static void test_control_with_a_hidden_name(void **state)
{
    uint8_t v[32] = { 0, 'x', [CTL_AT_ESCALATE] = NOS_ESCALATE_DEPENDANTS };
    struct manifest m;
    (void)state;
    assert_int_equal(parse_supervised("svc", NOS_RIGHT_RECV, SPAN_OF(v), (span_t){ 0 }, &m),
                     NOS_MAN_FIELD);
}

static void test_needs(void **state)
{
    static const struct {
        const char *names[10];
        nos_status_t status;
    } rows[] = {
        { { "a" }, NOS_OK },
        { { "a", "b", "c", "d", "e", "f", "g", "h" }, NOS_OK },
        { { "a", "b", "c", "d", "e", "f", "g", "h", "i" }, NOS_MAN_FIELD },
        { { "b", "a" }, NOS_MAN_FIELD },
        { { "a", "a" }, NOS_MAN_FIELD },
        { { "A" }, NOS_MAN_FIELD },
        { { "" }, NOS_MAN_FIELD },
        { { "svc" }, NOS_MAN_FIELD },  // itself
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        uint8_t v[160] = { 0 };
        struct manifest m;
        size_t n = 0;
        for (; rows[i].names[n] != NULL; n++) {
            memcpy(v + 16 * n, rows[i].names[n], strlen(rows[i].names[n]));
        }
        nos_status_t st =
            parse_supervised("svc", NOS_RIGHT_RECV, (span_t){ 0 }, span_of(v, 16 * n), &m);
        if (st != rows[i].status) {
            fail_msg("row %zu: %d, wanted %d", i, st, rows[i].status);
        }
        if (st == NOS_OK) {
            assert_int_equal(m.needs.len, 16 * n);
            assert_int_equal(
                parse_supervised("svc", NOS_RIGHT_RECV, (span_t){ 0 }, span_of(v, 16 * n - 1), &m),
                NOS_MAN_FIELD);
        }
    }
}

static void test_missing(void **state)
{
    static const uint16_t mandatory[] = { NOS_MAN_MODULE_NAME, NOS_MAN_ABI, NOS_MAN_CLASSES,
                                          NOS_MAN_LIMITS };
    static const uint16_t optional[] = { NOS_MAN_SEMVER,  NOS_MAN_LICENCE, NOS_MAN_ABOUT,
                                         NOS_MAN_SYMBOLS, NOS_MAN_CAPS,    NOS_MAN_RESTART,
                                         NOS_MAN_FILTER,  NOS_MAN_SCHED,   NOS_MAN_CHILDREN };
    struct manifest m;
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(mandatory); i++) {
        assert_int_equal(parse_with(mandatory[i], (span_t){ 0 }, true), NOS_MAN_MISSING);
    }
    for (size_t i = 0; i < ARRAY_LEN(optional); i++) {
        assert_int_equal(parse_with(optional[i], (span_t){ 0 }, true), NOS_OK);
    }
    assert_int_equal(manifest_parse((span_t){ NULL, 0 }, &m), NOS_MAN_MISSING);
}

static const struct {
    uint16_t tag;
    uint32_t word, value;
    nos_status_t status;
} words[] = {
    // one 32-bit word of LIMITS or RESTART changed
    { NOS_MAN_LIMITS, 0, 15, NOS_MAN_FIELD },
    { NOS_MAN_LIMITS, 0, 16, NOS_OK },
    { NOS_MAN_LIMITS, 0, 262144, NOS_OK },
    { NOS_MAN_LIMITS, 0, 262145, NOS_MAN_FIELD },
    { NOS_MAN_LIMITS, 1, 0, NOS_MAN_FIELD },
    { NOS_MAN_LIMITS, 1, 1, NOS_OK },
    { NOS_MAN_LIMITS, 1, 256, NOS_OK },
    { NOS_MAN_LIMITS, 1, 257, NOS_MAN_FIELD },
    { NOS_MAN_LIMITS, 2, 7, NOS_MAN_FIELD },
    { NOS_MAN_LIMITS, 2, 8, NOS_OK },
    { NOS_MAN_LIMITS, 2, 1024, NOS_OK },
    { NOS_MAN_LIMITS, 2, 1025, NOS_MAN_FIELD },
    { NOS_MAN_LIMITS, 3, 0, NOS_MAN_FIELD },
    { NOS_MAN_LIMITS, 3, 64, NOS_OK },
    { NOS_MAN_LIMITS, 3, 65, NOS_MAN_FIELD },
    { NOS_MAN_LIMITS, 4, 30, NOS_OK },
    { NOS_MAN_LIMITS, 4, 31, NOS_MAN_FIELD },
    { NOS_MAN_LIMITS, 5, 0, NOS_OK },
    { NOS_MAN_LIMITS, 5, 256, NOS_MAN_FIELD },
    { NOS_MAN_LIMITS, 5, 7, NOS_MAN_FIELD },
    { NOS_MAN_LIMITS, 5, 8, NOS_OK },
    { NOS_MAN_LIMITS, 5, 4096, NOS_OK },
    { NOS_MAN_LIMITS, 5, 4097, NOS_MAN_FIELD },
    { NOS_MAN_LIMITS, 6, 1, NOS_MAN_FIELD },
    { NOS_MAN_LIMITS, 7, 1, NOS_MAN_FIELD },
    { NOS_MAN_RESTART, 0, 2, NOS_OK },
    { NOS_MAN_RESTART, 0, 3, NOS_MAN_FIELD },
    { NOS_MAN_RESTART, 1, 60000, NOS_OK },
    { NOS_MAN_RESTART, 1, 60001, NOS_MAN_FIELD },
    { NOS_MAN_RESTART, 2, 0, NOS_MAN_FIELD },
    { NOS_MAN_RESTART, 2, 1000, NOS_OK },
    { NOS_MAN_RESTART, 2, 1001, NOS_MAN_FIELD },
    { NOS_MAN_RESTART, 3, 0, NOS_MAN_FIELD },
    { NOS_MAN_RESTART, 3, 3600, NOS_OK },
    { NOS_MAN_RESTART, 3, 3601, NOS_MAN_FIELD },
    { NOS_MAN_SCHED, 0, 99, NOS_MAN_FIELD },
    { NOS_MAN_SCHED, 0, 100, NOS_OK },
    { NOS_MAN_SCHED, 0, 10000, NOS_OK },
    { NOS_MAN_SCHED, 0, 10001, NOS_MAN_FIELD },
    { NOS_MAN_SCHED, 0, 0, NOS_MAN_FIELD },
    { NOS_MAN_SCHED, 1, 0, NOS_MAN_FIELD },
    { NOS_MAN_SCHED, 1, 1999, NOS_MAN_FIELD },
    { NOS_MAN_SCHED, 1, 1000000, NOS_OK },
    { NOS_MAN_SCHED, 1, 1000001, NOS_MAN_FIELD },
    { NOS_MAN_SCHED, 2, 0, NOS_MAN_FIELD },
    { NOS_MAN_SCHED, 3, 1, NOS_OK },
    { NOS_MAN_CHILDREN, 0, 15, NOS_MAN_FIELD },
    { NOS_MAN_CHILDREN, 0, 16, NOS_OK },
    { NOS_MAN_CHILDREN, 0, 1 << 24, NOS_OK },
    { NOS_MAN_CHILDREN, 0, (1 << 24) + 1, NOS_MAN_FIELD },
    { NOS_MAN_CHILDREN, 1, 0, NOS_MAN_FIELD },
    { NOS_MAN_CHILDREN, 1, 65536, NOS_OK },
    { NOS_MAN_CHILDREN, 1, 65537, NOS_MAN_FIELD },
};

/* Good words of a record, and a zero behind them. Gives: its length. */
static size_t golden_words(uint16_t tag, uint32_t v[9])
{
    static const uint32_t limits[8] = { 64, 8, 32, 4, 16, 300 }, restart[4] = { 1, 100, 5, 60 };
    static const uint32_t sched[4] = { 2000, 10000, 5, 0 }, children[2] = { 1024, 3 };
    const uint32_t *from = tag == NOS_MAN_LIMITS    ? limits
                           : tag == NOS_MAN_RESTART ? restart
                           : tag == NOS_MAN_SCHED   ? sched
                                                    : children;
    size_t len = tag == NOS_MAN_LIMITS ? 32 : tag == NOS_MAN_CHILDREN ? 8 : 16;

    memset(v, 0, 36);
    memcpy(v, from, len);
    return len;
}

static void test_words(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(words); i++) {
        uint32_t v[9];
        size_t len = golden_words(words[i].tag, v);
        v[words[i].word] = words[i].value;
        nos_status_t st = parse_with(words[i].tag, span_of(v, len), false);
        if (st != words[i].status) {
            fail_msg("word row %zu: %d", i, st);
        }
        (void)golden_words(words[i].tag, v);
        assert_int_equal(parse_with(words[i].tag, span_of(v, len), false), NOS_OK);
        assert_int_equal(parse_with(words[i].tag, span_of(v, len - 1), false), NOS_MAN_FIELD);
        assert_int_equal(parse_with(words[i].tag, span_of(v, len + 1), false), NOS_MAN_FIELD);
    }
}

/* CPUs without a budget are a record; all CPUs without a budget are none. */
static void test_sched_without_budget(void **state)
{
    const uint32_t some[4] = { 0, 0, 0xffffffff, 0x7fffffff };
    const uint32_t all[4] = { 0, 0, 0xffffffff, 0xffffffff };
    (void)state;
    assert_int_equal(parse_with(NOS_MAN_SCHED, SPAN_OF(some), false), NOS_OK);
    assert_int_equal(parse_with(NOS_MAN_SCHED, SPAN_OF(all), false), NOS_MAN_FIELD);
    // Each end of the ranges, with the other field made to fit.
    assert_int_equal(parse_with(NOS_MAN_SCHED, SPAN_OF(((uint32_t[4]){ 999, 999, 1, 0 })), false),
                     NOS_MAN_FIELD);
    assert_int_equal(parse_with(NOS_MAN_SCHED, SPAN_OF(((uint32_t[4]){ 1000, 1000, 1, 0 })), false),
                     NOS_OK);
}

static nos_status_t parse_caps_of(const struct nos_cap *c, size_t n)
{
    struct buf b = buf_new(n * 32);
    for (size_t i = 0; i < n; i++) {
        cap_write(&c[i], b.data + 32 * i);
    }
    nos_status_t st = parse_with(NOS_MAN_CAPS, buf_span(b), false);
    buf_free(&b);
    return st;
}

static void test_caps_list(void **state)
{
    struct nos_cap c[65];
    (void)state;
    for (size_t i = 0; i < 65; i++) {
        c[i] = name(NOS_CAP_ENDPOINT, 1, "a00");
        c[i].name[1] = (char)('0' + i / 10);
        c[i].name[2] = (char)('0' + i % 10);
    }
    assert_int_equal(parse_caps_of(c, 64), NOS_OK);
    assert_int_equal(parse_caps_of(c, 65), NOS_MAN_FIELD);
    struct nos_cap swapped[2] = { c[1], c[0] }, twice[2] = { c[0], c[0] };
    assert_int_equal(parse_caps_of(swapped, 2), NOS_MAN_CAP);
    assert_int_equal(parse_caps_of(twice, 2), NOS_MAN_CAP);
    twice[1].rights = 2;  // the same object with other rights is still twice
    assert_int_equal(parse_caps_of(twice, 2), NOS_MAN_CAP);
    struct nos_cap kinds[2] = { c[0], cap(NOS_CAP_LOG, 0, 0, 0) };
    assert_int_equal(parse_caps_of(kinds, 2), NOS_MAN_CAP);
    kinds[1] = cap(NOS_CAP_PORTS, NOS_RIGHT_READ, 0, 1);  // the kind counts first, then the object
    assert_int_equal(parse_caps_of(kinds, 2), NOS_OK);
    c[1].rsv = 1;
    assert_int_equal(parse_caps_of(c, 2), NOS_MAN_CAP);
}

static void test_truncations(void **state)
{
    struct buf m = golden_manifest((struct change){ 0 });
    struct manifest out;
    int ok = 0;
    (void)state;
    for (size_t len = 0; len <= m.len; len++) {
        struct buf b = buf_copy(span_of(m.data, len));
        nos_status_t st = manifest_parse(buf_span(b), &out);
        assert_true(st == NOS_OK || st == NOS_MAN_MISSING || st == NOS_TLV_TRUNCATED);
        ok += st == NOS_OK;
        buf_free(&b);
    }
    assert_int_equal(ok, 5);  // whole; without CHILDREN, SCHED, FILTER, RESTART, each from the end
    buf_free(&m);
}

static void test_header(void **state)
{
    struct buf f = golden_module_plain();
    struct mod_view v;
    struct manifest m;
    (void)state;
    assert_int_equal(mod_extract(buf_span(f), &v), NOS_OK);
    assert_int_equal(manifest_parse(v.manifest, &m), NOS_OK);
    assert_int_equal(manifest_check_header(&m, &v), NOS_OK);
    m.name[0] = 'j';
    assert_int_equal(manifest_check_header(&m, &v), NOS_MAN_NAME);
    m.name[0] = 'h';
    m.classes = 0;
    assert_int_equal(manifest_check_header(&m, &v), NOS_MAN_FIELD);
    v.flags = NOS_MOD_FLAG_KERNEL;
    assert_int_equal(manifest_check_header(&m, &v), NOS_OK);
    m.classes = NOS_CLASS_COREEXEC;
    assert_int_equal(manifest_check_header(&m, &v), NOS_MAN_FIELD);
    v.flags = 0;
    m.symbols_len--;
    assert_int_equal(manifest_check_header(&m, &v), NOS_MOD_OVERSIZE);
    m.symbols_len += 2;
    assert_int_equal(manifest_check_header(&m, &v), NOS_MOD_TRUNCATED);
    buf_free(&f);
}

/* What a module is controlled by may be an endpoint that it serves for datagrams. */
static void test_control_of_each_kind(void **state)
{
    struct nos_control control = { .endpoint = "svc" };
    (void)state;
    for (unsigned i = 1; i < NOS_CAP_KIND_COUNT; i++) {
        uint16_t kind = (uint16_t)i;
        struct nos_cap serves = name(kind, NOS_RIGHT_RECV, "svc");
        struct nos_cap calls = name(kind, NOS_RIGHT_CALL, "svc");
        assert_int_equal(manifest_is_control(&control, &serves),
                         kind == NOS_CAP_ENDPOINT || kind == NOS_CAP_NETWORK);
        assert_false(manifest_is_control(&control, &calls));
    }
}

static void test_find_symbols(void **state)
{
    uint64_t len;
    span_t hashes;
    struct buf m = golden_manifest((struct change){ 0 });
    struct buf none = golden_manifest((struct change){ NOS_MAN_SYMBOLS, true, { 0 } });
    struct buf bad = golden_manifest((struct change){ NOS_MAN_SYMBOLS, false, SPAN_LIT("short") });
    (void)state;
    assert_true(manifest_find_symbols(buf_span(m), &len, &hashes));
    assert_int_equal(hashes.len, 32);
    assert_false(manifest_find_symbols(buf_span(none), &len, &hashes));
    uint8_t alike[40] = { 1 };  // the same shape under another tag
    struct buf other = golden_manifest((struct change){ NOS_MAN_ABOUT, false, SPAN_OF(alike) });
    assert_true(manifest_find_symbols(buf_span(other), &len, &hashes));
    assert_int_equal(len, 43);
    buf_free(&other);
    assert_false(manifest_find_symbols(buf_span(bad), &len, &hashes));
    m.data[2] = 1;  // reserved: broken before the record
    assert_false(manifest_find_symbols(buf_span(m), &len, &hashes));
    buf_free(&m);
    buf_free(&none);
    buf_free(&bad);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cap_rules),
        cmocka_unit_test(test_cap_tables),
        cmocka_unit_test(test_cap_bytes),
        cmocka_unit_test(test_cap_intersect),
        cmocka_unit_test(test_golden),
        cmocka_unit_test(test_defaults),
        cmocka_unit_test(test_one_record_broken),
        cmocka_unit_test(test_control),
        cmocka_unit_test(test_control_with_a_hidden_name),
        cmocka_unit_test(test_needs),
        cmocka_unit_test(test_missing),
        cmocka_unit_test(test_words),
        cmocka_unit_test(test_sched_without_budget),
        cmocka_unit_test(test_caps_list),
        cmocka_unit_test(test_truncations),
        cmocka_unit_test(test_header),
        cmocka_unit_test(test_control_of_each_kind),
        cmocka_unit_test(test_find_symbols),
    };
    return cmocka_run_group_tests_name("manifest", tests, NULL, NULL);
}
