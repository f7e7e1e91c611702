/*
 * So that a seed replays bit for bit, the machine forgets how it got here: what firmware and loader
 * took depends on the host's disk. The kernel begins its time at a fixed tick, to the instruction,
 * and its entropy is a constant. That makes its keys worthless, on purpose: no secret lives here.
 */
#include <string.h>

#include "kernel/arch/x86_64/clock.h"
#include "kernel/arch/x86_64/lapic.h"
#include "kernel/core/log.h"
#include "kernel/crypto/vault.h"
#include "kernel/runtime/node.h"
#include "kernel/storm/storm.h"

#define START_STEP (1ull << 40) /* ticks; far above what firmware and loader take */
#define LINKED_AT 0xffffffff80000000ul
enum { PIT_CONTROL = 0x43, PIT_0 = 0x40, PIT_0_ONCE = 0x30 };
enum {
    NEAR = 1 << 20,
    SHOT = 1 << 30,
    PAUSE_TICKS = 8192,
    DEBUG_PORT = 0xe9,
    PVPANIC_PORT = 0x505,
    PVPANIC = 1,
    EXIT_PORT = 0xf4
};

void __real_clock_init(uint16_t pm_timer, uint64_t base);
void __real_arch_idle(void);
unsigned __real_arch_entropy(uint8_t *out, size_t len);
nos_status_t __real_vault_init(struct nos_bootinfo *bi);
nos_status_t __real_node_record(uint32_t topic, uint64_t index, void *page, size_t room,
                                size_t *got);
void __real_arch_serial_put(char c);
_Noreturn void __real_arch_halt(void);
_Noreturn void __real_arch_end(unsigned action);

void __wrap_clock_init(uint16_t pm_timer, uint64_t base);
unsigned __wrap_arch_entropy(uint8_t *out, size_t len);
nos_status_t __wrap_vault_init(struct nos_bootinfo *bi);
nos_status_t __wrap_node_record(uint32_t topic, uint64_t index, void *page, size_t room,
                                size_t *got);
void __wrap_arch_serial_put(char c);
_Noreturn void __wrap_arch_halt(void);
_Noreturn void __wrap_arch_end(unsigned action);

/* Under icount a tick is an instruction: two a turn of the loop, one more if their number is odd.
 * Whatever the first read said, the last instruction ends at the same tick. */
static void spin_until(uint64_t tick)
{
    __asm__ volatile("rdtsc\n"
                     "shlq $32, %%rdx\n"
                     "orq %%rdx, %%rax\n"
                     "subq %%rax, %0\n"
                     "testb $1, %b0\n"
                     "jz 1f\n"
                     "nop\n"
                     "1: shrq $1, %0\n"
                     "2: decq %0\n"
                     "jnz 2b\n"
                     : "+r"(tick)
                     :
                     : "rax", "rdx", "cc");
}

/* Most of the way asleep, which costs no instruction. */
static void wait_until(uint64_t tick)
{
    for (uint64_t now = arch_tsc(); now < tick - NEAR; now = arch_tsc()) {
        uint64_t left = tick - NEAR - now;
        lapic_timer(left < SHOT ? (uint32_t)left + 1 : SHOT);
        __real_arch_idle();
    }
    spin_until(tick);
}

/* Firmware's clock tick, which no kernel of ours uses, would wake us on the way a hundred times a
 * second. */
static void stop_pit(void)
{
    arch_port_out(PIT_CONTROL, 1, PIT_0_ONCE);
    arch_port_out(PIT_0, 1, 0);
    arch_port_out(PIT_0, 1, 0);
}

/* The clock begins here, and nothing before has looked at it. What lies behind it is what the clock
 * can jump over in all (clock.c). */
void __wrap_clock_init(uint16_t pm_timer, uint64_t base)
{
    (void)base;
    uint64_t begin = (arch_tsc() / START_STEP + 1) * START_STEP;
    stop_pit();
    wait_until(begin);
    __real_clock_init(pm_timer, begin);
}

unsigned __wrap_arch_entropy(uint8_t *out, size_t len)
{
    static uint64_t state = 0x5e5ed;
    for (size_t i = 0; i < len; i++) {
        out[i] = (uint8_t)storm_mix(&state);
    }
    return (unsigned)len * 8;
}

/* Of the hand-over only what every run of a seed has alike goes into the root and, with the
 * policy's hash, which the number of faults is in, into the audit log: a record's hash decides here
 * and there which instructions come next. */
nos_status_t __wrap_vault_init(struct nos_bootinfo *bi)
{
    uint64_t t[3] = { bi->tsc_start, bi->tsc_exit, bi->tsc_firmware };

    klog("N0N-OS kernel, storm flavour: breaks things on request, and its keys are known to all");
    klog("for a debugger: kernel.elf lies 0x%lx above its own addresses",
         arch_image_base() - LINKED_AT);
    memset(bi->policy_hash, 0, sizeof bi->policy_hash);
    memset(bi->entropy, 0, sizeof bi->entropy);
    bi->tsc_start = bi->tsc_exit = bi->tsc_firmware = 0;
    nos_status_t st = __real_vault_init(bi);
    bi->tsc_start = t[0];
    bi->tsc_exit = t[1];
    bi->tsc_firmware = t[2];
    return st;
}

nos_status_t __wrap_node_record(uint32_t topic, uint64_t index, void *page, size_t room,
                                size_t *got)
{
    nos_status_t st = __real_node_record(topic, index, page, room, got);
    if (st == NOS_OK && topic == NOS_TOPIC_ABOUT) {
        struct nos_about *a = page;
        size_t n = strlen(a->release);
        if (n + sizeof " storm" <= sizeof a->release) {
            memcpy(a->release + n, " storm", sizeof " storm");
        }
    }
    return st;
}

void storm_say(const char *text, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        arch_port_out(DEBUG_PORT, 1, (uint8_t)text[i]);
    }
}

/* Nothing is said by writing 0: so a run that is stopped takes the same way as one that is not.
 * Stopping moves QEMU's clock on to its next timer: one is set that is near, and both kinds of runs
 * go on at the same tick behind it. The interrupt that it leaves is early, and looked at as such.
 */
void storm_pause(bool really)
{
    uint64_t on = arch_tsc() + PAUSE_TICKS;
    lapic_timer(PAUSE_TICKS / 4);
    arch_port_out(PVPANIC_PORT, 1, (uint64_t)really * PVPANIC);
    if (arch_tsc() < on - PAUSE_TICKS / 4) {
        spin_until(on);
    }
    storm_timer_arm();
}

/* What the kernel says itself, at boot and when it breaks, goes both ways. */
void __wrap_arch_serial_put(char c)
{
    arch_port_out(DEBUG_PORT, 1, (uint8_t)c);
    __real_arch_serial_put(c);
}

/* A machine that stops for good ends here, so that nobody waits for it. */
void __wrap_arch_halt(void)
{
    arch_port_out(EXIT_PORT, 1, 1);
    __real_arch_halt();
}

void __wrap_arch_end(unsigned action)
{
    if (action == 0) {
        arch_port_out(EXIT_PORT, 1, 1);
    }
    __real_arch_end(action);
}
