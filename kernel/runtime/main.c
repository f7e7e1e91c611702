/* From the loader's hand-over to the first capsule, in order. Every step that fails stops the
 * machine: there is no degraded mode. */
#include <string.h>

#include "kernel/arch/api/upcalls.h"
#include "kernel/audit/audit.h"
#include "kernel/core/lock.h"
#include "kernel/core/names.h"
#include "kernel/core/panic.h"
#include "kernel/crypto/vault.h"
#include "kernel/ipc/named.h"
#include "kernel/memory/frame.h"
#include "kernel/runtime/capsule.h"
#include "kernel/runtime/death.h"
#include "kernel/runtime/jobs.h"
#include "kernel/runtime/node.h"
#include "kernel/runtime/postmortem.h"
#include "kernel/runtime/wipe.h"
#include "lib/checked.h"

static void must(nos_status_t st, const char *what)
{
    if (st != NOS_OK) {
        panic("%s: status %d", what, st);
    }
}

/* Symbols are a part of the kernel's file, on a page of their own. */
static bool symbols_ok(const struct nos_bootinfo *bi)
{
    uint64_t off;
    return bi->symbols_len == 0 ||
           (bi->symbols_base % PAGE_SIZE == 0 &&
            checked_sub(bi->symbols_base, bi->kernel.base, &off) && off <= bi->kernel.len &&
            bi->symbols_len <= bi->kernel.len - off);
}

static void check_bootinfo(const struct nos_bootinfo *bi)
{
    if (memcmp(bi->magic, NOS_BOOTINFO_MAGIC, sizeof bi->magic) != 0 || bi->size != sizeof *bi ||
        (bi->flags & ~(uint32_t)NOS_BOOT_RANDOM_BASE) != 0 ||
        bi->kernel_virt != arch_image_base() || !symbols_ok(bi) || bi->n_mem == 0 ||
        bi->n_mem > NOS_MEM_RANGES_MAX || bi->n_files > NOS_BOOT_FILES_MAX) {
        panic("boot information is malformed (status %d)", NOS_BOOT_INFO);
    }
}

static bool within(uint64_t at, uint64_t base, uint64_t len)
{
    return len != 0 && at >= base && at < base + len;
}

/* LOADER frames still in use: the policy, the kernel's symbols, and the module files (kept by their
 * modules, or freed with the refused). */
static bool is_kept(const struct nos_bootinfo *bi, uint64_t at)
{
    bool kept = within(at, bi->policy.base, bi->policy.len) ||
                within(at, bi->symbols_base, bi->symbols_len);
    for (uint32_t i = 0; i < bi->n_files && !kept; i++) {
        kept = within(at, bi->file[i].base, bi->file[i].len);
    }
    return kept;
}

/* Runs last of all that read the boot information: its own frames go too. */
static void donate_loader(const struct nos_bootinfo *boot)
{
    paddr_t copy = frame_alloc(2);  // sizeof(struct nos_bootinfo) is above 8 KiB
    _Static_assert(sizeof *boot <= 4 * PAGE_SIZE, "the copy fits");
    if (copy.v == 0) {
        return;
    }
    struct nos_bootinfo *bi = phys_ptr(copy);
    *bi = *boot;
    for (uint32_t i = 0; i < bi->n_mem; i++) {
        const struct nos_mem_range *r = &bi->mem[i];
        for (uint64_t at = r->base; r->kind == NOS_MEM_LOADER && at < r->base + r->len;
             at += PAGE_SIZE) {
            if (!is_kept(bi, at)) {
                frame_donate((paddr_t){ at }, PAGE_SIZE);
            }
        }
    }
    frame_free(copy, 2);
}

static void start_first(void)
{
    const struct policy *p = policy_get();
    struct module *m = module_find(p->first);
    struct spawn_job *j = job_alloc();
    bool done = false;
    if (m == NULL || j == NULL) {
        panic("first capsule %.*s: no such verified module", NOS_NAME_MAX, p->first);
    }
    must(spawn_begin(j, m, span_of("", 0), 0), "first capsule: grant");
    while (!done) {
        must(spawn_step(j, &done), "first capsule: load");
    }
    spawn_drop(j);
    job_free(j);
}

/* With the lock, into the scheduler and from there to user mode. */
static _Noreturn void enter(void)
{
    struct arch_context *ctx = sched_exit();
    kernel_unlock();
    arch_enter_user(ctx);
}

void up_cpu_started(void)
{
    (void)kernel_lock();
    enter();
}

void kernel_main(struct nos_bootinfo *bi)
{
    uint64_t tsc_kernel = arch_tsc();
    arch_cpu_init();
    arch_serial_init();
    check_bootinfo(bi);
    names_init(bi);
    arch_cpus_reserve(bi);
    frame_init(bi);
    must(arch_kernel_space_init(bi), "kernel address space");
    arch_machine_init(bi);
    klog("N0N-OS kernel: %lu MiB usable", frame_stats().total >> 8);
    if ((bi->flags & NOS_BOOT_RANDOM_BASE) == 0) {
        klog("the kernel is at its fixed address: too little entropy to draw one");
    }
    must(vault_init(bi), "vault");
    policy_init(bi);
    bool hold = (policy_get()->view.flags & NOS_POL_PANIC_HOLD) != 0;
    wipe_init(hold);
    if (hold) {
        postmortem_init();
        klog("policy says panic=hold: after a panic memory is kept, not wiped");
    }
    audit_init();
    audit_reserve();
    death_init();
    audit_add(NOS_AUDIT_BOOT, 0, NOS_OK, bi->kernel_id, bi->policy.len, bi->secure_boot,
              NOS_RELEASE);
    named_init(bi);
    node_init(bi, tsc_kernel);
    module_boot(bi);
    (void)kernel_lock();
    arch_cpus_start();
    klog("%u of %u CPU(s) run", (unsigned)__builtin_popcount(cpus_running), arch_cpu_count());
    donate_loader(bi);
    start_first();
    enter();
}
