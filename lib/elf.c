/*
 * A static PIE, checked. Program headers only: section headers are for linkers and debuggers.
 * Addresses of the file are turned into offsets from the first segment at once, so that nothing
 * later can meet a wrapped address.
 */
#include "lib/elf.h"

#include "abi/module.h"
#include "lib/checked.h"

enum {
    EHDR_LEN = 64,
    PHDR_LEN = 56,
    PHDRS_MAX = 32,
    ET_DYN = 3,
    EM_X86_64 = 62,
    DYN_LEN = 16,
    DYN_MAX = 128,
    RELA_LEN = 24,
};
enum {
    PT_NULL = 0,
    PT_LOAD = 1,
    PT_DYNAMIC = 2,
    PT_NOTE = 4,
    PT_PHDR = 6,
    PT_TLS = 7,
    PT_GNU_EH_FRAME = 0x6474e550,
    PT_GNU_STACK = 0x6474e551,
    PT_GNU_RELRO = 0x6474e552,
    PT_GNU_PROPERTY = 0x6474e553,
};
enum {
    DT_NULL = 0,
    DT_HASH = 4,
    DT_STRTAB = 5,
    DT_SYMTAB = 6,
    DT_RELA = 7,
    DT_RELASZ = 8,
    DT_RELAENT = 9,
    DT_STRSZ = 10,
    DT_SYMENT = 11,
    DT_DEBUG = 21,
    DT_FLAGS = 30,
    DT_GNU_HASH = 0x6ffffef5,
    DT_RELACOUNT = 0x6ffffff9,
    DT_FLAGS_1 = 0x6ffffffb,
    DF_BIND_NOW = 8,
    DF_1_NOW = 1,
    DF_1_PIE = 0x08000000,
};

struct phdr {
    uint32_t type, flags;
    uint64_t off, vaddr, filesz, memsz;
};

struct dynamic {
    bool has_rela, has_size, has_entry;
    uint64_t rela, size, entry;
};

static bool header_ok(span_t image, uint64_t *entry, span_t *phdrs)
{
    static const uint8_t ident[16] = { 0x7f, 'E', 'L', 'F', 2, 1, 1, 0 };  // 64-bit, LE, v1, SysV
    span_t h = { 0 };

    if (!span_cut(image, 0, EHDR_LEN, &h)) {
        return false;
    }
    uint16_t phnum = load_le16(h.data + 56);
    *entry = load_le64(h.data + 24);
    return span_equal(span_of(h.data, sizeof ident), SPAN_OF(ident)) &&
           load_le16(h.data + 16) == ET_DYN && load_le16(h.data + 18) == EM_X86_64 &&
           load_le32(h.data + 20) == 1 && load_le16(h.data + 52) == EHDR_LEN &&
           load_le16(h.data + 54) == PHDR_LEN && phnum <= PHDRS_MAX &&
           span_cut(image, load_le64(h.data + 32), (size_t)phnum * PHDR_LEN, phdrs);
}

static bool phdr_at(span_t phdrs, size_t i, struct phdr *p)
{
    span_t s;
    if (!span_cut(phdrs, i * PHDR_LEN, PHDR_LEN, &s)) {
        return false;
    }
    p->type = load_le32(s.data);
    p->flags = load_le32(s.data + 4);
    p->off = load_le64(s.data + 8);
    p->vaddr = load_le64(s.data + 16);
    p->filesz = load_le64(s.data + 32);
    p->memsz = load_le64(s.data + 40);
    return true;
}

/* Flags and alignment of a PT_LOAD by itself. */
static nos_status_t load_alone(const struct phdr *p)
{
    if (p->vaddr % ELF_PAGE != 0 || p->off % ELF_PAGE != 0) {
        return NOS_ELF_ALIGN;
    }
    if ((p->flags & ~(uint32_t)(ELF_R | ELF_W | ELF_X)) != 0 || (p->flags & ELF_R) == 0) {
        return NOS_ELF_HEADER;
    }
    if ((p->flags & ELF_W) != 0 && (p->flags & ELF_X) != 0) {
        return NOS_ELF_WX;
    }
    return p->memsz != 0 && p->filesz <= p->memsz ? NOS_OK : NOS_ELF_BOUNDS;
}

static nos_status_t add_load(span_t image, const struct phdr *p, struct elf_view *v)
{
    uint64_t off, end, whole;

    nos_status_t st = load_alone(p);
    if (st != NOS_OK) {
        return st;
    }
    if (v->n_seg == ELF_SEGMENTS_MAX) {
        return NOS_ELF_HEADER;
    }
    if (v->n_seg == 0) {
        v->link_base = p->vaddr;
    }
    if (!checked_sub(p->vaddr, v->link_base, &off) || off < v->mem_len) {
        return NOS_ELF_OVERLAP;
    }
    if (!checked_add(off, p->memsz, &end) || !checked_align_up(end, ELF_PAGE, &whole) ||
        whole > NOS_MOD_IMAGE_MAX) {
        return NOS_ELF_SIZE;
    }
    if (v->link_base > UINT64_MAX - whole) {
        return NOS_ELF_BOUNDS;
    }
    struct elf_segment *s = &v->seg[v->n_seg];
    // without bytes in the file there is no place in it: linkers leave an offset behind the end
    if (!span_cut(image, p->filesz == 0 ? 0 : p->off, p->filesz, &s->file)) {
        return NOS_ELF_BOUNDS;
    }
    s->off = off;
    s->memsz = p->memsz;
    s->flags = p->flags;
    s->file_off = p->off;
    v->n_seg++;
    v->mem_len = whole;
    return NOS_OK;
}

static nos_status_t load_segments(span_t image, span_t phdrs, struct elf_view *v)
{
    struct phdr p;
    nos_status_t st = NOS_OK;

    for (size_t i = 0; st == NOS_OK && phdr_at(phdrs, i, &p); i++) {
        if (p.type == PT_LOAD) {
            st = add_load(image, &p, v);
        }
    }
    if (st == NOS_OK && v->n_seg == 0) {
        st = NOS_ELF_HEADER;
    }
    return st;
}

/* The file bytes at linked address `addr`, wholly inside one segment's file part. */
static bool file_bytes_at(const struct elf_view *v, uint64_t addr, uint64_t len, span_t *out)
{
    uint64_t off = 0, rel = 0;

    if (!checked_sub(addr, v->link_base, &off)) {
        return false;
    }
    for (uint32_t i = 0; i < v->n_seg; i++) {
        if (checked_sub(off, v->seg[i].off, &rel) && span_cut(v->seg[i].file, rel, len, out)) {
            return true;
        }
    }
    return false;
}

static nos_status_t check_entry(struct elf_view *v, uint64_t entry)
{
    uint64_t off = 0, rel = 0;

    if (!checked_sub(entry, v->link_base, &off)) {
        return NOS_ELF_ENTRY;
    }
    for (uint32_t i = 0; i < v->n_seg; i++) {
        if ((v->seg[i].flags & ELF_X) != 0 && checked_sub(off, v->seg[i].off, &rel) &&
            rel < v->seg[i].file.len) {
            v->entry = off;
            return NOS_OK;
        }
    }
    return NOS_ELF_ENTRY;
}

/* Set once, or refuse. */
static nos_status_t set_once(bool *has, uint64_t *field, uint64_t value)
{
    if (*has) {
        return NOS_ELF_DYNAMIC;
    }
    *has = true;
    *field = value;
    return NOS_OK;
}

/* Only what is known to need nothing from us, or what we do: anything else would be ignored in
 * silence. */
static nos_status_t dynamic_entry(uint64_t tag, uint64_t value, struct dynamic *d)
{
    switch (tag) {
    case DT_RELA:
        return set_once(&d->has_rela, &d->rela, value);
    case DT_RELASZ:
        return set_once(&d->has_size, &d->size, value);
    case DT_RELAENT:
        return set_once(&d->has_entry, &d->entry, value);
    case DT_FLAGS:
        return (value & ~(uint64_t)DF_BIND_NOW) == 0 ? NOS_OK : NOS_ELF_DYNAMIC;
    case DT_FLAGS_1:
        return (value & ~(uint64_t)(DF_1_NOW | DF_1_PIE)) == 0 ? NOS_OK : NOS_ELF_DYNAMIC;
    case DT_HASH:
    case DT_GNU_HASH:
    case DT_STRTAB:
    case DT_STRSZ:
    case DT_SYMTAB:
    case DT_SYMENT:
    case DT_DEBUG:
    case DT_RELACOUNT:
        return NOS_OK;
    default:
        return NOS_ELF_DYNAMIC;
    }
}

static nos_status_t read_dynamic(span_t table, struct dynamic *d)
{
    uint64_t tag, value;

    if (table.len % DYN_LEN != 0 || table.len / DYN_LEN > DYN_MAX) {
        return NOS_ELF_DYNAMIC;
    }
    /* uncovered(1): the table is a whole number of entries */
    for (size_t at = 0; span_le64(table, at, &tag) && span_le64(table, at + 8, &value);
         at += DYN_LEN) {
        if (tag == DT_NULL) {
            return NOS_OK;
        }
        nos_status_t st = dynamic_entry(tag, value, d);
        if (st != NOS_OK) {
            return st;
        }
    }
    return NOS_ELF_DYNAMIC;  // no DT_NULL
}

static nos_status_t parse_dynamic(const struct phdr *p, struct elf_view *v, bool *seen)
{
    struct dynamic d = { 0 };
    span_t table = { 0 };

    if (*seen || !file_bytes_at(v, p->vaddr, p->filesz, &table)) {
        return NOS_ELF_DYNAMIC;
    }
    *seen = true;
    nos_status_t st = read_dynamic(table, &d);
    if (st != NOS_OK) {
        return st;
    }
    if (!d.has_rela && !d.has_size && !d.has_entry) {
        return NOS_OK;
    }
    if (!d.has_rela || !d.has_size || !d.has_entry || d.entry != RELA_LEN ||
        d.size % RELA_LEN != 0 || !file_bytes_at(v, d.rela, d.size, &v->rela)) {
        return NOS_ELF_DYNAMIC;
    }
    return NOS_OK;
}

/* Whole pages inside [vaddr, vaddr + memsz) of a writable segment. */
static nos_status_t parse_relro(const struct phdr *p, struct elf_view *v)
{
    const uint64_t in_page = ELF_PAGE - 1;
    uint64_t off = 0, rel = 0;

    if (p->memsz == 0) {
        return NOS_OK;  // a program without tables of pointers
    }
    if (v->relro_len != 0 || !checked_sub(p->vaddr, v->link_base, &off)) {
        return NOS_ELF_BOUNDS;
    }
    for (uint32_t i = 0; i < v->n_seg; i++) {
        uint64_t room = (v->seg[i].memsz + in_page) & ~in_page;
        if ((v->seg[i].flags & ELF_W) != 0 && checked_sub(off, v->seg[i].off, &rel) && rel < room &&
            p->memsz <= room - rel) {
            uint64_t from = (off + in_page) & ~in_page, end = (off + p->memsz) & ~in_page;
            v->relro_off = from < end ? from : 0;
            v->relro_len = from < end ? end - from : 0;
            return NOS_OK;
        }
    }
    return NOS_ELF_BOUNDS;
}

static nos_status_t other_phdr(const struct phdr *p, struct elf_view *v, bool *dynamic_seen)
{
    switch (p->type) {
    case PT_DYNAMIC:
        return parse_dynamic(p, v, dynamic_seen);
    case PT_GNU_RELRO:
        return parse_relro(p, v);
    case PT_GNU_STACK:
        return (p->flags & ELF_X) == 0 ? NOS_OK : NOS_ELF_WX;
    case PT_NULL:
    case PT_LOAD:
    case PT_NOTE:
    case PT_PHDR:
    case PT_TLS:  // the program's own library lays it out
    case PT_GNU_EH_FRAME:
    case PT_GNU_PROPERTY:
        return NOS_OK;
    default:  // PT_INTERP among them: it asks for somebody we do not have
        return NOS_ELF_HEADER;
    }
}

nos_status_t elf_parse(span_t image, struct elf_view *out)
{
    struct elf_view v = { 0 };
    struct phdr p;
    span_t phdrs = { 0 };
    uint64_t entry = 0;
    bool dynamic_seen = false;

    if (!header_ok(image, &entry, &phdrs)) {
        return NOS_ELF_HEADER;
    }
    nos_status_t st = load_segments(image, phdrs, &v);
    if (st == NOS_OK) {
        st = check_entry(&v, entry);
    }
    for (size_t i = 0; st == NOS_OK && phdr_at(phdrs, i, &p); i++) {
        st = other_phdr(&p, &v, &dynamic_seen);
    }
    if (st == NOS_OK) {
        *out = v;
    }
    return st;
}
