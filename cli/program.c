/* Stripping: everything up to the end of the last segment stays, section headers and what follows
 * go. The symbol lump comes from .symtab, which lies outside of the segments: functions, by
 * address, one name for each. */
#include "cli/program.h"

#include <stdlib.h>
#include <string.h>

#include "abi/module.h"
#include "cli/report.h"
#include "lib/elf.h"
#include "lib/status.h"
#include "lib/symbols.h"

enum { PROGRAM_FILE_MAX = 512 << 20 };
enum {
    AT_PHOFF = 32,
    AT_SHOFF = 40,
    AT_PHENTSIZE = 54,
    AT_PHNUM = 56,
    AT_SHENTSIZE = 58,
    AT_SHNUM = 60,
    AT_SHSTRNDX = 62,
    EHDR_LEN = 64,
    PHDR_LEN = 56,
    SHDR_LEN = 64,
    SYM_LEN = 24
};
enum { SHT_SYMTAB = 2, STT_NOTYPE = 0, STT_FUNC = 2, STB_GLOBAL = 1 };

struct symbol {
    uint32_t addr, size;
    bool global;
    span_t name;
};

void program_free(struct program *p)
{
    buf_free(&p->image);
    buf_free(&p->symbols);
}

/** One past the last byte that a program header names. elf_parse judges the rest. */
static bool loaded_end(span_t elf, size_t *out)
{
    uint64_t phoff, off, len, end = EHDR_LEN;
    uint16_t n;
    span_t ph;
    if (!span_le64(elf, AT_PHOFF, &phoff) || !span_le16(elf, AT_PHNUM, &n)) {
        return false;
    }
    for (uint64_t i = 0; i < n; i++) {
        uint64_t at;
        if (__builtin_add_overflow(phoff, i * PHDR_LEN, &at) || !span_cut(elf, at, PHDR_LEN, &ph) ||
            !span_le64(ph, 8, &off) || !span_le64(ph, 32, &len) ||
            __builtin_add_overflow(off, len, &len) || len > elf.len) {
            return false;
        }
        bool empty = len == off; /* in the file, where it then has no place */
        end = len > end && !empty ? len : end;
        end = at + PHDR_LEN > end ? at + PHDR_LEN : end;
    }
    *out = end;
    return true;
}

static int strip(const char *path, span_t elf, struct buf *out)
{
    size_t end;
    struct elf_view view;
    if (!loaded_end(elf, &end)) {
        return fail(REFUSED, "%s: not an ELF program, or cut short", path);
    }
    buf_add(out, span_of(elf.data, end));
    store_le64(out->data + AT_SHOFF, 0);
    store_le16(out->data + AT_SHENTSIZE, 0);
    store_le16(out->data + AT_SHNUM, 0);
    store_le16(out->data + AT_SHSTRNDX, 0);
    nos_status_t st = elf_parse(buf_span(out), &view);
    if (st == NOS_OK) {
        st = elf_check_relocs(&view);
    }
    if (st != NOS_OK) {
        fail(REFUSED, "%s: %s (%s)", path, status_text(st), status_name(st));
        hint("a module's program is a static PIE linked with sdk/capsule.ld (docs/formats.md, "
             "\"Image\")");
        return REFUSED;
    }
    return DONE;
}

/** The sections .symtab and its string table. */
static bool find_symtab(span_t elf, span_t *syms, span_t *strings)
{
    uint64_t shoff, off, len;
    uint32_t type, link;
    uint16_t n;
    span_t sh;
    if (!span_le64(elf, AT_SHOFF, &shoff) || !span_le16(elf, AT_SHNUM, &n) || shoff > elf.len) {
        return false;
    }
    for (uint64_t i = 0; i < n; i++) {
        if (!span_cut(elf, shoff + i * SHDR_LEN, SHDR_LEN, &sh) || !span_le32(sh, 4, &type)) {
            return false;
        }
        if (type != SHT_SYMTAB) {
            continue;
        }
        return span_le32(sh, 40, &link) && span_le64(sh, 24, &off) && span_le64(sh, 32, &len) &&
               span_cut(elf, off, len, syms) &&
               span_cut(elf, shoff + (uint64_t)link * SHDR_LEN, SHDR_LEN, &sh) &&
               span_le64(sh, 24, &off) && span_le64(sh, 32, &len) &&
               span_cut(elf, off, len, strings);
    }
    return false;
}

/** A name worth a row: 1..SYMBOL_NAME_MAX printable ASCII bytes. */
static bool name_at(span_t strings, uint32_t off, span_t *out)
{
    span_t rest;
    if (!span_from(strings, off, &rest)) {
        return false;
    }
    size_t len = 0;
    while (len < rest.len && rest.data[len] > 0x20 && rest.data[len] < 0x7f) {
        len++;
    }
    return len >= 1 && len <= SYMBOL_NAME_MAX && len < rest.len && rest.data[len] == 0 &&
           span_cut(rest, 0, len, out);
}

static bool in_code(const struct elf_view *v, uint64_t off)
{
    for (uint32_t i = 0; i < v->n_seg; i++) {
        const struct elf_segment *s = &v->seg[i];
        if ((s->flags & ELF_X) != 0 && off >= s->off && off - s->off < s->memsz) {
            return true;
        }
    }
    return false;
}

/** Row `i` of .symtab, when it names code. */
static bool symbol_at(span_t syms, span_t strings, size_t i, const struct elf_view *v,
                      struct symbol *out)
{
    span_t row;
    uint32_t name;
    uint16_t section;
    uint64_t value, size;
    uint8_t info;
    if (!span_cut(syms, i * SYM_LEN, SYM_LEN, &row) || !span_le32(row, 0, &name) ||
        !span_u8(row, 4, &info) || !span_le16(row, 6, &section) || !span_le64(row, 8, &value) ||
        !span_le64(row, 16, &size)) {
        return false;
    }
    bool function =
        (info & 15) == STT_FUNC || ((info & 15) == STT_NOTYPE && info >> 4 == STB_GLOBAL);
    if (!function || section == 0 || value < v->link_base || !in_code(v, value - v->link_base) ||
        size > UINT32_MAX || !name_at(strings, name, &out->name)) {
        return false;
    }
    out->addr = (uint32_t)(value - v->link_base);
    out->size = (uint32_t)size;
    out->global = info >> 4 == STB_GLOBAL;
    return true;
}

static int by_name(span_t a, span_t b)
{
    size_t n = a.len < b.len ? a.len : b.len;
    int d = memcmp(a.data, b.data, n);
    return d != 0 ? d : (a.len > b.len) - (a.len < b.len);
}

/** By address; of several at one address the first stays: the longest, then a global one, then by
 * name. */
static int by_address(const void *x, const void *y)
{
    const struct symbol *a = x, *b = y;
    if (a->addr != b->addr) {
        return a->addr < b->addr ? -1 : 1;
    }
    if (a->size != b->size) {
        return a->size > b->size ? -1 : 1;
    }
    if (a->global != b->global) {
        return a->global ? -1 : 1;
    }
    return by_name(a->name, b->name);
}

static size_t collect(span_t elf, const struct elf_view *v, struct symbol **out)
{
    span_t syms, strings;
    size_t n = 0, kept = 0;
    *out = NULL;
    if (!find_symtab(elf, &syms, &strings)) {
        return 0;
    }
    struct symbol *all = must_alloc((syms.len / SYM_LEN + 1) * sizeof(*all));
    for (size_t i = 0; i < syms.len / SYM_LEN; i++) {
        n += symbol_at(syms, strings, i, v, &all[n]);
    }
    qsort(all, n, sizeof(*all), by_address);
    for (size_t i = 0; i < n; i++) {
        if (kept == 0 || all[kept - 1].addr != all[i].addr) {
            all[kept++] = all[i];
        }
    }
    *out = all;
    return kept;
}

static void write_lump(const struct symbol *all, size_t n, struct buf *out)
{
    struct buf names = { NULL, 0 };
    size_t room = 0, used = 0;
    for (size_t i = 0; i < n; i++) {
        room += all[i].name.len + 1;
    }
    uint8_t *name = buf_add_zero(&names, room);
    uint8_t *head = buf_add_zero(out, 8 + n * SYMBOL_ROW);
    store_le32(head, (uint32_t)n);
    for (size_t i = 0; i < n; i++) {
        uint8_t *row = head + 8 + i * SYMBOL_ROW;
        store_le32(row, all[i].addr);
        store_le32(row + 4, all[i].size);
        store_le32(row + 8, (uint32_t)used);
        memcpy(name + used, all[i].name.data, all[i].name.len);
        used += all[i].name.len + 1;
    }
    buf_add(out, buf_span(&names));
    buf_free(&names);
}

static int make_symbols(const char *path, span_t elf, struct program *p)
{
    struct elf_view view;
    struct symbols check;
    struct symbol *all;
    if (elf_parse(buf_span(&p->image), &view) != NOS_OK) {
        return fail(REFUSED, "%s: not a program", path);
    }
    size_t n = collect(elf, &view, &all);
    if (n > 0) {
        write_lump(all, n, &p->symbols);
    }
    free(all);
    if (p->symbols.len > NOS_MOD_SYMBOLS_MAX ||
        (n > 0 && symbols_parse(buf_span(&p->symbols), &check) != NOS_OK)) {
        fail(REFUSED, "%s: its %zu symbols make no acceptable symbol lump", path, n);
        hint("build the module with --no-symbols");
        return REFUSED;
    }
    return DONE;
}

int program_load(const char *path, bool with_symbols, struct program *out)
{
    struct buf elf;
    struct program p = { 0 };
    int rc = file_read(path, PROGRAM_FILE_MAX, &elf);
    if (rc != DONE) {
        return rc;
    }
    rc = strip(path, buf_span(&elf), &p.image);
    if (rc == DONE && with_symbols) {
        rc = make_symbols(path, buf_span(&elf), &p);
    }
    buf_free(&elf);
    if (rc != DONE) {
        program_free(&p);
        return rc;
    }
    *out = p;
    return DONE;
}
