/*
 * GDT, TSS, IDT. Segments mean next to nothing in long mode: two rings of flat code and data, and a
 * TSS whose only use is to name stacks. There is no 32-bit user code segment, no LDT, no call gate
 * and no I/O bitmap, so user mode has no way in but syscall, interrupts and faults.
 *
 * Spec: Intel SDM volume 3A, sections 6.14 and 8.7.
 */
#include "kernel/arch/x86_64/segments.h"

#include <string.h>

#include "kernel/arch/x86_64/cpu.h"
#include "kernel/arch/x86_64/stacks.h"
#include "kernel/core/percpu.h"

struct stacks stacks ALIGNED(4096) SECTION(".bss.stacks");
struct stacks *cpu_stacks[CPUS_MAX] = { &stacks };

struct tss {
    uint32_t rsv0;
    uint32_t rsp[3][2];  // 64-bit addresses on 4-byte boundaries
    uint32_t rsv1[2];
    uint32_t ist[7][2];
    uint32_t rsv2[2];
    uint16_t rsv3, io_map;
};
_Static_assert(sizeof(struct tss) == 104, "hardware");

struct gate {
    uint16_t low, selector;
    uint8_t ist, type;
    uint16_t mid;
    uint32_t high, rsv;
};
_Static_assert(sizeof(struct gate) == 16, "hardware");

enum { VECTORS = 256, EXCEPTIONS = 32, VECTOR_BP = 3, GATE = 0x8e, GATE_USER = 0xee };

static struct gate idt[VECTORS];  // shared
static struct cpu_tables {
    struct tss tss;
    uint64_t gdt[SEL_TSS / 8 + 2];
} tables[CPUS_MAX];
static const uint64_t gdt_start[SEL_TSS / 8] = {
    [SEL_KERNEL_CODE / 8] = 0x00209b0000000000,
    [SEL_KERNEL_DATA / 8] = 0x0000930000000000,
    [SEL_USER_DATA / 8] = 0x0000f30000000000,
    [SEL_USER_CODE / 8] = 0x0020fb0000000000,
};

extern const uint8_t exception_stubs[EXCEPTIONS][16];
extern const uint8_t interrupt_stubs[VECTORS - EXCEPTIONS][8];

static void put_address(uint32_t where[2], const uint8_t *address)
{
    where[0] = (uint32_t)(uint64_t)address;
    where[1] = (uint32_t)((uint64_t)address >> 32);
}

static void tables_init(struct cpu_tables *t, const struct stacks *s)
{
    struct tss *tss = &t->tss;
    uint64_t base = (uint64_t)tss, limit = sizeof *tss - 1;

    put_address(tss->rsp[0], s->kernel + STACK_KERNEL);
    for (unsigned i = 0; i < STACK_FAULTS; i++) {
        put_address(tss->ist[i], s->fault[i].bytes + STACK_FAULT);
    }
    tss->io_map = sizeof *tss;  // past the end: no port is open to user mode
    memcpy(t->gdt, gdt_start, sizeof gdt_start);
    t->gdt[SEL_TSS / 8] =
        limit | (base & 0xffffff) << 16 | 0x89ull << 40 | (base >> 24 & 0xff) << 56;
    t->gdt[SEL_TSS / 8 + 1] = base >> 32;
}

static uint8_t own_stack(unsigned vector)
{
    switch (vector) {
    case 1:
        return STACK_DEBUG + 1;
    case 2:
        return STACK_NMI + 1;
    case 8:
        return STACK_DOUBLE + 1;
    case 18:
        return STACK_MACHINE + 1;
    default:
        return 0;
    }
}

static void idt_init(void)
{
    for (unsigned i = 0; i < VECTORS; i++) {
        const uint8_t *stub = i < EXCEPTIONS ? exception_stubs[i] : interrupt_stubs[i - EXCEPTIONS];
        uint64_t at = (uint64_t)stub;
        idt[i] = (struct gate){
            .low = (uint16_t)(at & 0xffff),
            .selector = SEL_KERNEL_CODE,
            .ist = own_stack(i),
            .type = i == VECTOR_BP ? GATE_USER
                                   : GATE,  // int3 is a fault of its own, not a protection fault
            .mid = (uint16_t)(at >> 16 & 0xffff),
            .high = (uint32_t)(at >> 32),
        };
    }
}

static void load(const struct cpu_tables *t)
{
    load_tables((struct descriptors){ sizeof t->gdt - 1, (uint64_t)t->gdt },
                (struct descriptors){ sizeof idt - 1, (uint64_t)idt });
}

void segments_init(unsigned cpu, const struct stacks *s)
{
    tables_init(&tables[cpu], s);
    if (cpu == 0) {
        idt_init();
    }
    load(&tables[cpu]);
}
