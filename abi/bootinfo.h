/* What the loader hands to the kernel: one page-aligned struct, in frames that the memory map calls
 * LOADER. Addresses are physical unless they say otherwise. Spec: docs/boot.md, "Hand-over". */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "abi/caps.h"

#define NOS_BOOTINFO_MAGIC "N0NBOOT\2"

/* The address space at kernel entry, made by the loader:
 *   kernel_virt + ...   kernel image, 4 KiB pages: text r-x, rodata r--, data rw-; global
 *   DIRECT_BASE + p     every byte of RAM in the map below, rw-, no execute, 1 GiB/2 MiB/4 KiB
 * pages; the frames that hold kernel text and read-only data are mapped read-only here too entry
 * trampoline    one r-x page of the loader, identity mapped, dropped by the kernel at once Nothing
 * else is mapped, no page is writable and executable, CR0.WP, EFER.NXE, CR4.PAE/PGE are on. */
#define NOS_DIRECT_BASE 0xffff800000000000ull /* up to 64 TiB */
#define NOS_KERNEL_BASE 0xffffffff80000000ull /* link base, and the lowest that the kernel gets */

enum nos_mem_kind {
    NOS_MEM_FREE = 1, /* conventional, and boot-services memory: dirty */
    NOS_MEM_LOADER =
        2, /* bootinfo, page tables, files read from the volume: reclaimable when used up */
    NOS_MEM_KERNEL = 3,   /* kernel image and boot stack */
    NOS_MEM_ACPI = 4,     /* ACPI tables: readable, may be reclaimed after parsing; never is */
    NOS_MEM_NVS = 5,      /* firmware's, keep out */
    NOS_MEM_RUNTIME = 6,  /* UEFI runtime services code and data */
    NOS_MEM_RESERVED = 7, /* keep out; not in the direct map */
};
struct nos_mem_range { /* sorted, page-aligned, disjoint, neighbours of one kind merged */
    uint64_t base, len;
    uint32_t kind;
    uint32_t attr; /* 1: UEFI runtime code; else 0 */
};
_Static_assert(sizeof(struct nos_mem_range) == 24, "ABI");

struct nos_boot_file {       /* bytes as read from the volume */
    char name[NOS_NAME_MAX]; /* as in the policy, e.g. "INIT.MOD" */
    uint64_t base,
        len; /* page-aligned frames of kind LOADER; len 0 = not on the volume or unreadable */
    int32_t status; /* NOS_OK, or why it could not be read */
    uint32_t rsv;
};
_Static_assert(sizeof(struct nos_boot_file) == 40, "ABI");

struct nos_framebuffer {
    uint64_t base, len;            /* len 0 = none: serial only */
    uint32_t width, height, pitch; /* pixels, pixels, bytes */
    uint32_t format;               /* 1: 32-bit 0x00RRGGBB little-endian; 2: 0x00BBGGRR */
};
_Static_assert(sizeof(struct nos_framebuffer) == 32, "ABI");

enum { NOS_BOOT_FILES_MAX = 32, NOS_MEM_RANGES_MAX = 256, NOS_BOOT_ENTROPY = 256 };

enum nos_entropy_source {
    NOS_ENTROPY_UEFI_RNG = 1,
    NOS_ENTROPY_RDSEED = 2,
    NOS_ENTROPY_RDRAND = 4
};

enum nos_boot_flag {
    NOS_BOOT_RANDOM_BASE =
        1, /* kernel_virt was drawn; else it is KERNEL_BASE, for want of entropy */
};

struct nos_bootinfo {
    uint8_t magic[8];
    uint32_t size;                      /* sizeof(struct nos_bootinfo) */
    uint32_t flags;                     /* enum nos_boot_flag, or-ed */
    uint64_t kernel_base, kernel_len;   /* physical frames of the image */
    uint64_t kernel_virt;               /* where it is mapped: in the top 2 GiB, page-aligned */
    uint64_t symbols_base, symbols_len; /* its verified symbol lump, physical: part of `kernel`
                                         * below, page-aligned; len 0 = it has none */
    uint64_t boot_cr3;                  /* physical top table */
    uint64_t rsdp;                      /* 0 = no ACPI */
    uint64_t efi_system_table;          /* for ResetSystem */
    struct nos_boot_file kernel;        /* KERNEL.MOD as read */
    struct nos_boot_file policy;        /* BOOT.POL as read, verified */
    uint64_t tsc_start;                 /* TSC at the loader's first instruction */
    uint64_t tsc_exit;                  /* TSC just before kernel entry */
    uint64_t tsc_firmware; /* TSC ticks spent inside firmware services that the loader called */
    uint32_t n_mem, n_files;
    uint32_t entropy_len;     /* bytes of `entropy` filled, <= NOS_BOOT_ENTROPY */
    uint32_t entropy_sources; /* enum nos_entropy_source, or-ed */
    uint32_t entropy_bits;    /* credited by the loader */
    uint32_t secure_boot;     /* 1 = SecureBoot variable says on */
    struct nos_framebuffer fb;
    uint8_t
        root_set[32]; /* NOS_CTX_ROOT_SET of the trust section that verified kernel and policy */
    uint8_t kernel_id[32];             /* module_id of KERNEL.MOD */
    uint8_t policy_hash[32];           /* plain BLAKE3 of BOOT.POL */
    uint8_t entropy[NOS_BOOT_ENTROPY]; /* wiped by the kernel once the vault has taken it */
    struct nos_mem_range mem[NOS_MEM_RANGES_MAX];
    struct nos_boot_file file[NOS_BOOT_FILES_MAX]; /* in the policy's order */
};

/* Kernel entry: rdi = virtual address (direct map) of the bootinfo; interrupts off; rsp = anything.
 * The ELF entry point of the image is that function; it never returns. */
