#pragma once
/*
 * The kernel's first address space, as abi/bootinfo.h describes it: which page goes where with
 * which rights. Pure; boot/paging.h writes the tables.
 */
#include "abi/bootinfo.h"
#include "boot/paging.h"
#include "lib/compiler.h"
#include "lib/elf.h"

enum { SPACE_PIECES = ELF_SEGMENTS_MAX + 2 };

struct space_piece {  // pages of the kernel image with one set of rights; offsets from its base
    uint64_t off, len;
    uint32_t flags;  // enum paging_flag
};

struct space {
    struct space_piece piece[SPACE_PIECES];  // ascending
    uint32_t n_pieces;
    uint64_t kernel_base, kernel_virt;  // physical, virtual
    uint64_t enter_page;                // identity mapped, r-x
};

/** Split the image into pieces: its segments, the relocated-then-read-only part cut out of the
 * data. */
void space_init(struct space *s, const struct elf_view *elf, const struct nos_bootinfo *info,
                uint64_t enter_page);

/** Map all of it; `mem` ascends. Errors: false when the tables' pool is full, or a range is not of
 * whole pages or goes down. */
MUST_CHECK bool space_map(const struct space *s, struct paging *t, const struct nos_mem_range *mem,
                          uint32_t n_mem);
