#pragma once
/* The variables of the prompt, all of which the programs get that it starts. Pure. */
#include <stdbool.h>
#include <stddef.h>

#include "abi/status.h"
#include "lib/compiler.h"

enum { VARS_TEXT = 2048 /* bytes of all NAME=VALUE, with their zeros */ };

/** The value, or NULL. */
const char *vars_get(const char *name, size_t len);

/** Is it NAME=..., or with `bare` NAME alone? */
bool vars_is_assignment(const char *text);
bool vars_is_name(const char *text);

/** NAME=VALUE. Errors: INVALID (no such form), TOO_BIG. */
MUST_CHECK nos_status_t vars_set(const char *assignment);
void vars_unset(const char *name);

/** All of them, one behind another, each ended by a zero. */
const char *vars_all(size_t *len, size_t *n);
