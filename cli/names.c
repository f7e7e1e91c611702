/* Names, made from the X-lists of abi/ and from abi/syscalls.tbl (cli/build.mk writes
 * syscall_names.inc). */
#include "cli/names.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "abi/audit.h"
#include "abi/caps.h"
#include "abi/info.h"
#include "abi/module.h"
#include "cli/report.h"

#define LIST(variable, words) \
    const struct name_list variable##_names = { words, variable##_items, \
                                                ARRAY_LEN(variable##_items) }

#define X(name, bit, text, doc) { text, 1u << (bit) },
static const struct name_value class_items[] = { NOS_CLASS_LIST(X) };
#undef X
LIST(class, "capability class");

#define X(name, bit, text) { text, 1u << (bit) },
static const struct name_value right_items[] = { NOS_RIGHT_LIST(X) };
#undef X
LIST(right, "right");

#define X(name, value, text, type, cls) { text, value },
static const struct name_value cap_kind_items[] = { NOS_CAP_KIND_LIST(X) };
#undef X
LIST(cap_kind, "capability kind");

#define X(name, value, text) { text, value },
static const struct name_value type_items[] = { NOS_TYPE_LIST(X) };
static const struct name_value crash_items[] = { NOS_CRASH_LIST(X) };
static const struct name_value audit_items[] = { NOS_AUDIT_LIST(X) };
#undef X
LIST(type, "object type");
LIST(crash, "crash");
LIST(audit, "audit record");

#define X(name, number) { name, number },
static const struct name_value syscall_items[] = {
#include "cli/syscall_names.inc"
};
#undef X
LIST(syscall, "system call");

static const struct name_value restart_items[] = {
    { "never", NOS_RESTART_NEVER },
    { "on-crash", NOS_RESTART_ON_CRASH },
    { "always", NOS_RESTART_ALWAYS },
};
LIST(restart, "restart rule");

static const struct name_value escalate_items[] = {
    { "none", NOS_ESCALATE_NONE },
    { "dependants", NOS_ESCALATE_DEPENDANTS },
    { "system", NOS_ESCALATE_SYSTEM },
};
LIST(escalate, "escalation");

static const struct name_value state_items[] = {
    { "running", NOS_CAPSULE_RUNNING },
    { "exited", NOS_CAPSULE_EXITED },
    { "crashed", NOS_CAPSULE_CRASHED },
    { "killed", NOS_CAPSULE_KILLED },
};
LIST(state, "capsule state");

static const struct name_value origin_items[] = {
    { "none", NOS_ORIGIN_NONE },     { "policy", NOS_ORIGIN_POLICY },
    { "made", NOS_ORIGIN_MADE },     { "dup", NOS_ORIGIN_DUP },
    { "spawn", NOS_ORIGIN_SPAWN },   { "load", NOS_ORIGIN_LOAD },
    { "derive", NOS_ORIGIN_DERIVE }, { "message", NOS_ORIGIN_MESSAGE },
    { "token", NOS_ORIGIN_TOKEN },
};
LIST(origin, "origin");

bool name_find(const struct name_list *list, const char *name, uint32_t *out)
{
    for (size_t i = 0; i < list->n; i++) {
        if (strcmp(list->item[i].name, name) == 0) {
            *out = list->item[i].value;
            return true;
        }
    }
    return false;
}

const char *name_of(const struct name_list *list, uint32_t value)
{
    for (size_t i = 0; i < list->n; i++) {
        if (list->item[i].value == value) {
            return list->item[i].name;
        }
    }
    return "?";
}

cJSON *names_of_mask(const struct name_list *list, uint32_t mask)
{
    cJSON *names = cJSON_CreateArray();
    for (unsigned bit = 0; bit < 32; bit++) {
        if ((mask & 1u << bit) == 0) {
            continue;
        }
        char number[16];
        snprintf(number, sizeof(number), "bit %u", bit);
        const char *name = name_of(list, 1u << bit);
        cJSON_AddItemToArray(names, cJSON_CreateString(name[0] == '?' ? number : name));
    }
    return names;
}

char *names_all(const struct name_list *list)
{
    char *all = must_printf("%s", "");
    for (size_t i = 0; i < list->n; i++) {
        char *more = must_printf("%s%s%s", all, i == 0 ? "" : ", ", list->item[i].name);
        free(all);
        all = more;
    }
    return all;
}
