/* Descriptor tables of the boot CPU. */
#pragma once

/** Load GDT, TSS and IDT. From here on every vector has a handler. */
void segments_init(void);
