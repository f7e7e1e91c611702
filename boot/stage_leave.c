/*
 * Stage: out of the firmware and into the kernel.
 *
 * Everything that can fail is done before ExitBootServices, also on the last memory map: the map is
 * read, brought into the kernel's form, the page tables are written from it, and only then is its
 * key turned in. No firmware service is called in between, so the key goes stale only if a timer of
 * the firmware allocates; then all of it is done again.
 */
#include "boot/boot.h"
#include "boot/console.h"
#include "boot/firmware.h"
#include "boot/insn.h"
#include "boot/memmap.h"
#include "boot/space.h"

enum {
    TABLES_SPARE = 4,   // the last map may have grown since the tables were counted
    RANGES_SPARE = 32,  // entries may have to be cut up
    EXIT_TRIES = 8,
    PAGE = 4096,
};
static const uint64_t cr4_la57 = (uint64_t)1 << 12;

static struct {
    struct nos_mem_range *work;
    uint32_t work_room;
    uint64_t *tables;
    uint32_t tables_room;
    struct space space;
} leave;

/** As many ranges as the map can have entries, and some. */
static nos_status_t take_room(struct boot *b)
{
    uint8_t *work = NULL;
    nos_status_t st = map_read(b);
    if (st == NOS_OK) {
        leave.work_room = (uint32_t)(b->map.room.len / b->map.stride) + RANGES_SPARE;
        st = pages_take(b, leave.work_room * sizeof(struct nos_mem_range), &work);
        leave.work = (struct nos_mem_range *)(void *)work;
    }
    return st;
}

/** The memory map of this moment into bootinfo; its key stays in b->map. */
static nos_status_t normalise_map(struct boot *b)
{
    struct memmap m;
    struct nos_bootinfo *info = b->info;

    nos_status_t st = map_read(b);
    memmap_start(&m, leave.work, leave.work_room);
    if (st == NOS_OK) {
        st = memmap_add_uefi(&m, span_of(b->map.room.data, b->map.len), b->map.stride);
    }
    if (st == NOS_OK) {
        st = memmap_add(&m, info->kernel_base, info->kernel_len, NOS_MEM_KERNEL, 0);
    }
    return st == NOS_OK ? memmap_finish(&m, info->mem, NOS_MEM_RANGES_MAX, &info->n_mem) : st;
}

static nos_status_t write_tables(struct boot *b, uint64_t *pool, uint32_t room)
{
    paging_start(&b->tables, pool, (uint64_t)pool, room);
    return space_map(&leave.space, &b->tables, b->info->mem, b->info->n_mem) ? NOS_OK
                                                                             : NOS_BOOT_FIRMWARE;
}

/** Count the tables on the map as it is now, and take pages for them. */
static nos_status_t take_tables(struct boot *b)
{
    uint8_t *pool = NULL;
    nos_status_t st = normalise_map(b);
    if (st == NOS_OK) {
        st = write_tables(b, NULL, 0);
    }
    if (st == NOS_OK) {
        leave.tables_room = b->tables.used + TABLES_SPARE;
        st = pages_take(b, (uint64_t)leave.tables_room * PAGE, &pool);
        leave.tables = (uint64_t *)(void *)pool;
    }
    return st;
}

static void report(const struct boot *b)
{
    struct fmt *line = console_line();
    fmt_str(line, "kernel: ");
    fmt_name(line, b->manifest.name, sizeof(b->manifest.name));
    fmt_str(line, " ");
    fmt_span(line, b->manifest.semver);
    fmt_str(line, ", ");
    fmt_size(line, b->info->kernel_len);
    fmt_str(line, " in memory, ");
    fmt_str(line, (b->info->flags & NOS_BOOT_RANDOM_BASE) != 0
                      ? "at a random address"
                      : "at its FIXED address: too little entropy");
    fmt_str(line, ", entered next");
    console_print();
}

/** Errors: BOOT_FIRMWARE when the map cannot be used or the firmware will not let go. */
static nos_status_t exit_firmware(struct boot *b)
{
    for (uint32_t i = 0; i < EXIT_TRIES; i++) {
        nos_status_t st = normalise_map(b);
        if (st == NOS_OK) {
            st = write_tables(b, leave.tables, leave.tables_room);
        }
        if (st != NOS_OK) {
            return st;
        }
        // After a first try, even a failed one, no service but these two may be called:
        // UEFI 2.10, 7.4.6.
        console_firmware_gone();
        b->firmware_gone = true;
        if (FIRMWARE(b->bs->exit_boot_services(b->image, b->map.key)) == UEFI_SUCCESS) {
            return NOS_OK;
        }
    }
    return NOS_BOOT_FIRMWARE;
}

static _Noreturn void enter(struct boot *b)
{
    struct nos_bootinfo *info = b->info;
    info->boot_cr3 = b->tables.pool_phys;
    info->tsc_firmware = firmware_ticks;
    info->tsc_exit = tsc_read();
    enter_kernel(info->boot_cr3, b->entry, NOS_DIRECT_BASE + (uint64_t)info);
}

nos_status_t stage_leave(struct boot *b)
{
    bool five_levels = (cr4_read() & cr4_la57) != 0;
    if (five_levels) {  // our tables have four, and the switch needs a detour out of long mode
        b->subject = "5-level paging is on";
        return NOS_BOOT_FIRMWARE;
    }
    b->subject = "memory map";
    nos_status_t st = take_room(b);
    if (st == NOS_OK) {
        space_init(&leave.space, &b->elf, b->info, (uint64_t)&enter_kernel);
        st = take_tables(b);
    }
    if (st == NOS_OK) {
        report(b);
        b->subject = "ExitBootServices";
        st = exit_firmware(b);
    }
    if (st == NOS_OK) {
        dma_off_again();
        enter(b);
    }
    return st;
}
