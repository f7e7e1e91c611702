#pragma once
/*
 * Crash records (abi/crash.h): what the kernel gives, what a saved file holds. A record comes from
 * a machine in trouble or from a file that anybody may have written: it is checked whole before
 * anything of it is shown. Spec: docs/lifecycle.md.
 */
#include "abi/crash.h"
#include "abi/status.h"
#include "lib/compiler.h"
#include "lib/span.h"

/**
 * A record of exactly its size, all of whose rules hold.
 * Gives:  `*out`, a copy; all zero on error.
 * Errors: BAD_MESSAGE.
 */
MUST_CHECK nos_status_t crash_parse(span_t bytes, struct nos_crash_record *out);

/** A record to be saved: with its check. */
void crash_seal(const struct nos_crash_record *r, struct nos_crash_file *out);

/**
 * A saved file: the check first, then crash_parse.
 * Errors: IO_ERROR: not the bytes that were saved; BAD_MESSAGE.
 */
MUST_CHECK nos_status_t crash_file_parse(span_t file, struct nos_crash_record *out);
