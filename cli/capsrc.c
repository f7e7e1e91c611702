/* Capability lists of JSON sources. */
#include "cli/capsrc.h"

#include <stdlib.h>
#include <string.h>

#include "cli/names.h"
#include "cli/report.h"

static const char *const keys_plain[] = { "kind", "rights", "ttl_ms", NULL };
static const char *const keys_log[] = { "kind", NULL };
static const char *const keys_named[] = { "kind", "rights", "ttl_ms", "name", NULL };
static const char *const keys_ports[] = { "kind", "rights", "ttl_ms", "base", "count", NULL };
static const char *const keys_irq[] = { "kind", "rights", "ttl_ms", "line", NULL };

static const char *const *keys_of(uint32_t kind)
{
    switch (kind) {
    case NOS_CAP_LOG:
        return keys_log;
    case NOS_CAP_ENDPOINT:
    case NOS_CAP_NOTIFY:
    case NOS_CAP_NETWORK:
        return keys_named;
    case NOS_CAP_PORTS:
        return keys_ports;
    case NOS_CAP_IRQ:
        return keys_irq;
    default:
        return keys_plain;
    }
}

/** Rights that mean something for a kind: a right that does nothing is a mistake in the source. */
static uint32_t rights_of(uint32_t kind)
{
    const uint32_t any = NOS_RIGHT_DUP | NOS_RIGHT_TRANSFER | NOS_RIGHT_INSPECT | NOS_RIGHT_REVOKE;
    switch (kind) {
    case NOS_CAP_ENDPOINT:
    case NOS_CAP_NETWORK:
        return any | NOS_RIGHT_CALL | NOS_RIGHT_RECV | NOS_RIGHT_GRANT;
    case NOS_CAP_NOTIFY:
        return any | NOS_RIGHT_SIGNAL | NOS_RIGHT_WAIT;
    case NOS_CAP_PORTS:
        return any | NOS_RIGHT_READ | NOS_RIGHT_WRITE;
    case NOS_CAP_IRQ:
        return any | NOS_RIGHT_WAIT;
    case NOS_CAP_FRAMEBUFFER:
        return any | NOS_RIGHT_READ | NOS_RIGHT_WRITE | NOS_RIGHT_MAP;
    case NOS_CAP_POWER:
        return any | NOS_RIGHT_OFF | NOS_RIGHT_RESET;
    case NOS_CAP_NODE:
        return any | NOS_RIGHT_KILL | NOS_RIGHT_LOAD | NOS_RIGHT_LOG | NOS_RIGHT_AUDIT |
               NOS_RIGHT_TOKEN | NOS_RIGHT_CRASH | NOS_RIGHT_DEBUG | NOS_RIGHT_SPAWN;
    default:
        return 0;
    }
}

static int read_rights(const struct field *f, uint32_t kind, uint32_t *out)
{
    struct field rights;
    uint32_t mask = 0;
    int rc = field_need(f, "rights", &rights);
    if (rc == DONE) {
        rc = field_mask(&rights, &right_names, &mask);
    }
    for (size_t i = 0; rc == DONE && i < right_names.n; i++) {
        if ((mask & right_names.item[i].value & ~rights_of(kind)) != 0) {
            rc = field_fail(&rights, "right \"%s\" means nothing for kind \"%s\"",
                            right_names.item[i].name, name_of(&cap_kind_names, kind));
        }
    }
    if (rc == DONE) {
        *out = mask;
    }
    return rc;
}

static int read_ports(const struct field *f, struct nos_cap *cap)
{
    int rc = need_u64(f, "base", 0, 65535, &cap->a);
    return rc == DONE ? need_u64(f, "count", 1, 65536 - cap->a, &cap->b) : rc;
}

static int read_object(const struct field *f, struct nos_cap *cap)
{
    switch (cap->kind) {
    case NOS_CAP_ENDPOINT:
    case NOS_CAP_NOTIFY:
    case NOS_CAP_NETWORK:
        return need_nos_name(f, "name", cap->name);
    case NOS_CAP_PORTS:
        return read_ports(f, cap);
    case NOS_CAP_IRQ:
        return need_u64(f, "line", 0, 15, &cap->a);
    default:
        return DONE;
    }
}

static int read_kind(const struct field *f, uint16_t *out)
{
    struct field kind;
    uint32_t v = 0;
    if (!cJSON_IsObject(f->node)) {
        return field_fail(f, "must be an object { \"kind\": ... }");
    }
    int rc = field_need(f, "kind", &kind);
    if (rc == DONE) {
        rc = field_name(&kind, &cap_kind_names, &v);
    }
    if (rc == DONE) {
        *out = (uint16_t)v;
    }
    return rc;
}

int capsrc_one(const struct field *f, struct nos_cap *out)
{
    struct nos_cap cap = { 0 };
    uint64_t ttl_ms = 0;
    int rc = read_kind(f, &cap.kind);
    if (rc == DONE) {
        rc = field_object(f, keys_of(cap.kind));
    }
    if (rc == DONE && cap.kind != NOS_CAP_LOG) {
        rc = read_rights(f, cap.kind, &cap.rights);
    }
    if (rc == DONE) {
        rc = read_object(f, &cap);
    }
    if (rc == DONE) {
        rc = member_u64(f, "ttl_ms", 0, UINT64_MAX / 1000000, &ttl_ms);
    }
    cap.ttl_ns = ttl_ms * 1000000;
    if (rc == DONE && cap_check(&cap) != NOS_OK) {
        rc = field_fail(f, "is no capability that abi/caps.h allows");
    }
    if (rc == DONE) {
        *out = cap;
    }
    return rc;
}

static int by_object(const void *a, const void *b)
{
    return cap_compare(a, b);
}

int capsrc_read(const struct field *list, struct cap_list *out)
{
    struct cap_list all = { 0 };
    size_t n = 0;
    int rc = field_array(list, 0, NOS_CAPS_MAX, &n);
    for (size_t i = 0; rc == DONE && i < n; i++) {
        struct field item = field_item(list, i);
        rc = capsrc_one(&item, &all.cap[i]);
        for (size_t j = 0; rc == DONE && j < i; j++) {
            if (cap_compare(&all.cap[i], &all.cap[j]) == 0) {
                rc = field_fail(
                    &item, "is for the same object as item %zu: write one with the rights of both",
                    j);
            }
        }
    }
    if (rc == DONE) {
        all.n = (uint32_t)n;
        qsort(all.cap, n, sizeof(all.cap[0]), by_object);
        *out = all;
    }
    return rc;
}
