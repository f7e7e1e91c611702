#pragma once
/* A boot image, in memory: what goes into a volume, or came out of one, and the loader's judgement
 * of it. */
#include <stdbool.h>
#include <stdint.h>

#include "abi/bootinfo.h"
#include "cli/file.h"
#include "cli/modcheck.h"
#include "lib/compiler.h"
#include "lib/policy.h"
#include "lib/trust.h"

enum { LOADER_MAX = 16 << 20 };

struct image_module {
    char file[NOS_NAME_MAX + 1]; /* name in /N0N */
    struct buf bytes;
    struct module_check check;
};

struct image { /* release with image_free */
    struct buf loader, kernel_bytes, policy_bytes;
    struct trust_view trust; /* from the loader's trust section */
    struct policy policy;    /* verified */
    struct module_check kernel;
    uint32_t n_modules;
    struct image_module module[NOS_BOOT_FILES_MAX];
};

void image_free(struct image *im);

/** The trust section of a loader, as bytes in the file. Errors: REFUSED, reported. */
MUST_CHECK int image_find_trust(const char *path, const struct buf *loader, size_t *off,
                                size_t *len);

/** Parse the loader's trust section into im->trust. Errors: REFUSED, reported. */
MUST_CHECK int image_read_trust(const char *path, struct image *im);

/** Judge policy, kernel and modules as the loader and the kernel will. Fills the checks.
 * Errors: REFUSED when the machine would not start: policy or kernel refused; reported with the
 * paths. */
MUST_CHECK int image_judge(const char *policy_path, const char *kernel_path, struct image *im);

/** Is all that the started modules need on the volume too, and nobody waiting for himself? Errors:
 * REFUSED, reported. */
MUST_CHECK int image_needs(const char *path, const struct image *im);

/** Are all of the image's modules good, and is what the policy starts among them, with all that
 * these need? Errors: REFUSED, reported. */
MUST_CHECK int image_complete(const char *path, const struct image *im);

/** Write the volume, in one step. Errors: IO_FAILED, TOOL_FAILED; reported. */
MUST_CHECK int image_write(const char *path, const struct image *im);

/** Read a volume: loader, kernel, policy, and the modules that the policy names. A module that is
 * not there has no bytes. Errors: REFUSED, IO_FAILED, TOOL_FAILED; reported. */
MUST_CHECK int image_read(const char *path, struct image *out);
