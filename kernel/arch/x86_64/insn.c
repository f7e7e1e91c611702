/*
 * Clang ends a failed check in `ud1l kind(%eax), %eax`: 67 0f b9, then a ModRM byte whose
 * displacement is the kind (none for 0, one byte below 128). The kinds are clang's
 * SanitizerHandler, in its order.
 */
#include "kernel/arch/x86_64/insn.h"

#include "kernel/arch/api/upcalls.h"

enum { NO_DISP = 0x00, DISP8 = 0x40 };

uint32_t insn_illegal(span_t code)
{
    static const uint8_t ud1[] = { 0x67, 0x0f, 0xb9 };
    uint8_t mod, kind = 0;
    span_t head;

    if (!span_cut(code, 0, sizeof ud1, &head) || !span_equal(head, SPAN_OF(ud1)) ||
        !span_u8(code, sizeof ud1, &mod)) {
        return 0;
    }
    if (mod != NO_DISP && (mod != DISP8 || !span_u8(code, sizeof ud1 + 1, &kind))) {
        return 0;
    }
    return ARCH_UBSAN | kind;
}

const char *arch_fault_name(uint64_t vector, uint64_t code)
{
    static const char *const vectors[] = {
        "divide error",        "debug exception",   "NMI",
        "breakpoint",          "overflow",          "bound range",
        "illegal instruction", "FPU not available", "double fault",
        "coprocessor overrun", "bad TSS",           "segment not present",
        "stack fault",         "protection fault",  "page fault",
        "vector 15",           "x87 error",         "alignment",
        "machine check",       "SIMD error",        "virtualization",
        "control protection",
    };
    static const char *const checks[] = {
        "UBSan: signed addition overflow",
        "UBSan: unreachable reached",
        "UBSan: CFI",
        "UBSan: division",
        "UBSan: vtable",
        "UBSan: float cast",
        "UBSan: function type",
        "UBSan: implicit conversion",
        "UBSan: builtin argument",
        "UBSan: object cast",
        "UBSan: invalid bool or enum",
        "UBSan: missing return",
        "UBSan: signed multiplication",
        "UBSan: signed negation",
        "UBSan: null argument",
        "UBSan: null return",
        "UBSan: nonnull argument",
        "UBSan: nonnull return",
        "UBSan: index out of bounds",
        "UBSan: pointer overflow",
        "UBSan: shift out of bounds",
        "UBSan: signed subtraction",
        "UBSan: null or misaligned",
        "UBSan: alignment assumption",
        "UBSan: array length",
    };
    enum { ILLEGAL = 6 };
    uint64_t kind = code & 0xff;

    if (vector == ILLEGAL && (code & ARCH_UBSAN) != 0) {
        return kind < ARRAY_LEN(checks) ? checks[kind] : "UBSan: unknown check";
    }
    return vector < ARRAY_LEN(vectors) ? vectors[vector] : "interrupt";
}
