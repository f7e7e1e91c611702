/* The ring of crash records: bounds, order, who pushes out whom; and what goes into a record of
 * whom: nothing but the capsule's own memory, and of one that did not crash no bytes at all. Every
 * record made here passes the parser that its readers use. */
#include "tests/host/kernel_host.h"
#include "tests/host/test.h"

#define HOST_HAS_CAPSULES
#include "tests/host/kernel_host_impl.h"

#include "tests/host/panic_host.h"

#define panic panics
#include "kernel/runtime/death.c"
#undef panic
#include "lib/crash.h"
#include "tests/host/golden.h"

/* ---- the machine around it ---- */

enum { IMAGE = 0x400000, STACK = 0x500000, SHARED = 0x600000, IMAGE_LEN = 0x2000 };

static struct capsule cap;
static struct module mod;
static struct thread thread;
static struct area areas[] = {
    { .va = IMAGE, .pages = 2, .kind = AREA_PRIVATE },
    { .va = STACK, .pages = 1, .kind = AREA_STACK },
    { .va = SHARED, .pages = 1, .kind = AREA_BORROWED },
};
static uint64_t memory[4][512];
static char log_text[1000];
static uint64_t log_bytes;
static uint32_t n_handles;
static bool module_known, no_frame;

paddr_t frame_alloc(unsigned order)
{
    const paddr_t p = { 0x1000000 };
    if (no_frame) {
        return (paddr_t){ 0 };
    }
    memset(phys_ptr(p), 0, (size_t)PAGE_SIZE << order);
    return p;
}

const struct area *space_find(const struct space *s, uint64_t va, bool *guard)
{
    (void)s;
    for (size_t i = 0; i < ARRAY_LEN(areas); i++) {
        const struct area *a = &areas[i];
        uint64_t end = a->va + a->pages * PAGE_SIZE;
        if (va >= a->va - PAGE_SIZE && va < end + PAGE_SIZE) {
            *guard = va < a->va || va >= end;
            return a;
        }
    }
    return NULL;
}

void *space_ptr(const struct space *s, uint64_t va)
{
    (void)s;
    assert_int_equal(va % PAGE_SIZE, 0);
    return va == STACK ? memory[2] : va == SHARED ? memory[3] : memory[(va - IMAGE) / PAGE_SIZE];
}

nos_status_t handle_nth(const struct handle_table *t, uint32_t n, uint32_t *h,
                        struct handle_slot **out)
{
    (void)t;
    *out = NULL;  // for handle_describe, which does without
    *h = n + 1;
    return n < n_handles ? NOS_OK : NOS_NOT_FOUND;
}

void handle_describe(uint32_t h, const struct handle_slot *s, struct nos_handle_info *out)
{
    (void)s;
    *out = (struct nos_handle_info){ .handle = h, .type = NOS_TYPE_ENDPOINT, .name = "console" };
}

uint64_t log_end(void)
{
    return log_bytes;
}

size_t log_read(uint64_t *from, uint8_t *out, size_t len)
{
    size_t n = log_bytes - *from < len ? log_bytes - *from : len;
    memcpy(out, log_text + *from, n);
    return n;
}

void capsule_describe(const struct capsule *c, struct nos_capsule_info *out)
{
    *out = (struct nos_capsule_info){ .id = c->id,
                                      .state = c->state,
                                      .name = "victim",
                                      .exit_code = c->exit_code,
                                      .handles = n_handles };
    memcpy(out->module_id, c->module->id, 32);
}

struct module *module_find_id(const uint8_t id[32])
{
    return module_known && memcmp(id, mod.id, 32) == 0 ? &mod : NULL;
}

/* ---- deaths ---- */

static struct buf lump;

static int start(void **state)
{
    (void)state;
    host_start();
    lump = golden_symbols();
    mod = (struct module){ .elf.mem_len = IMAGE_LEN, .id = { 7 }, .view.symbols = buf_span(lump) };
    cap = (struct capsule){ .id = 5, .module = &mod, .image_base = IMAGE, .threads = &thread };
    thread = (struct thread){ .capsule = &cap, .state = THREAD_RUNNING };
    thread.ctx.ip = IMAGE + 0x210;
    thread.ctx.sp = STACK + 0xff0;
    memset(memory, 0x5a, sizeof memory);
    n_handles = 1;
    module_known = true;
    memcpy(log_text, "one\n", 4);
    log_bytes = 4;
    cpus[0].current = &thread;
    death_init();
    return 0;
}

static int stop(void **state)
{
    (void)state;
    buf_free(&lump);
    return 0;
}

static void die(enum nos_capsule_state how)
{
    cap.state = how;
    cap.exit_code = how == NOS_CAPSULE_CRASHED ? NOS_CRASH_ILLEGAL : 0;
    death_note(&cap);
}

static struct nos_crash_record get(uint64_t seq)
{
    struct nos_crash_record raw, r;
    assert_int_equal(death_record(seq, &raw), NOS_OK);
    assert_int_equal(crash_parse(span_of(&raw, sizeof raw), &r), NOS_OK);
    return r;
}

static void test_empty(void **state)
{
    struct nos_crash_record r;
    (void)state;
    assert_int_equal(death_record(0, &r), NOS_NOT_FOUND);
    die(NOS_CAPSULE_EXITED);
    assert_int_equal(get(0).seq, 0);
    assert_int_equal(death_record(1, &r), NOS_NOT_FOUND);
    assert_int_equal(death_record(UINT64_MAX, &r), NOS_NOT_FOUND);
    die(NOS_CAPSULE_CRASHED);
    death_init();  // an empty ring: numbers begin at 0 again
    assert_int_equal(death_record(0, &r), NOS_NOT_FOUND);
    die(NOS_CAPSULE_CRASHED);
    assert_int_equal(get(0).seq, 0);
    assert_int_equal(death_record(1, &r), NOS_NOT_FOUND);
}

/* A machine that could not say what died does not start. */
static void test_no_memory(void **state)
{
    (void)state;
    no_frame = true;
    if (setjmp(panicked) == 0) {
        death_init();
        fail_msg("a ring without memory");
    }
    no_frame = false;
    assert_non_null(strstr(panic_text, "no memory for crash records"));
}

/* Numbers kept, in order. */
static size_t kept(uint64_t *out, size_t max)
{
    struct nos_crash_record r;
    size_t n = 0;
    for (uint64_t seq = 0; death_record(seq, &r) == NOS_OK; seq = r.seq + 1) {
        assert_true(n < max && r.seq >= seq);
        out[n++] = r.seq;
    }
    return n;
}

static void test_ring(void **state)
{
    uint64_t seq[RING + 1];
    (void)state;
    for (unsigned i = 0; i < DEATH_CRASHES; i++) {  // 0..9
        die(NOS_CAPSULE_CRASHED);
    }
    for (unsigned i = 0; i < 1000; i++) {  // 10..1009: they push out none of those
        die(i % 2 == 0 ? NOS_CAPSULE_EXITED : NOS_CAPSULE_KILLED);
    }
    assert_int_equal(kept(seq, ARRAY_LEN(seq)), RING);
    assert_int_equal(seq[0], 0);
    assert_int_equal(seq[DEATH_CRASHES - 1], DEATH_CRASHES - 1);
    assert_int_equal(seq[DEATH_CRASHES], 1010 - DEATH_ENDS);
    assert_int_equal(seq[RING - 1], 1009);
    die(NOS_CAPSULE_CRASHED);  // the oldest goes, and no other
    assert_int_equal(kept(seq, ARRAY_LEN(seq)), RING);
    assert_int_equal(seq[0], 1);
    assert_int_equal(seq[RING - 1], 1010);
    for (unsigned i = 0; i < 1000; i++) {
        die(NOS_CAPSULE_CRASHED);
    }
    assert_int_equal(kept(seq, ARRAY_LEN(seq)), RING);
    assert_int_equal(seq[0], 1010 - DEATH_ENDS);
    assert_int_equal(seq[RING - 1], 2010);
}

static void test_place(void **state)
{
    (void)state;
    memory[2][0] = STACK + 0x20;  // frame pointers at STACK, then STACK + 0x20, then down again
    memory[2][1] = IMAGE + 0x205;
    memory[2][4] = STACK;
    memory[2][5] = IMAGE + 0x211;
    thread.ctx.fp = STACK;
    die(NOS_CAPSULE_CRASHED);
    struct nos_crash_record r = get(0);
    assert_int_equal(r.n_trace, 3);
    assert_string_equal(r.trace[0].symbol, "main+0x0");
    assert_string_equal(r.trace[1].symbol, "start+0x5");
    assert_string_equal(r.trace[2].symbol, "main+0x1");
    thread.ctx.ip = STACK;  // a wild jump: no place, but rip says where to
    die(NOS_CAPSULE_CRASHED);
    r = get(1);
    assert_int_equal(r.n_trace, 2);
    assert_int_equal(r.regs[NOS_REG_rip], STACK);
    module_known = false;
    assert_int_equal(get(1).trace[0].symbol[0], 0);
}

static void test_endless_trace(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 512; i += 2) {
        memory[2][i] = STACK + 8 * (i + 2);
        memory[2][i + 1] = IMAGE + 0x220;
    }
    thread.ctx.fp = STACK;
    die(NOS_CAPSULE_CRASHED);
    assert_int_equal(get(0).n_trace, NOS_CR_TRACE);
    memory[2][0] = STACK;  // it points to itself
    die(NOS_CAPSULE_CRASHED);
    assert_int_equal(get(1).n_trace, 2);
}

static void test_own_memory_only(void **state)
{
    struct nos_crash_record r;
    (void)state;
    die(NOS_CAPSULE_CRASHED);
    r = get(0);
    assert_int_equal(r.stack_len, 16);  // up to the stack's end
    assert_int_equal(r.stack[0], 0x5a);
    assert_int_equal(r.code_len, NOS_CR_CODE);
    assert_int_equal(r.code_at, IMAGE + 0x200);
    static const uint64_t nowhere[] = { SHARED,
                                        SHARED + 8,
                                        STACK - 8,
                                        0,
                                        8,
                                        USER_MAX,
                                        UINT64_MAX,
                                        UINT64_MAX - 15,
                                        NOS_DIRECT_BASE | 1ull << 63 };
    for (size_t i = 0; i < ARRAY_LEN(nowhere); i++) {
        thread.ctx.sp = thread.ctx.fp = nowhere[i];
        thread.ctx.ip = nowhere[i] + NOS_CR_CODE_BEFORE;
        die(NOS_CAPSULE_CRASHED);
        r = get(i + 1);
        assert_int_equal(r.stack_len, 0);
        assert_int_equal(r.code_len, 0);
        assert_int_equal(r.n_trace, 0);
    }
}

static void test_no_bytes_of_others(void **state)
{
    struct thread killer = { .capsule = &(struct capsule){ .id = 2 } };
    (void)state;
    for (size_t i = 0; i < NOS_REG_COUNT; i++) {
        ((uint64_t *)&thread.ctx)[i] = 0x5ec2e7;
    }
    thread.ctx.ip = IMAGE + 0x210;
    die(NOS_CAPSULE_EXITED);
    cpus[0].current = &killer;
    die(NOS_CAPSULE_KILLED);
    cap.threads = NULL;
    die(NOS_CAPSULE_KILLED);
    for (unsigned i = 0; i < 3; i++) {  // the parser refuses one with registers or memory
        struct nos_crash_record r = get(i);
        assert_int_equal(r.killer, i == 0 ? 0 : 2);
        assert_int_equal(r.flags, i == 2 ? 0 : NOS_CR_THREAD);
        assert_int_equal(r.n_trace, i == 2 ? 0 : 1);
    }
}

static void test_private(void **state)
{
    (void)state;
    for (size_t i = 0; i < NOS_REG_COUNT; i++) {
        ((uint64_t *)&thread.ctx)[i] = 0x5ec2e7;
    }
    thread.ctx.ip = IMAGE + 0x210;
    mod.man.private = true;
    die(NOS_CAPSULE_CRASHED);
    struct nos_crash_record r = get(0);
    assert_int_equal(r.flags, NOS_CR_THREAD | NOS_CR_PRIVATE);
    assert_int_equal(r.trace[0].ip, IMAGE + 0x210);
    assert_true(span_is_zero(SPAN_OF(r.regs)) && span_is_zero(SPAN_OF(r.stack)));
    die(NOS_CAPSULE_EXITED);  // nothing was held back of one that did not crash
    assert_int_equal(get(1).flags, NOS_CR_THREAD);
}

/* Of many threads the record is about the one that ran; of one that others killed, about the first.
 */
static void test_which_thread(void **state)
{
    struct thread runs = thread, killer = { .capsule = &(struct capsule){ .id = 2 } };
    (void)state;
    runs.ctx.ip = IMAGE + 0x220;
    cpus[0].current = &runs;
    die(NOS_CAPSULE_CRASHED);
    struct nos_crash_record r = get(0);
    assert_int_equal(r.trace[0].ip, IMAGE + 0x220);
    assert_int_equal(r.regs[NOS_REG_rip], IMAGE + 0x220);
    cpus[0].current = &killer;
    die(NOS_CAPSULE_KILLED);
    assert_int_equal(get(1).trace[0].ip, IMAGE + 0x210);
}

/* A return to outside of the image ends the trace, and so does a frame that is not all there. */
static void test_trace_leaves_the_image(void **state)
{
    (void)state;
    memory[2][0] = STACK + 0x20;
    memory[2][1] = IMAGE + IMAGE_LEN;
    memory[2][4] = STACK + 0x40;
    memory[2][5] = IMAGE + 0x220;
    thread.ctx.fp = STACK;
    die(NOS_CAPSULE_CRASHED);
    assert_int_equal(get(0).n_trace, 1);
    memory[2][0] = STACK + PAGE_SIZE - 8;
    memory[2][1] = IMAGE + 0x220;
    die(NOS_CAPSULE_CRASHED);
    assert_int_equal(get(1).n_trace, 2);
}

/* An idle CPU ends it: the kernel killed it, nobody else; and it may have no thread any more. */
static void test_killed_by_nobody(void **state)
{
    (void)state;
    cpus[0].current = NULL;
    die(NOS_CAPSULE_KILLED);
    assert_int_equal(get(0).killer, 0);
    assert_int_equal(get(0).doing, thread.state);
    cap.threads = NULL;
    die(NOS_CAPSULE_KILLED);
    assert_int_equal(get(1).flags & NOS_CR_THREAD, 0);
}

/* Names are signed data, but lengths are the signer's. */
static void test_symbol_names(void **state)
{
    static const char name[] = "a_name_of_more_than_twenty_eight_characters";
    uint8_t one[8 + 12 + sizeof name] = { 1, [9] = 2 };  // at 0x200, without a size
    char out[40];
    (void)state;
    memcpy(one + 20, name, sizeof name);
    mod.view.symbols = SPAN_OF(one);
    memset(out, 0, sizeof out);
    death_symbol(&mod, 0x1234567a, out);
    assert_string_equal(out, "a_name_of_more_than_twenty_e+0x1234547a");
    memset(out, 'z', sizeof out);
    death_symbol(&mod, 0x1ff, out);  // before the first: nothing is written
    for (size_t i = 0; i < sizeof out; i++) {
        assert_int_equal(out[i], 'z');
    }
    /* What is found in a lump that is refused would be what the call before has left on the stack:
     * it follows one that finds something, with no other call between. */
    death_symbol(&mod, 0x200, out);
    out[0] = 0;
    one[4] = 1;  // reserved
    death_symbol(&mod, 0x200, out);
    assert_string_equal(out, "");
    die(NOS_CAPSULE_CRASHED);
    assert_int_equal(get(0).n_trace, 1);
    assert_int_equal(get(0).trace[0].symbol[0], 0);
    mod.view.symbols = span_of(one, 0);
    death_symbol(&mod, 0x200, out);
    assert_string_equal(out, "");
}

static void test_message(void **state)
{
    struct module its = { 0 };
    struct capsule other = { .id = 9, .module = &its };
    struct thread client = { .capsule = &other, .state = THREAD_REPLY, .worker = &thread };
    struct nos_crash_record r;
    (void)state;
    client.ctx.arg1 = 0x1234ull << NOS_MSG_LABEL_SHIFT | 8;
    client.ctx.w[7] = 77;
    thread.client = &client;
    die(NOS_CAPSULE_CRASHED);
    r = get(0);
    assert_int_equal(r.flags, NOS_CR_THREAD | NOS_CR_MEMORY | NOS_CR_MESSAGE);
    assert_int_equal(r.client, 9);
    assert_int_equal(r.label, 0x1234);
    assert_int_equal(r.message[7], 77);
    client.fault = NOS_FAULT_WRITE;  // a page fault: its registers are no message
    die(NOS_CAPSULE_CRASHED);
    r = get(1);
    assert_int_equal(r.label, 0);
    assert_int_equal(r.message[7], 0);
    client.fault = 0;
    its.man.private = true;  // what the client said is the client's
    die(NOS_CAPSULE_CRASHED);
    r = get(2);
    assert_int_equal(r.client, 9);
    assert_int_equal(r.label, 0);
    assert_int_equal(r.message[7], 0);
    its.man.private = false;
    die(NOS_CAPSULE_KILLED);
    r = get(3);
    assert_int_equal(r.client, 9);
    assert_int_equal(r.message[7], 0);
    client.state = THREAD_READY;  // its wait has ended
    die(NOS_CAPSULE_CRASHED);
    assert_int_equal(get(4).flags & NOS_CR_MESSAGE, 0);
    client.state = THREAD_REPLY;
    client.worker = NULL;  // answered
    die(NOS_CAPSULE_CRASHED);
    assert_int_equal(get(5).flags & NOS_CR_MESSAGE, 0);
}

static void test_handles_and_log(void **state)
{
    struct nos_crash_record r;
    (void)state;
    n_handles = 200;
    die(NOS_CAPSULE_EXITED);
    r = get(0);
    assert_int_equal(r.n_handles, NOS_CR_HANDLES);
    assert_int_equal(r.handle[11].handle, 12);
    assert_int_equal(r.log_len, 4);
    memset(log_text, 'x', sizeof log_text);
    log_text[700] = log_text[800] = log_text[999] = '\n';
    log_bytes = sizeof log_text;
    die(NOS_CAPSULE_EXITED);
    r = get(1);
    assert_int_equal(r.log_len, 299);  // from behind byte 700, the first line end
    log_text[700] = log_text[800] = log_text[999] = 'x';
    die(NOS_CAPSULE_EXITED);
    assert_int_equal(get(2).log_len, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_empty, start, stop),
        cmocka_unit_test_setup_teardown(test_no_memory, start, stop),
        cmocka_unit_test_setup_teardown(test_ring, start, stop),
        cmocka_unit_test_setup_teardown(test_place, start, stop),
        cmocka_unit_test_setup_teardown(test_private, start, stop),
        cmocka_unit_test_setup_teardown(test_which_thread, start, stop),
        cmocka_unit_test_setup_teardown(test_endless_trace, start, stop),
        cmocka_unit_test_setup_teardown(test_own_memory_only, start, stop),
        cmocka_unit_test_setup_teardown(test_no_bytes_of_others, start, stop),
        cmocka_unit_test_setup_teardown(test_trace_leaves_the_image, start, stop),
        cmocka_unit_test_setup_teardown(test_killed_by_nobody, start, stop),
        cmocka_unit_test_setup_teardown(test_symbol_names, start, stop),
        cmocka_unit_test_setup_teardown(test_message, start, stop),
        cmocka_unit_test_setup_teardown(test_handles_and_log, start, stop),
    };
    return cmocka_run_group_tests_name("death", tests, NULL, NULL);
}
