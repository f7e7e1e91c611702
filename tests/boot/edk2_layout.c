/*
 * boot/uefi.h against EDK2's headers: sizes, offsets and values when this is compiled, GUIDs when
 * it is run (the exit status is the number of the first that differs). tests/boot/check-edk2 does
 * both.
 */
#include "boot/uefi.h"

#include <Uefi.h>

#include <Guid/Acpi.h>
#include <Guid/GlobalVariable.h>
#include <Protocol/DevicePath.h>
#include <Protocol/GraphicsOutput.h>
#include <Protocol/LoadedImage.h>
#include <Protocol/PciIo.h>
#include <Protocol/Rng.h>
#include <Protocol/SimpleFileSystem.h>
#include <Protocol/SimpleTextOut.h>

#define SIZE_SAME(ours, theirs) _Static_assert(sizeof(ours) == sizeof(theirs), #ours)
#define MEMBER(type, name) ((type *)0)->name
#define SAME(ours, our_name, theirs, their_name) \
    _Static_assert(offsetof(ours, our_name) == offsetof(theirs, their_name), #ours "." #our_name); \
    SIZE_SAME(MEMBER(ours, our_name), MEMBER(theirs, their_name))
#define VALUE(ours, theirs) _Static_assert((uint64_t)(ours) == (uint64_t)(theirs), #ours)

SIZE_SAME(uefi_status_t, EFI_STATUS);
SIZE_SAME(uefi_handle_t, EFI_HANDLE);
SIZE_SAME(enum uefi_allocate, EFI_ALLOCATE_TYPE);
SIZE_SAME(enum uefi_memory_type, EFI_MEMORY_TYPE);
SIZE_SAME(enum uefi_locate, EFI_LOCATE_SEARCH_TYPE);
SIZE_SAME(enum uefi_pci_width, EFI_PCI_IO_PROTOCOL_WIDTH);
VALUE(UEFI_SUCCESS, EFI_SUCCESS);
VALUE(UEFI_INVALID_PARAMETER, EFI_INVALID_PARAMETER);
VALUE(UEFI_BUFFER_TOO_SMALL, EFI_BUFFER_TOO_SMALL);
VALUE(UEFI_OUT_OF_RESOURCES, EFI_OUT_OF_RESOURCES);
VALUE(UEFI_NOT_FOUND, EFI_NOT_FOUND);

#define GUID struct uefi_guid
SIZE_SAME(GUID, EFI_GUID);
SAME(GUID, a, EFI_GUID, Data1);
SAME(GUID, b, EFI_GUID, Data2);
SAME(GUID, c, EFI_GUID, Data3);
SAME(GUID, d, EFI_GUID, Data4);

#define HEADER struct uefi_table_header
SIZE_SAME(HEADER, EFI_TABLE_HEADER);
SAME(HEADER, signature, EFI_TABLE_HEADER, Signature);
SAME(HEADER, revision, EFI_TABLE_HEADER, Revision);
SAME(HEADER, header_size, EFI_TABLE_HEADER, HeaderSize);
SAME(HEADER, crc32, EFI_TABLE_HEADER, CRC32);
SAME(HEADER, reserved, EFI_TABLE_HEADER, Reserved);

/* Memory. */
VALUE(UEFI_ALLOCATE_ANY, AllocateAnyPages);
VALUE(UEFI_ALLOCATE_MAX_ADDRESS, AllocateMaxAddress);
VALUE(UEFI_ALLOCATE_ADDRESS, AllocateAddress);
VALUE(UEFI_MEM_RESERVED, EfiReservedMemoryType);
VALUE(UEFI_MEM_LOADER_CODE, EfiLoaderCode);
VALUE(UEFI_MEM_LOADER_DATA, EfiLoaderData);
VALUE(UEFI_MEM_BOOT_CODE, EfiBootServicesCode);
VALUE(UEFI_MEM_BOOT_DATA, EfiBootServicesData);
VALUE(UEFI_MEM_RUNTIME_CODE, EfiRuntimeServicesCode);
VALUE(UEFI_MEM_RUNTIME_DATA, EfiRuntimeServicesData);
VALUE(UEFI_MEM_CONVENTIONAL, EfiConventionalMemory);
VALUE(UEFI_MEM_UNUSABLE, EfiUnusableMemory);
VALUE(UEFI_MEM_ACPI_RECLAIM, EfiACPIReclaimMemory);
VALUE(UEFI_MEM_ACPI_NVS, EfiACPIMemoryNVS);
VALUE(UEFI_MEM_MMIO, EfiMemoryMappedIO);
VALUE(UEFI_MEM_MMIO_PORTS, EfiMemoryMappedIOPortSpace);
VALUE(UEFI_MEM_PAL, EfiPalCode);
VALUE(UEFI_MEM_PERSISTENT, EfiPersistentMemory);
VALUE(UEFI_MEM_ATTR_SP, EFI_MEMORY_SP);
#define DESCRIPTOR struct uefi_memory_descriptor
SIZE_SAME(DESCRIPTOR, EFI_MEMORY_DESCRIPTOR);
SAME(DESCRIPTOR, type, EFI_MEMORY_DESCRIPTOR, Type);
SAME(DESCRIPTOR, physical_start, EFI_MEMORY_DESCRIPTOR, PhysicalStart);
SAME(DESCRIPTOR, virtual_start, EFI_MEMORY_DESCRIPTOR, VirtualStart);
SAME(DESCRIPTOR, pages, EFI_MEMORY_DESCRIPTOR, NumberOfPages);
SAME(DESCRIPTOR, attribute, EFI_MEMORY_DESCRIPTOR, Attribute);

/* Console. */
#define TEXT struct uefi_text_output
SIZE_SAME(TEXT, EFI_SIMPLE_TEXT_OUTPUT_PROTOCOL);
SAME(TEXT, output_string, EFI_SIMPLE_TEXT_OUTPUT_PROTOCOL, OutputString);
SAME(TEXT, mode, EFI_SIMPLE_TEXT_OUTPUT_PROTOCOL, Mode);
VALUE(UEFI_PIXEL_RGBX, PixelRedGreenBlueReserved8BitPerColor);
VALUE(UEFI_PIXEL_BGRX, PixelBlueGreenRedReserved8BitPerColor);
VALUE(UEFI_PIXEL_MASKS, PixelBitMask);
VALUE(UEFI_PIXEL_BLT_ONLY, PixelBltOnly);
#define MASKS struct uefi_pixel_masks
SIZE_SAME(MASKS, EFI_PIXEL_BITMASK);
SAME(MASKS, red, EFI_PIXEL_BITMASK, RedMask);
SAME(MASKS, green, EFI_PIXEL_BITMASK, GreenMask);
SAME(MASKS, blue, EFI_PIXEL_BITMASK, BlueMask);
SAME(MASKS, reserved, EFI_PIXEL_BITMASK, ReservedMask);
#define INFO struct uefi_graphics_info
SIZE_SAME(INFO, EFI_GRAPHICS_OUTPUT_MODE_INFORMATION);
SAME(INFO, version, EFI_GRAPHICS_OUTPUT_MODE_INFORMATION, Version);
SAME(INFO, width, EFI_GRAPHICS_OUTPUT_MODE_INFORMATION, HorizontalResolution);
SAME(INFO, height, EFI_GRAPHICS_OUTPUT_MODE_INFORMATION, VerticalResolution);
SAME(INFO, format, EFI_GRAPHICS_OUTPUT_MODE_INFORMATION, PixelFormat);
SAME(INFO, masks, EFI_GRAPHICS_OUTPUT_MODE_INFORMATION, PixelInformation);
SAME(INFO, pixels_per_line, EFI_GRAPHICS_OUTPUT_MODE_INFORMATION, PixelsPerScanLine);
#define MODE struct uefi_graphics_mode
SIZE_SAME(MODE, EFI_GRAPHICS_OUTPUT_PROTOCOL_MODE);
SAME(MODE, max_mode, EFI_GRAPHICS_OUTPUT_PROTOCOL_MODE, MaxMode);
SAME(MODE, mode, EFI_GRAPHICS_OUTPUT_PROTOCOL_MODE, Mode);
SAME(MODE, info, EFI_GRAPHICS_OUTPUT_PROTOCOL_MODE, Info);
SAME(MODE, info_size, EFI_GRAPHICS_OUTPUT_PROTOCOL_MODE, SizeOfInfo);
SAME(MODE, framebuffer_base, EFI_GRAPHICS_OUTPUT_PROTOCOL_MODE, FrameBufferBase);
SAME(MODE, framebuffer_size, EFI_GRAPHICS_OUTPUT_PROTOCOL_MODE, FrameBufferSize);
SIZE_SAME(struct uefi_graphics, EFI_GRAPHICS_OUTPUT_PROTOCOL);
SAME(struct uefi_graphics, mode, EFI_GRAPHICS_OUTPUT_PROTOCOL, Mode);
#define PATH struct uefi_device_path
SIZE_SAME(PATH, EFI_DEVICE_PATH_PROTOCOL);
SAME(PATH, type, EFI_DEVICE_PATH_PROTOCOL, Type);
SAME(PATH, subtype, EFI_DEVICE_PATH_PROTOCOL, SubType);
SAME(PATH, length, EFI_DEVICE_PATH_PROTOCOL, Length);
VALUE(UEFI_PATH_MESSAGING, MESSAGING_DEVICE_PATH);
VALUE(UEFI_PATH_MSG_UART, MSG_UART_DP);
VALUE(UEFI_PATH_END, END_DEVICE_PATH_TYPE);
VALUE(UEFI_PATH_END_INSTANCE, END_INSTANCE_DEVICE_PATH_SUBTYPE);
VALUE(UEFI_PATH_END_ENTIRE, END_ENTIRE_DEVICE_PATH_SUBTYPE);

/* Files. */
SIZE_SAME(struct uefi_file, EFI_FILE_PROTOCOL);
SAME(struct uefi_file, revision, EFI_FILE_PROTOCOL, Revision);
SAME(struct uefi_file, open, EFI_FILE_PROTOCOL, Open);
SAME(struct uefi_file, close, EFI_FILE_PROTOCOL, Close);
SAME(struct uefi_file, read, EFI_FILE_PROTOCOL, Read);
SAME(struct uefi_file, get_position, EFI_FILE_PROTOCOL, GetPosition);
SAME(struct uefi_file, set_position, EFI_FILE_PROTOCOL, SetPosition);
VALUE(UEFI_FILE_READ, EFI_FILE_MODE_READ);
#define VOLUME struct uefi_file_system
SIZE_SAME(VOLUME, EFI_SIMPLE_FILE_SYSTEM_PROTOCOL);
SAME(VOLUME, revision, EFI_SIMPLE_FILE_SYSTEM_PROTOCOL, Revision);
SAME(VOLUME, open_volume, EFI_SIMPLE_FILE_SYSTEM_PROTOCOL, OpenVolume);

/* Devices. */
SIZE_SAME(struct uefi_rng, EFI_RNG_PROTOCOL);
SAME(struct uefi_rng, get_rng, EFI_RNG_PROTOCOL, GetRNG);
SIZE_SAME(struct uefi_pci_io, EFI_PCI_IO_PROTOCOL);
SAME(struct uefi_pci_io, pci_read, EFI_PCI_IO_PROTOCOL, Pci.Read);
SAME(struct uefi_pci_io, pci_write, EFI_PCI_IO_PROTOCOL, Pci.Write);
SAME(struct uefi_pci_io, get_location, EFI_PCI_IO_PROTOCOL, GetLocation);
SAME(struct uefi_pci_io, rom_size, EFI_PCI_IO_PROTOCOL, RomSize);
SAME(struct uefi_pci_io, rom_image, EFI_PCI_IO_PROTOCOL, RomImage);
VALUE(UEFI_PCI_U8, EfiPciIoWidthUint8);
VALUE(UEFI_PCI_U16, EfiPciIoWidthUint16);
VALUE(UEFI_PCI_U32, EfiPciIoWidthUint32);

/* Tables. */
VALUE(UEFI_LOCATE_ALL, AllHandles);
VALUE(UEFI_LOCATE_NOTIFY, ByRegisterNotify);
VALUE(UEFI_LOCATE_BY_PROTOCOL, ByProtocol);
#define BOOT struct uefi_boot_services
SIZE_SAME(BOOT, EFI_BOOT_SERVICES);
SAME(BOOT, header, EFI_BOOT_SERVICES, Hdr);
SAME(BOOT, allocate_pages, EFI_BOOT_SERVICES, AllocatePages);
SAME(BOOT, free_pages, EFI_BOOT_SERVICES, FreePages);
SAME(BOOT, get_memory_map, EFI_BOOT_SERVICES, GetMemoryMap);
SAME(BOOT, free_pool, EFI_BOOT_SERVICES, FreePool);
SAME(BOOT, handle_protocol, EFI_BOOT_SERVICES, HandleProtocol);
SAME(BOOT, reserved, EFI_BOOT_SERVICES, Reserved);
SAME(BOOT, exit_boot_services, EFI_BOOT_SERVICES, ExitBootServices);
SAME(BOOT, set_watchdog_timer, EFI_BOOT_SERVICES, SetWatchdogTimer);
SAME(BOOT, locate_handle_buffer, EFI_BOOT_SERVICES, LocateHandleBuffer);
SAME(BOOT, locate_protocol, EFI_BOOT_SERVICES, LocateProtocol);
SAME(BOOT, create_event_ex, EFI_BOOT_SERVICES, CreateEventEx);
#define RUNTIME struct uefi_runtime_services
SIZE_SAME(RUNTIME, EFI_RUNTIME_SERVICES);
SAME(RUNTIME, header, EFI_RUNTIME_SERVICES, Hdr);
SAME(RUNTIME, get_variable, EFI_RUNTIME_SERVICES, GetVariable);
SAME(RUNTIME, reset_system, EFI_RUNTIME_SERVICES, ResetSystem);
#define CONFIGURATION struct uefi_configuration_table
SIZE_SAME(CONFIGURATION, EFI_CONFIGURATION_TABLE);
SAME(CONFIGURATION, vendor, EFI_CONFIGURATION_TABLE, VendorGuid);
SAME(CONFIGURATION, table, EFI_CONFIGURATION_TABLE, VendorTable);
#define SYSTEM struct uefi_system_table
SIZE_SAME(SYSTEM, EFI_SYSTEM_TABLE);
SAME(SYSTEM, header, EFI_SYSTEM_TABLE, Hdr);
SAME(SYSTEM, firmware_vendor, EFI_SYSTEM_TABLE, FirmwareVendor);
SAME(SYSTEM, firmware_revision, EFI_SYSTEM_TABLE, FirmwareRevision);
SAME(SYSTEM, console_in_handle, EFI_SYSTEM_TABLE, ConsoleInHandle);
SAME(SYSTEM, con_in, EFI_SYSTEM_TABLE, ConIn);
SAME(SYSTEM, console_out_handle, EFI_SYSTEM_TABLE, ConsoleOutHandle);
SAME(SYSTEM, con_out, EFI_SYSTEM_TABLE, ConOut);
SAME(SYSTEM, standard_error_handle, EFI_SYSTEM_TABLE, StandardErrorHandle);
SAME(SYSTEM, std_err, EFI_SYSTEM_TABLE, StdErr);
SAME(SYSTEM, runtime, EFI_SYSTEM_TABLE, RuntimeServices);
SAME(SYSTEM, boot, EFI_SYSTEM_TABLE, BootServices);
SAME(SYSTEM, n_tables, EFI_SYSTEM_TABLE, NumberOfTableEntries);
SAME(SYSTEM, tables, EFI_SYSTEM_TABLE, ConfigurationTable);
#define IMAGE struct uefi_loaded_image
SIZE_SAME(IMAGE, EFI_LOADED_IMAGE_PROTOCOL);
SAME(IMAGE, revision, EFI_LOADED_IMAGE_PROTOCOL, Revision);
SAME(IMAGE, parent, EFI_LOADED_IMAGE_PROTOCOL, ParentHandle);
SAME(IMAGE, system_table, EFI_LOADED_IMAGE_PROTOCOL, SystemTable);
SAME(IMAGE, device, EFI_LOADED_IMAGE_PROTOCOL, DeviceHandle);
SAME(IMAGE, file_path, EFI_LOADED_IMAGE_PROTOCOL, FilePath);
SAME(IMAGE, load_options_size, EFI_LOADED_IMAGE_PROTOCOL, LoadOptionsSize);
SAME(IMAGE, load_options, EFI_LOADED_IMAGE_PROTOCOL, LoadOptions);
SAME(IMAGE, image_base, EFI_LOADED_IMAGE_PROTOCOL, ImageBase);
SAME(IMAGE, image_size, EFI_LOADED_IMAGE_PROTOCOL, ImageSize);
SAME(IMAGE, code_type, EFI_LOADED_IMAGE_PROTOCOL, ImageCodeType);
SAME(IMAGE, data_type, EFI_LOADED_IMAGE_PROTOCOL, ImageDataType);
SAME(IMAGE, unload, EFI_LOADED_IMAGE_PROTOCOL, Unload);

static const struct {
    struct uefi_guid ours;
    EFI_GUID theirs;
} guids[] = {
    { UEFI_LOADED_IMAGE_GUID, EFI_LOADED_IMAGE_PROTOCOL_GUID },
    { UEFI_FILE_SYSTEM_GUID, EFI_SIMPLE_FILE_SYSTEM_PROTOCOL_GUID },
    { UEFI_TEXT_OUTPUT_GUID, EFI_SIMPLE_TEXT_OUTPUT_PROTOCOL_GUID },
    { UEFI_GRAPHICS_GUID, EFI_GRAPHICS_OUTPUT_PROTOCOL_GUID },
    { UEFI_RNG_GUID, EFI_RNG_PROTOCOL_GUID },
    { UEFI_PCI_IO_GUID, EFI_PCI_IO_PROTOCOL_GUID },
    { UEFI_ACPI_20_GUID, EFI_ACPI_20_TABLE_GUID },
    { UEFI_ACPI_10_GUID, ACPI_10_TABLE_GUID },
    { UEFI_GLOBAL_VARIABLE_GUID, EFI_GLOBAL_VARIABLE },
};

int main(void)
{
    for (unsigned i = 0; i < sizeof(guids) / sizeof(guids[0]); i++) {
        if (__builtin_memcmp(&guids[i].ours, &guids[i].theirs, sizeof(guids[i].ours)) != 0) {
            return (int)i + 1;
        }
    }
    return 0;
}
