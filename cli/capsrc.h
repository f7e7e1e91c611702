#pragma once
/* Capability lists of manifest and policy sources. Spec: docs/manifest.md, "Capabilities". */
#include <stddef.h>
#include <stdint.h>

#include "abi/caps.h"
#include "abi/module.h"
#include "cli/source.h"
#include "lib/cap.h"
#include "lib/compiler.h"

struct cap_list { /* sorted, no two for one object; every one passed cap_check */
    uint32_t n;
    struct nos_cap cap[NOS_CAPS_MAX];
};

/** Read a list of capabilities. Errors: USAGE, reported. */
MUST_CHECK int capsrc_read(const struct field *list, struct cap_list *out);

/** One of them. Errors: USAGE, reported. */
MUST_CHECK int capsrc_one(const struct field *f, struct nos_cap *out);
