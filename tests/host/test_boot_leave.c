/* boot/stage_leave.c: in what order the loader lets go of the firmware, how often it tries, and
 * what the kernel finds. */
#include "boot/boot.h"
#include "boot/console.h"
#include "boot/insn.h"
#include "tests/host/test.h"

static uint64_t cr4;
static uint64_t cr4_is(void)
{
    return cr4;
}
#define cr4_read cr4_is
#include "boot/stage_leave.c"
#undef cr4_read

uint64_t firmware_ticks;

#include "tests/host/loader_console_host.h"

/* ---- what is asked, in its order ---- */

static char
    order[64]; /* m map_read, p pages_take, t tables, g console gone, x exit, d dma, E enter */
static unsigned n;

static unsigned step(char c)
{
    unsigned seen = 1;
    for (unsigned i = 0; i < n; i++) {
        seen += order[i] == c;
    }
    order[n++] = c;
    return seen;
}

static unsigned map_fails_at, pages_fail_at, tables_fail_at, exits_at, add_fails_at,
    finish_fails_at;
static unsigned adds, kernel_adds, kernel_fails_at, finishes;
static uint8_t map_bytes[480];
static struct nos_mem_range ranges[64];
static uint64_t pool[16 * 512];
static jmp_buf kernel;
static int the_image;
static uint64_t entered[3];
static struct nos_bootinfo info;
static struct boot b;

nos_status_t map_read(struct boot *boot)
{
    boot->map.room = (struct boot_buffer){ map_bytes, sizeof map_bytes };
    boot->map.len = 96;
    boot->map.stride = 48;
    boot->map.key++;
    return step('m') == map_fails_at ? NOS_BOOT_FIRMWARE : NOS_OK;
}

nos_status_t pages_take(struct boot *boot, uint64_t bytes, uint8_t **out)
{
    unsigned nth = step('p');
    assert_ptr_equal(boot, &b);
    if (nth == 1) {
        assert_int_equal(bytes, (10 + RANGES_SPARE) * sizeof(struct nos_mem_range));
    } else {
        assert_int_equal(bytes, (5 + TABLES_SPARE) * 4096);
    }
    *out = nth == 1 ? (uint8_t *)ranges : (uint8_t *)pool;
    return nth == pages_fail_at ? NOS_NO_MEMORY : NOS_OK;
}

void memmap_start(struct memmap *m, struct nos_mem_range *range, uint32_t room)
{
    assert_ptr_equal(range, ranges);
    assert_int_equal(room, 10 + RANGES_SPARE);
    m->range = range;
}

nos_status_t memmap_add_uefi(struct memmap *m, span_t map, uint64_t stride)
{
    assert_ptr_equal(m->range, ranges);
    assert_ptr_equal(map.data, map_bytes);
    assert_int_equal(map.len, 96);
    assert_int_equal(stride, 48);
    return ++adds == add_fails_at ? NOS_BOOT_FIRMWARE : NOS_OK;
}

nos_status_t memmap_add(struct memmap *m, uint64_t base, uint64_t len, enum nos_mem_kind kind,
                        uint32_t attr)
{
    assert_ptr_equal(m->range, ranges);
    assert_int_equal(base, 0x800000);
    assert_int_equal(len, 0x42000);
    assert_int_equal(kind, NOS_MEM_KERNEL);
    assert_int_equal(attr, 0);
    assert_int_equal(adds, kernel_adds + 1);  // to what the firmware says
    return ++kernel_adds == kernel_fails_at ? NOS_BOOT_FIRMWARE : NOS_OK;
}

nos_status_t memmap_finish(struct memmap *m, struct nos_mem_range *out, uint32_t max,
                           uint32_t *n_out)
{
    assert_ptr_equal(m->range, ranges);
    assert_ptr_equal(out, info.mem);
    assert_int_equal(max, NOS_MEM_RANGES_MAX);
    assert_int_equal(kernel_adds, finishes + 1);
    *n_out = 7;
    return ++finishes == finish_fails_at ? NOS_BOOT_FIRMWARE : NOS_OK;
}

void paging_start(struct paging *t, uint64_t *at, uint64_t phys, uint32_t room)
{
    assert_int_equal(phys, (uint64_t)at);
    assert_ptr_equal(at, room == 0 ? NULL : pool);
    assert_true(room == 0 || room == 5 + TABLES_SPARE);
    t->pool_phys = phys;
    t->used = 5;
}

void space_init(struct space *s, const struct elf_view *elf, const struct nos_bootinfo *bi,
                uint64_t enter_page)
{
    assert_ptr_equal(elf, &b.elf);
    assert_ptr_equal(bi, &info);
    assert_int_equal(enter_page, (uint64_t)&enter_kernel);
    s->enter_page = enter_page;
}

bool space_map(const struct space *s, struct paging *t, const struct nos_mem_range *mem,
               uint32_t n_mem)
{
    assert_int_equal(s->enter_page, (uint64_t)&enter_kernel);
    assert_ptr_equal(t, &b.tables);
    assert_ptr_equal(mem, info.mem);
    assert_int_equal(n_mem, 7);
    return step('t') != tables_fail_at;
}

void console_firmware_gone(void)
{
    step('g');
}

static uefi_status_t UEFI_CALL leave_it(uefi_handle_t image, uint64_t key)
{
    assert_ptr_equal(image, &the_image);
    assert_int_equal(key, b.map.key);
    assert_true(b.firmware_gone);
    return step('x') == exits_at ? UEFI_SUCCESS : UEFI_INVALID_PARAMETER;
}

void dma_off_again(void)
{
    step('d');
}

void enter_kernel(uint64_t cr3, uint64_t entry, uint64_t bootinfo)
{
    step('E');
    entered[0] = cr3;
    entered[1] = entry;
    entered[2] = bootinfo;
    longjmp(kernel, 1);
}

static struct uefi_boot_services bs = { .exit_boot_services = leave_it };

static int fresh(void **state)
{
    (void)state;
    memset(&info, 0, sizeof info);
    memset(order, 0, sizeof order);
    memset(&leave, 0, sizeof leave);
    info.kernel_base = 0x800000;
    info.kernel_len = 0x42000;
    b = (struct boot){ .image = &the_image, .bs = &bs, .info = &info, .entry = 0xe117 };
    memcpy(b.manifest.name, "kernel", 7);
    b.manifest.semver = span_of("1.2.3", 5);
    cr4 = 0x20;
    n = adds = kernel_adds = finishes = printed = 0;
    kernel_fails_at = map_fails_at = pages_fail_at = tables_fail_at = add_fails_at =
        finish_fails_at = 0;
    exits_at = 1;
    return 0;
}

/* Its status; NOS_OK = the kernel was entered. */
static nos_status_t go(void)
{
    if (setjmp(kernel) != 0) {
        return NOS_OK;
    }
    nos_status_t st = stage_leave(&b);
    assert_int_not_equal(st, NOS_OK);
    return st;
}

static void at_the_first_try(void **state)
{
    (void)state;
    firmware_ticks = 5;
    info.flags = ~(uint32_t)NOS_BOOT_RANDOM_BASE;
    assert_int_equal(go(), NOS_OK);
    assert_string_equal(order, "mpmtpmtgxdE");
    assert_int_equal(entered[0], (uint64_t)pool);
    assert_int_equal(entered[1], 0xe117);
    assert_int_equal(entered[2], NOS_DIRECT_BASE + (uint64_t)&info);
    assert_int_equal(info.boot_cr3, (uint64_t)pool);
    assert_true(info.tsc_firmware >= 5);
    assert_int_equal(info.tsc_firmware, firmware_ticks);
    assert_int_not_equal(info.tsc_exit, 0);
    assert_int_equal(info.n_mem, 7);
    assert_string_equal(text, "kernel: kernel 1.2.3, 264 KiB in memory, at its FIXED address: too "
                              "little entropy, entered next");
}

static void at_a_later_one(void **state)
{
    (void)state;
    exits_at = EXIT_TRIES;
    info.flags = NOS_BOOT_RANDOM_BASE;
    assert_int_equal(go(), NOS_OK);
    assert_string_equal(order, "mpmtpmtgxmtgxmtgxmtgxmtgxmtgxmtgxmtgxdE");
    assert_int_equal(printed, 1);
    assert_non_null(strstr(text, "at a random address"));
    fresh(state);
    exits_at = EXIT_TRIES + 1;
    assert_int_equal(go(), NOS_BOOT_FIRMWARE);
    assert_string_equal(b.subject, "ExitBootServices");
    assert_true(b.firmware_gone);
    assert_null(strchr(order, 'd'));
}

static void not_with_five_levels(void **state)
{
    (void)state;
    cr4 = 1u << 12;
    assert_int_equal(go(), NOS_BOOT_FIRMWARE);
    assert_string_equal(b.subject, "5-level paging is on");
    assert_string_equal(order, "");
}

/* Whatever fails before the firmware is gone leaves it there, for the message. */
static void each_failure(void **state)
{
    static const struct {
        unsigned *at, nth;
        nos_status_t want;
        const char *order, *subject;
    } rows[] = {
        { &map_fails_at, 1, NOS_BOOT_FIRMWARE, "m", "memory map" },
        { &pages_fail_at, 1, NOS_NO_MEMORY, "mp", "memory map" },
        { &map_fails_at, 2, NOS_BOOT_FIRMWARE, "mpm", "memory map" },
        { &add_fails_at, 1, NOS_BOOT_FIRMWARE, "mpm", "memory map" },
        { &kernel_fails_at, 1, NOS_BOOT_FIRMWARE, "mpm", "memory map" },
        { &finish_fails_at, 1, NOS_BOOT_FIRMWARE, "mpm", "memory map" },
        { &tables_fail_at, 1, NOS_BOOT_FIRMWARE, "mpmt", "memory map" },
        { &pages_fail_at, 2, NOS_NO_MEMORY, "mpmtp", "memory map" },
        { &map_fails_at, 3, NOS_BOOT_FIRMWARE, "mpmtpm", "ExitBootServices" },
        { &tables_fail_at, 2, NOS_BOOT_FIRMWARE, "mpmtpmt", "ExitBootServices" },
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        fresh(state);
        *rows[i].at = rows[i].nth;
        assert_int_equal(go(), rows[i].want);
        assert_string_equal(order, rows[i].order);
        assert_string_equal(b.subject, rows[i].subject);
        assert_false(b.firmware_gone);
        assert_int_equal(info.boot_cr3, 0);
    }
    fresh(state);
    exits_at = 2;
    tables_fail_at = 3;  // after a first try
    assert_int_equal(go(), NOS_BOOT_FIRMWARE);
    assert_string_equal(order, "mpmtpmtgxmt");
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup(f, fresh)
    const struct CMUnitTest tests[] = {
        TEST(at_the_first_try),
        TEST(at_a_later_one),
        TEST(not_with_five_levels),
        TEST(each_failure),
    };
    return cmocka_run_group_tests_name("boot_leave", tests, NULL, NULL);
}
