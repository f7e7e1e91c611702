/*
 * BOOTX64.EFI: verify, load, jump.
 *
 * The firmware starts efi_main (entry.S), which comes straight here. Each line of run() is one
 * stage, in a file of its own name; a stage either has done its part wholly or boot stops with one
 * message. Spec: docs/boot.md.
 */
#include "boot/boot.h"
#include "boot/console.h"
#include "boot/firmware.h"
#include "boot/insn.h"
#include "lib/status.h"

#include <string.h>

uint64_t firmware_ticks;

/** What a person can do about it. */
static const char *advice(nos_status_t st)
{
    switch ((int)st) {
    case NOS_BOOT_CPU:
        return "Use a processor that has these features; in QEMU: -cpu max.";
    case NOS_TRUST_EMPTY:
    case NOS_TRUST_FORMAT:
        return "This loader was not prepared: make the boot volume with 'nonosctl image make'.";
    case NOS_BOOT_NO_FILE:
    case NOS_BOOT_VOLUME:
        return "Is all of \\N0N on the volume this loader was started from? If not, make it anew.";
    case NOS_NO_MEMORY:
        return "Give the machine more memory, or boot fewer and smaller modules.";
    case NOS_BOOT_FIRMWARE:
        return "Update the firmware, or reset its settings, and try again.";
    case NOS_POL_EPOCH:
    case NOS_SEC_VERSION:
        return "Older than the loader or the policy allows: make the boot volume anew.";
    default:
        return "Not what the root keys signed: find out why, and make the boot volume anew.";
    }
}

/** The only end besides the kernel. Screen and serial; then nothing runs any more. */
static _Noreturn void stop(struct boot *b, nos_status_t st)
{
    if (!b->firmware_gone) {
        dma_on_again(b);  // the display may need it, and nothing that could be spoilt will run
    }
    struct fmt *line = console_line();
    fmt_str(line, "N0N-OS loader: stopped: ");
    fmt_str(line, status_name(st));
    fmt_str(line, " (");
    fmt_i64(line, st);
    fmt_str(line, "): ");
    fmt_str(line, status_text(st));
    if (b->subject != NULL && b->subject[0] != '\0') {
        fmt_str(line, " [");
        fmt_str(line, b->subject);
        fmt_str(line, "]");
    }
    console_print();
    say(advice(st));
    halt_for_ever();
}

/** Bootinfo is filled in by the stages as they learn things, in the frames where the kernel will
 * read it. */
static nos_status_t bootinfo_start(struct boot *b, uint64_t tsc)
{
    uint8_t *pages = NULL;
    nos_status_t st = pages_take(b, sizeof(struct nos_bootinfo), &pages);
    if (st == NOS_OK) {
        memset(pages, 0, sizeof(struct nos_bootinfo));
        b->info = (struct nos_bootinfo *)(void *)pages;
        memcpy(b->info->magic, NOS_BOOTINFO_MAGIC, sizeof(b->info->magic));
        b->info->size = sizeof(struct nos_bootinfo);
        b->info->efi_system_table = (uint64_t)b->system;
        b->info->tsc_start = tsc;
    }
    return st;
}

static nos_status_t read_all(struct boot *b)
{
    nos_status_t st = stage_cpu(b);
    if (st == NOS_OK) {
        st = stage_trust(b);
    }
    if (st == NOS_OK) {
        st = stage_files(b);
    }
    if (st == NOS_OK) {
        st = stage_modules(b);
    }
    if (st == NOS_OK) {
        stage_entropy(b);
        stage_machine(b);
    }
    return st;
}

static nos_status_t verify_and_enter(struct boot *b)
{
    nos_status_t st = stage_dma_off(b);
    if (st == NOS_OK) {
        st = stage_verify(b);
    }
    if (st == NOS_OK) {
        st = stage_kernel(b);
    }
    return st == NOS_OK ? stage_leave(b) : st;
}

_Noreturn void boot_main(uefi_handle_t image, struct uefi_system_table *system, uint64_t tsc);

_Noreturn void boot_main(uefi_handle_t image, struct uefi_system_table *system, uint64_t tsc)
{
    static struct boot boot;
    struct boot *b = &boot;

    b->image = image;
    b->system = system;
    b->bs = system->boot;
    console_start(system);
    say("N0N-OS loader");
    (void)FIRMWARE(b->bs->set_watchdog_timer(
        0, 0, 0, NULL));  // a person may want to read the message for an hour
    nos_status_t st = bootinfo_start(b, tsc);
    if (st == NOS_OK) {
        st = read_all(b);
    }
    if (st == NOS_OK) {
        st = verify_and_enter(b);
    }
    stop(b, st);
}
