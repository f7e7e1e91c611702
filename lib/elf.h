#pragma once
/*
 * A static PIE for x86-64 and nothing else: up to 8 page-aligned loadable segments, none writable
 * and executable, and
 * R_X86_64_RELATIVE relocations whose targets and values lie inside the image. Spec:
 * docs/formats.md, "Image".
 *
 * Addresses that go out are offsets from the image's base: where the loader puts the first page,
 * offset 0 goes.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "abi/status.h"
#include "lib/compiler.h"
#include "lib/span.h"

enum { ELF_SEGMENTS_MAX = 8, ELF_PAGE = 4096 };
enum elf_flag { ELF_X = 1, ELF_W = 2, ELF_R = 4 };

struct elf_segment {
    uint64_t off;     // in memory, from the image's base; a multiple of 4096
    uint64_t memsz;   // bytes in memory, not 0; those after `file` start out zero
    uint32_t flags;   // enum elf_flag
    span_t file;      // the bytes in the image
    size_t file_off;  // of `file` in the image; a multiple of 4096
};

struct elf_view {        // borrows the image
    uint64_t link_base;  // address of the first segment in the file: offsets count from it
    uint64_t mem_len;    // whole pages from the base to the end of the last segment
    uint64_t entry;      // offset of the entry point
    uint64_t relro_off, relro_len;  // read-only once relocated, whole pages inside; 0, 0 = none
    uint32_t n_seg;
    struct elf_segment seg[ELF_SEGMENTS_MAX];  // ascending, disjoint by whole pages
    span_t rela;                               // relocation entries, 24 bytes each
};

/**
 * Validate an image. Relocations are checked one by one in elf_reloc.
 * Errors: ELF_HEADER, ELF_BOUNDS, ELF_ALIGN, ELF_OVERLAP, ELF_WX, ELF_ENTRY, ELF_DYNAMIC, ELF_SIZE
 *         (memory above
 *         NOS_MOD_IMAGE_MAX).
 * Spec:   System V ABI, AMD64 supplement; docs/formats.md, "Image".
 */
MUST_CHECK nos_status_t elf_parse(span_t image, struct elf_view *out);

MUST_CHECK size_t elf_reloc_count(const struct elf_view *v);

/**
 * Relocation `i`: the 8 bytes at `*off` become base + `*addend`; both are offsets from the base.
 * Errors: ELF_RELOC_TYPE; ELF_RELOC_RANGE when the target is not wholly inside one writable segment
 *         or the value
 *         is not inside the image (its end included); INVALID when there is no relocation `i`.
 */
MUST_CHECK nos_status_t elf_reloc(const struct elf_view *v, size_t i, uint64_t *off,
                                  uint64_t *addend);

/** All of them. Errors: as elf_reloc. */
MUST_CHECK nos_status_t elf_check_relocs(const struct elf_view *v);

/**
 * Lay the image out in one piece and relocate it: `dst` is exactly mem_len bytes and will be seen
 * at `base`.
 * Every byte of `dst` is written.
 * Errors: INVALID when dst.len is not mem_len; as elf_reloc, and then `dst` holds half an image.
 */
MUST_CHECK nos_status_t elf_apply(const struct elf_view *v, mspan_t dst, uint64_t base);
