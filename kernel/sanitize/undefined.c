/* What clang calls where behaviour is undefined: file, line, column and the values. The released
 * kernel traps at the same places and can say only which kind it was. */
#include "kernel/sanitize/sanitize.h"

#define CALLER ((uint64_t)__builtin_return_address(0))

struct place {
    const char *file;
    uint32_t line, column;
};

struct type {
    uint16_t kind, info; /* of an integer: bit 0 = signed, above it the logarithm of its bits */
    char name[];
};

/* Every record of clang's begins with its place; what follows differs. */
struct overflow {
    struct place at;
    const struct type *type;
};
struct two_types {
    struct place at;
    const struct type *left, *right;
};
struct mismatch {
    struct place at;
    const struct type *type;
    uint8_t log_alignment, kind;
};

static void found(const struct place *at, uint64_t ip, const char *what, uint64_t a, uint64_t b)
{
    san_found(ip, "UBSan: %s:%u:%u: %s (0x%lx, 0x%lx)", at->file, at->line, at->column, what, a, b);
}

#define HANDLER(name, ...) \
    void __ubsan_handle_##name(__VA_ARGS__); \
    void __ubsan_handle_##name(__VA_ARGS__)

HANDLER(add_overflow, const struct overflow *d, uint64_t a, uint64_t b)
{
    found(&d->at, CALLER, "overflow of a sum", a, b);
}

HANDLER(sub_overflow, const struct overflow *d, uint64_t a, uint64_t b)
{
    found(&d->at, CALLER, "overflow of a difference", a, b);
}

HANDLER(mul_overflow, const struct overflow *d, uint64_t a, uint64_t b)
{
    found(&d->at, CALLER, "overflow of a product", a, b);
}

HANDLER(negate_overflow, const struct overflow *d, uint64_t a)
{
    found(&d->at, CALLER, "overflow of a negation", a, 0);
}

HANDLER(divrem_overflow, const struct overflow *d, uint64_t a, uint64_t b)
{
    found(&d->at, CALLER, "division by zero, or its overflow", a, b);
}

HANDLER(shift_out_of_bounds, const struct two_types *d, uint64_t a, uint64_t b)
{
    found(&d->at, CALLER, "shift out of bounds", a, b);
}

HANDLER(out_of_bounds, const struct two_types *d, uint64_t index)
{
    found(&d->at, CALLER, "index out of bounds", index, 0);
}

HANDLER(type_mismatch_v1, const struct mismatch *d, uint64_t ptr)
{
    uint64_t alignment = 1ull << d->log_alignment;
    const char *what = ptr == 0               ? "null pointer used"
                       : ptr % alignment != 0 ? "misaligned pointer used"
                                              : "object too small for its type";
    found(&d->at, CALLER, what, ptr, alignment);
}

HANDLER(alignment_assumption, const struct place *at, uint64_t ptr, uint64_t alignment,
        uint64_t off)
{
    found(at, CALLER, "assumed alignment is wrong", ptr - off, alignment);
}

HANDLER(pointer_overflow, const struct place *at, uint64_t base, uint64_t result)
{
    found(at, CALLER, "overflow of a pointer", base, result);
}

HANDLER(load_invalid_value, const struct overflow *d, uint64_t value)
{
    found(&d->at, CALLER, "value that its type does not have", value, 0);
}

HANDLER(invalid_builtin, const struct place *at)
{
    found(at, CALLER, "zero for a builtin that has no answer", 0, 0);
}

HANDLER(nonnull_arg, const struct place *at)
{
    found(at, CALLER, "null for an argument that must not be", 0, 0);
}

HANDLER(nonnull_return_v1, const void *d, const struct place *at)
{
    (void)d;
    found(at, CALLER, "null returned where it must not be", 0, 0);
}

HANDLER(vla_bound_not_positive, const struct overflow *d, uint64_t bound)
{
    found(&d->at, CALLER, "array of no size", bound, 0);
}

HANDLER(builtin_unreachable, const struct place *at)
{
    san_goes_on = false;  // there is nothing behind it
    found(at, CALLER, "unreachable code reached", 0, 0);
}
