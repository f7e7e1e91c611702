#pragma once
/*
 * Firmware services and the time they take. A service is called as FIRMWARE(b->bs->...): the ticks
 * between call and return are the firmware's, not ours, and are reported apart.
 */
#include <stdint.h>

extern uint64_t firmware_ticks;

static inline uint64_t tsc_read(void)
{
    uint32_t low, high;
    __asm__ volatile("rdtsc" : "=a"(low), "=d"(high));
    return (uint64_t)high << 32 | low;
}

#define FIRMWARE(call) \
    ({ \
        uint64_t fw_from_ = tsc_read(); \
        __auto_type fw_result_ = (call); \
        firmware_ticks += tsc_read() - fw_from_; \
        fw_result_; \
    })
