#pragma once
/* Audit records as news: what happened, in plain words. */
#include <stdbool.h>

#include <cjson/cJSON.h>

#include "abi/audit.h"
#include "lib/fmt.h"

enum { EVENT_LINE_MAX = 400 };

/** "12.345 pupil (capsule 7) was killed: watchdog: ...", without a line feed. */
void render_event(struct fmt *f, const struct nos_audit_entry *e);

/** The same words with the record's fields. */
cJSON *row_event(const struct nos_audit_entry *e);
