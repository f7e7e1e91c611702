/*
 * Registers as in the 16550D data sheet. Each access is a system call, so the status register is
 * not read where the device has already said how much there is: a receive interrupt at trigger
 * level 14 means 14 bytes, an empty transmitter means room for 16.
 */
#include "sdk/uart.h"

#include "abi/caps.h"
#include "sdk/start.h"

enum uart_reg {
    RBR = 0,
    THR = 0,
    DLL = 0,
    IER = 1,
    DLM = 1,
    IIR = 2,
    FCR = 2,
    LCR = 3,
    MCR = 4,
    LSR = 5,
    SCR = 7
};

enum {
    LSR_DATA = 0x01,
    LSR_THR_EMPTY = 0x20,
    IIR_MASK = 0x0f,
    IIR_DATA = 0x04,
    TRIGGER = 14,
    FIFO = 16,
    SPINS = 64,
    STUCK_NS = 200000000,
    POLL_NS = 500000,
};

static uint8_t in(const struct nos_uart *u, enum uart_reg reg)
{
    uint64_t v = 0;
    nos_status_t st = nos_sys_port_in(u->ports, u->base + (uint64_t)reg, 1, &v);
    return st == NOS_OK ? (uint8_t)v : 0;
}

static void out(const struct nos_uart *u, enum uart_reg reg, uint8_t v)
{
    nos_status_t st = nos_sys_port_out(u->ports, u->base + (uint64_t)reg, 1, v);
    (void)
        st;  // the grant was checked when the device was opened; a revoked one leaves nothing to do
}

static bool present(const struct nos_uart *u)
{
    out(u, SCR, 0x5a);
    return in(u, SCR) == 0x5a && in(u, LSR) != 0xff;
}

static void reset(const struct nos_uart *u)
{
    out(u, IER, 0);
    out(u, LCR, 0x80);  // divisor latch
    out(u, DLL, 1);
    out(u, DLM, 0);
    out(u, LCR, 0x03);  // 8 bits, no parity, one stop bit
    out(u, FCR, 0xc7);  // on, both cleared, trigger at 14
    out(u, MCR, 0x0b);  // DTR, RTS, and OUT2, which lets the interrupt out
}

static nos_handle_t granted(enum nos_cap_kind kind, uint64_t a)
{
    const struct nos_start *s = nos_self();

    for (uint32_t i = 0; i < s->n_handles && i < NOS_START_HANDLES; i++) {
        if (s->handle[i].kind == (uint32_t)kind && s->handle[i].a == a) {
            return (nos_handle_t){ s->handle[i].handle };
        }
    }
    return (nos_handle_t){ 0 };
}

static nos_status_t find(struct nos_uart *u, uint16_t base, uint64_t line)
{
    *u = (struct nos_uart){ .ports = granted(NOS_CAP_PORTS, base),
                            .irq = granted(NOS_CAP_IRQ, line),
                            .base = base };
    return u->ports.v == 0 || u->irq.v == 0 ? NOS_NOT_FOUND : NOS_OK;
}

nos_status_t nos_uart_adopt(struct nos_uart *u, uint16_t base, uint64_t line, nos_handle_t notify,
                            uint64_t bits)
{
    nos_status_t st = find(u, base, line);
    return st == NOS_OK ? nos_sys_irq_bind(u->irq, notify, bits) : st;
}

nos_status_t nos_uart_open(struct nos_uart *u, uint16_t base, uint64_t line, nos_handle_t notify,
                           uint64_t bits)
{
    nos_status_t found = find(u, base, line);
    if (found != NOS_OK) {
        return found;
    }
    if (!present(u)) {
        return NOS_NOT_SUPPORTED;
    }
    reset(u);
    nos_status_t st = nos_sys_irq_bind(u->irq, notify, bits);
    if (st == NOS_OK) {
        out(u, IER, 0x01);  // received data
    }
    return st;
}

size_t nos_uart_read(struct nos_uart *u, mspan_t room)
{
    size_t n = 0;

    while (n < room.len) {
        size_t burst = (in(u, IIR) & IIR_MASK) == IIR_DATA ? TRIGGER : 1;
        if (burst == 1 && (in(u, LSR) & LSR_DATA) == 0) {
            break;
        }
        for (size_t i = 0; i < burst && n < room.len; i++) {
            room.data[n++] = in(u, RBR);
        }
    }
    return n;
}

void nos_uart_ack(struct nos_uart *u)
{
    nos_ignore(nos_sys_irq_ack(u->irq));  // BAD_STATE: nothing was pending
}

static bool wait_empty(struct nos_uart *u)
{
    uint64_t end = 0;

    for (unsigned spin = 0;; spin++) {
        if ((in(u, LSR) & LSR_THR_EMPTY) != 0) {
            u->stuck = false;
            return true;
        }
        if (u->stuck) {
            return false;
        }
        if (spin < SPINS) {
            continue;
        }
        uint64_t now = nos_now_ns();
        end = end == 0 ? now + STUCK_NS : end;
        if (now >= end || nos_sys_sleep(now + POLL_NS) != NOS_OK) {
            u->stuck = true;  // nobody is listening: do not hold up the callers
            return false;
        }
    }
}

void nos_uart_write(struct nos_uart *u, span_t bytes)
{
    size_t at = 0;

    while (at < bytes.len) {
        size_t n = bytes.len - at < FIFO ? bytes.len - at : FIFO;
        if (wait_empty(u)) {
            for (size_t i = 0; i < n; i++) {
                out(u, THR, bytes.data[at + i]);
            }
        } else {
            u->dropped += n;
        }
        at += n;
    }
}
