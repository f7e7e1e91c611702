#pragma once
/*
 * The records of abi/info.h and abi/audit.h as lines of text: the prompt's listings and nonosctl's
 * are the same bytes.
 * A header line, then one line per record; each ends in a newline. Text inside records came from
 * outside and is
 * printed with fmt_safe.
 */
#include <stdbool.h>
#include <stdint.h>

#include "abi/audit.h"
#include "abi/crash.h"
#include "abi/info.h"
#include "abi/policy.h"
#include "lib/fmt.h"

enum {
    RENDER_LINE_MAX = 560,    // bytes; a header line or a row always fits
    RENDER_PAGE_MAX = 2048,   // mem, about
    RENDER_CRASH_MAX = 8192,  // one crash record
};

/* ps */
void render_ps_head(struct fmt *f);
void render_ps(struct fmt *f, const struct nos_capsule_info *c, uint64_t now_ns);
/**
 * What became of a capsule, for people: "crashed: division by zero or overflow at main+0x12 (ip
 * 401234)".
 */
void render_end(struct fmt *f, const struct nos_capsule_info *c);

/* stop: how it ended, enum nos_stop_way */
void render_stop(struct fmt *f, const char *name, uint64_t way, uint64_t dependants, uint64_t ms);

/* upgrade: which capsule is in whose place; id 0: of who asked, under way */
void render_upgrade(struct fmt *f, uint64_t old, uint64_t id, uint64_t pause_ns);

/* caps */
void render_caps_head(struct fmt *f);
void render_handle_object(struct fmt *f, const struct nos_handle_info *h);  // "console #17"
void render_cap(struct fmt *f, const struct nos_handle_info *h, uint64_t now_ns);

/* modules */
void render_modules_head(struct fmt *f);
void render_module(struct fmt *f, const struct nos_module_info *m);

/* audit */
void render_audit_head(struct fmt *f);
void render_audit(struct fmt *f, const struct nos_audit_entry *e);
void render_decision(struct fmt *f, uint64_t b);  // of a SUPERVISE record: "restart in 100 ms"
/** Of a GRANT record that is a refusal: what `module` was not given, why, and who could give it.
 * False, and nothing, of any other record. */
bool render_missing(struct fmt *f, const struct nos_audit_entry *e, const char *module);
void render_withheld(struct fmt *f, uint32_t classes, const char *module); /* of classes alone */
void render_audit_hidden(struct fmt *f, const struct nos_audit_record *r); /* without its body */

/* crash ls, and all of one record: both only of a record that crash_parse let through */
void render_crash_head(struct fmt *f);
void render_crash_row(struct fmt *f, const struct nos_crash_record *r);
void render_crash_page(struct fmt *f, const struct nos_crash_record *r);
const char *render_doing(uint32_t doing);

/* several lines each */
void render_mem(struct fmt *f, const struct nos_mem_info *m);
void render_about(struct fmt *f, const struct nos_about *a);

/* words for numbers; "?" for a number that has none */
const char *render_state(uint32_t state);
const char *render_type(uint32_t type);
const char *render_origin(uint32_t origin);
const char *render_crash(uint64_t crash);
const char *render_kill(uint64_t why);
void render_rights(struct fmt *f, uint32_t rights);    // "read,write"; "-" for none
void render_classes(struct fmt *f, uint32_t classes);  // "CoreExec,IPC"; "-" for none
