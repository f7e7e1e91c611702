#pragma once
/* Names of the numbers that the ABI lists define. One place, made from the lists themselves. */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cjson/cJSON.h>

#include "lib/compiler.h"

struct name_value {
    const char *name;
    uint32_t value;
};

struct name_list {
    const char *what; /* for messages: "capability class" */
    const struct name_value *item;
    size_t n;
};

extern const struct name_list class_names; /* values are bits */
extern const struct name_list right_names; /* values are bits */
extern const struct name_list cap_kind_names;
extern const struct name_list type_names;
extern const struct name_list crash_names;
extern const struct name_list audit_names;
extern const struct name_list syscall_names;
extern const struct name_list restart_names;
extern const struct name_list escalate_names;
extern const struct name_list state_names;
extern const struct name_list origin_names;

/** Letters are compared as they are. */
MUST_CHECK bool name_find(const struct name_list *list, const char *name, uint32_t *out);

/** The name of `value`, or "?" when the list does not have it. */
const char *name_of(const struct name_list *list, uint32_t value);

/** An array of the names of the bits set in `mask`; bits without a name as "bit N". */
cJSON *names_of_mask(const struct name_list *list, uint32_t mask);

/** "a, b, c" of the whole list. Gives: a string to be freed. */
char *names_all(const struct name_list *list);
