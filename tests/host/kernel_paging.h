/* The real page tables of kernel/arch/x86_64 in the host's fake RAM: privileged instructions do
 * nothing, flushes are counted. Include after kernel_host_impl.h and frame.c. */
#pragma once

#include "kernel/arch/x86_64/cpu.h"
#include "kernel/arch/x86_64/paging.h"

static unsigned host_flushes;
static uint64_t host_cr3;
#define invlpg(va) ((void)(va), host_flushes++)
#define write_cr3(v) ((void)(host_cr3 = (v)), (void)host_flushes++)
#include "kernel/arch/x86_64/paging.c"
#undef invlpg
#undef write_cr3

paddr_t kernel_root;

static uint64_t host_free_at[4]; /* frames that were free at the last flushes, the latest first */
static uint64_t host_spare_at;   /* and the space's spare table at the latest */

void arch_flush(const struct arch_space *s, uint64_t va, uint32_t pages)
{
    (void)va;
    memmove(&host_free_at[1], host_free_at, sizeof host_free_at - sizeof host_free_at[0]);
    host_free_at[0] = frame_stats().free;
    host_spare_at = s->spare.v;
    host_flushes += s->root.v != this_cpu()->root ? 0 : pages > 32 ? 1 : pages;
}

/* After frame_init. */
static inline void host_paging(void)
{
    kernel_root = up_table_alloc();
    this_cpu()->root = kernel_root.v;
    host_flushes = 0;
}

/* User pages mapped, and page tables that belong to the space, found by walking it all. */
static inline void host_walk(const struct arch_space *s, unsigned *pages, unsigned *tables)
{
    const uint64_t *t4 = phys_ptr(s->root);
    *pages = 0;
    *tables = 1 + (s->spare.v != 0);
    for (unsigned i = 0; i < KERNEL_FIRST; i++) {
        const uint64_t *t3 = (t4[i] & PTE_PRESENT) != 0 ? table_at(t4[i]) : NULL;
        *tables += t3 != NULL;
        for (unsigned j = 0; t3 != NULL && j < TABLE_ENTRIES; j++) {
            const uint64_t *t2 = (t3[j] & PTE_PRESENT) != 0 ? table_at(t3[j]) : NULL;
            *tables += t2 != NULL;
            for (unsigned k = 0; t2 != NULL && k < TABLE_ENTRIES; k++) {
                const uint64_t *t1 = (t2[k] & PTE_PRESENT) != 0 ? table_at(t2[k]) : NULL;
                *tables += t1 != NULL && (t2[k] & PTE_SHARED) == 0;
                for (unsigned l = 0; t1 != NULL && l < TABLE_ENTRIES; l++) {
                    *pages += (t1[l] & PTE_PRESENT) != 0;
                }
            }
        }
    }
}
