/*
 * Stage: no device may write to memory any more. Every PCI function that the firmware knows loses
 * its bus-master bit, after the last file was read and before anything is verified, so that what is
 * verified stays what it was. The kernel's drivers give the bit back to the devices they drive.
 *
 * Some firmware drivers (EDK2's xHCI) put the command register back as they found it when boot
 * services end. So the bits are looked at once more after that, then without the firmware.
 *
 * What stays open, without an IOMMU: a device that ignores the bit, and one that the firmware does
 * not list.
 */
#include "boot/boot.h"
#include "boot/console.h"
#include "boot/firmware.h"
#include "boot/port.h"

enum {
    COMMAND = 4,
    COMMAND_BUS_MASTER = 1 << 2,
    FUNCTIONS_MAX = 256,
    CONFIG_ADDRESS = 0xcf8,
    CONFIG_DATA = 0xcfc,
};

struct function {
    struct uefi_pci_io *io;
    uint16_t command;  // as the firmware had it
    bool cleared;      // we took the bit
    bool by_ports;     // in segment 0: its configuration space can be reached without the firmware
    uint32_t config_address;  // there
};

static struct function
    functions[FUNCTIONS_MAX];  // the rest of a very large machine is cleared, not remembered
static uint32_t n_functions;

static bool command_read(struct uefi_pci_io *io, uint16_t *out)
{
    return FIRMWARE(io->pci_read(io, UEFI_PCI_U16, COMMAND, 1, out)) == UEFI_SUCCESS;
}

static bool command_write(struct uefi_pci_io *io, uint16_t command)
{
    return FIRMWARE(io->pci_write(io, UEFI_PCI_U16, COMMAND, 1, &command)) == UEFI_SUCCESS;
}

static void locate(struct function *f)
{
    uint64_t segment, bus, device, number;
    f->by_ports =
        FIRMWARE(f->io->get_location(f->io, &segment, &bus, &device, &number)) == UEFI_SUCCESS &&
        segment == 0 && bus < 256 && device < 32 && number < 8;
    if (f->by_ports) {
        f->config_address = 1u << 31 | (uint32_t)(bus << 16 | device << 11 | number << 8) | COMMAND;
    }
}

static void clear(struct boot *b, struct function *f)
{
    uint16_t after = COMMAND_BUS_MASTER;

    if (!command_read(f->io, &f->command)) {
        b->dma_stuck++;
        return;
    }
    if ((f->command & COMMAND_BUS_MASTER) == 0 || f->command == UINT16_MAX) {
        return;  // off already; or no device behind the handle any more
    }
    f->cleared = command_write(f->io, (uint16_t)(f->command & ~COMMAND_BUS_MASTER)) &&
                 command_read(f->io, &after) && (after & COMMAND_BUS_MASTER) == 0;
    b->dma_off += f->cleared;
    b->dma_stuck += !f->cleared;  // hard-wired, as in some root ports
}

static void clear_and_remember(struct boot *b, struct uefi_pci_io *io)
{
    struct function f = { .io = io };
    locate(&f);
    clear(b, &f);
    if (n_functions < FUNCTIONS_MAX) {
        functions[n_functions++] = f;
    }
}

static void report(const struct boot *b)
{
    struct fmt *line = console_line();
    fmt_str(line, "dma: bus mastering off at ");
    fmt_u64(line, b->dma_off);
    fmt_str(line, " devices");
    if (b->dma_stuck > 0) {
        fmt_str(line, "; it cannot be turned off at ");
        fmt_u64(line, b->dma_stuck);
    }
    console_print();
}

nos_status_t stage_dma_off(struct boot *b)
{
    static const struct uefi_guid guid = UEFI_PCI_IO_GUID;
    uefi_handle_t *handles = NULL;
    uint64_t n = 0;

    b->subject = "PCI";
    uefi_status_t st =
        FIRMWARE(b->bs->locate_handle_buffer(UEFI_LOCATE_BY_PROTOCOL, &guid, NULL, &n, &handles));
    if (st != UEFI_SUCCESS && st != UEFI_NOT_FOUND) {
        return NOS_BOOT_FIRMWARE;
    }
    console_dma(false);
    for (uint64_t i = 0; st == UEFI_SUCCESS && i < n; i++) {
        struct uefi_pci_io *io = NULL;
        if (FIRMWARE(b->bs->handle_protocol(handles[i], &guid, (void **)&io)) == UEFI_SUCCESS) {
            clear_and_remember(b, io);
        }
    }
    if (handles != NULL) {
        (void)FIRMWARE(b->bs->free_pool(handles));
    }
    report(b);
    return NOS_OK;
}

void dma_on_again(struct boot *b)
{
    for (uint32_t i = 0; i < n_functions; i++) {
        if (functions[i].cleared) {
            (void)command_write(functions[i].io, functions[i].command);
        }
    }
    n_functions = 0;
    b->dma_off = 0;
    console_dma(true);
}

void dma_off_again(void)
{
    for (uint32_t i = 0; i < n_functions; i++) {
        if (functions[i].by_ports) {
            port_out32(CONFIG_ADDRESS, functions[i].config_address);
            uint16_t command = port_in16(CONFIG_DATA);
            if ((command & COMMAND_BUS_MASTER) != 0 && command != UINT16_MAX) {
                port_out16(CONFIG_DATA, (uint16_t)(command & ~COMMAND_BUS_MASTER));
            }
        }
    }
}
