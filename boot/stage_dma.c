/*
 * Stage: no device may write to memory any more. Every PCI function that the firmware knows loses
 * its bus-master bit, after the last file was read and before anything is verified, so that what is
 * verified stays what it was. Drivers of the kernel's own give the bit back to the devices they
 * drive.
 *
 * What stays open, without an IOMMU: a device that ignores the bit, and one that the firmware does
 * not list.
 */
#include "boot/boot.h"
#include "boot/console.h"
#include "boot/firmware.h"

enum { COMMAND = 4, COMMAND_BUS_MASTER = 1 << 2, REMEMBERED_MAX = 256 };

static struct {
    struct uefi_pci_io *io;
    uint16_t command;
} remembered[REMEMBERED_MAX];
static uint32_t n_remembered;

static bool command_read(struct uefi_pci_io *io, uint16_t *out)
{
    return FIRMWARE(io->pci_read(io, UEFI_PCI_U16, COMMAND, 1, out)) == UEFI_SUCCESS;
}

static bool command_write(struct uefi_pci_io *io, uint16_t command)
{
    return FIRMWARE(io->pci_write(io, UEFI_PCI_U16, COMMAND, 1, &command)) == UEFI_SUCCESS;
}

static void clear_one(struct boot *b, struct uefi_pci_io *io)
{
    uint16_t command = 0;
    uint16_t after = COMMAND_BUS_MASTER;

    if (!command_read(io, &command)) {
        b->dma_stuck++;
        return;
    }
    if ((command & COMMAND_BUS_MASTER) == 0 || command == UINT16_MAX) {
        return;  // off already; or no device behind the handle any more
    }
    if (!command_write(io, (uint16_t)(command & ~COMMAND_BUS_MASTER)) ||
        !command_read(io, &after) || (after & COMMAND_BUS_MASTER) != 0) {
        b->dma_stuck++;  // hard-wired, as in some root ports
        return;
    }
    b->dma_off++;
    if (n_remembered < REMEMBERED_MAX) {
        remembered[n_remembered].io = io;
        remembered[n_remembered++].command = command;
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
    for (uint64_t i = 0; i < n; i++) {
        struct uefi_pci_io *io = NULL;
        if (FIRMWARE(b->bs->handle_protocol(handles[i], &guid, (void **)&io)) == UEFI_SUCCESS) {
            clear_one(b, io);
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
    for (uint32_t i = 0; i < n_remembered; i++) {
        (void)command_write(remembered[i].io, remembered[i].command);
    }
    b->dma_off -= n_remembered;
    n_remembered = 0;
    console_dma(true);
}
