#pragma once
/* Whole files in and out. A file is either written completely or not at all: temporary name, then
 * rename. */
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "lib/compiler.h"
#include "lib/span.h"

struct buf { /* owned bytes; {NULL, 0} holds nothing */
    uint8_t *data;
    size_t len;
};

static inline span_t buf_span(const struct buf *b)
{
    return span_of(b->data, b->len);
}

void buf_free(struct buf *b);

/** Erase, then free: for anything that held a secret. */
void buf_wipe(struct buf *b);

/** Append to `b`, which grows. */
void buf_add(struct buf *b, span_t more);

/** Append `n` zero bytes. Gives: where they start; valid until the next append. */
uint8_t *buf_add_zero(struct buf *b, size_t n);

/**
 * Read a whole regular file or pipe of at most `max` bytes.
 * Gives:  `out`, to be released with buf_free (buf_wipe for secrets).
 * Errors: IO_FAILED, reported, `out` untouched.
 */
MUST_CHECK int file_read(const char *path, size_t max, struct buf *out);

/** Write `bytes` to `path`, replacing what is there in one step. Errors: IO_FAILED, reported. */
MUST_CHECK int file_write(const char *path, span_t bytes, mode_t mode);

/** The same, but an existing `path` is never touched. Errors: IO_FAILED, reported. */
MUST_CHECK int file_write_new(const char *path, span_t bytes, mode_t mode);

/** Move a finished temporary file into place. Errors: IO_FAILED, reported; `temp` is then gone. */
MUST_CHECK int file_commit(const char *temp, const char *path);

/** Make the folder that `path` lies in, and the folders above it. Errors: IO_FAILED, reported. */
MUST_CHECK int file_parent(const char *path, mode_t mode);
