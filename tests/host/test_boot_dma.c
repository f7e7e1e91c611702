/* boot/stage_dma.c: which devices lose bus mastering, which are only counted, and which get it
 * back. */
#include "boot/boot.h"
#include "boot/console.h"
#include "tests/host/test.h"

#define port_out32 cpu_port_out32
#define port_out16 cpu_port_out16
#define port_in16 cpu_port_in16
#include "boot/port.h"
#undef port_out32
#undef port_out16
#undef port_in16

static void port_out32(uint16_t port, uint32_t value);
static void port_out16(uint16_t port, uint16_t value);
static uint16_t port_in16(uint16_t port);
#include "boot/stage_dma.c"

uint64_t firmware_ticks;

static int console; /* console_dma: 1 on, -1 off */

#include "tests/host/loader_console_host.h"

void console_dma(bool on)
{
    console = on ? 1 : -1;
}

/* ---- functions of a PCI bus ---- */

enum { N = FUNCTIONS_MAX + 4 };
static struct device {
    struct uefi_pci_io io;
    uint16_t command;
    bool stuck;                  /* writes change nothing */
    unsigned reads_left, writes; /* reads that work */
    uefi_status_t write_says, where_says, open_says;
    uint64_t place[4];
} device[N];
static unsigned n_devices, freed;
static uefi_status_t list_says;
static bool no_list;

static uefi_status_t UEFI_CALL read_it(struct uefi_pci_io *io, enum uefi_pci_width width,
                                       uint32_t offset, uint64_t count, void *out)
{
    struct device *d = (struct device *)io;
    assert_int_equal(width, UEFI_PCI_U16);
    assert_int_equal(offset, 4);
    assert_int_equal(count, 1);
    if (d->reads_left == 0) {
        *(uint16_t *)out = 0;  // nothing's word
        return UEFI_INVALID_PARAMETER;
    }
    d->reads_left--;
    *(uint16_t *)out = d->command;
    return UEFI_SUCCESS;
}

static uefi_status_t UEFI_CALL write_it(struct uefi_pci_io *io, enum uefi_pci_width width,
                                        uint32_t offset, uint64_t count, void *in)
{
    struct device *d = (struct device *)io;
    assert_int_equal(width, UEFI_PCI_U16);
    assert_int_equal(offset, 4);
    assert_int_equal(count, 1);
    d->writes++;
    d->command = d->stuck ? d->command : *(const uint16_t *)in;
    return d->write_says;
}

static uefi_status_t UEFI_CALL where(struct uefi_pci_io *io, uint64_t *segment, uint64_t *bus,
                                     uint64_t *dev, uint64_t *number)
{
    const struct device *d = (const struct device *)io;
    *segment = d->place[0];
    *bus = d->place[1];
    *dev = d->place[2];
    *number = d->place[3];
    return d->where_says;
}

static uefi_handle_t handles[N];

static uefi_status_t UEFI_CALL list(enum uefi_locate how, const struct uefi_guid *guid, void *key,
                                    uint64_t *n, uefi_handle_t **out)
{
    static const struct uefi_guid want = UEFI_PCI_IO_GUID;
    assert_int_equal(how, UEFI_LOCATE_BY_PROTOCOL);
    assert_memory_equal(guid, &want, sizeof want);
    assert_null(key);
    *n = n_devices;
    *out = no_list ? NULL : handles;
    return list_says;
}

static uefi_status_t UEFI_CALL protocol(uefi_handle_t h, const struct uefi_guid *guid, void **out)
{
    static const struct uefi_guid want = UEFI_PCI_IO_GUID;
    assert_memory_equal(guid, &want, sizeof want);
    *out = h;
    return ((struct device *)h)->open_says;
}

static uefi_status_t UEFI_CALL release(void *buffer)
{
    assert_ptr_equal(buffer, handles);
    freed++;
    return UEFI_SUCCESS;
}

/* ---- configuration space by ports ---- */

static uint32_t address;
static unsigned port_writes;
static uint16_t port_value[N]; /* by device number */

static void port_out32(uint16_t port, uint32_t value)
{
    assert_int_equal(port, 0xcf8);
    address = value;
}

static struct device *addressed(void)
{
    for (unsigned i = 0; i < n_devices; i++) {
        const uint64_t *p = device[i].place;
        if (address == (1u << 31 | (uint32_t)(p[1] << 16 | p[2] << 11 | p[3] << 8) | 4)) {
            return &device[i];
        }
    }
    fail_msg("nothing is at %x", address);
    return NULL;
}

static uint16_t port_in16(uint16_t port)
{
    assert_int_equal(port, 0xcfc);
    return addressed()->command;
}

static void port_out16(uint16_t port, uint16_t value)
{
    assert_int_equal(port, 0xcfc);
    addressed()->command = value;
    port_writes++;
}

static struct uefi_boot_services bs;
static struct boot b;

static int fresh(void **state)
{
    (void)state;
    memset(device, 0, sizeof device);
    memset(port_value, 0, sizeof port_value);
    for (unsigned i = 0; i < N; i++) {
        device[i].io = (struct uefi_pci_io){ .pci_read = read_it,
                                             .pci_write = write_it,
                                             .get_location = where };
        device[i].command = 0x0107;
        device[i].reads_left = 9;
        device[i].place[1] = i / 32;
        device[i].place[2] = i % 32;
        handles[i] = &device[i];
    }
    bs = (struct uefi_boot_services){ .locate_handle_buffer = list,
                                      .handle_protocol = protocol,
                                      .free_pool = release };
    b = (struct boot){ .bs = &bs };
    n_functions = 0;
    n_devices = 1;
    list_says = UEFI_SUCCESS;
    no_list = false;
    freed = printed = port_writes = 0;
    console = 0;
    return 0;
}

static void taken(void **state)
{
    (void)state;
    n_devices = 3;
    device[1].command = 0x0103;      // off already
    device[2].command = UINT16_MAX;  // unplugged
    assert_int_equal(stage_dma_off(&b), NOS_OK);
    assert_string_equal(b.subject, "PCI");
    assert_int_equal(device[0].command, 0x0103);  // that bit alone
    assert_int_equal(device[1].writes, 0);
    assert_int_equal(device[2].writes, 0);
    assert_int_equal(b.dma_off, 1);
    assert_int_equal(b.dma_stuck, 0);
    assert_int_equal(freed, 1);
    assert_int_equal(console, -1);
    assert_int_equal(n_functions, 3);
    assert_string_equal(text, "dma: bus mastering off at 1 devices");
    dma_on_again(&b);
    assert_int_equal(device[0].command, 0x0107);
    assert_int_equal(device[1].writes, 0);
    assert_int_equal(b.dma_off, 0);
    assert_int_equal(n_functions, 0);
    assert_int_equal(console, 1);
    device[0].command = 0x0103;
    dma_on_again(&b);  // once
    assert_int_equal(device[0].command, 0x0103);
    device[0].command = 0x0107;
    dma_off_again();  // what was given back stays so
    assert_int_equal(device[0].command, 0x0107);
}

static void that_would_not_let_it_go(void **state)
{
    (void)state;
    n_devices = 5;
    device[0].reads_left = 0;
    device[1].stuck = true;
    device[2].write_says = UEFI_INVALID_PARAMETER;
    device[3].reads_left = 1;  // not to be read again
    device[4].open_says = UEFI_NOT_FOUND;
    assert_int_equal(stage_dma_off(&b), NOS_OK);
    assert_int_equal(b.dma_off, 0);
    assert_int_equal(b.dma_stuck, 4);
    assert_int_equal(n_functions, 4);
    assert_string_equal(text, "dma: bus mastering off at 0 devices; it cannot be turned off at 4");
    unsigned before = device[1].writes + device[2].writes + device[3].writes;
    dma_on_again(&b);  // nothing was taken from them
    assert_int_equal(device[1].writes + device[2].writes + device[3].writes, before);
}

static void no_list_of_them(void **state)
{
    (void)state;
    list_says = UEFI_NOT_FOUND;  // a machine without PCI
    no_list = true;
    assert_int_equal(stage_dma_off(&b), NOS_OK);
    assert_int_equal(n_functions + freed, 0);
    assert_int_equal(printed, 1);
    no_list = false;
    assert_int_equal(stage_dma_off(&b), NOS_OK);
    assert_int_equal(device[0].writes, 0);
    assert_int_equal(freed, 1);
    fresh(state);
    list_says = UEFI_OUT_OF_RESOURCES;
    assert_int_equal(stage_dma_off(&b), NOS_BOOT_FIRMWARE);
    assert_int_equal(printed, 0);
    assert_int_equal(console, 0);
    assert_int_equal(device[0].command, 0x0107);
}

/* More than can be remembered: all are cleared. */
static void a_crowd(void **state)
{
    (void)state;
    n_devices = N;
    assert_int_equal(stage_dma_off(&b), NOS_OK);
    assert_int_equal(b.dma_off, N);
    assert_int_equal(n_functions, FUNCTIONS_MAX);
    for (unsigned i = 0; i < N; i++) {
        assert_int_equal(device[i].command, 0x0103);
    }
    dma_on_again(&b);
    assert_int_equal(device[FUNCTIONS_MAX - 1].command, 0x0107);
    assert_int_equal(device[FUNCTIONS_MAX].command, 0x0103);
}

/* The firmware's drivers set it again on their way out. */
static void again_by_ports(void **state)
{
    static const uint64_t places[][4] = { { 0, 1, 2, 3 },   { 0, 255, 31, 7 }, { 1, 1, 1, 1 },
                                          { 0, 256, 1, 1 }, { 0, 1, 32, 1 },   { 0, 1, 1, 8 },
                                          { 0, 2, 2, 2 } };
    (void)state;
    n_devices = 7;
    for (unsigned i = 0; i < 7; i++) {
        memcpy(device[i].place, places[i], sizeof places[i]);
    }
    device[6].where_says = UEFI_INVALID_PARAMETER;
    assert_int_equal(stage_dma_off(&b), NOS_OK);
    assert_int_equal(b.dma_off, 7);
    for (unsigned i = 0; i < 7; i++) {
        device[i].command = 0x0157;
    }
    dma_off_again();
    for (unsigned i = 0; i < 7; i++) {
        assert_int_equal(device[i].command, i < 2 ? 0x0153 : 0x0157);
    }
    assert_int_equal(port_writes, 2);
    device[0].command = UINT16_MAX;
    dma_off_again();  // gone; and off
    assert_int_equal(port_writes, 2);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup(f, fresh)
    const struct CMUnitTest tests[] = {
        TEST(taken),   TEST(that_would_not_let_it_go), TEST(no_list_of_them),
        TEST(a_crowd), TEST(again_by_ports),
    };
    return cmocka_run_group_tests_name("boot_dma", tests, NULL, NULL);
}
