/* What the files under test tell the audit log: how many records, and the newest of them with its
 * causes. */
#pragma once

#include "kernel/audit/audit.h"

static struct {
    unsigned records, causes, remembered, forgotten;
    enum nos_audit_kind kind;
    uint32_t actor;
    nos_status_t status;
    bool has_subject;
    uint8_t subject[32];
    uint64_t a, b;
    const char *text;
    const struct audit_ref *cause[4];
    struct audit_ref *ref; /* remembered or forgotten last */
} told;

void audit_add(enum nos_audit_kind kind, uint32_t actor, nos_status_t status,
               const uint8_t subject[32], uint64_t a, uint64_t b, const char *text)
{
    told.records++;
    told.causes = 0;
    told.kind = kind;
    told.actor = actor;
    told.status = status;
    told.has_subject = subject != NULL;
    memset(told.subject, 0, sizeof told.subject);
    if (subject != NULL) {
        memcpy(told.subject, subject, sizeof told.subject);
    }
    told.a = a;
    told.b = b;
    told.text = text;
}

void audit_cause(const struct audit_ref *cause)
{
    told.cause[told.causes++ % 4] = cause;
}
