/*
 * The firmware's ConOut may already run over a serial line (OVMF's does, over COM1 and COM2).
 * Writing there and to COM1 would show each line twice, dress it in terminal escapes, and put text
 * on COM2, which is the management channel's. So: COM1 is written directly whenever there is one,
 * and then the screens one by one, past ConOut, if ConOut would also reach a serial line. Without a
 * COM1 there is only ConOut, wherever it leads.
 */
#include "boot/console.h"

#include "boot/firmware.h"
#include "boot/serial.h"
#include "lib/span.h"

enum { LINE_MAX = 200, SCREENS_MAX = 4, PATH_MAX = 1024 };

static struct uefi_boot_services *services;  // NULL: gone
static struct uefi_text_output *screens[SCREENS_MAX];
static uint32_t n_screens;
static bool screen_needs_dma;  // some screen has no framebuffer that the CPU alone can write
static bool screens_silent;
static char line_text[LINE_MAX];
static struct fmt line;

/** Does this list of device path instances name a UART? Malformed: say yes, one line too few beats
 * a loop. */
static bool path_has_uart(span_t path)
{
    span_t node;
    while (span_take(&path, sizeof(struct uefi_device_path), &node)) {
        uint8_t type = node.data[0];
        uint8_t subtype = node.data[1];
        uint16_t len = load_le16(node.data + 2);
        if (type == UEFI_PATH_MESSAGING && subtype == UEFI_PATH_MSG_UART) {
            return true;
        }
        if (type == UEFI_PATH_END && subtype == UEFI_PATH_END_ENTIRE) {
            return false;
        }
        if (len < sizeof(struct uefi_device_path) ||
            !span_take(&path, len - sizeof(struct uefi_device_path), &node)) {
            return true;
        }
    }
    return true;
}

/** The variable ConOut lists the devices behind the console of that name. */
static bool conout_has_uart(struct uefi_system_table *system)
{
    static const struct uefi_guid global = UEFI_GLOBAL_VARIABLE_GUID;
    static uint8_t path[PATH_MAX];
    uint64_t len = sizeof(path);
    uefi_status_t st =
        FIRMWARE(system->runtime->get_variable(u"ConOut", &global, NULL, &len, path));
    if (st == UEFI_NOT_FOUND) {
        return false;
    }
    return st != UEFI_SUCCESS || len > sizeof(path) || path_has_uart(span_of(path, len));
}

static bool cpu_can_draw(uefi_handle_t handle)
{
    static const struct uefi_guid graphics_guid = UEFI_GRAPHICS_GUID;
    struct uefi_graphics *g = NULL;
    uefi_status_t st = FIRMWARE(services->handle_protocol(handle, &graphics_guid, (void **)&g));
    return st == UEFI_SUCCESS && g->mode != NULL && g->mode->info != NULL &&
           g->mode->info->format != UEFI_PIXEL_BLT_ONLY && g->mode->framebuffer_base != 0;
}

/** A display has a text output of its own beside its graphics. ConOut's handle can look like one:
 * leave it out. */
static void add_screens(uefi_handle_t conout)
{
    static const struct uefi_guid graphics_guid = UEFI_GRAPHICS_GUID;
    static const struct uefi_guid text_guid = UEFI_TEXT_OUTPUT_GUID;
    uefi_handle_t *handles = NULL;
    uint64_t n = 0;

    if (FIRMWARE(services->locate_handle_buffer(UEFI_LOCATE_BY_PROTOCOL, &graphics_guid, NULL, &n,
                                                &handles)) != UEFI_SUCCESS) {
        return;
    }
    for (uint64_t i = 0; i < n && n_screens < SCREENS_MAX; i++) {
        struct uefi_text_output *text = NULL;
        if (handles[i] != conout && FIRMWARE(services->handle_protocol(
                                        handles[i], &text_guid, (void **)&text)) == UEFI_SUCCESS) {
            screens[n_screens++] = text;
            screen_needs_dma |= !cpu_can_draw(handles[i]);
        }
    }
    (void)FIRMWARE(services->free_pool(handles));
}

void console_start(struct uefi_system_table *system)
{
    services = system->boot;
    bool serial = serial_start();
    if (serial && conout_has_uart(system)) {
        add_screens(system->console_out_handle);
    } else if (system->con_out != NULL) {
        screens[n_screens++] = system->con_out;
        screen_needs_dma = true;  // it can lead anywhere
    }
}

void console_dma(bool on)
{
    screens_silent = !on && screen_needs_dma;
}

void console_firmware_gone(void)
{
    services = NULL;
    n_screens = 0;
}

struct fmt *console_line(void)
{
    FMT_INIT(&line, line_text);
    return &line;
}

static void screens_print(span_t text)
{
    static uint16_t wide[LINE_MAX + 3];
    size_t n = 0;
    for (size_t i = 0; i < text.len && i < LINE_MAX; i++) {
        wide[n++] = text.data[i];
    }
    wide[n++] = '\r';
    wide[n++] = '\n';
    wide[n] = 0;
    for (uint32_t i = 0; i < n_screens; i++) {
        (void)FIRMWARE(screens[i]->output_string(screens[i], wide));
    }
}

void console_print(void)
{
    span_t text = fmt_text(&line);
    for (size_t i = 0; i < text.len; i++) {
        serial_put((char)text.data[i]);
    }
    serial_put('\r');
    serial_put('\n');
    if (n_screens > 0 && !screens_silent) {
        screens_print(text);
    }
}

void say(const char *text)
{
    fmt_str(console_line(), text);
    console_print();
}
