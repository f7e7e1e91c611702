#pragma once
/* What goes through init. */
#include "abi/info.h"
#include "sdk/ipc.h"

/** One request. Errors: DENIED (the policy gives the prompt no call to init), the answer's. */
MUST_CHECK nos_status_t ask_init(struct nos_msg *m);

/** The newest verified build of that name, or the one whose id begins with these digits. */
MUST_CHECK bool find_module(const char *word, struct nos_module_info *out);

/** Have a module run that others need. Errors: NOT_FOUND: no such module; init's NEED. */
MUST_CHECK nos_status_t need_service(const char *name);
