#pragma once
/* Modules and policies as rows for cli/out.h. */
#include <stdbool.h>

#include "cli/modcheck.h"
#include "cli/out.h"
#include "lib/policy.h"
#include "lib/token.h"

/** The ids and numbers of a module's header. Only for a file that passed STAGE_HASHES. */
cJSON *show_module_ids(const struct module_check *c);

/** All of it: ids, and what the manifest says. Only for a module whose signer is believed. */
cJSON *show_module(const struct module_check *c);

/** A capability as an object: kind, its object, rights, ttl. */
cJSON *show_cap(const struct nos_cap *cap);

cJSON *show_policy(const struct policy *p);

/** "1.2.3" into `row`. */
void show_version(cJSON *row, const char *key, uint64_t version);

/** The blocks of a token, and what it comes to: the last block, under token_id of the whole. */
void show_token(cJSON *row, const struct token_chain *c);
