#pragma once
/* manifest.json to what goes into a module. Spec: docs/manifest.md. */
#include <stdbool.h>
#include <stdint.h>

#include "cli/file.h"
#include "lib/compiler.h"

struct module_source {
    char name[16];
    uint64_t version; /* as the header holds it */
    uint32_t sec_version;
    struct buf manifest; /* canonical TLV; accepted by manifest_parse */
};

struct module_wishes { /* what the command line says beside the source */
    bool kernel;
    const char *version; /* NULL: as the source says */
    bool have_sec_version;
    uint32_t sec_version;
    span_t symbols; /* lump that the module will carry; empty: none */
};

/** Read, check and compile a manifest source. Errors: IO_FAILED, USAGE; reported. */
MUST_CHECK int manifestsrc_read(const char *file, const struct module_wishes *wish,
                                struct module_source *out);
