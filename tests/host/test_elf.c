/* lib/elf.h: one rule broken at a time, relocations, and what the laid-out image holds. */
#include "lib/elf.h"
#include "tests/host/golden.h"
#include "tests/host/test.h"

enum { TYPE = 0, FLAGS = 4, OFFSET = 8, VADDR = 16, FILESZ = 32, MEMSZ = 40 };
#define PH(n, field) (ELF_PHDR + (n)*ELF_PHDR_LEN + (field))
#define DYN(n, part) (ELF_DYN_AT + 16 * (n) + 8 * (part))
#define RELA(n, part) (ELF_RELA_AT + 24 * (n) + 8 * (part))

struct patch {
    size_t at, width;
    uint64_t value;
};

static void apply(uint8_t *image, struct patch p)
{
    for (size_t k = 0; k < p.width; k++) {
        image[p.at + k] = (uint8_t)(p.value >> (8 * k));
    }
}

static nos_status_t parse_patched(const struct patch *p, size_t n)
{
    struct buf b = golden_image();
    struct elf_view v = { .n_seg = 99 };
    for (size_t i = 0; i < n; i++) {
        apply(b.data, p[i]);
    }
    nos_status_t st = elf_parse(buf_span(b), &v);
    if (st == NOS_OK) {
        st = elf_check_relocs(&v);
    } else {
        assert_int_equal(v.n_seg, 99);  // what is refused writes nothing
    }
    buf_free(&b);
    return st;
}

static void test_golden(void **state)
{
    struct buf b = golden_image();
    struct elf_view v;
    uint64_t off, addend;
    (void)state;
    assert_int_equal(elf_parse(buf_span(b), &v), NOS_OK);
    assert_int_equal(v.n_seg, 2);
    assert_int_equal(v.mem_len, ELF_MEM_LEN);
    assert_int_equal(v.entry, ELF_ENTRY_AT);
    assert_int_equal(v.seg[1].off, 0x1000);
    assert_int_equal(v.seg[1].memsz, 0x1800);
    assert_int_equal(v.seg[1].file.len, 0x100);
    assert_int_equal(v.seg[1].file_off, 0x1000);
    assert_int_equal(v.relro_off, 0x1000);
    assert_int_equal(v.relro_len, 0x1000);
    assert_int_equal(elf_reloc_count(&v), 2);
    assert_int_equal(elf_reloc(&v, 1, &off, &addend), NOS_OK);
    assert_int_equal(off, 0x1088);
    assert_int_equal(addend, 0x1080);
    assert_int_equal(elf_reloc(&v, 2, &off, &addend), NOS_INVALID);
    assert_int_equal(elf_reloc(&v, SIZE_MAX, &off, &addend), NOS_INVALID);
    v.n_seg = 1;  // the second is there, and not of the image any more
    assert_int_equal(elf_reloc(&v, 1, &off, &addend), NOS_ELF_RELOC_RANGE);
    buf_free(&b);
}

static const struct {
    struct patch p;
    nos_status_t status;
} rows[] = {
    { { 0, 1, 0 }, NOS_ELF_HEADER },
    { { 4, 1, 1 }, NOS_ELF_HEADER },  // 32-bit
    { { 5, 1, 2 }, NOS_ELF_HEADER },
    { { 6, 1, 2 }, NOS_ELF_HEADER },
    { { 7, 1, 3 }, NOS_ELF_HEADER },
    { { 9, 1, 1 }, NOS_ELF_HEADER },
    { { 16, 2, 2 }, NOS_ELF_HEADER },
    { { 18, 2, 3 }, NOS_ELF_HEADER },
    { { 20, 4, 2 }, NOS_ELF_HEADER },
    { { 52, 2, 65 }, NOS_ELF_HEADER },
    { { 54, 2, 57 }, NOS_ELF_HEADER },
    { { 56, 2, 0 }, NOS_ELF_HEADER },
    { { 56, 2, 33 }, NOS_ELF_HEADER },
    { { 32, 8, ELF_IMAGE_LEN }, NOS_ELF_HEADER },
    { { 32, 8, UINT64_MAX }, NOS_ELF_HEADER },
    { { PH(4, TYPE), 4, 3 }, NOS_ELF_HEADER },  // PT_INTERP
    { { PH(4, TYPE), 4, 5 }, NOS_ELF_HEADER },
    { { PH(4, TYPE), 4, 7 }, NOS_OK },  // PT_TLS
    { { PH(4, TYPE), 4, 4 }, NOS_OK },
    { { PH(4, TYPE), 4, 6 }, NOS_OK },
    { { PH(4, TYPE), 4, 0 }, NOS_OK },
    { { PH(4, TYPE), 4, 0x6474e550 }, NOS_OK },
    { { PH(4, TYPE), 4, 0x6474e553 }, NOS_OK },
    { { PH(4, FLAGS), 4, 7 }, NOS_ELF_WX },  // executable stack
    { { PH(0, FLAGS), 4, 7 }, NOS_ELF_WX },
    { { PH(1, FLAGS), 4, 7 }, NOS_ELF_WX },
    { { PH(0, FLAGS), 4, 1 }, NOS_ELF_HEADER },
    { { PH(0, FLAGS), 4, 0xd }, NOS_ELF_HEADER },
    { { PH(0, VADDR), 8, 0x10 }, NOS_ELF_ALIGN },
    { { PH(1, VADDR), 8, 0x1010 }, NOS_ELF_ALIGN },
    { { PH(1, OFFSET), 8, 0x80 }, NOS_ELF_ALIGN },
    { { PH(1, FILESZ), 8, 0x1801 }, NOS_ELF_BOUNDS },  // more in the file than in memory
    { { PH(1, FILESZ), 8, 0x101 }, NOS_ELF_BOUNDS },   // past the end of the image
    { { PH(1, OFFSET), 8, 0x2000 }, NOS_ELF_BOUNDS },
    { { PH(1, OFFSET), 8, UINT64_MAX - 0xfff }, NOS_ELF_BOUNDS },
    { { PH(1, MEMSZ), 8, 0 }, NOS_ELF_BOUNDS },
    { { PH(1, MEMSZ), 8, 0xff }, NOS_ELF_BOUNDS },
    { { PH(1, MEMSZ), 8, NOS_MOD_IMAGE_MAX }, NOS_ELF_SIZE },
    { { PH(1, MEMSZ), 8, NOS_MOD_IMAGE_MAX - 0x1000 }, NOS_OK },
    { { PH(1, MEMSZ), 8, UINT64_MAX }, NOS_ELF_SIZE },
    { { PH(1, VADDR), 8, UINT64_MAX - 0xfff }, NOS_ELF_SIZE },
    { { PH(1, VADDR), 8, 0 }, NOS_ELF_OVERLAP },
    { { PH(0, MEMSZ), 8, 0x1001 }, NOS_ELF_OVERLAP },  // shares a page with the next
    { { PH(0, MEMSZ), 8, 0x1000 }, NOS_OK },
    { { PH(0, VADDR), 8, 0x3000 }, NOS_ELF_OVERLAP },  // descending
    { { 24, 8, 0x300 }, NOS_ELF_ENTRY },
    { { 24, 8, 0x2ff }, NOS_OK },
    { { 24, 8, 0x1000 }, NOS_ELF_ENTRY },
    { { 24, 8, UINT64_MAX }, NOS_ELF_ENTRY },
    { { PH(2, FILESZ), 8, 6 * 16 - 8 }, NOS_ELF_DYNAMIC },
    { { PH(2, FILESZ), 8, 5 * 16 }, NOS_ELF_DYNAMIC },  // no DT_NULL
    { { PH(2, VADDR), 8, 0x10f0 }, NOS_ELF_DYNAMIC },
    { { PH(2, VADDR), 8, UINT64_MAX }, NOS_ELF_DYNAMIC },
    { { PH(2, VADDR), 8, 0x5000 }, NOS_ELF_DYNAMIC },
    { { PH(4, TYPE), 4, 2 }, NOS_ELF_DYNAMIC },  // a second PT_DYNAMIC
    { { PH(2, TYPE), 4, 4 }, NOS_OK },           // none: nothing to relocate
    { { DYN(3, 0), 8, 1 }, NOS_ELF_DYNAMIC },    // DT_NEEDED
    { { DYN(3, 0), 8, 2 }, NOS_ELF_DYNAMIC },    // DT_PLTRELSZ
    { { DYN(3, 0), 8, 23 }, NOS_ELF_DYNAMIC },   // DT_JMPREL
    { { DYN(3, 0), 8, 17 }, NOS_ELF_DYNAMIC },   // DT_REL
    { { DYN(3, 0), 8, 22 }, NOS_ELF_DYNAMIC },   // DT_TEXTREL
    { { DYN(3, 0), 8, 16 }, NOS_ELF_DYNAMIC },   // DT_SYMBOLIC
    { { DYN(3, 0), 8, 12 }, NOS_ELF_DYNAMIC },   // DT_INIT
    { { DYN(3, 0), 8, 25 }, NOS_ELF_DYNAMIC },   // DT_INIT_ARRAY
    { { DYN(3, 0), 8, 36 }, NOS_ELF_DYNAMIC },   // DT_RELR
    { { DYN(3, 0), 8, 7 }, NOS_ELF_DYNAMIC },    // a second DT_RELA
    { { DYN(3, 0), 8, 8 }, NOS_ELF_DYNAMIC },
    { { DYN(3, 0), 8, 9 }, NOS_ELF_DYNAMIC },
    { { DYN(3, 0), 8, 30 }, NOS_ELF_DYNAMIC },          // DT_FLAGS with DF_SYMBOLIC (value 2)
    { { DYN(4, 1), 8, 0x08000008 }, NOS_ELF_DYNAMIC },  // DT_FLAGS_1 beyond PIE and NOW
    { { DYN(4, 1), 8, 0x08000001 }, NOS_OK },
    { { DYN(3, 0), 8, 4 }, NOS_OK },
    { { DYN(3, 0), 8, 5 }, NOS_OK },
    { { DYN(3, 0), 8, 6 }, NOS_OK },
    { { DYN(3, 0), 8, 10 }, NOS_OK },
    { { DYN(3, 0), 8, 11 }, NOS_OK },
    { { DYN(3, 0), 8, 21 }, NOS_OK },
    { { DYN(3, 0), 8, 0x6ffffef5 }, NOS_OK },
    { { DYN(0, 0), 8, 21 }, NOS_ELF_DYNAMIC },  // size without a table
    { { DYN(1, 0), 8, 21 }, NOS_ELF_DYNAMIC },
    { { DYN(2, 0), 8, 21 }, NOS_ELF_DYNAMIC },
    { { DYN(1, 1), 8, 47 }, NOS_ELF_DYNAMIC },
    { { DYN(2, 1), 8, 16 }, NOS_ELF_DYNAMIC },
    { { DYN(0, 1), 8, 0x2f0 }, NOS_ELF_DYNAMIC },
    { { DYN(0, 1), 8, UINT64_MAX }, NOS_ELF_DYNAMIC },
    { { DYN(1, 1), 8, 24 * 0x0aaaaaaaaaaaaaaaull }, NOS_ELF_DYNAMIC },
    { { DYN(1, 1), 8, 0 }, NOS_OK },
    { { DYN(4, 0), 8, 30 }, NOS_ELF_DYNAMIC },   // DT_FLAGS beyond BIND_NOW
    { { PH(3, VADDR), 8, 0 }, NOS_ELF_BOUNDS },  // RELRO of what is not writable
    { { PH(3, MEMSZ), 8, 0x2001 }, NOS_ELF_BOUNDS },
    { { PH(3, MEMSZ), 8, 0x2000 }, NOS_OK },
    { { PH(3, MEMSZ), 8, UINT64_MAX }, NOS_ELF_BOUNDS },
    { { PH(3, VADDR), 8, UINT64_MAX }, NOS_ELF_BOUNDS },
    { { PH(4, TYPE), 4, 0x6474e552 }, NOS_OK },    // a second RELRO, but an empty one
    { { RELA(0, 1), 8, 1 }, NOS_ELF_RELOC_TYPE },  // R_X86_64_64
    { { RELA(0, 1), 8, 7 }, NOS_ELF_RELOC_TYPE },
    { { RELA(1, 1), 8, 37 }, NOS_ELF_RELOC_TYPE },
    { { RELA(0, 1), 8, (1ull << 32) | 8 }, NOS_ELF_RELOC_TYPE },  // with a symbol
    { { RELA(0, 0), 8, 0x200 }, NOS_ELF_RELOC_RANGE },            // into text
    { { RELA(0, 0), 8, 0x27f9 }, NOS_ELF_RELOC_RANGE },
    { { RELA(0, 0), 8, 0x27f8 }, NOS_OK },
    { { RELA(0, 0), 8, 0xfff }, NOS_ELF_RELOC_RANGE },
    { { RELA(0, 0), 8, 0x2800 }, NOS_ELF_RELOC_RANGE },
    { { RELA(0, 0), 8, UINT64_MAX - 3 }, NOS_ELF_RELOC_RANGE },
    { { RELA(0, 2), 8, ELF_MEM_LEN }, NOS_OK },
    { { RELA(0, 2), 8, ELF_MEM_LEN + 1 }, NOS_ELF_RELOC_RANGE },
    { { RELA(0, 2), 8, UINT64_MAX }, NOS_ELF_RELOC_RANGE },
};

static void test_one_rule_broken(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        nos_status_t st = parse_patched(&rows[i].p, 1);
        if (st != rows[i].status) {
            fail_msg("row %zu (at %zx): %d, wanted %d", i, rows[i].p.at, st, rows[i].status);
        }
    }
}

static void test_two_rules(void **state)
{
    const struct patch relro[] = { { PH(4, TYPE), 4, 0x6474e552 },
                                   { PH(4, VADDR), 8, 0x1000 },
                                   { PH(4, MEMSZ), 8, 0x1000 } };
    const struct patch empty[] = { { PH(1, OFFSET), 8, 0x5000 },
                                   { PH(1, FILESZ), 8, 0 },
                                   { PH(2, TYPE), 4, 4 } };
    const struct patch far_entry[] = { { PH(1, FLAGS), 4, 5 },
                                       { 24, 8, 0x1100 } };  // in zeroed memory
    (void)state;
    assert_int_equal(parse_patched(relro, 3), NOS_ELF_BOUNDS);  // a second RELRO
    assert_int_equal(parse_patched(empty, 3), NOS_OK);  // nothing but .bss: no place in the file
    assert_int_equal(parse_patched(far_entry, 2), NOS_ELF_ENTRY);
    const struct patch uneven[] = { { PH(2, FILESZ), 8, 6 * 16 + 8 } };
    const struct patch many[] = { { PH(0, FILESZ), 8, 0x1000 },
                                  { PH(0, MEMSZ), 8, 0x1000 },
                                  { PH(2, VADDR), 8, 0x300 },
                                  { PH(2, FILESZ), 8, 129 * 16 } };
    const struct patch now[] = { { DYN(4, 0), 8, 30 }, { DYN(4, 1), 8, 8 } };
    const struct patch wraps[] = { { PH(3, VADDR), 8, UINT64_MAX - 0x7f },
                                   { PH(3, MEMSZ), 8, 0x10 } };
    const struct patch data_first[] = { { PH(0, FLAGS), 4, 4 },
                                        { PH(1, FLAGS), 4, 5 },
                                        { PH(3, TYPE), 4, 4 } };
    assert_int_equal(parse_patched(now, 2), NOS_OK);
    assert_int_equal(parse_patched(wraps, 2), NOS_ELF_BOUNDS);      // its end is none, rounded up
    assert_int_equal(parse_patched(data_first, 3), NOS_ELF_ENTRY);  // before what may run
    assert_int_equal(parse_patched(uneven, 1), NOS_ELF_DYNAMIC);
    assert_int_equal(parse_patched(many, 4), NOS_ELF_DYNAMIC);  // 129 entries, though all are null
}

/* What takes several patches to break one rule only. */
static void test_many_patches(void **state)
{
    static const struct {
        struct patch p[4];
        nos_status_t status;
    } cases[] = {
        { { { PH(1, MEMSZ), 8, 0 },
            { PH(1, FILESZ), 8, 0 },
            { PH(2, TYPE), 4, 4 },
            { PH(3, TYPE), 4, 4 } },
          NOS_ELF_BOUNDS },  // a segment of nothing
        // a second dynamic table, as good as the first
        { { { PH(4, TYPE), 4, 2 }, { PH(4, VADDR), 8, 0x1000 }, { PH(4, FILESZ), 8, 96 } },
          NOS_ELF_DYNAMIC },
        { { { DYN(0, 0), 8, 21 }, { DYN(1, 0), 8, 21 }, { DYN(2, 0), 8, 21 } }, NOS_OK },
        { { { DYN(1, 0), 8, 21 }, { DYN(2, 0), 8, 21 } }, NOS_ELF_DYNAMIC },
        { { { DYN(0, 0), 8, 21 }, { DYN(2, 0), 8, 21 } }, NOS_ELF_DYNAMIC },
        { { { DYN(0, 0), 8, 21 }, { DYN(1, 0), 8, 21 } }, NOS_ELF_DYNAMIC },
        // between the file bytes of the two segments, though the second has as many
        { { { PH(0, FILESZ), 8, 0x40 },
            { 24, 8, 0x20 },
            { PH(2, VADDR), 8, 0x60 },
            { PH(2, FILESZ), 8, 16 } },
          NOS_ELF_DYNAMIC },
        { { { PH(0, FILESZ), 8, 0x1000 },
            { PH(0, MEMSZ), 8, 0x1000 },
            { PH(2, VADDR), 8, 0x300 },
            { PH(2, FILESZ), 8, 128 * 16 } },
          NOS_OK },  // as many entries as there may be
        { { { PH(1, MEMSZ), 8, 0x2000 }, { PH(3, MEMSZ), 8, 0x2001 } }, NOS_ELF_BOUNDS },
        { { { PH(3, VADDR), 8, 0x3000 }, { PH(3, MEMSZ), 8, 0x10 } }, NOS_ELF_BOUNDS },
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        nos_status_t st = parse_patched(cases[i].p, ARRAY_LEN(cases[i].p));
        if (st != cases[i].status) {
            fail_msg("case %zu: %d, wanted %d", i, st, cases[i].status);
        }
    }
}

/* As many program headers as there may be, and one more. */
static void test_program_headers(void **state)
{
    struct buf b = golden_image();
    struct elf_view v;
    (void)state;
    memcpy(b.data + 0x300, b.data + ELF_PHDR, ELF_N_PHDR * ELF_PHDR_LEN);
    store_le64(b.data + 32, 0x300);
    store_le16(b.data + 56, 32);
    assert_int_equal(elf_parse(buf_span(b), &v), NOS_OK);
    store_le16(b.data + 56, 33);
    assert_int_equal(elf_parse(buf_span(b), &v), NOS_ELF_HEADER);
    buf_free(&b);
}

static void test_segment_count(void **state)
{
    // Turn all five headers into loads, then raise the count with a table of 9.
    struct buf b = golden_image();
    struct elf_view v;
    (void)state;
    for (int i = 0; i < 9; i++) {
        uint8_t *p = b.data + 0x300 + i * ELF_PHDR_LEN;
        memcpy(p, b.data + ELF_PHDR, ELF_PHDR_LEN);
        store_le64(p + VADDR, (uint64_t)i * 0x1000);
    }
    store_le64(b.data + 32, 0x300);
    store_le16(b.data + 56, 8);
    assert_int_equal(elf_parse(buf_span(b), &v), NOS_OK);
    assert_int_equal(v.n_seg, 8);
    static const struct {
        uint32_t type;
        nos_status_t status;
    } nowhere[] = { { 2, NOS_ELF_DYNAMIC }, { 0x6474e552, NOS_ELF_BOUNDS } };
    uint8_t *ninth = b.data + 0x300 + 8 * ELF_PHDR_LEN;
    store_le16(b.data + 56, 9);
    store_le64(ninth + VADDR, 0x20000);
    for (size_t i = 0; i < ARRAY_LEN(nowhere); i++) {  // in none of the eight
        store_le32(ninth, nowhere[i].type);
        assert_int_equal(elf_parse(buf_span(b), &v), nowhere[i].status);
    }
    store_le32(ninth, 1);
    store_le16(b.data + 56, 8);
    store_le64(b.data + 24, 0x20000);
    assert_int_equal(elf_parse(buf_span(b), &v), NOS_ELF_ENTRY);
    store_le64(b.data + 24, ELF_ENTRY_AT);
    store_le16(b.data + 56, 9);
    assert_int_equal(elf_parse(buf_span(b), &v), NOS_ELF_HEADER);
    store_le16(b.data + 56, 1);
    store_le32(b.data + 0x300, 0);  // no load at all
    assert_int_equal(elf_parse(buf_span(b), &v), NOS_ELF_HEADER);
    buf_free(&b);
}

static void test_relro_of_part_of_a_page(void **state)
{
    struct buf b = golden_image();
    struct elf_view v;
    (void)state;
    apply(b.data, (struct patch){ PH(3, VADDR), 8, 0x1010 });
    apply(b.data, (struct patch){ PH(3, MEMSZ), 8, 0x200 });
    assert_int_equal(elf_parse(buf_span(b), &v), NOS_OK);
    assert_int_equal(v.relro_len, 0);  // no whole page
    assert_int_equal(v.relro_off, 0);
    apply(b.data, (struct patch){ PH(3, VADDR), 8, 0x1000 });
    assert_int_equal(elf_parse(buf_span(b), &v), NOS_OK);
    assert_int_equal(v.relro_len, 0);
    assert_int_equal(v.relro_off, 0);
    apply(b.data, (struct patch){ PH(3, MEMSZ), 8, 0x1800 });
    assert_int_equal(elf_parse(buf_span(b), &v), NOS_OK);
    assert_int_equal(v.relro_off, 0x1000);
    assert_int_equal(v.relro_len, 0x1000);
    apply(b.data, (struct patch){ PH(3, VADDR), 8, 0x1010 });
    apply(b.data, (struct patch){ PH(3, MEMSZ), 8, 0x1ff0 });
    assert_int_equal(elf_parse(buf_span(b), &v), NOS_OK);
    assert_int_equal(v.relro_off, 0x2000);
    assert_int_equal(v.relro_len, 0x1000);
    buf_free(&b);
}

/* Linked at the top of the address space, as a kernel may be. */
static void test_link_base(void **state)
{
    const uint64_t base = 0xffffffff80000000ull;
    const size_t shifted[] = { 24,        PH(0, VADDR), PH(1, VADDR), PH(2, VADDR), PH(3, VADDR),
                               DYN(0, 1), RELA(0, 0),   RELA(0, 2),   RELA(1, 0),   RELA(1, 2) };
    struct buf b = golden_image(), mem = buf_new(ELF_MEM_LEN);
    struct elf_view v;
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(shifted); i++) {
        store_le64(b.data + shifted[i], load_le64(b.data + shifted[i]) + base);
    }
    assert_int_equal(elf_parse(buf_span(b), &v), NOS_OK);
    assert_true(v.link_base == base);
    assert_int_equal(v.entry, ELF_ENTRY_AT);
    assert_int_equal(elf_apply(&v, mspan_of(mem.data, mem.len), base), NOS_OK);
    assert_true(load_le64(mem.data + 0x1080) == base + 0x200);
    store_le64(b.data + 24, base - 1);
    assert_int_equal(elf_parse(buf_span(b), &v), NOS_ELF_ENTRY);
    store_le64(b.data + 24, base + ELF_ENTRY_AT);
    static const struct {
        size_t at;
        nos_status_t parse, relocs;
    } below[] = { { PH(2, VADDR), NOS_ELF_DYNAMIC, NOS_OK },
                  { PH(3, VADDR), NOS_ELF_BOUNDS, NOS_OK },
                  { DYN(0, 1), NOS_ELF_DYNAMIC, NOS_OK },
                  { RELA(0, 0), NOS_OK, NOS_ELF_RELOC_RANGE },
                  { RELA(0, 2), NOS_OK, NOS_ELF_RELOC_RANGE } };
    for (size_t i = 0; i < ARRAY_LEN(below); i++) {  // addresses before the first segment
        uint64_t was = load_le64(b.data + below[i].at);
        store_le64(b.data + below[i].at, base - 8);
        assert_int_equal(elf_parse(buf_span(b), &v), below[i].parse);
        if (below[i].parse == NOS_OK) {
            assert_int_equal(elf_check_relocs(&v), below[i].relocs);
        }
        store_le64(b.data + below[i].at, was);
    }
    // The same where the first segment may be written: 0 is no address before it.
    store_le32(b.data + PH(0, FLAGS), ELF_R | ELF_W);
    store_le32(b.data + PH(1, FLAGS), ELF_R | ELF_X);
    store_le64(b.data + 24, base + 0x1000);
    store_le64(b.data + PH(3, VADDR), base - 8);
    assert_int_equal(elf_parse(buf_span(b), &v), NOS_ELF_BOUNDS);
    store_le64(b.data + PH(3, VADDR), base);
    store_le64(b.data + RELA(0, 0), base - 8);
    store_le64(b.data + RELA(1, 0), base + 0x280);
    assert_int_equal(elf_parse(buf_span(b), &v), NOS_OK);
    assert_int_equal(elf_check_relocs(&v), NOS_ELF_RELOC_RANGE);
    store_le64(b.data + RELA(0, 0), base + 0x288);
    assert_int_equal(elf_check_relocs(&v), NOS_OK);
    store_le32(b.data + PH(0, FLAGS), ELF_R | ELF_X);
    store_le32(b.data + PH(1, FLAGS), ELF_R | ELF_W);
    store_le64(b.data + 24, base + ELF_ENTRY_AT);
    store_le64(b.data + PH(3, VADDR), base + 0x1000);
    store_le64(b.data + PH(1, MEMSZ), UINT64_MAX - 0x1000);  // ends on the last byte there is
    assert_int_equal(elf_parse(buf_span(b), &v), NOS_ELF_SIZE);
    store_le64(b.data + PH(1, MEMSZ), 0x1800);
    // The last page of the address space: its end is not an address.
    for (size_t i = 0; i < ARRAY_LEN(shifted); i++) {
        store_le64(b.data + shifted[i],
                   load_le64(b.data + shifted[i]) - base + (UINT64_MAX - 0x1fff));
    }
    assert_int_equal(elf_parse(buf_span(b), &v), NOS_ELF_BOUNDS);
    buf_free(&b);
    buf_free(&mem);
}

static void test_apply(void **state)
{
    struct buf b = golden_image(), mem = buf_new(ELF_MEM_LEN);
    struct elf_view v;
    const uint64_t base = 0x5555000000ull;
    (void)state;
    memset(mem.data, 0xee, mem.len);
    assert_int_equal(elf_parse(buf_span(b), &v), NOS_OK);
    assert_int_equal(elf_apply(&v, mspan_of(mem.data, mem.len), base), NOS_OK);
    assert_memory_equal(mem.data, b.data, 0x300);
    assert_true(span_is_zero(span_of(mem.data + 0x300, 0xd00)));
    assert_true(load_le64(mem.data + 0x1080) == base + 0x200);
    assert_true(load_le64(mem.data + 0x1088) == base + 0x1080);
    assert_memory_equal(mem.data + 0x1090, b.data + 0x1090, 0x70);
    assert_true(span_is_zero(span_of(mem.data + 0x1100, 0x1f00)));
    assert_int_equal(elf_apply(&v, mspan_of(mem.data, mem.len - 1), base), NOS_INVALID);
    store_le64(b.data + RELA(0, 1), 1);
    assert_int_equal(elf_apply(&v, mspan_of(mem.data, mem.len), base), NOS_ELF_RELOC_TYPE);
    assert_memory_equal(mem.data, b.data, 0x300);
    store_le64(b.data + RELA(0, 1), 8);
    store_le64(b.data + RELA(1, 1), 1);
    assert_int_equal(elf_apply(&v, mspan_of(mem.data, mem.len), base), NOS_ELF_RELOC_TYPE);
    memset(mem.data, 0xee, mem.len);
    store_le64(b.data + PH(1, FILESZ), 0);  // no byte of the second segment is in the file
    store_le32(b.data + PH(2, TYPE), 4);
    assert_int_equal(elf_parse(buf_span(b), &v), NOS_OK);
    assert_int_equal(elf_apply(&v, mspan_of(mem.data, mem.len), base), NOS_OK);
    assert_true(span_is_zero(span_of(mem.data + 0x1000, ELF_MEM_LEN - 0x1000)));
    buf_free(&b);
    buf_free(&mem);
}

static void test_truncations_and_bits(void **state)
{
    struct buf b = golden_image(), mem = buf_new(ELF_MEM_LEN);
    struct elf_view v;
    (void)state;
    for (size_t len = 0; len < b.len; len++) {
        struct buf cut = buf_copy(span_of(b.data, len));
        nos_status_t st = elf_parse(buf_span(cut), &v);
        assert_true(st == NOS_ELF_HEADER || st == NOS_ELF_BOUNDS);
        buf_free(&cut);
    }
    for (size_t bit = 0; bit < b.len * 8;
         bit++) {  // unsigned here: some flips are fine, none may hurt
        b.data[bit / 8] ^= (uint8_t)(1u << (bit % 8));
        if (elf_parse(buf_span(b), &v) == NOS_OK && v.mem_len == mem.len) {
            nos_status_t st = elf_apply(&v, mspan_of(mem.data, mem.len), 0x1000);
            assert_true(st == NOS_OK || st == NOS_ELF_RELOC_TYPE || st == NOS_ELF_RELOC_RANGE);
        }
        b.data[bit / 8] ^= (uint8_t)(1u << (bit % 8));
    }
    buf_free(&b);
    buf_free(&mem);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_golden),
        cmocka_unit_test(test_one_rule_broken),
        cmocka_unit_test(test_two_rules),
        cmocka_unit_test(test_many_patches),
        cmocka_unit_test(test_program_headers),
        cmocka_unit_test(test_segment_count),
        cmocka_unit_test(test_relro_of_part_of_a_page),
        cmocka_unit_test(test_link_base),
        cmocka_unit_test(test_apply),
        cmocka_unit_test(test_truncations_and_bits),
    };
    return cmocka_run_group_tests_name("elf", tests, NULL, NULL);
}
