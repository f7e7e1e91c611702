/* lib/elf.c, lib/elf_reloc.c: a static PIE. A step at a time, from any view that the steps before can have left. */
#include "tests/cbmc/proof.h"

#include "lib/elf.c"
#define RELA_LEN RELA_LEN_AGAIN /* both files name it */
#include "lib/elf_reloc.c"
#undef RELA_LEN

enum { SEGMENTS = 2 };

/* What elf_parse has proved of its segments at any time: ascending, apart by whole pages, inside the image and the
 * limit, none writable and executable. `end`: where the last one ends. */
static bool segments_ok(const struct elf_view *v, const span_t *image)
{
    uint64_t end = 0;

    for (uint32_t i = 0; i < v->n_seg; i++) {
        const struct elf_segment *s = &v->seg[i];
        if (s->off % 4096 != 0 || s->off < end || s->memsz == 0 || s->memsz > NOS_MOD_IMAGE_MAX ||
            s->off > NOS_MOD_IMAGE_MAX || s->file.len > s->memsz || (s->flags & ELF_R) == 0 ||
            (s->flags & (ELF_W | ELF_X)) == (ELF_W | ELF_X)) {
            return false;
        }
        if (image != NULL && (s->file.len > image->len || (size_t)(s->file.data - image->data) > image->len - s->file.len)) {
            return false;
        }
        end = (s->off + s->memsz + 4095) & ~4095ull;
    }
    return v->mem_len == end && v->link_base % 4096 == 0 && end <= NOS_MOD_IMAGE_MAX && v->link_base <= UINT64_MAX - end;
}

/* A segment that add_load takes keeps that so; one that it refuses changes nothing
 * bound: images of 0 to 2^40 bytes, any program header, 0 or 1 segments before it
 * unwind: 4
 * planted: lib/elf.c: !checked_sub(p->vaddr, v->link_base, &off) || off < v->mem_len => !checked_sub(p->vaddr, v->link_base, &off)
 * planted: lib/elf.c: (p->flags & ELF_W) != 0 && (p->flags & ELF_X) != 0 => p->flags == (ELF_W | ELF_X)
 * planted: lib/elf.c: return p->memsz != 0 && p->filesz <= p->memsz => return p->memsz != 0
 * planted: lib/elf.c: whole > NOS_MOD_IMAGE_MAX => end > UINT64_MAX - 1 */
void prove_elf_segment(void)
{
    struct elf_view v;
    struct phdr p;
    size_t len = nondet_u64();

    assume(len <= 1ull << 40);
    span_t image = span_of(any_bytes(len), len);
    for (int i = 0; i < SEGMENTS; i++) {
        size_t from = nondet_u64();
        assume(from <= len);
        v.seg[i].file.data = image.data + from;
    }
    assume(v.n_seg < SEGMENTS && IMPLIES(v.n_seg == 0, v.link_base == 0) && segments_ok(&v, &image));
    uint32_t n = v.n_seg;
    uint64_t mem_len = v.mem_len;
    nos_status_t st = add_load(image, &p, &v);
    if (st != NOS_OK) {
        claim(v.n_seg == n && v.mem_len == mem_len, "nothing half-done");
        return;
    }
    claim(v.n_seg == n + 1 && segments_ok(&v, &image), "one more, as they must be");
    claim(v.seg[n].file.len == p.filesz && v.seg[n].memsz == p.memsz, "what the header says");
    claim(IMPLIES(p.filesz != 0, v.seg[n].file.data == image.data + p.off), "from its place in the file");
    claim(v.link_base + v.seg[n].off == p.vaddr, "at its address");
}

/* elf_reloc: a relocation that is taken changes 8 bytes inside one writable segment, to an address inside the image (or
 * its end); check_entry: the entry point is a byte of the file in an executable segment
 * bound: any view of 1 or 2 segments, 0 to 2 relocations of any content, any entry
 * unwind: 4
 * planted: lib/elf_reloc.c: s->memsz - rel >= 8 => s->memsz - rel >= 7
 * planted: lib/elf_reloc.c: from > v->mem_len => to > v->mem_len
 * planted: lib/elf_reloc.c: (s->flags & ELF_W) != 0 && => true &&
 * planted: lib/elf.c: rel < v->seg[i].file.len => rel < v->seg[i].memsz */
void prove_elf_reloc(void)
{
    static uint8_t rows[2 * 24];
    struct elf_view v;
    size_t i = nondet_u64();
    uint64_t off = 1, addend = 1, entry = nondet_u64();
    bool inside = false, starts = false;

    for (int k = 0; k < SEGMENTS; k++) {
        v.seg[k].file.data = NULL;
    }
    __CPROVER_havoc_object(rows);
    v.rela = span_of(rows, nondet_bool() ? 48 : nondet_bool() ? 24 : 0);
    assume(v.n_seg >= 1 && v.n_seg <= SEGMENTS && segments_ok(&v, NULL));
    nos_status_t st = elf_reloc(&v, i, &off, &addend);
    claim(st == NOS_OK || st == NOS_INVALID || st == NOS_ELF_RELOC_TYPE || st == NOS_ELF_RELOC_RANGE, "its name");
    claim((st == NOS_INVALID) == (i >= v.rela.len / 24), "there is none");
    claim(st == NOS_OK || (off == 1 && addend == 1), "untouched");
    for (uint32_t k = 0; k < v.n_seg; k++) {
        const struct elf_segment *s = &v.seg[k];
        inside |= (s->flags & ELF_W) != 0 && s->memsz >= 8 && off >= s->off && off - s->off <= s->memsz - 8;
    }
    claim(IMPLIES(st == NOS_OK, inside && v.mem_len >= 8 && off <= v.mem_len - 8 && addend <= v.mem_len), "a writable place, a value inside");

    nos_status_t got = check_entry(&v, entry);
    for (uint32_t k = 0; k < v.n_seg; k++) {
        const struct elf_segment *s = &v.seg[k];
        starts |= (s->flags & ELF_X) != 0 && v.entry >= s->off && v.entry - s->off < s->file.len;
    }
    claim(IMPLIES(got == NOS_OK, starts && v.link_base + v.entry == entry), "code that is in the file");
}
