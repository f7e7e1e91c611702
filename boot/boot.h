#pragma once
/*
 * What the loader's stages share. main.c calls them in the order in which they stand here; each
 * fills in its part and answers with a status. On failure `subject` names the thing that failed,
 * for the message. Spec: docs/boot.md.
 */
#include "abi/bootinfo.h"
#include "abi/status.h"
#include "boot/paging.h"
#include "boot/uefi.h"
#include "lib/compiler.h"
#include "lib/elf.h"
#include "lib/manifest.h"
#include "lib/mod.h"
#include "lib/policy.h"
#include "lib/span.h"
#include "lib/trust.h"

struct boot_buffer {  // whole pages of loader memory; the first `len` bytes mean something
    uint8_t *data;
    uint64_t len;
};

struct boot_map {  // the firmware's memory map, as it last was
    struct boot_buffer room;
    uint64_t len, stride, key;
};

struct boot {
    uefi_handle_t image;
    struct uefi_system_table *system;
    struct uefi_boot_services *bs;
    struct nos_bootinfo *info;  // in its final frames from the start; zero until filled
    const char *subject;        // for the message when a stage fails; NULL = nothing to name

    struct boot_map map;

    struct trust_view trust;
    struct uefi_file *folder;  // \N0N
    struct boot_buffer kernel_file, policy_file;
    struct policy policy;
    struct mod_view kernel;
    struct manifest manifest;
    struct elf_view elf;
    struct paging tables;
    uint64_t entry;      // virtual
    bool firmware_gone;  // boot services may not be called any more
    uint32_t dma_off,
        dma_stuck;  // PCI functions whose bus mastering we cleared; that would not let us
};

/* Loader memory (pages.c). Every page is of a kind that the kernel may take back. */

/** Errors: NO_MEMORY. */
MUST_CHECK nos_status_t pages_take(struct boot *b, uint64_t bytes, uint8_t **out);
/** The same on a boundary of 2 MiB. Reads the memory map. Errors: NO_MEMORY, BOOT_FIRMWARE. */
MUST_CHECK nos_status_t pages_take_2m(struct boot *b, uint64_t bytes, uint8_t **out);
/** Takes: what pages_take gave for as many bytes. */
void pages_give(struct boot *b, uint8_t *data, uint64_t bytes);

/**
 * Read the memory map of this moment into b->map. The first call takes room for it, and for it to
 * grow a little. Errors: BOOT_FIRMWARE, NO_MEMORY.
 */
MUST_CHECK nos_status_t map_read(struct boot *b);

/* Stages. */

/** Errors: BOOT_CPU, and `subject` lists every missing feature. */
MUST_CHECK nos_status_t stage_cpu(struct boot *b);
/** Errors: TRUST_EMPTY, TRUST_FORMAT. */
MUST_CHECK nos_status_t stage_trust(struct boot *b);
/** Errors: BOOT_VOLUME; BOOT_NO_FILE; MOD_OVERSIZE, POL_OVERSIZE before anything is allocated;
 * NO_MEMORY. */
MUST_CHECK nos_status_t stage_files(struct boot *b);
/** Errors: the policy's. A module that cannot be read is recorded, not refused. */
MUST_CHECK nos_status_t stage_modules(struct boot *b);
/** Never fails: what is not there is credited with nothing. */
void stage_entropy(struct boot *b);
/** Framebuffer, ACPI root, Secure Boot state. Never fails: a machine may have none. */
void stage_machine(struct boot *b);
/** Errors: BOOT_FIRMWARE when the list of PCI functions cannot be had. */
MUST_CHECK nos_status_t stage_dma_off(struct boot *b);
/** Give bus mastering back to those we took it from: before a message that the firmware's display
 * must show. */
void dma_on_again(struct boot *b);
/** Once more, without the firmware, whose drivers may have set the bit again on their way out. */
void dma_off_again(void);
/** Errors: the policy's and the module's, all of them. */
MUST_CHECK nos_status_t stage_verify(struct boot *b);
/** Errors: ELF_*, NO_MEMORY. */
MUST_CHECK nos_status_t stage_kernel(struct boot *b);
/** Errors: BOOT_FIRMWARE, NO_MEMORY. Does not return otherwise. */
MUST_CHECK nos_status_t stage_leave(struct boot *b);

/** Extract, k-of-n signatures, epoch floor, every record: `b->policy` on success. */
MUST_CHECK nos_status_t policy_verify(struct boot *b);

/* entry.S */
_Noreturn void enter_kernel(uint64_t cr3, uint64_t entry, uint64_t bootinfo);
