#pragma once
/* JSON sources written by people, read strictly. Every error names the file, the field and what is
 * allowed there. Spec: docs/manifest.md. */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cjson/cJSON.h>

#include "cli/names.h"
#include "lib/compiler.h"

struct source {
    const char *file;
    cJSON *root;
};

/** One value of a source, and the way to it ("rules[2].classes"), for messages. Borrows: the
 * source. */
struct field {
    const struct source *src;
    const cJSON *node;
    char path[160];
};

enum { SOURCE_MAX = 1 << 20, SOURCE_DEPTH = 8 };

/** Read and parse a file. Errors: IO_FAILED, USAGE; reported. Gives: `out`, to be released with
 * source_free. */
MUST_CHECK int source_load(const char *file, struct source *out);
void source_free(struct source *s);

/** Report an error at a field. Gives: USAGE. */
int field_fail(const struct field *f, const char *fmt, ...) PRINTF_LIKE(2, 3);

struct field field_root(const struct source *s);

/** The member `key` of an object; false when it is absent. */
MUST_CHECK bool field_get(const struct field *obj, const char *key, struct field *out);
/** The same; absent is reported. */
MUST_CHECK int field_need(const struct field *obj, const char *key, struct field *out);
/** Item `i` of an array, which must have it. */
struct field field_item(const struct field *array, size_t i);

/* All below: errors are USAGE, reported; `out` is written only on success. */

/** Is `f` an object with no key but these (NULL ends the list) and comments? */
MUST_CHECK int field_object(const struct field *f, const char *const *keys);
/** Is `f` an array of min..max items? */
MUST_CHECK int field_array(const struct field *f, size_t min, size_t max, size_t *n);
MUST_CHECK int field_u64(const struct field *f, uint64_t min, uint64_t max, uint64_t *out);
MUST_CHECK int field_u32(const struct field *f, uint32_t min, uint32_t max, uint32_t *out);
MUST_CHECK int field_bool(const struct field *f, bool *out);
/** UTF-8 text of min..max bytes without control characters. Borrows: the source. */
MUST_CHECK int field_text(const struct field *f, size_t min, size_t max, const char **out);
/** One of a list of names. */
MUST_CHECK int field_name(const struct field *f, const struct name_list *list, uint32_t *out);
/** An array of names of bits, at least one. */
MUST_CHECK int field_mask(const struct field *f, const struct name_list *list, uint32_t *out);
/** A module, endpoint or notification name: NOS_NAME_MAX bytes, zero padded. */
MUST_CHECK int field_nos_name(const struct field *f, char out[16]);

/* The same for an optional member of an object: absent leaves `out` as it is. */
MUST_CHECK int member_u32(const struct field *obj, const char *key, uint32_t min, uint32_t max,
                          uint32_t *out);
MUST_CHECK int member_u64(const struct field *obj, const char *key, uint64_t min, uint64_t max,
                          uint64_t *out);
MUST_CHECK int member_bool(const struct field *obj, const char *key, bool *out);
/** For a member that must be there. */
MUST_CHECK int need_u32(const struct field *obj, const char *key, uint32_t min, uint32_t max,
                        uint32_t *out);
MUST_CHECK int need_u64(const struct field *obj, const char *key, uint64_t min, uint64_t max,
                        uint64_t *out);
MUST_CHECK int need_mask(const struct field *obj, const char *key, const struct name_list *list,
                         uint32_t *out);
MUST_CHECK int need_nos_name(const struct field *obj, const char *key, char out[16]);
