#pragma once
/*
 * The loader's words, on screen and on COM1, each once. Spec: docs/boot.md, "Where messages
 * appear".
 */
#include <stdbool.h>

#include "boot/uefi.h"
#include "lib/fmt.h"

/** Find screens and serial port. Before this nothing is shown. */
void console_start(struct uefi_system_table *system);

/** From now on the firmware's display drivers may lack their DMA: the screen is written only if it
 * needs none. */
void console_dma(bool on);

/** Boot services are gone: COM1 only. */
void console_firmware_gone(void);

/** An empty line to write into; console_print shows it, and a line break. */
struct fmt *console_line(void);
void console_print(void);

/** One line of fixed text. */
void say(const char *text);
