/* What a CPU port provides. One port exists: kernel/arch/x86_64. All functions run with interrupts
 * off, on the calling CPU, and do not sleep. */
#pragma once

#include "abi/bootinfo.h"
#include "abi/crash.h"
#include "kernel/arch/api/context.h"
#include "kernel/core/types.h"

/* ---- start ---- */

/** Descriptor tables, control registers, MSRs, interrupt stacks of the calling CPU; percpu accessor
 * works after it. The loader has refused CPUs that lack a required feature (SETTLED 17); this
 * panics if one is missing all the same. */
void arch_cpu_init(void);

/** Interrupt controller, timer, clock. Parses ACPI (rsdp, through the direct map) for MADT and
 * FADT. The clock reads 0 at about `bi->tsc_start`. */
void arch_machine_init(const struct nos_bootinfo *bi);

uint32_t arch_cpu_count(void);    /* enabled in the MADT; `cpus_running` are those that run */
void arch_cpu_name(char out[48]); /* brand string, zero padded */

/* ---- other CPUs ---- */

/** Keep some pages below 1 MiB out of the allocator's hands, by calling them LOADER. Before
 * frame_init. */
void arch_cpus_reserve(struct nos_bootinfo *bi);

/** Start every other CPU that can be used, each into up_cpu_started; `cpus_running` says which.
 * Locks: the kernel lock is held. */
void arch_cpus_start(void);

/** Bring `cpu` (an index of `cpus`) into the scheduler: up_irq or up_irq_user with UP_LINE_KICK. */
void arch_kick(unsigned cpu);

/** As arch_kick, and wait until `cpu` has left user mode. It runs no instruction there again before
 * it has held the kernel lock. Locks: the kernel lock is held. */
void arch_catch(unsigned cpu);

/** Do what the holder of the kernel lock has asked of this CPU and waits for. For those who wait
 * for the lock with interrupts off. */
void arch_answer(void);

/** For the end of the machine: stop every other CPU, wherever it is, as by arch_park. */
void arch_stop_others(void);

/** The end of this CPU: its stacks and registers are wiped, it leaves the kernel's image and page
 * tables for a page of the wiper's, is marked stopped and halts. */
_Noreturn void arch_park(void);

/** Nothing runs here: what this CPU's stack holds is given up, and up_idle goes on at its top. So
 * what a thread had in registers does not lie there for as long as the CPU is idle. Does not return
 * to its caller; what up_idle returns is the way out. Locks: the kernel lock is held. */
struct arch_context *arch_rest(void);

/** Zero this CPU's stack below the caller. */
void arch_stack_clean(void);

/** Threads have ended for good: no stack of a CPU keeps what they had in registers. The others' are
 * clean when this returns, this one's when it is next idle. Locks: the kernel lock is held. */
void arch_forget_ended(void);

/** Leave through `ctx` to user mode, or idle: the kernel's main loop is kernel_exit() in core.
 * Never returns. */
_Noreturn void arch_enter_user(struct arch_context *ctx);

/** Prepare a thread's first registers: entry, stack, two arguments; all others zero, interrupts on.
 */
void arch_context_init(struct arch_context *ctx, uint64_t ip, uint64_t sp, uint64_t arg0,
                       uint64_t arg1);

/* ---- for a debugger ---- */

enum { ARCH_BREAK = 0xcc, ARCH_BREAK_LEN = 1 }; /* the instruction that traps */

/** The thread traps after its next instruction in user mode, or not. It does not run now. */
void arch_context_step(struct arch_context *ctx, bool on);

/** Its registers, in the order of enum nos_crash_reg; of a thread in a system call, those that user
 * mode will find. */
void arch_context_get(const struct arch_context *ctx, uint64_t regs[NOS_REG_COUNT]);

/** Set them. Errors: INVALID, and nothing is changed: an ip that is not user mode's, or a flag that
 * user mode could not change itself. */
MUST_CHECK nos_status_t arch_context_set(struct arch_context *ctx,
                                         const uint64_t regs[NOS_REG_COUNT]);

/** Wait for an interrupt: handles those that came (up_irq) and returns with interrupts off. */
void arch_idle(void);

/** Let interrupts in (up_irq runs) from one to the other. Nothing is locked meanwhile. */
void arch_irq_open(void);
void arch_irq_close(void);

/** Let pending interrupts in for a moment (up_irq runs), without waiting. */
void arch_irq_window(void);

_Noreturn void arch_halt(void); /* interrupts off, for ever */

/* ---- address spaces ---- */

struct arch_space {
    paddr_t root; /* top table; kernel half shared by all spaces */
    uint64_t low,
        high; /* its own tables cover no address outside [low, high): tear-down starts at low */
    paddr_t spare; /* an empty page table that an unmap left over, for the next map; 0 = none */
    uint64_t *directory; /* the one used last, of the 1 GiB `gib`; NULL = none */
    uint64_t gib;
};

/** Make the kernel's own address space from the loader's tables: same mappings, its own frames
 * where needed, no trampoline, no lower half. Call once, after frame_init. */
MUST_CHECK nos_status_t arch_kernel_space_init(const struct nos_bootinfo *bi);

/** New empty user half over the shared kernel half. Errors: NO_MEMORY. */
MUST_CHECK nos_status_t arch_space_create(struct arch_space *s);

/** Map one 4 KiB user page; `s` may be current. Errors: NO_MEMORY (no table), BAD_STATE (already
 * mapped), INVALID (W and X). `flags`: enum arch_map_flags. */
enum arch_map_flags {
    ARCH_MAP_DEVICE = 1, /* uncached */
    ARCH_MAP_WC = 2,     /* write-combining */
    ARCH_MAP_TABLES = 4  /* arch_map_run only: `pa` is the first of page tables that arch_table_fill
                          * filled, one for each 2 MiB. They stay their owner's: whoever maps them,
                          * unmaps them or tears a space down frees and changes none. `va` is 2 MiB
                          * aligned, nothing else lies in these 2 MiB, and nothing is executable */
};
MUST_CHECK nos_status_t arch_map(struct arch_space *s, uint64_t va, paddr_t pa, unsigned prot,
                                 unsigned flags);

/** The same for contiguous frames. On an error some may be mapped: arch_clear them. */
struct arch_run {
    uint64_t va;
    paddr_t pa;
    uint32_t pages;
    unsigned prot, flags;
};
MUST_CHECK nos_status_t arch_map_run(struct arch_space *s, const struct arch_run *r);

/** Fill a page table for ARCH_MAP_TABLES: `pages` contiguous frames, as many of them as it has room
 * for, then nothing. */
void arch_table_fill(paddr_t table, paddr_t first, uint32_t pages);

/** Remove one page: its frame, or 0 if none was mapped there. A CPU may still use it until
 * arch_flush; so for arch_clear. */
paddr_t arch_unmap(struct arch_space *s, uint64_t va);

/** Remove whatever is mapped in `pages` pages, all of which one page table maps (2 MiB). `alone`:
 * nothing else is mapped by that table, so it goes too. Gives: the table or {0}, for
 * arch_table_put after arch_flush. */
paddr_t arch_clear(struct arch_space *s, uint64_t va, uint32_t pages, bool alone);

/** Keep an emptied table (or {0}) for the next map, or free it: true if it was freed. */
bool arch_table_put(struct arch_space *s, paddr_t table);

/** No CPU uses what was mapped in these pages before, nor their tables, when this returns. One
 * interrupt to each other CPU that has `s` loaded, none to the rest; idle ones have none loaded.
 * Locks: the kernel lock is held. */
void arch_flush(const struct arch_space *s, uint64_t va, uint32_t pages);

/** No CPU has `s` loaded afterwards. Locks: the kernel lock is held; none runs a thread of it. */
void arch_space_leave(const struct arch_space *s);

/** What is mapped at `va`: frame (0 = nothing) and protection. */
paddr_t arch_query(const struct arch_space *s, uint64_t va, unsigned *prot);

/** Free the page tables (not the mapped frames: unmap first, or own them elsewhere) in steps: frees
 * at most `budget` tables, returns true when all are gone, the root included. `s` must not be
 * current. */
bool arch_space_destroy_step(struct arch_space *s, unsigned budget);

void arch_space_switch(const struct arch_space *s); /* NULL = kernel only */

/* For the IPC path, which has the root at hand: cpu->space and cpu->root are the caller's to keep.
 */
#if __STDC_HOSTED__
void arch_root_load(uint64_t root);  // tests have no page tables
#else
static inline void arch_root_load(uint64_t root)
{
    __asm__ volatile("mov %0, %%cr3" : : "r"(root) : "memory");
}
#endif

/** Map physical device memory into the kernel's device window, uncached. NULL if the window is
 * full. */
volatile void *arch_device_map(paddr_t pa, size_t len);

/* ---- user memory ---- */

/** Copy between kernel and the *current* user space; false if any byte faults (then some may have
 * been copied). The caller has checked user_range(). SMAP is lifted only in here. */
MUST_CHECK bool arch_copy_from_user(void *dst, uint64_t src, size_t len);
MUST_CHECK bool arch_copy_to_user(uint64_t dst, const void *src, size_t len);

/* ---- FPU ---- */

struct arch_fpu; /* 512-byte, 16-byte aligned FXSAVE image */
enum { ARCH_FPU_SIZE = 512 };

/** Save the registers into `old` (NULL: that thread has no state), then load `next` (NULL:
 * registers are set to their initial state and first use traps to up_fpu_first_use). Call on every
 * thread switch; cheap when both are NULL. */
void arch_fpu_switch(struct arch_fpu *old, const struct arch_fpu *next);
void arch_fpu_init_state(struct arch_fpu *f);

/** From here to arch_simd_end BLAKE3 hashes on this CPU with its vector registers, if it can and no
 * thread's state is in them; else as ever. Interrupts may come; what they bring hashes without. No
 * change of threads in between, no second begin. At the end the registers are in their initial
 * state. */
void arch_simd_begin(void);
void arch_simd_end(void);

/** The current thread, whose state `f` is loaded, finds thread-local storage at `base`, a user
 * address or 0. It is part of the state: threads without one have base 0 and pay nothing. */
void arch_fpu_set_tls(struct arch_fpu *f, uint64_t base);

/* ---- time ---- */

static inline uint64_t arch_tsc(void) /* in every switch: a call would cost more than the counter */
{
    return __builtin_ia32_rdtsc();
}
uint64_t arch_clock_ns(void); /* since boot, monotonic */
void arch_clock_params(uint64_t *hz, uint64_t *mult,
                       uint64_t *base); /* ns = (tsc - base) * mult >> 32 */
void arch_timer_arm(
    uint64_t deadline_ns); /* one shot -> up_timer; 0 = off; the past fires at once */

/* ---- devices ---- */

uint64_t arch_port_in(uint16_t port, unsigned width); /* width 1, 2 or 4 */
void arch_port_out(uint16_t port, unsigned width, uint64_t value);
bool arch_port_reserved(
    uint16_t port, uint32_t count); /* kernel's own: PIC, PIT, PCI config, ACPI PM: never granted */

void arch_irq_mask(unsigned line); /* legacy ISA line 0..15, routed by the MADT's overrides */
void arch_irq_unmask(unsigned line);

void arch_serial_init(void); /* polled 16550 at COM1: early log and panic */
void arch_serial_put(char c);

/** The end of the machine: every byte of RAM that the OS has used is zeroed, its own image last,
 * the registers too; then it goes off or is reset (enum nos_power), as ACPI says or by what every
 * machine has, or halts: for 0, or when it cannot do what was asked. All other CPUs have stopped.
 */
_Noreturn void arch_end(unsigned action);

/** Raw entropy: RDSEED else RDRAND, and clock jitter. Returns bits credited (0 if the hardware gave
 * nothing). */
unsigned arch_entropy(uint8_t *out, size_t len);

/** In words: vector and code as up_kernel_fault and struct fault have them ("page fault", "UBSan:
 * shift out of bounds"). */
const char *arch_fault_name(uint64_t vector, uint64_t code);

/** Where the image begins, in this boot. Never to be shown to a capsule: show offsets from it. */
uint64_t arch_image_base(void);

/** Return addresses from frame pointers, at most `n`; start at `fp`, and none if that is not on a
 * stack of the kernel's (0 = caller). */
unsigned arch_backtrace(uint64_t fp, uint64_t *out, unsigned n);
