#pragma once
/*
 * The part of UEFI that this loader calls, declared by us: no third-party header is needed to build
 * it. Tables are whole, because a member's place counts; a member that nobody here calls is a bare
 * pointer. tests/boot/check-edk2 compares every offset, size, value and GUID below with EDK2's
 * headers.
 *
 * Spec: UEFI 2.10. Names are the specification's in our spelling: AllocatePages is allocate_pages.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define UEFI_CALL __attribute__((ms_abi))
#define UEFI_ERROR(n) ((uint64_t)1 << 63 | (n))

typedef uint64_t uefi_status_t;  // 0 = success, top bit = error
typedef void *uefi_handle_t;

enum { UEFI_SUCCESS = 0 };
#define UEFI_INVALID_PARAMETER UEFI_ERROR(2)
#define UEFI_BUFFER_TOO_SMALL UEFI_ERROR(5)
#define UEFI_OUT_OF_RESOURCES UEFI_ERROR(9)
#define UEFI_NOT_FOUND UEFI_ERROR(14)

struct uefi_guid {
    uint32_t a;
    uint16_t b, c;
    uint8_t d[8];
};

// clang-format off
#define UEFI_GUID(a, b, c, ...) { (a), (b), (c), { __VA_ARGS__ } }
#define UEFI_LOADED_IMAGE_GUID \
    UEFI_GUID(0x5b1b31a1, 0x9562, 0x11d2, 0x8e, 0x3f, 0x00, 0xa0, 0xc9, 0x69, 0x72, 0x3b)
#define UEFI_FILE_SYSTEM_GUID \
    UEFI_GUID(0x964e5b22, 0x6459, 0x11d2, 0x8e, 0x39, 0x00, 0xa0, 0xc9, 0x69, 0x72, 0x3b)
#define UEFI_TEXT_OUTPUT_GUID \
    UEFI_GUID(0x387477c2, 0x69c7, 0x11d2, 0x8e, 0x39, 0x00, 0xa0, 0xc9, 0x69, 0x72, 0x3b)
#define UEFI_GRAPHICS_GUID \
    UEFI_GUID(0x9042a9de, 0x23dc, 0x4a38, 0x96, 0xfb, 0x7a, 0xde, 0xd0, 0x80, 0x51, 0x6a)
#define UEFI_RNG_GUID \
    UEFI_GUID(0x3152bca5, 0xeade, 0x433d, 0x86, 0x2e, 0xc0, 0x1c, 0xdc, 0x29, 0x1f, 0x44)
#define UEFI_PCI_IO_GUID \
    UEFI_GUID(0x4cf5b200, 0x68b8, 0x4ca5, 0x9e, 0xec, 0xb2, 0x3e, 0x3f, 0x50, 0x02, 0x9a)
#define UEFI_ACPI_20_GUID \
    UEFI_GUID(0x8868e871, 0xe4f1, 0x11d3, 0xbc, 0x22, 0x00, 0x80, 0xc7, 0x3c, 0x88, 0x81)
#define UEFI_ACPI_10_GUID \
    UEFI_GUID(0xeb9d2d30, 0x2d88, 0x11d3, 0x9a, 0x16, 0x00, 0x90, 0x27, 0x3f, 0xc1, 0x4d)
#define UEFI_GLOBAL_VARIABLE_GUID \
    UEFI_GUID(0x8be4df61, 0x93ca, 0x11d2, 0xaa, 0x0d, 0x00, 0xe0, 0x98, 0x03, 0x2b, 0x8c)
// clang-format on

struct uefi_table_header {
    uint64_t signature;
    uint32_t revision, header_size, crc32, reserved;
};

/* --- memory --- */

enum uefi_allocate {
    UEFI_ALLOCATE_ANY = 0,
    UEFI_ALLOCATE_MAX_ADDRESS = 1,
    UEFI_ALLOCATE_ADDRESS = 2
};

enum uefi_memory_type {
    UEFI_MEM_RESERVED = 0,
    UEFI_MEM_LOADER_CODE = 1,
    UEFI_MEM_LOADER_DATA = 2,
    UEFI_MEM_BOOT_CODE = 3,
    UEFI_MEM_BOOT_DATA = 4,
    UEFI_MEM_RUNTIME_CODE = 5,
    UEFI_MEM_RUNTIME_DATA = 6,
    UEFI_MEM_CONVENTIONAL = 7,
    UEFI_MEM_UNUSABLE = 8,
    UEFI_MEM_ACPI_RECLAIM = 9,
    UEFI_MEM_ACPI_NVS = 10,
    UEFI_MEM_MMIO = 11,
    UEFI_MEM_MMIO_PORTS = 12,
    UEFI_MEM_PAL = 13,
    UEFI_MEM_PERSISTENT = 14,
};
#define UEFI_MEM_ATTR_SP \
    ((uint64_t)0x40000)  // specific purpose: the firmware asks to leave it alone

struct uefi_memory_descriptor {  // entries lie `descriptor_size` bytes apart, which may be more
                                 // than this
    uint32_t type;
    uint32_t pad;
    uint64_t physical_start, virtual_start, pages, attribute;
};

/* --- console --- */

struct uefi_text_output {
    void *reset;
    uefi_status_t(UEFI_CALL *output_string)(struct uefi_text_output *self, const uint16_t *text);
    void *test_string, *query_mode, *set_mode, *set_attribute, *clear_screen, *set_cursor_position;
    void *enable_cursor;
    void *mode;
};

enum uefi_pixel_format {
    UEFI_PIXEL_RGBX = 0,  // bytes in memory: red, green, blue, unused
    UEFI_PIXEL_BGRX = 1,
    UEFI_PIXEL_MASKS = 2,
    UEFI_PIXEL_BLT_ONLY = 3,
};

struct uefi_pixel_masks {
    uint32_t red, green, blue, reserved;
};

struct uefi_graphics_info {
    uint32_t version, width, height;
    uint32_t format;  // enum uefi_pixel_format
    struct uefi_pixel_masks masks;
    uint32_t pixels_per_line;
};

struct uefi_graphics_mode {
    uint32_t max_mode, mode;
    struct uefi_graphics_info *info;
    uint64_t info_size;
    uint64_t framebuffer_base;
    uint64_t framebuffer_size;
};

struct uefi_graphics {
    void *query_mode, *set_mode, *blt;
    struct uefi_graphics_mode *mode;
};

struct uefi_device_path {  // packed list of nodes; `length` covers this header
    uint8_t type, subtype;
    uint8_t length[2];
};
enum {
    UEFI_PATH_MESSAGING = 3,
    UEFI_PATH_MSG_UART = 14,
    UEFI_PATH_END = 0x7f,
    UEFI_PATH_END_INSTANCE = 1,
    UEFI_PATH_END_ENTIRE = 0xff,
};

/* --- files --- */

struct uefi_file {
    uint64_t revision;
    uefi_status_t(UEFI_CALL *open)(struct uefi_file *self, struct uefi_file **file,
                                   const uint16_t *path, uint64_t mode, uint64_t attributes);
    uefi_status_t(UEFI_CALL *close)(struct uefi_file *self);
    void *remove;
    uefi_status_t(UEFI_CALL *read)(struct uefi_file *self, uint64_t *len, void *buffer);
    void *write;
    uefi_status_t(UEFI_CALL *get_position)(struct uefi_file *self, uint64_t *position);
    uefi_status_t(UEFI_CALL *set_position)(struct uefi_file *self, uint64_t position);
    void *get_info, *set_info, *flush, *open_ex, *read_ex, *write_ex, *flush_ex;
};
#define UEFI_FILE_READ ((uint64_t)1)
#define UEFI_FILE_END UINT64_MAX  // as a position: the end of the file

struct uefi_file_system {
    uint64_t revision;
    uefi_status_t(UEFI_CALL *open_volume)(struct uefi_file_system *self, struct uefi_file **root);
};

/* --- devices --- */

struct uefi_rng {
    void *get_info;
    uefi_status_t(UEFI_CALL *get_rng)(struct uefi_rng *self, const struct uefi_guid *algorithm,
                                      uint64_t len, uint8_t *out);
};

enum uefi_pci_width { UEFI_PCI_U8 = 0, UEFI_PCI_U16 = 1, UEFI_PCI_U32 = 2 };

struct uefi_pci_io {
    void *poll_mem, *poll_io, *mem_read, *mem_write, *io_read, *io_write;
    uefi_status_t(UEFI_CALL *pci_read)(struct uefi_pci_io *self, enum uefi_pci_width width,
                                       uint32_t offset, uint64_t count, void *buffer);
    uefi_status_t(UEFI_CALL *pci_write)(struct uefi_pci_io *self, enum uefi_pci_width width,
                                        uint32_t offset, uint64_t count, void *buffer);
    void *copy_mem, *map, *unmap, *allocate_buffer, *free_buffer, *flush;
    uefi_status_t(UEFI_CALL *get_location)(struct uefi_pci_io *self, uint64_t *segment,
                                           uint64_t *bus, uint64_t *device, uint64_t *function);
    void *attributes, *get_bar_attributes, *set_bar_attributes;
    uint64_t rom_size;
    void *rom_image;
};

/* --- tables --- */

enum uefi_locate { UEFI_LOCATE_ALL = 0, UEFI_LOCATE_NOTIFY = 1, UEFI_LOCATE_BY_PROTOCOL = 2 };

struct uefi_boot_services {
    struct uefi_table_header header;
    void *raise_tpl, *restore_tpl;
    uefi_status_t(UEFI_CALL *allocate_pages)(enum uefi_allocate how, enum uefi_memory_type type,
                                             uint64_t pages, uint64_t *address);
    uefi_status_t(UEFI_CALL *free_pages)(uint64_t address, uint64_t pages);
    uefi_status_t(UEFI_CALL *get_memory_map)(uint64_t *size, void *map, uint64_t *key,
                                             uint64_t *descriptor_size, uint32_t *version);
    void *allocate_pool;
    uefi_status_t(UEFI_CALL *free_pool)(void *buffer);
    void *create_event, *set_timer, *wait_for_event, *signal_event, *close_event, *check_event;
    void *install_protocol, *reinstall_protocol, *uninstall_protocol;
    uefi_status_t(UEFI_CALL *handle_protocol)(uefi_handle_t handle,
                                              const struct uefi_guid *protocol, void **interface);
    void *reserved, *register_notify, *locate_handle, *locate_device_path, *install_table;
    void *load_image, *start_image, *exit, *unload_image;
    uefi_status_t(UEFI_CALL *exit_boot_services)(uefi_handle_t image, uint64_t map_key);
    void *next_monotonic_count, *stall;
    uefi_status_t(UEFI_CALL *set_watchdog_timer)(uint64_t seconds, uint64_t code,
                                                 uint64_t data_size, const uint16_t *data);
    void *connect_controller, *disconnect_controller;
    void *open_protocol, *close_protocol, *open_protocol_information, *protocols_per_handle;
    uefi_status_t(UEFI_CALL *locate_handle_buffer)(enum uefi_locate how,
                                                   const struct uefi_guid *protocol, void *key,
                                                   uint64_t *count, uefi_handle_t **handles);
    uefi_status_t(UEFI_CALL *locate_protocol)(const struct uefi_guid *protocol, void *registration,
                                              void **interface);
    void *install_protocols, *uninstall_protocols, *calculate_crc32, *copy_mem, *set_mem;
    void *create_event_ex;
};

struct uefi_runtime_services {
    struct uefi_table_header header;
    void *get_time, *set_time, *get_wakeup_time, *set_wakeup_time;
    void *set_virtual_address_map, *convert_pointer;
    uefi_status_t(UEFI_CALL *get_variable)(const uint16_t *name, const struct uefi_guid *vendor,
                                           uint32_t *attributes, uint64_t *size, void *data);
    void *get_next_variable_name, *set_variable, *next_high_monotonic_count, *reset_system;
    void *update_capsule, *query_capsule_capabilities, *query_variable_info;
};

struct uefi_configuration_table {
    struct uefi_guid vendor;
    void *table;
};

struct uefi_system_table {
    struct uefi_table_header header;
    uint16_t *firmware_vendor;
    uint32_t firmware_revision;
    uefi_handle_t console_in_handle;
    void *con_in;
    uefi_handle_t console_out_handle;
    struct uefi_text_output *con_out;
    uefi_handle_t standard_error_handle;
    struct uefi_text_output *std_err;
    struct uefi_runtime_services *runtime;
    struct uefi_boot_services *boot;
    uint64_t n_tables;
    struct uefi_configuration_table *tables;
};

struct uefi_loaded_image {
    uint32_t revision;
    uefi_handle_t parent;
    struct uefi_system_table *system_table;
    uefi_handle_t device;
    void *file_path, *reserved;
    uint32_t load_options_size;
    void *load_options;
    void *image_base;
    uint64_t image_size;
    uint32_t code_type, data_type;  // enum uefi_memory_type
    void *unload;
};
