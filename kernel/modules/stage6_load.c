/*
 * Stage 6: the image into the capsule's memory. The kernel writes through its own map of the
 * frames, so the user mapping has its final protection from the start: text is never writable
 * there, data never executable, and what the linker wants read-only after relocation is read-only.
 * Frames come dirty where the file covers them, because every byte is then written. Nothing of the
 * capsule can run before the last step.
 */
#include <string.h>

#include "kernel/core/panic.h"
#include "kernel/modules/stages_impl.h"

enum { PHASE_PLACE, PHASE_MAP, PHASE_FILL, PHASE_RELOCATE };
enum {
    RELOCS_PER_STEP = 512,
    ZERO_AT_ONCE = 64 /* pages that may be zeroed in one step of mapping */
};

/* Cannot wrap: elf_parse lets no offset above NOS_MOD_IMAGE_MAX through. */
static uint64_t page_up(uint64_t n)
{
    return (n + PAGE_SIZE - 1) & ~(uint64_t)(PAGE_SIZE - 1);
}

nos_status_t stage6_check(struct module *m)
{
    nos_status_t st = elf_parse(m->view.image, &m->elf);
    if (st == NOS_OK && m->elf.mem_len / PAGE_SIZE > m->man.limits.mem_pages) {
        st = NOS_ELF_SIZE;
    }
    return st;
}

void module_load_init(struct load_job *j, const struct module *m, struct capsule *c)
{
    *j = (struct load_job){ .module = m, .capsule = c, .phase = PHASE_PLACE };
}

static void next_phase(struct load_job *j)
{
    j->phase++;
    j->segment = 0;
    j->at = 0;
}

static nos_status_t place(struct load_job *j)
{
    const struct elf_view *elf = &j->module->elf;
    struct capsule *c = j->capsule;
    nos_status_t st = space_place(&c->space, (uint32_t)(elf->mem_len / PAGE_SIZE), &c->image_base);

    if (st == NOS_OK) { /* uncovered(1): the window of a new space is empty */
        c->entry = c->image_base + elf->entry;
        next_phase(j);
    }
    return st;
}

/* ---- map: a segment is cut where its protection or its source of bytes changes ---- */

struct piece {
    uint64_t from, to; /* from the image's base, whole pages */
    unsigned prot;
    bool zero;
};

static uint64_t cut_at(uint64_t from, uint64_t to, uint64_t mark)
{
    return from < mark && mark < to ? mark : to;
}

static bool in_relro(const struct elf_view *elf, uint64_t off)
{
    return off >= elf->relro_off && off - elf->relro_off < elf->relro_len;
}

static uint64_t file_end(const struct elf_segment *s)
{
    return page_up(s->off + s->file.len);
}

/* Are this segment's empty pages too many to be zeroed in one step? */
static bool zeroed_in_steps(const struct elf_segment *s)
{
    return page_up(s->off + s->memsz) - file_end(s) > (uint64_t)ZERO_AT_ONCE * PAGE_SIZE;
}

static struct piece next_piece(const struct elf_view *elf, const struct elf_segment *s,
                               uint64_t from)
{
    struct piece p = { .from = from, .to = page_up(s->off + s->memsz), .prot = PROT_R };

    p.to = cut_at(from, p.to, file_end(s));
    p.to = cut_at(from, p.to, elf->relro_off);
    p.to = cut_at(from, p.to, elf->relro_off + elf->relro_len);
    p.prot |= (s->flags & ELF_X) != 0 ? PROT_X : 0;
    p.prot |= (s->flags & ELF_W) != 0 && !in_relro(elf, from) ? PROT_W : 0;
    p.zero = from >= file_end(s) && !zeroed_in_steps(s);
    return p;
}

static nos_status_t map_piece(struct load_job *j)
{
    const struct elf_view *elf = &j->module->elf;
    const struct elf_segment *s = &elf->seg[j->segment];
    struct piece p = next_piece(elf, s, j->at > s->off ? j->at : s->off);
    struct capsule *c = j->capsule;

    nos_status_t st =
        space_map_private(&c->space, c->image_base + p.from,
                          (uint32_t)((p.to - p.from) / PAGE_SIZE), p.prot, AREA_PRIVATE, p.zero);
    if (st != NOS_OK) {
        return st;
    }
    j->at = p.to;
    if (p.to == page_up(s->off + s->memsz) && ++j->segment == elf->n_seg) {
        next_phase(j);
    }
    return NOS_OK;
}

/* ---- fill: the file's bytes, then zeros ---- */

static uint8_t *page_of(const struct load_job *j, uint64_t off)
{
    uint8_t *p =
        space_ptr(&j->capsule->space, j->capsule->image_base + (off & ~(uint64_t)(PAGE_SIZE - 1)));
    KASSERT(p != NULL);  // mapped by the phase before
    return p;
}

/* One page at `at` bytes into the segment, which begins on a page. */
static void fill_page(const struct load_job *j, const struct elf_segment *s, uint64_t at)
{
    uint8_t *to = page_of(j, s->off + at);
    size_t n = 0;

    if (at < s->file.len) {
        n = s->file.len - at < PAGE_SIZE ? s->file.len - at : PAGE_SIZE;
        memcpy(to, s->file.data + at, n);
    }
    memset(to + n, 0, PAGE_SIZE - n);
}

static void fill_some(struct load_job *j)
{
    const struct elf_segment *s = &j->module->elf.seg[j->segment];
    uint64_t end = zeroed_in_steps(s) ? page_up(s->memsz) : page_up(s->file.len);

    for (unsigned n = 0; j->at < end && n < MODULE_STEP / PAGE_SIZE; n++) {
        fill_page(j, s, j->at);
        j->at += PAGE_SIZE;
    }
    if (j->at >= end) {
        j->at = 0;
        if (++j->segment == j->module->elf.n_seg) {
            next_phase(j);
        }
    }
}

/* ---- relocate ---- */

/* A target may lie across a page border, and neighbours in the image are not neighbours in RAM. */
static void store_split(const struct load_job *j, uint64_t off, uint64_t value)
{
    for (unsigned i = 0; i < 8; i++) {
        page_of(j, off + i)[(off + i) % PAGE_SIZE] = (uint8_t)(value >> 8 * i);
    }
}

static nos_status_t relocate_some(struct load_job *j, bool *done)
{
    const struct elf_view *elf = &j->module->elf;
    uint64_t n = elf_reloc_count(elf), off, addend, page = 0;
    uint64_t end = n - j->at < RELOCS_PER_STEP ? n : j->at + RELOCS_PER_STEP;
    uint8_t *p = NULL;

    for (; j->at < end; j->at++) {
        nos_status_t st = elf_reloc(elf, j->at, &off, &addend);
        if (st != NOS_OK) {
            return st;
        }
        uint64_t value = j->capsule->image_base + addend;
        if (off % PAGE_SIZE > PAGE_SIZE - 8) {
            store_split(j, off, value);
            continue;
        }
        if (p == NULL ||
            off / PAGE_SIZE != page) {  // targets come in rows: the tables are walked once a page
            page = off / PAGE_SIZE;
            p = page_of(j, off);
        }
        store_le64(p + off % PAGE_SIZE, value);
    }
    *done = j->at == n;
    return NOS_OK;
}

static nos_status_t one_step(struct load_job *j, bool *done)
{
    switch (j->phase) {
    case PHASE_PLACE:
        return place(j);
    case PHASE_MAP:
        return map_piece(j);
    case PHASE_FILL:
        fill_some(j);
        return NOS_OK;
    default:
        return relocate_some(j, done);
    }
}

nos_status_t module_load_step(struct load_job *j, bool *done)
{
    *done = false;
    nos_status_t st = one_step(j, done);
    if (st != NOS_OK) {
        *done = true;
        registry_refuse_start(j->module, STAGE_LOAD, st, j->capsule->parent);
    }
    return st;
}
