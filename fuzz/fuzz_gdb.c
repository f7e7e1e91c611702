/*
 * gdb's side of `nonosctl gdb`: whatever comes on the socket, and a node that answers whatever the
 * input says. A good packet behind it must always be answered: nothing keeps the stub from
 * recovering.
 */
#include "cli/gdb_regs.c"
#include "cli/gdb_stub.c"
#include "fuzz/fuzz.h"

struct gdb_target {
    span_t data;
};

static uint8_t next(struct gdb_target *t)
{
    span_t one;
    return span_take(&t->data, 1, &one) ? one.data[0] : 0;
}

static nos_status_t status(struct gdb_target *t)
{
    return next(t) % 4 == 0 ? NOS_BAD_ADDRESS : NOS_OK;
}

nos_status_t target_state(struct gdb_target *t, enum nos_mg_debugged *out)
{
    *out = (enum nos_mg_debugged)(next(t) % 8);
    return status(t);
}

nos_status_t target_thread(struct gdb_target *t, uint32_t from, struct nos_debug_thread *out)
{
    *out = (struct nos_debug_thread){ .id = from + next(t), .doing = next(t), .why = next(t) };
    return next(t) % 2 == 0 || from > 100 ? NOS_NOT_FOUND : NOS_OK;
}

nos_status_t target_set(struct gdb_target *t, uint32_t id, const uint64_t regs[NOS_REG_COUNT])
{
    (void)id, (void)regs;
    return status(t);
}

nos_status_t target_read(struct gdb_target *t, uint64_t at, uint8_t *out, size_t len)
{
    (void)at;
    PROMISE(len <= RSP_MAX / 2);
    memset(out, next(t), len);
    return status(t);
}

nos_status_t target_write(struct gdb_target *t, uint64_t at, span_t bytes)
{
    uint8_t sum = 0;
    (void)at;
    for (size_t i = 0; i < bytes.len; i++) {
        sum = (uint8_t)(sum + bytes.data[i]);
    }
    return sum == 1 ? NOS_BAD_ADDRESS : status(t);
}

nos_status_t target_break(struct gdb_target *t, uint64_t at, bool on)
{
    (void)at, (void)on;
    return status(t);
}

nos_status_t target_run(struct gdb_target *t, uint32_t id, enum nos_debug_how how)
{
    (void)id;
    PROMISE(how <= NOS_DEBUG_PASS);
    return status(t);
}

nos_status_t target_kill(struct gdb_target *t)
{
    return status(t);
}

void target_end(struct gdb_target *t, char out[8])
{
    (void)t;
    memcpy(out, "X09", 4);
}

static void answered(const struct stub *s)
{
    static uint8_t room[RSP_ROOM];
    size_t len;
    PROMISE(!s->reply.cut && rsp_encode(fmt_text(&s->reply), MSPAN_OF(room), &len));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct stub s;
    static struct rsp r;
    struct gdb_target t = { .data = span_of(data, size) };
    span_t in = span_of(data, size), packet, good = SPAN_LIT("$qsThreadInfo#c8");
    enum rsp_event e;

    memset(&r, 0, sizeof(r));
    stub_init(&s, &t);
    while ((e = rsp_feed(&r, &in, &packet)) != RSP_NONE) {
        if (e == RSP_INTERRUPT) {
            stub_interrupt(&s);
        } else if (e == RSP_PACKET && stub_packet(&s, packet)) {
            answered(&s);
        }
        if (s.running && stub_poll(&s)) {
            answered(&s);
        }
    }
    while ((e = rsp_feed(&r, &good, &packet)) != RSP_NONE && e != RSP_PACKET) {
    }
    PROMISE(e == RSP_PACKET && stub_packet(&s, packet) && strcmp(s.text, "l") == 0);
    return 0;
}
