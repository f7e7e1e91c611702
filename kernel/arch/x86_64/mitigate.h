/* What a processor's own report of its side channels asks for. Pure; cpu.c reads and writes the
 * registers. Spec: docs/threat-model.md, "CPU side channels". */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct cpu_report {
    uint32_t leaf7_d, leaf7_2_d; /* CPUID 7:0 and 7:2, EDX */
    uint32_t ext8_b, ext21_a;    /* CPUID 8000_0008 EBX, 8000_0021 EAX */
    uint64_t arch_caps;          /* IA32_ARCH_CAPABILITIES; 0 = not there */
    bool intel;
};

struct mitigation {
    uint64_t spec_ctrl; /* for IA32_SPEC_CTRL; 0 = leave it alone, it may not exist */
    uint64_t efer;      /* or-ed into EFER */
    bool clear_buffers; /* VERW before each return to user mode */
    bool meltdown;      /* user mode can read what the kernel maps */
};

struct mitigation mitigate(const struct cpu_report *r);
