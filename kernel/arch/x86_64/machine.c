/* What the machine is made of, from ACPI: interrupt controllers, timer reference, power, ports to
 * keep. A machine whose tables are missing or broken still runs, with what every PC has: that is
 * said in the log, not hidden. */
#include "kernel/arch/api/arch.h"
#include "kernel/arch/x86_64/clock.h"
#include "kernel/arch/x86_64/cpu.h"
#include "kernel/arch/x86_64/irq.h"
#include "kernel/arch/x86_64/lapic.h"
#include "kernel/arch/x86_64/ports.h"
#include "kernel/arch/x86_64/power.h"
#include "kernel/arch/x86_64/smp.h"
#include "kernel/core/panic.h"

enum { RANGES = 32, FADT_PM_TIMER = 76, FADT_PM_TIMER_LEN = 91 };
#define APIC_BASE_ADDR 0x000ffffffffff000ull
#define IOAPIC_USUAL 0xfec00000u

static uint32_t cpu_count = 1;

struct tables {
    struct acpi_range range[RANGES];
    struct acpi_mem mem;
    struct acpi_root root;
};

/* Only what firmware marked as its own: a table address in ordinary memory is a broken table. */
static bool holds_tables(uint32_t kind)
{
    return kind == NOS_MEM_ACPI || kind == NOS_MEM_NVS || kind == NOS_MEM_RUNTIME;
}

static nos_status_t find_tables(const struct nos_bootinfo *bi, struct tables *t)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < bi->n_mem && i < NOS_MEM_RANGES_MAX && n < RANGES; i++) {
        const struct nos_mem_range *m = &bi->mem[i];
        if (holds_tables(m->kind)) {
            t->range[n++] = (struct acpi_range){ phys_ptr((paddr_t){ m->base }), m->base, m->len };
        }
    }
    t->mem = (struct acpi_mem){ t->range, n };
    return bi->rsdp == 0 ? NOS_NOT_FOUND : acpi_root(&t->mem, bi->rsdp, &t->root);
}

static void usual_madt(struct acpi_madt *m)
{
    *m = (struct acpi_madt){ .lapic = rdmsr(MSR_APIC_BASE) & APIC_BASE_ADDR,
                             .n_cpus = 1,
                             .n_ioapic = 1 };
    m->ioapic[0] = (struct acpi_ioapic){ 0, IOAPIC_USUAL, 0 };
}

static void read_madt(const struct tables *t, struct acpi_madt *m)
{
    span_t table;
    nos_status_t st = acpi_find(&t->mem, &t->root, "APIC", 0, &table);
    if (st == NOS_OK) {
        st = acpi_madt(table, m);
    }
    if (st != NOS_OK) {
        klog("ACPI does not say where the interrupt controllers are (status %d): as usual", st);
        usual_madt(m);
    }
}

/* Keeps the ports that ACPI names; gives the ACPI timer's, 0 = none. */
static uint16_t read_fadt(const struct tables *t)
{
    struct port_range ports[PORTS_ACPI_MAX];
    span_t table;
    uint32_t port;
    uint8_t len;

    if (acpi_find(&t->mem, &t->root, "FACP", 0, &table) != NOS_OK) {
        return 0;
    }
    ports_reserve(ports, ports_of_fadt(table, ports));
    bool has = span_le32(table, FADT_PM_TIMER, &port) && span_u8(table, FADT_PM_TIMER_LEN, &len) &&
               len == 4;
    return has && port <= UINT16_MAX ? (uint16_t)port : 0;
}

void arch_machine_init(const struct nos_bootinfo *bi)
{
    static struct tables t;  // too big for the stack
    struct acpi_madt madt;
    uint16_t pm_timer = 0;

    nos_status_t st = find_tables(bi, &t);
    if (st == NOS_OK) {
        read_madt(&t, &madt);
        pm_timer = read_fadt(&t);
        power_init(&t.mem, &t.root);
    } else {
        klog("no ACPI tables (status %d): the usual places", st);
        usual_madt(&madt);
    }
    irq_pic_off();
    if (lapic_init(madt.lapic) != NOS_OK) {
        panic("the local APIC cannot be mapped");
    }
    irq_init(&madt);
    clock_init(pm_timer, bi->tsc_start);
    smp_init(&madt);
    cpu_count = madt.n_cpus != 0 ? madt.n_cpus : 1;
}

uint32_t arch_cpu_count(void)
{
    return cpu_count;
}
