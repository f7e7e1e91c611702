#pragma once
/* A linked program, as the linker wrote it, to the two parts that a module carries: the stripped
 * image and the symbol lump. Both depend on nothing but the file's bytes. Spec: docs/formats.md,
 * "Image" and "Symbol lump". */
#include <stdbool.h>

#include "cli/file.h"
#include "lib/compiler.h"

struct program { /* release with program_free */
    struct buf image;
    struct buf symbols; /* empty when the file has no symbol table */
};

/**
 * Read, strip and check a program: what elf_parse or a relocation check refuses is refused here.
 * Errors: IO_FAILED, REFUSED; reported.
 */
MUST_CHECK int program_load(const char *path, bool with_symbols, struct program *out);
void program_free(struct program *p);
