/*
 * Three things by ascending address, as paging_map wants them: the loader's one page that switches
 * tables, the direct map of all RAM, the kernel image. Kernel text and constants are read-only in
 * the direct map too, or the promise that no page is writable and executable would hold for
 * addresses and not for memory.
 */
#include "boot/space.h"

static void add_piece(struct space *s, uint64_t off, uint64_t end, uint32_t flags)
{
    if (off <
        end) {  // an image has at most ELF_SEGMENTS_MAX segments, and one of them is cut, in three
        s->piece[s->n_pieces++] = (struct space_piece){ off, end - off, flags };
    }
}

static uint32_t rights(const struct elf_segment *seg)
{
    return PAGING_GLOBAL | ((seg->flags & ELF_W) != 0 ? PAGING_WRITE : 0) |
           ((seg->flags & ELF_X) != 0 ? PAGING_EXEC : 0);
}

static uint64_t clamp(uint64_t v, uint64_t low, uint64_t high)
{
    return v < low ? low : v > high ? high : v;
}

static void add_segment(struct space *s, const struct elf_view *elf, const struct elf_segment *seg)
{
    uint64_t end = seg->off + ((seg->memsz + ELF_PAGE - 1) & ~(uint64_t)(ELF_PAGE - 1));
    uint64_t fixed = clamp(elf->relro_off, seg->off, end);
    uint64_t fixed_end = clamp(elf->relro_off + elf->relro_len, fixed, end);
    uint32_t flags = rights(seg);

    add_piece(s, seg->off, fixed, flags);
    add_piece(s, fixed, fixed_end, flags & ~(uint32_t)PAGING_WRITE);
    add_piece(s, fixed_end, end, flags);
}

void space_init(struct space *s, const struct elf_view *elf, const struct nos_bootinfo *info,
                uint64_t enter_page)
{
    s->n_pieces = 0;
    s->kernel_base = info->kernel_base;
    s->kernel_virt = info->kernel_virt;
    s->enter_page = enter_page;
    for (uint32_t i = 0; i < elf->n_seg; i++) {
        add_segment(s, elf, &elf->seg[i]);
    }
}

static bool direct(struct paging *t, uint64_t from, uint64_t to, uint32_t rights_)
{
    return paging_map(t, NOS_DIRECT_BASE + from, from, to - from,
                      PAGING_GLOBAL | PAGING_BIG | rights_);
}

/** RAM [from, to), the kernel's read-only pieces in it without write. */
static bool map_span(const struct space *s, struct paging *t, uint64_t from, uint64_t to)
{
    for (uint32_t i = 0; i < s->n_pieces; i++) {
        uint64_t base = s->kernel_base + s->piece[i].off;
        uint64_t end = base + s->piece[i].len;
        if ((s->piece[i].flags & PAGING_WRITE) != 0 || base < from || end > to) {
            continue;
        }
        if (!direct(t, from, base, PAGING_WRITE) || !direct(t, base, end, 0)) {
            return false;
        }
        from = end;
    }
    return direct(t, from, to, PAGING_WRITE);
}

/** Touching ranges are mapped as one, whatever their kinds: bigger pages. */
static bool map_ram(const struct space *s, struct paging *t, const struct nos_mem_range *mem,
                    uint32_t n)
{
    for (uint32_t i = 0; i < n; i++) {
        uint64_t from = mem[i].base;
        if (mem[i].kind == NOS_MEM_RESERVED) {
            continue;
        }
        while (i + 1 < n && mem[i + 1].kind != NOS_MEM_RESERVED &&
               mem[i + 1].base == mem[i].base + mem[i].len) {
            i++;
        }
        if (!map_span(s, t, from, mem[i].base + mem[i].len)) {
            return false;
        }
    }
    return true;
}

static bool map_kernel(const struct space *s, struct paging *t)
{
    for (uint32_t i = 0; i < s->n_pieces; i++) {
        const struct space_piece *p = &s->piece[i];
        if (!paging_map(t, s->kernel_virt + p->off, s->kernel_base + p->off, p->len, p->flags)) {
            return false;
        }
    }
    return true;
}

bool space_map(const struct space *s, struct paging *t, const struct nos_mem_range *mem,
               uint32_t n_mem)
{
    return paging_map(t, s->enter_page, s->enter_page, ELF_PAGE, PAGING_EXEC) &&
           map_ram(s, t, mem, n_mem) && map_kernel(s, t);
}
