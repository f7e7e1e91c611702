#pragma once
/*
 * Files, as the prompt sees them: each share that the policy grants it is "/NAME". It has no tree
 * of its own, because no program could see it. Spec: docs/services.md, "shell".
 */
#include <stdbool.h>
#include <stdint.h>

#include "lib/span.h"
#include "modules/shell/shell.h"
#include "sdk/fs.h"

enum { PLACE_PATH = 512 };

struct place_share;
struct place_file {
    struct place_share *share; /* NULL: not open */
    uint64_t number;
    uint64_t session; /* of the share: another session's numbers are other files */
};

/** Where relative paths begin; "/" when there is no share. */
const char *place_here(void);

/** Have memfs run, if it is verified here. Gives: it does. */
bool place_ready(void);

/** Begin there, as the version before this one did; it need not exist any more. */
void place_begin(const char *path);

/** Errors: as place_open. */
MUST_CHECK nos_status_t place_go(const char *path);

/** Open with NOS_FS_* flags. Errors: NOT_FOUND, memfs's, or TIMED_OUT when there is no memfs. */
MUST_CHECK nos_status_t place_open(const char *path, uint64_t flags, struct place_file *out);
/** Those of a file that is to be written: made if it is not there, and emptied unless `append`. */
static inline uint64_t place_flags(bool append)
{
    return NOS_FS_WRITABLE | NOS_FS_CREATE | (append ? 0u : NOS_FS_EMPTY) |
           0644ull << NOS_FS_MODE_AT;
}
void place_close(struct place_file *f);

MUST_CHECK nos_status_t place_read(struct place_file *f, uint64_t at, mspan_t to, size_t *done);

/** Bytes of it, now. Errors: FS_IS_DIR. */
MUST_CHECK nos_status_t place_size(struct place_file *f, uint64_t *size);

/** At the end. Errors: QUOTA when no byte of it has room. */
MUST_CHECK nos_status_t place_write(struct place_file *f, span_t bytes, size_t *done);

/** Into a file; what goes wrong is said. */
void place_save(const char *path, bool append, span_t text);

/** Each name in the directory of `path`; none when there is no such one, or memfs does not run: it
 * is not started for that. */
void place_list(const char *path, void (*each)(void *arg, span_t name, bool dir), void *arg);

/** "WHAT: PATH: why". */
void place_complain(const char *what, const char *path, nos_status_t st);
