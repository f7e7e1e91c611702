/* lib/elf.c, lib/elf_reloc.c: the dynamic table, what becomes read-only, and an image laid out and relocated. From any
 * view that the steps before can have left (prove_elf.c). */
#include "tests/cbmc/proof.h"

#define memcpy short_memcpy
#define memset short_memset
static inline void *short_memset(void *to, int byte, size_t n)
{
    claim(n == 0 || __CPROVER_w_ok(to, n), "memset: there are so many bytes");
    for (size_t i = 0; i < n; i++) {
        ((uint8_t *)to)[i] = (uint8_t)byte;
    }
    return to;
}

#include "lib/elf.c"
#define RELA_LEN RELA_LEN_AGAIN /* both files name it */
#include "lib/elf_reloc.c"
#undef RELA_LEN

enum { SEGMENTS = 2, TABLE = 5 * DYN_LEN, IMAGE = 16 };

static void dynamic(uint64_t entries)
{
    static uint8_t file[TABLE];
    struct elf_view v;
    struct phdr p;
    bool seen = nondet_bool(), before = seen, ends = false;
    uint64_t n[3] = { 0 }, addr = 0, size = 0, entry = 0;

    __CPROVER_havoc_object(file);
    v.n_seg = 1;
    v.seg[0].file = span_of(file, sizeof file);
    v.seg[0].off = 0;
    v.rela = span_of(NULL, 0);
    v.link_base = nondet_u64();
    p.vaddr = v.link_base;
    p.filesz = entries * DYN_LEN;
    nos_status_t st = parse_dynamic(&p, &v, &seen);
    claim(st == NOS_OK || st == NOS_ELF_DYNAMIC, "its name");
    if (st != NOS_OK) {
        claim(v.rela.data == NULL && v.rela.len == 0, "nothing half-done");
        return;
    }
    claim(!before && seen, "once");
    for (uint64_t at = 0; at < p.filesz; at += DYN_LEN) {
        uint64_t tag = load_le64(file + at), value = load_le64(file + at + 8);
        ends |= tag == DT_NULL;
        if (!ends) {
            claim((tag >= DT_HASH && tag <= DT_SYMENT) || tag == DT_DEBUG || tag == DT_FLAGS || tag == DT_GNU_HASH ||
                      tag == DT_RELACOUNT || tag == DT_FLAGS_1,
                  "known");
            n[0] += tag == DT_RELA, n[1] += tag == DT_RELASZ, n[2] += tag == DT_RELAENT;
            addr = tag == DT_RELA ? value : addr;
            size = tag == DT_RELASZ ? value : size;
            entry = tag == DT_RELAENT ? value : entry;
        }
    }
    claim(ends, "ends with DT_NULL");
    claim(n[0] == n[1] && n[1] == n[2] && n[0] <= 1, "all three, once, or none");
    claim(IMPLIES(n[0] == 0, v.rela.data == NULL && v.rela.len == 0), "no relocations");
    claim(IMPLIES(n[0] != 0, entry == 24 && v.rela.len == size && (size == 0 || size == 24 || size == 48 || size == 72)), "whole rows");
    claim(IMPLIES(n[0] != 0, addr >= v.link_base && v.rela.data == file + (addr - v.link_base)), "at their address");
}

/* parse_dynamic: each entry is known, the last one is DT_NULL; relocations are whole rows in the file's bytes of a
 * segment, named once by all three entries or by none; a second table is refused, so is one that is not in the file
 * bound: a table of 5 entries of any content, which is all of a segment at any address; one of 5
 * unwind: 7
 * planted: lib/elf.c: if (*has) { => if (false) {
 * planted: lib/elf.c: return NOS_ELF_DYNAMIC;  // no DT_NULL => return NOS_OK;
 * planted: lib/elf.c: d.size % RELA_LEN != 0 || !file_bytes => !file_bytes
 * planted: lib/elf.c: if (*seen || => if (
 * planted: lib/elf.c: d.entry != RELA_LEN || => false || */
void prove_elf_dynamic(void)
{
    dynamic(5);
    dynamic(6); /* the segment has not so many */
}

/* parse_relro: what becomes read-only is whole pages of a writable segment, all that lie in the range of the program
 * header and no other; a second range is refused; a refusal changes nothing
 * bound: any view of 1 or 2 segments, any program header
 * unwind: 3
 * planted: lib/elf.c: p->memsz <= room - rel) { => true) {
 * planted: lib/elf.c: (v->seg[i].flags & ELF_W) != 0 && checked_sub(off, v->seg[i].off, &rel) && rel < room => checked_sub(off, v->seg[i].off, &rel) && rel < room
 * planted: lib/elf.c: end = (off + p->memsz) & ~in_page; => end = off + p->memsz;
 * planted: lib/elf.c: if (v->relro_len != 0 || => if ( */
void prove_elf_relro(void)
{
    struct elf_view v;
    struct phdr p;
    bool inside = false;

    assume(v.n_seg >= 1 && v.n_seg <= SEGMENTS && v.relro_len % ELF_PAGE == 0 && v.relro_off % ELF_PAGE == 0);
    for (uint32_t i = 0; i < SEGMENTS; i++) {
        assume(v.seg[i].off % ELF_PAGE == 0 && v.seg[i].off <= NOS_MOD_IMAGE_MAX && v.seg[i].memsz <= NOS_MOD_IMAGE_MAX);
    }
    uint64_t off = v.relro_off, len = v.relro_len;
    nos_status_t st = parse_relro(&p, &v);
    claim(st == NOS_OK || st == NOS_ELF_BOUNDS, "its name");
    if (st != NOS_OK || p.memsz == 0) {
        claim(v.relro_off == off && v.relro_len == len, "untouched");
        return;
    }
    uint64_t from = p.vaddr - v.link_base, end = v.relro_off + v.relro_len;
    claim(len == 0 && p.vaddr >= v.link_base, "once");
    claim(v.relro_off % ELF_PAGE == 0 && v.relro_len % ELF_PAGE == 0, "whole pages");
    for (uint32_t i = 0; i < v.n_seg; i++) {
        const struct elf_segment *s = &v.seg[i];
        uint64_t top = s->off + (s->memsz + ELF_PAGE - 1) / ELF_PAGE * ELF_PAGE;
        inside |= (s->flags & ELF_W) != 0 && v.relro_off >= s->off && end <= top && from >= s->off && from + p.memsz <= top;
    }
    if (v.relro_len != 0) {
        claim(inside, "of a writable segment");
        claim(v.relro_off >= from && v.relro_off - from < ELF_PAGE && end <= from + p.memsz && from + p.memsz - end < ELF_PAGE, "all, and no other");
    }
}

static uint8_t word_of(uint64_t value, uint64_t k)
{
    return (uint8_t)(value >> 8 * k & 0xff);
}

/* Where two segments lie in memory, what is in the file, and where there. */
struct shape {
    struct {
        uint64_t off, memsz, len, from;
    } seg[SEGMENTS];
};

static void apply(const struct shape *shape, size_t n_rela)
{
    static uint8_t file[IMAGE], row[24];
    uint8_t dst[IMAGE], laid[IMAGE] = { 0 };
    struct elf_view v;
    uint64_t base = nondet_u64();

    __CPROVER_havoc_object(file);
    __CPROVER_havoc_object(row);
    v.n_seg = SEGMENTS;
    v.mem_len = IMAGE;
    v.rela = span_of(row, n_rela * 24);
    for (uint32_t k = 0; k < SEGMENTS; k++) {
        v.seg[k].off = shape->seg[k].off;
        v.seg[k].memsz = shape->seg[k].memsz;
        v.seg[k].file = span_of(file + shape->seg[k].from, shape->seg[k].len);
        for (uint64_t i = 0; i < shape->seg[k].len; i++) {
            laid[shape->seg[k].off + i] = file[shape->seg[k].from + i];
        }
    }
    assume(base <= UINT64_MAX - IMAGE);
    claim(elf_apply(&v, mspan_of(dst, IMAGE - 1), base) == NOS_INVALID, "exactly its length");
    nos_status_t st = elf_apply(&v, mspan_of(dst, IMAGE), base);
    claim(IMPLIES(n_rela == 0, st == NOS_OK), "no relocation, no refusal");
    bool moved = n_rela != 0 && st == NOS_OK;
    uint64_t to = moved ? load_le64(row) - v.link_base : IMAGE, value = moved ? base + (load_le64(row + 16) - v.link_base) : 0;
    for (uint64_t i = 0; i < IMAGE; i++) {
        claim(dst[i] == (i >= to && i - to < 8 ? word_of(value, i - to) : laid[i]), "the file's, or zero, or of an address");
    }
}

/* elf_apply: each byte of the image is the segment's byte in the file, or zero, or belongs to a word that was relocated,
 * which is base + addend; and no byte beside the image is written
 * bound: three images of 16 bytes of any content, of 2 segments, not of whole pages; 0 and 1 relocation of any content
 * assumed: the image lies below the end of the address space
 * unwind: 17
 * planted: lib/elf_reloc.c: zero_range(dst, at, s->off); => zero_range(dst, at + 1, s->off);
 * planted: lib/elf_reloc.c: at += s->file.len; => ;
 * planted: lib/elf_reloc.c: store_le64(word.data, base + addend); => store_le64(word.data, addend);
 * planted: lib/elf_reloc.c: if (dst.len != v->mem_len) { => if (false) { */
void prove_elf_apply(void)
{
    static const struct shape full = { { { 0, 8, 8, 0 }, { 8, 8, 8, 8 } } }, gaps = { { { 2, 4, 3, 1 }, { 7, 9, 2, 0 } } },
                              empty = { { { 0, 3, 0, 0 }, { 4, 12, 12, 4 } } };

    apply(&full, 0); /* by cases: what is known is not searched for */
    apply(&gaps, 0);
    apply(&empty, 0);
    apply(&gaps, 1);
    apply(&empty, 1);
}
