/* The kernel lock's slow half. */
#include "kernel/core/lock.h"

#include "kernel/arch/api/arch.h"
#include "kernel/core/percpu.h"

struct ticket_lock big_lock;

void kernel_lock_wait(uint32_t ticket)
{
    struct cpu *cpu = this_cpu();
    uint64_t since = arch_tsc();
    while (__atomic_load_n(&big_lock.serving, __ATOMIC_ACQUIRE) != ticket) {
        arch_answer();  // the holder may be waiting for this CPU
        __builtin_ia32_pause();
    }
    uint64_t waited = arch_tsc() - since;
    cpu->lock_waits++;
    cpu->lock_wait_longest = waited > cpu->lock_wait_longest ? waited : cpu->lock_wait_longest;
}
