/* The boot information, as the kernel reads it. First any bytes: refused, or within what is said of
 * them. Then a map that keeps the loader's promises, with files in it: of all memory exactly the
 * free frames are given out, and of the loader's those that nobody reads any more. */
#include "tests/host/bootinfo_kernel.h"

#include "fuzz/fuzz.h"

enum { TOP = 1024 /* pages */, UNIT = 3 };

static struct nos_bootinfo bi;
static uint8_t kind_of[TOP]; /* NOS_MEM_, 0 = none */
static bool kept[TOP], given[TOP];

uint64_t arch_image_base(void)
{
    return NOS_KERNEL_BASE;
}

bool up_reclaim(void)
{
    return false;
}

static void begin(void)
{
    memset(&bi, 0, sizeof bi);
    memcpy(bi.magic, NOS_BOOTINFO_MAGIC, sizeof bi.magic);
    bi.size = sizeof bi;
    bi.kernel_virt = NOS_KERNEL_BASE;
    memset(head, 0, sizeof head);
    stats = (struct frame_stats){ 0 };
    n_tables = tables_made = 0;
    memset(kind_of, 0, sizeof kind_of);
    memset(kept, 0, sizeof kept);
    memset(given, 0, sizeof given);
}

/* False: the kernel has stopped, and may do so for that reason. */
static bool goes_on(void (*step)(const struct nos_bootinfo *), const char *why)
{
    if (setjmp(panicked) == 0) {
        step(&bi);
        return true;
    }
    PROMISE(strncmp(panic_text, why, strlen(why)) == 0);
    return false;
}

/* ---- any bytes ---- */

static void check_believed(void)
{
    unsigned __int128 at = bi.symbols_base, end = at + bi.symbols_len;

    PROMISE(memcmp(bi.magic, NOS_BOOTINFO_MAGIC, sizeof bi.magic) == 0);
    PROMISE(bi.size == sizeof bi && bi.kernel_virt == NOS_KERNEL_BASE);
    PROMISE((bi.flags | NOS_BOOT_RANDOM_BASE) == NOS_BOOT_RANDOM_BASE);
    PROMISE(bi.n_mem - 1u < NOS_MEM_RANGES_MAX && bi.n_files <= NOS_BOOT_FILES_MAX);
    PROMISE(bi.symbols_len == 0 || (at % PAGE_SIZE == 0 && at >= bi.kernel.base &&
                                    end <= (unsigned __int128)bi.kernel.base + bi.kernel.len));
}

/* Eight bytes each: where, and what stands there. */
static void try_bytes(span_t in)
{
    span_t row;

    bi.n_mem = 1;
    while (span_take(&in, 10, &row)) {
        size_t at = load_le16(row.data) % (offsetof(struct nos_bootinfo, fb) - 7);
        memcpy((uint8_t *)&bi + at, row.data + 2, 8);
    }
    if (goes_on(check_bootinfo, "boot information is malformed")) {
        check_believed();
    }
}

/* ---- a map ---- */

/* A file of the loader's: a byte says where in it, one how long. */
static void put_file(struct nos_boot_file *f, const struct nos_mem_range *r, span_t row)
{
    uint64_t off = row.data[1] % (r->len / PAGE_SIZE) * PAGE_SIZE;

    f->base = r->base + off;
    f->len = (uint64_t)row.data[2] * 64 % (r->len - off + 1);
    for (uint64_t i = 0; i * PAGE_SIZE < f->len; i++) {
        kept[f->base / PAGE_SIZE + i] = true;
    }
}

static void put_range(uint64_t *page, uint32_t kind, span_t row)
{
    uint64_t n = 1 + row.data[1] % 96u, from = *page + row.data[2] % 8u;

    if (from + n <= TOP && bi.n_mem < NOS_MEM_RANGES_MAX) {
        bi.mem[bi.n_mem++] = (struct nos_mem_range){ from * PAGE_SIZE, n * PAGE_SIZE, kind, 0 };
        memset(&kind_of[from], (int)kind, n);
        *page = from + n;
    }
}

static void make_map(span_t in)
{
    uint64_t page = 0;
    span_t row;

    while (span_take(&in, UNIT, &row)) {
        uint32_t what = row.data[0] % 10;
        const struct nos_mem_range *last = bi.n_mem == 0 ? NULL : &bi.mem[bi.n_mem - 1];
        if (what >= NOS_MEM_FREE && what <= NOS_MEM_RESERVED) {
            put_range(&page, what, row);
        } else if (last != NULL && last->kind == NOS_MEM_LOADER) {
            if (what == 0 && bi.n_files < NOS_BOOT_FILES_MAX) {
                put_file(&bi.file[bi.n_files++], last, row);
            } else if (what == 8 && bi.policy.len == 0) {
                put_file(&bi.policy, last, row);
            } else if (what == 9 && bi.kernel.len == 0) {
                put_file(&bi.kernel, last, row);
                bi.symbols_base = bi.kernel.base;
                bi.symbols_len = bi.kernel.len;
            }
        }
    }
}

/* Frames that are to be had: free ones, and of the loader's what is not kept. */
static uint64_t expected(bool donated)
{
    uint64_t n = 0;
    for (uint64_t i = 1; i < TOP; i++) {
        n += kind_of[i] == NOS_MEM_FREE || (donated && kind_of[i] == NOS_MEM_LOADER && !kept[i]);
    }
    return n - stats.metadata_bytes / PAGE_SIZE;
}

static void draw_all(bool donated)
{
    uint64_t n = 0, first = ptr_phys(meta).v / PAGE_SIZE;

    for (paddr_t p; (p = frame_alloc_dirty(0)).v != 0; n++) {
        uint64_t i = p.v / PAGE_SIZE;
        PROMISE(i < TOP && !given[i] && !kept[i]);
        PROMISE(kind_of[i] == NOS_MEM_FREE || (donated && kind_of[i] == NOS_MEM_LOADER));
        PROMISE(i < first || i >= first + stats.metadata_bytes / PAGE_SIZE);
        given[i] = true;
    }
    PROMISE(n == expected(donated) && stats.free == 0);
}

static void try_map(span_t in)
{
    make_map(in);
    if (bi.n_mem == 0) {
        return;
    }
    PROMISE(goes_on(check_bootinfo, ""));
    if (goes_on(frame_init, "no room for ")) {
        PROMISE(stats.free == expected(false));
        uint64_t before = stats.free;
        (void)goes_on(donate_loader, "?");
        draw_all(stats.free != before);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static bool started;

    if (!started) {
        host_start();
        started = true;
    }
    begin();
    if (size != 0 && data[0] < 64) {
        try_bytes(span_of(data + 1, size - 1));
    } else {
        try_map(span_of(data, size));
    }
    return 0;
}
