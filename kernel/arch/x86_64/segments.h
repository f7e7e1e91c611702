/* Descriptor tables of each CPU; the IDT is shared. */
#pragma once

#include "kernel/arch/x86_64/stacks.h"

/** Load GDT, TSS and IDT of the calling CPU. From here on every vector has a handler. */
void segments_init(unsigned cpu, const struct stacks *s);
