#pragma once
/* What a command prints on stdout. Every answer is built once, as JSON objects; `-o json` prints
 * them as they are, otherwise they become an aligned table or "key: value" lines. So the two forms
 * cannot tell different things. */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cjson/cJSON.h>

#include "lib/compiler.h"
#include "lib/span.h"

enum out_form { OUT_TEXT, OUT_JSON };

struct out_column {
    const char *key;   /* in each row */
    const char *title; /* heading of the table */
};

/** Text that came from outside, up to its first zero byte, made printable: as it is when lib/text.h
 * allows all of it, otherwise with \xNN for what is not printable ASCII. Gives: a string to be
 * freed. */
char *out_safe(span_t text);

/* Fields of a row. Numbers are kept exact (JSON numbers of any size), bytes become hexadecimal
 * text. */
cJSON *out_row(void);
void out_text(cJSON *row, const char *key, const char *value);
void out_untrusted(cJSON *row, const char *key, const char *text, size_t max);
void out_u64(cJSON *row, const char *key, uint64_t value);
void out_i64(cJSON *row, const char *key, int64_t value);
void out_bool(cJSON *row, const char *key, bool value);
void out_hex(cJSON *row, const char *key, const uint8_t *bytes, size_t n);
/** A status by its name, e.g. "HASH_CHUNK". */
void out_status(cJSON *row, const char *key, int32_t status);

/**
 * Print `rows` (an array of objects) and free it.
 * Errors: IO_FAILED when stdout cannot be written.
 */
MUST_CHECK int out_table(cJSON *rows, const struct out_column *cols, size_t n_cols,
                         enum out_form form);

/** Print one object and free it. Errors: as above. */
MUST_CHECK int out_object(cJSON *row, enum out_form form);

/** Print one object as one line of JSON, for streams, flush, and free it. Errors: as above. */
MUST_CHECK int out_line(cJSON *row);

/** Flush stdout. Errors: IO_FAILED, reported, when something could not be written. */
MUST_CHECK int out_flush(void);
