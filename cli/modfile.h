#pragma once
/* Making and signing .mod files. Spec: abi/module.h; docs/formats.md, "Module". */
#include <stdbool.h>
#include <stdint.h>

#include "cli/file.h"
#include "cli/keyfile.h"
#include "cli/manifestsrc.h"
#include "cli/program.h"
#include "lib/compiler.h"

enum { MODFILE_MAX = 80 << 20 }; /* more than the largest well-formed module */

struct modfile_maker {
    bool kernel;
    uint8_t publisher_id[32]; /* kernel: root set id */
    uint32_t n_sig;
};

/** The unsigned file: header, rows that wait for signatures, manifest, chunk table, image, symbols.
 */
void modfile_make(const struct modfile_maker *who, const struct module_source *src,
                  const struct program *prog, struct buf *out);

/**
 * Sign in place. A publisher's signature makes the publisher the module's own and replaces any
 * other; a root's goes into one of the rows that wait, or over its own. Errors: REFUSED when this
 * key has nothing to sign here; reported with `path`.
 */
MUST_CHECK int modfile_sign(const char *path, struct buf *file, const struct key_secret *key);
