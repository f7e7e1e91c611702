/* Registers and commands as in the 8042's data sheet. Each access is a system call: the kernel
 * looks whether the port lies in a window that this capsule was granted. */
#include "controller.h"

#include "abi/caps.h"
#include "sdk/start.h"

enum { DATA = 0x60, STATUS = 0x64, COMMAND = 0x64, LINE = 1 };
enum { HAS_DATA = 0x01, IS_BUSY = 0x02, FROM_MOUSE = 0x20, NO_DEVICE = 0xff };
enum {
    READ_CONFIG = 0x20,
    WRITE_CONFIG = 0x60,
    MOUSE_OFF = 0xa7,
    KEYBOARD_OFF = 0xad,
    KEYBOARD_ON = 0xae,
    SCAN = 0xf4,
    ACK = 0xfa
};
enum { INTERRUPT = 0x01, MOUSE_INTERRUPT = 0x02, CLOCK_OFF = 0x10, TRANSLATE = 0x40 };
enum { PATIENCE_NS = 200000000, POLL_NS = 200000, BURST = 64 };

static const struct nos_start_handle *granted(enum nos_cap_kind kind, uint64_t a, uint32_t rights)
{
    const struct nos_start *s = nos_self();

    for (uint32_t i = 0; i < s->n_handles && i < NOS_START_HANDLES; i++) {
        const struct nos_start_handle *h = &s->handle[i];
        if (h->kind == (uint32_t)kind && h->a == a && (h->rights & rights) == rights) {
            return h;
        }
    }
    return NULL;
}

static nos_handle_t ports(uint64_t port)
{
    const struct nos_start_handle *h =
        granted(NOS_CAP_PORTS, port, NOS_RIGHT_READ | NOS_RIGHT_WRITE);
    return (nos_handle_t){ h == NULL ? 0 : h->handle };
}

static nos_handle_t interrupt(void)
{
    const struct nos_start_handle *h = granted(NOS_CAP_IRQ, LINE, NOS_RIGHT_WAIT);
    return (nos_handle_t){ h == NULL ? 0 : h->handle };
}

const char *controller_missing(void)
{
    return ports(DATA).v == 0     ? "{\"kind\":\"ports\",\"base\":\"0x60\",\"count\":1,\"rights\":["
                                    "\"read\",\"write\"]}"
           : ports(STATUS).v == 0 ? "{\"kind\":\"ports\",\"base\":\"0x64\",\"count\":1,\"rights\":["
                                    "\"read\",\"write\"]}"
           : interrupt().v == 0   ? "{\"kind\":\"interrupt\",\"line\":1,\"rights\":[\"wait\"]}"
                                  : NULL;
}

static uint8_t in(uint64_t port)
{
    uint64_t v = 0;
    nos_status_t st = nos_sys_port_in(ports(port), port, 1, &v);
    return st == NOS_OK ? (uint8_t)v : NO_DEVICE;  // revoked: as if it had been pulled out
}

/* Until the bits `mask` of the status are `want`. */
static nos_status_t await(uint8_t mask, uint8_t want)
{
    uint64_t end = nos_now_ns() + PATIENCE_NS;
    nos_status_t st = NOS_OK;

    while (st == NOS_OK && (in(STATUS)&mask) != want) {
        uint64_t now = nos_now_ns();
        st = now >= end ? NOS_TIMED_OUT : nos_sys_sleep(now + POLL_NS);
    }
    return st;
}

static nos_status_t out(uint64_t port, uint8_t v)
{
    nos_status_t st = await(IS_BUSY, 0);
    return st == NOS_OK ? nos_sys_port_out(ports(port), port, 1, v) : st;
}

static nos_status_t answer(uint8_t *v)
{
    nos_status_t st = await(HAS_DATA, HAS_DATA);
    *v = st == NOS_OK ? in(DATA) : 0;
    return st;
}

/* What was typed before is not ours. */
static void empty(void)
{
    for (unsigned i = 0; i < BURST && (in(STATUS)&HAS_DATA) != 0; i++) {
        (void)in(DATA);
    }
}

static nos_status_t configure(void)
{
    uint8_t config;
    nos_status_t st = out(COMMAND, KEYBOARD_OFF);

    if (st == NOS_OK && (st = out(COMMAND, MOUSE_OFF)) == NOS_OK) {
        empty();
        st = out(COMMAND, READ_CONFIG);
    }
    if (st == NOS_OK && (st = answer(&config)) == NOS_OK &&
        (st = out(COMMAND, WRITE_CONFIG)) == NOS_OK) {
        config &= (uint8_t) ~(MOUSE_INTERRUPT | CLOCK_OFF);
        st = out(DATA, config | INTERRUPT | TRANSLATE);
    }
    return st == NOS_OK ? out(COMMAND, KEYBOARD_ON) : st;
}

/* The keyboard itself: it acknowledges this one. Keys pressed meanwhile come before that. */
static nos_status_t start_keyboard(void)
{
    uint8_t v = 0;
    nos_status_t st = out(DATA, SCAN);

    for (unsigned i = 0; st == NOS_OK && v != ACK; i++) {
        st = i < BURST ? answer(&v) : NOS_TIMED_OUT;
    }
    return st;
}

nos_status_t controller_open(nos_handle_t notify, uint64_t bit)
{
    if (in(STATUS) == NO_DEVICE) {
        return NOS_NOT_SUPPORTED;
    }
    nos_status_t st = configure();
    if (st == NOS_OK) {
        st = start_keyboard();
    }
    return st == NOS_OK ? nos_sys_irq_bind(interrupt(), notify, bit) : st;
}

bool controller_read(uint8_t *code)
{
    uint8_t status;

    while ((status = in(STATUS)) != NO_DEVICE && (status & HAS_DATA) != 0) {
        *code = in(DATA);
        if ((status & FROM_MOUSE) == 0) {
            return true;
        }
    }
    return false;
}

void controller_ack(void)
{
    nos_ignore(nos_sys_irq_ack(interrupt()));  // BAD_STATE: nothing was pending
}
