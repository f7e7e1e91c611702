/* Stage: what the firmware knows about the machine and the kernel will need: framebuffer, ACPI
 * root, Secure Boot. */
#include "boot/boot.h"
#include "boot/console.h"
#include "boot/firmware.h"
#include "lib/checked.h"

#include <string.h>

enum { FORMAT_RGB = 1, FORMAT_BGR = 2 };

/** 0 for everything that is not 32 bits of 8 + 8 + 8 in one of the two common orders. */
static uint32_t pixel_format(const struct uefi_graphics_info *info)
{
    const struct uefi_pixel_masks *m = &info->masks;
    switch (info->format) {
    case UEFI_PIXEL_BGRX:  // blue lowest in memory: 0x00RRGGBB as a little-endian word
        return FORMAT_RGB;
    case UEFI_PIXEL_RGBX:
        return FORMAT_BGR;
    case UEFI_PIXEL_MASKS:
        if (m->green != 0xff00) {
            return 0;
        }
        return m->red == 0xff0000 && m->blue == 0xff   ? FORMAT_RGB
               : m->red == 0xff && m->blue == 0xff0000 ? FORMAT_BGR
                                                       : 0;
    default:
        return 0;
    }
}

static bool describe(const struct uefi_graphics_mode *mode, struct nos_framebuffer *out)
{
    const struct uefi_graphics_info *info = mode->info;
    uint64_t pitch, len, end;
    struct nos_framebuffer fb = { .base = mode->framebuffer_base, .format = pixel_format(info) };

    if (fb.format == 0 || fb.base == 0 || info->width == 0 || info->height == 0 ||
        info->pixels_per_line < info->width || !checked_mul(info->pixels_per_line, 4, &pitch) ||
        pitch > UINT32_MAX || !checked_mul(pitch, info->height, &len) ||
        len > mode->framebuffer_size || !checked_add(fb.base, len, &end)) {
        return false;
    }
    fb.len = len;
    fb.width = info->width;
    fb.height = info->height;
    fb.pitch = (uint32_t)pitch;
    *out = fb;
    return true;
}

static void find_framebuffer(struct boot *b)
{
    static const struct uefi_guid guid = UEFI_GRAPHICS_GUID;
    uefi_handle_t *handles = NULL;
    uint64_t n = 0;

    if (FIRMWARE(b->bs->locate_handle_buffer(UEFI_LOCATE_BY_PROTOCOL, &guid, NULL, &n, &handles)) !=
        UEFI_SUCCESS) {
        return;
    }
    for (uint64_t i = 0; i < n && b->info->fb.len == 0; i++) {
        struct uefi_graphics *g = NULL;
        if (FIRMWARE(b->bs->handle_protocol(handles[i], &guid, (void **)&g)) == UEFI_SUCCESS &&
            g->mode != NULL && g->mode->info != NULL) {
            (void)describe(g->mode, &b->info->fb);
        }
    }
    (void)FIRMWARE(b->bs->free_pool(handles));
}

static bool guid_equal(const struct uefi_guid *x, const struct uefi_guid *y)
{
    return memcmp(x, y, sizeof(*x)) == 0;
}

static void find_acpi(struct boot *b)
{
    static const struct uefi_guid acpi20 = UEFI_ACPI_20_GUID;
    static const struct uefi_guid acpi10 = UEFI_ACPI_10_GUID;

    for (uint64_t i = 0; i < b->system->n_tables; i++) {
        const struct uefi_configuration_table *t = &b->system->tables[i];
        if (guid_equal(&t->vendor, &acpi20)) {
            b->info->rsdp = (uint64_t)t->table;
            return;
        }
        if (guid_equal(&t->vendor, &acpi10)) {
            b->info->rsdp = (uint64_t)t->table;  // kept unless a newer one turns up
        }
    }
}

static void find_secure_boot(struct boot *b)
{
    static const struct uefi_guid global = UEFI_GLOBAL_VARIABLE_GUID;
    uint8_t on = 0;
    uint64_t len = sizeof(on);
    uefi_status_t st =
        FIRMWARE(b->system->runtime->get_variable(u"SecureBoot", &global, NULL, &len, &on));
    b->info->secure_boot = st == UEFI_SUCCESS && len == 1 && on == 1;
}

void stage_machine(struct boot *b)
{
    find_framebuffer(b);
    find_acpi(b);
    find_secure_boot(b);

    const struct nos_framebuffer *fb = &b->info->fb;
    struct fmt *line = console_line();
    fmt_str(line, "machine: ");
    if (fb->len > 0) {
        fmt_str(line, "screen ");
        fmt_u64(line, fb->width);
        fmt_str(line, "x");
        fmt_u64(line, fb->height);
    } else {
        fmt_str(line, "no 32-bit framebuffer, serial only");
    }
    fmt_str(line, b->info->rsdp != 0 ? ", ACPI" : ", no ACPI");
    fmt_str(line, b->info->secure_boot != 0 ? ", Secure Boot on" : ", Secure Boot off");
    console_print();
}
