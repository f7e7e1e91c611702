/*
 * Ports. A port window is as strong as what answers behind it, so those that would give a capsule
 * the machine are the kernel's own for ever: interrupt controllers and timers, PCI configuration,
 * anything that makes a device write to memory (the ISA DMA controllers, QEMU's fw_cfg), and what
 * ACPI uses to reset, sleep or enter firmware.
 */
#include "kernel/arch/x86_64/ports.h"

#include "kernel/arch/api/arch.h"
#include "lib/compiler.h"

static const struct port_range fixed[] = {
    { 0x000, 0x20 },  // DMA 1
    { 0x020, 2 },     // PIC 1
    { 0x040, 4 },     // PIT
    { 0x061, 1 },     // PIT gate, NMI status
    { 0x070, 2 },     // CMOS, NMI mask
    { 0x080, 0x10 },  // DMA pages
    { 0x092, 1 },     // fast reset
    { 0x0a0, 2 },     // PIC 2
    { 0x0b2, 2 },     // SMI
    { 0x0c0, 0x20 },  // DMA 2
    { 0x4d0, 2 },     // edge or level
    { 0x510, 0x0c },  // fw_cfg
    { 0xcf8, 8 },     // PCI configuration, reset
};
static struct port_range acpi[PORTS_ACPI_MAX];
static unsigned n_acpi;

enum fadt_field { SMI_CMD = 48, RESET_REG = 116, PORT_SPACE = 1, SMI_PORTS = 2 };

/* Blocks of the FADT: where its port stands, and where its length. */
static const struct {
    uint8_t port, len;
} blocks[] = { { 56, 88 }, { 60, 88 }, { 64, 89 }, { 68, 89 },
               { 72, 90 }, { 76, 91 }, { 80, 92 }, { 84, 93 } };
_Static_assert(ARRAY_LEN(blocks) + 2 == PORTS_ACPI_MAX, "these, SMI_CMD and RESET_REG");

bool ports_meet(const struct port_range *ranges, unsigned n, uint16_t port, uint32_t count)
{
    uint32_t end = port + count;
    bool met = count == 0 || count > 0x10000 || end > 0x10000;

    for (unsigned i = 0; i < n && !met; i++) {
        met = port < (uint32_t)ranges[i].first + ranges[i].count && ranges[i].first < end;
    }
    return met;
}

static void add(struct port_range *out, unsigned *n, uint32_t port, uint16_t count)
{
    if (port != 0 && port <= UINT16_MAX && count != 0) {
        out[(*n)++] = (struct port_range){ (uint16_t)port, count };
    }
}

unsigned ports_of_fadt(span_t fadt, struct port_range out[PORTS_ACPI_MAX])
{
    unsigned n = 0;
    uint32_t port = 0;
    uint64_t reset = 0;
    uint8_t len, space;

    for (unsigned i = 0; i < ARRAY_LEN(blocks); i++) {
        if (span_le32(fadt, blocks[i].port, &port) && span_u8(fadt, blocks[i].len, &len)) {
            add(out, &n, port, len);
        }
    }
    if (span_le32(fadt, SMI_CMD, &port)) {
        add(out, &n, port, SMI_PORTS);
    }
    if (span_u8(fadt, RESET_REG, &space) && space == PORT_SPACE &&
        span_le64(fadt, RESET_REG + 4, &reset) && reset <= UINT16_MAX) {
        add(out, &n, (uint32_t)reset, 1);
    }
    return n;
}

void ports_reserve(const struct port_range *ranges, unsigned n)
{
    for (n_acpi = 0; n_acpi < n && n_acpi < PORTS_ACPI_MAX; n_acpi++) {
        acpi[n_acpi] = ranges[n_acpi];
    }
}

bool arch_port_reserved(uint16_t port, uint32_t count)
{
    return ports_meet(fixed, ARRAY_LEN(fixed), port, count) ||
           ports_meet(acpi, n_acpi, port, count);
}
