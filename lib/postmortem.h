#pragma once
/*
 * What a machine that broke under panic=hold left in RAM (abi/postmortem.h), read from a dump of
 * that RAM. A dump comes from a broken machine and through anybody's hands: every length is
 * checked before a record is given out. Nothing is allocated; spans point into the dump.
 */
#include "abi/postmortem.h"
#include "abi/status.h"
#include "lib/compiler.h"
#include "lib/span.h"

/**
 * Find the block in a dump: raw RAM, or any file that holds it in one piece.
 * Gives:  `*out`: a head all of whose rules hold, and its records whole.
 * Errors: NOT_FOUND: no block; BAD_MESSAGE: one, but broken; IO_ERROR: its check does not hold.
 */
struct postmortem {
    struct nos_pm_head head;
    span_t records;
};
MUST_CHECK nos_status_t postmortem_find(span_t dump, struct postmortem *out);

/**
 * The record that node_info(topic, index) would have given: of LOG, AUDIT and CRASH the first that
 * is not older, of the others exactly that one.
 * Errors: NOT_FOUND.
 */
MUST_CHECK nos_status_t postmortem_record(const struct postmortem *p, uint32_t topic,
                                          uint64_t index, span_t *out);
