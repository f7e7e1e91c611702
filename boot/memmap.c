/*
 * Memory ranges: collected in any order, then sorted, made disjoint and merged. Firmware maps come
 * nearly sorted and nearly disjoint, but nothing here relies on it: a range that two entries claim
 * goes to the more cautious kind.
 */
#include "boot/memmap.h"

#include <string.h>

#include "boot/uefi.h"
#include "lib/checked.h"

enum { PAGE = 4096 };
#define DIRECT_LIMIT ((uint64_t)64 << 40)
#define LOW_LIMIT ((uint64_t)4 << 30)

static uint64_t end_of(const struct nos_mem_range *r)
{
    return r->base + r->len;
}

void memmap_start(struct memmap *m, struct nos_mem_range *range, uint32_t room)
{
    *m = (struct memmap){ .range = range, .n = 0, .room = room };
}

/** Insert at index `i`, moving the rest up. */
static bool insert_at(struct memmap *m, uint32_t i, struct nos_mem_range r)
{
    if (m->n >= m->room) {
        return false;
    }
    memmove(m->range + i + 1, m->range + i, (m->n - i) * sizeof(r));
    m->range[i] = r;
    m->n++;
    return true;
}

/** Insert where it belongs by base, after those of the same base. Looks from the end: maps come
 * nearly sorted. */
static bool insert_sorted(struct memmap *m, struct nos_mem_range r)
{
    uint32_t i = m->n;
    while (i > 0 && m->range[i - 1].base > r.base) {
        i--;
    }
    return insert_at(m, i, r);
}

static void remove_at(struct memmap *m, uint32_t i)
{
    memmove(m->range + i, m->range + i + 1, (m->n - i - 1) * sizeof(m->range[0]));
    m->n--;
}

nos_status_t memmap_add(struct memmap *m, uint64_t base, uint64_t len, enum nos_mem_kind kind,
                        uint32_t attr)
{
    uint64_t end;
    if (!checked_add(base, len, &end) || ((base | len) & (PAGE - 1)) != 0) {
        return NOS_BOOT_FIRMWARE;
    }
    end = end > DIRECT_LIMIT ? DIRECT_LIMIT : end;
    if (base >= end) {
        return NOS_OK;
    }
    struct nos_mem_range r = {
        .base = base, .len = end - base, .kind = (uint32_t)kind, .attr = attr
    };
    return insert_sorted(m, r) ? NOS_OK : NOS_BOOT_FIRMWARE;
}

static enum nos_mem_kind kind_of(uint32_t type, uint64_t attribute)
{
    switch (type) {
    case UEFI_MEM_LOADER_CODE:
    case UEFI_MEM_LOADER_DATA:
        return NOS_MEM_LOADER;
    case UEFI_MEM_BOOT_CODE:
    case UEFI_MEM_BOOT_DATA:
    case UEFI_MEM_CONVENTIONAL:
        return (attribute & UEFI_MEM_ATTR_SP) != 0 ? NOS_MEM_RESERVED : NOS_MEM_FREE;
    case UEFI_MEM_RUNTIME_CODE:
    case UEFI_MEM_RUNTIME_DATA:
        return NOS_MEM_RUNTIME;
    case UEFI_MEM_ACPI_RECLAIM:
        return NOS_MEM_ACPI;
    case UEFI_MEM_ACPI_NVS:
        return NOS_MEM_NVS;
    default:  // persistent memory included: nothing of ours may outlive power-off
        return NOS_MEM_RESERVED;
    }
}

struct descriptor {
    uint32_t type;
    uint64_t base, len, attribute;
};

/* False also for one whose end is beyond 2^64. */
static bool descriptor_read(span_t d, struct descriptor *out)
{
    uint64_t pages, end;
    /* uncovered(4): map_ok: a row holds all of a descriptor */
    return span_le32(d, offsetof(struct uefi_memory_descriptor, type), &out->type) &&
           span_le64(d, offsetof(struct uefi_memory_descriptor, physical_start), &out->base) &&
           span_le64(d, offsetof(struct uefi_memory_descriptor, pages), &pages) &&
           span_le64(d, offsetof(struct uefi_memory_descriptor, attribute), &out->attribute) &&
           checked_mul(pages, PAGE, &out->len) && checked_add(out->base, out->len, &end);
}

static bool map_ok(span_t map, uint64_t stride)
{
    return stride >= sizeof(struct uefi_memory_descriptor) && map.len % stride == 0;
}

nos_status_t memmap_add_uefi(struct memmap *m, span_t map, uint64_t stride)
{
    nos_status_t st = map_ok(map, stride) ? NOS_OK : NOS_BOOT_FIRMWARE;
    struct descriptor d;
    span_t row;

    while (st == NOS_OK && span_take(&map, stride, &row)) {
        if (!descriptor_read(row, &d)) {
            return NOS_BOOT_FIRMWARE;
        }
        st = memmap_add(m, d.base, d.len, kind_of(d.type, d.attribute),
                        d.type == UEFI_MEM_RUNTIME_CODE);
    }
    return st;
}

/** The highest place in one descriptor, below LOW_LIMIT; 0 when there is none. */
static uint64_t place_in(const struct descriptor *d, uint64_t len, uint64_t align)
{
    if (d->type != UEFI_MEM_CONVENTIONAL || (d->attribute & UEFI_MEM_ATTR_SP) != 0) {
        return 0;
    }
    uint64_t low = d->base < LOW_LIMIT ? LOW_LIMIT - d->base : 0;
    uint64_t end = d->base + (d->len < low ? d->len : low);
    uint64_t base = end < len ? 0 : (end - len) & ~(align - 1);
    return base >= d->base ? base : 0;
}

bool memmap_find_free(span_t map, uint64_t stride, uint64_t len, uint64_t align, uint64_t *base)
{
    uint64_t best = 0;
    struct descriptor d;
    span_t row;

    if (!map_ok(map, stride)) {
        return false;
    }
    while (span_take(&map, stride, &row)) {
        uint64_t at = descriptor_read(row, &d) ? place_in(&d, len, align) : 0;
        best = at > best ? at : best;
    }
    if (best != 0) {
        *base = best;
    }
    return best != 0;
}

/** Firmware's code over its data, should it say both of one page. */
static bool more_cautious(const struct nos_mem_range *a, const struct nos_mem_range *b)
{
    return a->kind != b->kind ? a->kind > b->kind : a->attr > b->attr;
}

/** Ranges i and i + 1 overlap, and i + 1 is not the more cautious: cut its front off; the rest may
 * then belong later. */
static bool cut_second(struct memmap *m, uint32_t i)
{
    struct nos_mem_range b = m->range[i + 1];
    uint64_t from = end_of(&m->range[i]);

    remove_at(m, i + 1);
    if (end_of(&b) <= from) {
        return true;
    }
    b.len = end_of(&b) - from;
    b.base = from;
    return insert_sorted(m, b);
}

/** Ranges i and i + 1 overlap, and i + 1 is the more cautious: it cuts i in up to two pieces. */
static bool cut_first(struct memmap *m, uint32_t i)
{
    struct nos_mem_range a = m->range[i];
    struct nos_mem_range b = m->range[i + 1];
    struct nos_mem_range rest = a;

    if (a.base == b.base) {
        remove_at(m, i);
    } else {
        m->range[i].len = b.base - a.base;
    }
    if (end_of(&a) <= end_of(&b)) {
        return true;
    }
    rest.base = end_of(&b);
    rest.len = end_of(&a) - rest.base;
    return insert_sorted(m, rest);
}

static bool make_disjoint(struct memmap *m)
{
    uint32_t i = 0;
    while (i + 1 < m->n) {
        const struct nos_mem_range *a = &m->range[i];
        if (a[1].base >= end_of(a)) {
            i++;
        } else if (!(more_cautious(a + 1, a) ? cut_first(m, i) : cut_second(m, i))) {
            return false;
        }
        // A cut that removed range i brings range i + 1 to its place, which may overlap nothing
        // before: bases only rise.
    }
    return true;
}

static void merge(struct memmap *m)
{
    uint32_t to = 0;
    for (uint32_t i = 1; i < m->n; i++) {
        struct nos_mem_range *last = &m->range[to];
        const struct nos_mem_range *r = &m->range[i];
        if (end_of(last) == r->base && last->kind == r->kind && last->attr == r->attr) {
            last->len += r->len;
        } else {
            m->range[++to] = *r;
        }
    }
    m->n = m->n == 0 ? 0 : to + 1;
}

/** Leave the smallest FREE range out; false when there is none. */
static bool drop_smallest_free(struct memmap *m)
{
    uint32_t at = m->n;
    for (uint32_t i = 0; i < m->n; i++) {
        if (m->range[i].kind == NOS_MEM_FREE &&
            (at == m->n || m->range[i].len < m->range[at].len)) {
            at = i;
        }
    }
    if (at == m->n) {
        return false;
    }
    remove_at(m, at);
    return true;
}

nos_status_t memmap_finish(struct memmap *m, struct nos_mem_range *out, uint32_t max,
                           uint32_t *n_out)
{
    if (!make_disjoint(m)) {
        return NOS_BOOT_FIRMWARE;
    }
    merge(m);
    while (m->n > max) {
        if (!drop_smallest_free(m)) {
            return NOS_BOOT_FIRMWARE;
        }
    }
    memcpy(out, m->range, m->n * sizeof(m->range[0]));
    *n_out = m->n;
    return NOS_OK;
}
