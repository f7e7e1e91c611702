/* Frames on the stack open and close themselves by inlined stores. What leaves frames behind
 * without returning opens the rest of the stack. */
#include <string.h>

#include "kernel/arch/api/arch.h"
#include "kernel/arch/x86_64/stacks.h"
#include "kernel/sanitize/sanitize.h"

struct arch_context *__real_arch_rest(void);
struct arch_context *__wrap_arch_rest(void);
void __asan_handle_no_return(void);
void __asan_poison_stack_memory(uint64_t addr, uint64_t len);
void __asan_unpoison_stack_memory(uint64_t addr, uint64_t len);

/* [from, top of the stack that it is on): a multiple of 8 */
static bool open_above(const struct stacks *s, uint64_t from)
{
    if (s == NULL) {
        return false;
    }
    if (from - (uint64_t)s->kernel < STACK_KERNEL) {
        shadow_open(from, (uint64_t)s->kernel + STACK_KERNEL - from);
        return true;
    }
    for (unsigned i = 0; i < STACK_FAULTS; i++) {
        if (from - (uint64_t)s->fault[i].bytes < STACK_FAULT) {
            shadow_open(from, (uint64_t)s->fault[i].bytes + STACK_FAULT - from);
            return true;
        }
    }
    return false;
}

static void open_stack(uint64_t from)
{
    from &= ~(uint64_t)(GRANULE - 1);
    if (open_above(&stacks, from)) {
        return;
    }
    for (unsigned i = 0; i < CPUS_MAX && !open_above(cpu_stacks[i], from); i++) {
    }
}

void __asan_handle_no_return(void)
{
    open_stack((uint64_t)__builtin_frame_address(0));
}

struct arch_context *__wrap_arch_rest(void)
{
    open_stack((uint64_t)__builtin_frame_address(0));
    return __real_arch_rest();
}

void __asan_poison_stack_memory(uint64_t addr, uint64_t len)
{
    shadow_poison(addr, (len + GRANULE - 1) & ~(uint64_t)(GRANULE - 1), SHADOW_SCOPE);
}

void __asan_unpoison_stack_memory(uint64_t addr, uint64_t len)
{
    shadow_open(addr, len);
}

/* `at` is an address of the shadow itself. */
#define SET(value) \
    void __asan_set_shadow_##value(uint64_t at, uint64_t len); \
    void __asan_set_shadow_##value(uint64_t at, uint64_t len) \
    { \
        memset((void *)at, 0x##value, len); \
    }
SET(00)
SET(f1)
SET(f2)
SET(f3)
SET(f5)
SET(f8)
