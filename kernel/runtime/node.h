/* The running machine, to be looked at: records of abi/info.h. */
#pragma once

#include "abi/info.h"
#include "kernel/object/handle.h"

#define NOS_RELEASE "N0N-OS 0.1.0"

void node_init(const struct nos_bootinfo *bi, uint64_t tsc_kernel);

/** One record of `topic` into `page` (4096 bytes, zeroed), of which a log record fills at most
 * `room`. `*got` = its length. Errors: INVALID (topic), NOT_FOUND. */
MUST_CHECK nos_status_t node_record(uint32_t topic, uint64_t index, void *page, size_t room,
                                    size_t *got);

/** The right that a topic needs; 0 = no such topic. */
uint32_t node_topic_right(uint64_t topic);

/** Part `index` of the kernel's check of itself: 0 = the machine, then capsule by capsule. Errors:
 * NOT_FOUND past the last. */
MUST_CHECK nos_status_t check_record(uint64_t index, struct nos_check_info *out);

void handle_describe(uint32_t h, const struct handle_slot *s, struct nos_handle_info *out);
