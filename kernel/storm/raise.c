/* The one place that knows the interrupt controller. */
#include "kernel/arch/x86_64/lapic.h"
#include "kernel/storm/storm.h"

void storm_raise(uint8_t vector)
{
    lapic_self(vector);
}
