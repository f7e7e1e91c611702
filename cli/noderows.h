#pragma once
/* The records of a live node as JSON objects. The text form is lib/render.h's, as at the node's own
 * prompt. */
#include "abi/audit.h"
#include "abi/crash.h"
#include "abi/info.h"
#include "cli/out.h"

cJSON *row_capsule(const struct nos_capsule_info *c);
cJSON *row_handle(const struct nos_handle_info *h, uint32_t capsule);
cJSON *row_module(const struct nos_module_info *m);
cJSON *row_mem(const struct nos_mem_info *m);
cJSON *row_about(const struct nos_about *a);
cJSON *row_audit(const struct nos_audit_entry *e);
cJSON *row_audit_hidden(const struct nos_audit_record *r); /* its body is kept back */
cJSON *row_crash(const struct nos_crash_record *r);
