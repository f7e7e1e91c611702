/* boot/pages.c: what is asked of the firmware's allocator, and what its memory map may say. */
#include "boot/boot.h"
#include "tests/host/test.h"

static bool found_free(span_t map, uint64_t stride, uint64_t len, uint64_t align, uint64_t *base);
#define memmap_find_free found_free
#include "boot/memmap.h"
#include "boot/pages.c"
#undef memmap_find_free

uint64_t firmware_ticks;

static struct {
    enum uefi_allocate how;
    enum uefi_memory_type type;
    uint64_t pages, at, map_room;
    unsigned calls, frees;
} asked;
static uefi_status_t take_says, map_says;
static uint64_t map_size, map_stride, map_gives; /* first answer; of the second the length */
static unsigned maps;
static uint8_t room[16 * PAGE];

static uefi_status_t UEFI_CALL allocate(enum uefi_allocate how, enum uefi_memory_type type,
                                        uint64_t pages, uint64_t *at)
{
    asked.how = how;
    asked.type = type;
    asked.pages = pages;
    asked.at = *at;
    asked.calls++;
    if (how == UEFI_ALLOCATE_ANY) {
        *at = (uint64_t)room;
    }
    return take_says;
}

static uefi_status_t UEFI_CALL give_back(uint64_t at, uint64_t pages)
{
    assert_int_equal(at, (uint64_t)room);
    asked.pages = pages;
    asked.frees++;
    return UEFI_INVALID_PARAMETER;  // it may refuse
}

static uefi_status_t UEFI_CALL memory_map(uint64_t *size, void *map, uint64_t *key,
                                          uint64_t *stride, uint32_t *version)
{
    *version = 1;
    *stride = map_stride;
    maps++;
    if (map == NULL) {
        assert_int_equal(*size, 0);
        *size = map_size;
        return UEFI_BUFFER_TOO_SMALL;
    }
    assert_ptr_equal(map, room);
    asked.map_room = *size;
    *key = 40 + maps;
    *size = map_gives;
    return map_says;
}

static bool free_there;

static bool found_free(span_t map, uint64_t stride, uint64_t len, uint64_t align, uint64_t *base)
{
    assert_ptr_equal(map.data, room);
    assert_int_equal(map.len, map_gives);
    assert_int_equal(stride, map_stride);
    assert_int_equal(len, 3 * PAGE);
    assert_int_equal(align, 2 << 20);
    *base = 0x600000;
    return free_there;
}

static struct uefi_boot_services bs;
static struct boot b;

static int fresh(void **state)
{
    (void)state;
    memset(&asked, 0, sizeof asked);
    bs = (struct uefi_boot_services){ .allocate_pages = allocate,
                                      .free_pages = give_back,
                                      .get_memory_map = memory_map };
    b = (struct boot){ .bs = &bs };
    take_says = map_says = UEFI_SUCCESS;
    map_size = 480;
    map_gives = 528;
    map_stride = 48;
    maps = 0;
    free_there = true;
    return 0;
}

static void whole_pages(void **state)
{
    static const uint64_t rows[][2] = { { 1, 1 }, { PAGE, 1 }, { PAGE + 1, 2 }, { 2 * PAGE, 2 } };
    uint8_t *out = NULL;
    (void)state;
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(pages_take(&b, rows[i][0], &out), NOS_OK);
        assert_ptr_equal(out, room);
        assert_int_equal(asked.how, UEFI_ALLOCATE_ANY);
        assert_int_equal(asked.type, UEFI_MEM_LOADER_DATA);
        assert_int_equal(asked.pages, rows[i][1]);
        pages_give(&b, room, rows[i][0]);
        assert_int_equal(asked.pages, rows[i][1]);
        assert_int_equal(asked.frees, i + 1);
    }
    out = NULL;
    asked.calls = asked.frees = 0;
    assert_int_equal(pages_take(&b, 0, &out), NOS_NO_MEMORY);
    assert_int_equal(pages_take(&b, UINT64_MAX, &out), NOS_NO_MEMORY);
    assert_int_equal(pages_take(&b, UINT64_MAX - PAGE + 2, &out), NOS_NO_MEMORY);
    assert_int_equal(pages_take_2m(&b, 0, &out), NOS_NO_MEMORY);
    pages_give(&b, NULL, 0);
    assert_int_equal(asked.calls + asked.frees + maps, 0);
    take_says = UEFI_OUT_OF_RESOURCES;
    assert_int_equal(pages_take(&b, 1, &out), NOS_NO_MEMORY);
    assert_null(out);
}

static void on_a_boundary(void **state)
{
    uint8_t *out = NULL;
    (void)state;
    assert_int_equal(pages_take_2m(&b, 2 * PAGE + 1, &out), NOS_OK);
    assert_int_equal((uint64_t)out, 0x600000);
    assert_int_equal(asked.how, UEFI_ALLOCATE_ADDRESS);
    assert_int_equal(asked.at, 0x600000);
    assert_int_equal(asked.pages, 3);
    out = NULL;
    free_there = false;
    assert_int_equal(pages_take_2m(&b, 3 * PAGE, &out), NOS_NO_MEMORY);
    free_there = true;
    take_says = UEFI_NOT_FOUND;
    assert_int_equal(pages_take_2m(&b, 3 * PAGE, &out), NOS_NO_MEMORY);
    map_says = UEFI_INVALID_PARAMETER;
    assert_int_equal(pages_take_2m(&b, 3 * PAGE, &out), NOS_BOOT_FIRMWARE);
    assert_null(out);
}

static void the_map(void **state)
{
    (void)state;
    assert_int_equal(map_read(&b), NOS_OK);
    assert_int_equal(maps, 2);
    assert_ptr_equal(b.map.room.data, room);
    assert_int_equal(b.map.room.len, 480 + 32 * 48);  // it may grow
    assert_int_equal(asked.pages, 1);
    assert_int_equal(asked.map_room, b.map.room.len);  // all of it
    assert_int_equal(b.map.len, 528);
    assert_int_equal(b.map.stride, 48);
    assert_int_equal(b.map.key, 42);
    assert_int_equal(map_read(&b), NOS_OK);  // into the same room
    assert_int_equal(maps, 3);
    assert_int_equal(asked.map_room, b.map.room.len);
    assert_int_equal(asked.calls, 1);
    assert_int_equal(b.map.key, 43);
    map_gives = b.map.room.len;
    assert_int_equal(map_read(&b), NOS_OK);
    map_gives = b.map.room.len + 1;
    assert_int_equal(map_read(&b), NOS_BOOT_FIRMWARE);
    map_gives = 528;
    map_says = UEFI_BUFFER_TOO_SMALL;
    assert_int_equal(map_read(&b), NOS_BOOT_FIRMWARE);
}

static void a_map_that_cannot_be(void **state)
{
    static const struct {
        uint64_t size, stride;
        bool good;
    } rows[] = { { 480, sizeof(struct uefi_memory_descriptor) - 1, false },
                 { 480, sizeof(struct uefi_memory_descriptor), true },
                 { 480, PAGE, true },
                 { 480, PAGE + 1, false },
                 { 480, 0, false },
                 { MAP_MAX, 48, true },
                 { MAP_MAX + 1, 48, false },
                 { UINT64_MAX, 48, false } };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        fresh(state);
        map_size = rows[i].size;
        map_stride = rows[i].stride;
        map_gives = 0;
        assert_int_equal(map_read(&b), rows[i].good ? NOS_OK : NOS_BOOT_FIRMWARE);
        assert_int_equal(asked.calls, rows[i].good);
        assert_int_equal(maps, rows[i].good ? 2 : 1);  // not read into room that is not there
    }
    fresh(state);
    take_says = UEFI_OUT_OF_RESOURCES;
    assert_int_equal(map_read(&b), NOS_NO_MEMORY);
    assert_null(b.map.room.data);
    assert_int_equal(maps, 1);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup(f, fresh)
    const struct CMUnitTest tests[] = {
        TEST(whole_pages),
        TEST(on_a_boundary),
        TEST(the_map),
        TEST(a_map_that_cannot_be),
    };
    return cmocka_run_group_tests_name("boot_pages", tests, NULL, NULL);
}
