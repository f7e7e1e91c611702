/*
 * Relocations: the only kind a static PIE needs is "this word holds an address of the image". Each
 * is checked when it is read, so a caller that applies them page by page cannot miss the check.
 */
#include "lib/elf.h"

#include <string.h>

#include "lib/checked.h"

enum { RELA_LEN = 24, R_X86_64_RELATIVE = 8 };

size_t elf_reloc_count(const struct elf_view *v)
{
    return v->rela.len / RELA_LEN;
}

/* Are the 8 bytes at `off` inside one writable segment? */
static bool target_ok(const struct elf_view *v, uint64_t off)
{
    uint64_t rel = 0;
    for (uint32_t i = 0; i < v->n_seg; i++) {
        const struct elf_segment *s = &v->seg[i];
        if ((s->flags & ELF_W) != 0 && checked_sub(off, s->off, &rel) && rel < s->memsz &&
            s->memsz - rel >= 8) {
            return true;
        }
    }
    return false;
}

nos_status_t elf_reloc(const struct elf_view *v, size_t i, uint64_t *off, uint64_t *addend)
{
    uint64_t where, info, value, to = 0, from = 0;
    span_t row;

    /* uncovered(1): there are more than i rows */
    if (i >= elf_reloc_count(v) || !span_cut(v->rela, i * RELA_LEN, RELA_LEN, &row)) {
        return NOS_INVALID;
    }
    where = load_le64(row.data);
    info = load_le64(row.data + 8);
    value = load_le64(row.data + 16);
    if (info != R_X86_64_RELATIVE) {  // the symbol number in the upper half must be 0
        return NOS_ELF_RELOC_TYPE;
    }
    if (!checked_sub(where, v->link_base, &to) || !target_ok(v, to) ||
        !checked_sub(value, v->link_base, &from) || from > v->mem_len) {
        return NOS_ELF_RELOC_RANGE;
    }
    *off = to;
    *addend = from;
    return NOS_OK;
}

nos_status_t elf_check_relocs(const struct elf_view *v)
{
    uint64_t off, addend;
    nos_status_t st = NOS_OK;

    for (size_t i = 0; st == NOS_OK && i < elf_reloc_count(v); i++) {
        st = elf_reloc(v, i, &off, &addend);
    }
    return st;
}

static void zero_range(mspan_t dst, uint64_t from, uint64_t to)
{
    mspan_t gap;
    /* uncovered(1): segments lie inside mem_len, which is the length of dst */
    if (from < to && mspan_cut(dst, from, to - from, &gap)) {
        memset(gap.data, 0, gap.len);
    }
}

/* File bytes, and zeros for all that no file byte fills. */
static void lay_out(const struct elf_view *v, mspan_t dst)
{
    uint64_t at = 0;
    mspan_t to;

    for (uint32_t i = 0; i < v->n_seg; i++) {
        const struct elf_segment *s = &v->seg[i];
        zero_range(dst, at, s->off);
        at = s->off;
        /* uncovered(1): segments lie inside mem_len, which is the length of dst */
        if (s->file.len != 0 && mspan_cut(dst, at, s->file.len, &to)) {
            memcpy(to.data, s->file.data, s->file.len);
            at += s->file.len;
        }
    }
    zero_range(dst, at, dst.len);
}

nos_status_t elf_apply(const struct elf_view *v, mspan_t dst, uint64_t base)
{
    uint64_t off = 0, addend = 0;
    mspan_t word;
    nos_status_t st = NOS_OK;

    if (dst.len != v->mem_len) {
        return NOS_INVALID;
    }
    lay_out(v, dst);
    for (size_t i = 0; st == NOS_OK && i < elf_reloc_count(v); i++) {
        st = elf_reloc(v, i, &off, &addend);
        /* uncovered(1): elf_reloc has found all eight bytes inside a segment */
        if (st == NOS_OK && mspan_cut(dst, off, 8, &word)) {
            store_le64(word.data, base + addend);
        }
    }
    return st;
}
