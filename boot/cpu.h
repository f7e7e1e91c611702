#pragma once
/* What the processor must be able to do. Pure, but for cpu_read. Spec: docs/boot.md, "Processor".
 */
#include <stdbool.h>
#include <stdint.h>

#include "lib/fmt.h"

struct cpu_words {  // as CPUID answers; 0 where the leaf does not exist
    uint32_t leaf1_ecx, leaf1_edx;
    uint32_t leaf7_ebx, leaf7_ecx;
    uint32_t ext1_edx;  // leaf 0x80000001
};

void cpu_read(struct cpu_words *out);

/** Names of the required features that are missing, a blank between them; nothing when none is. */
void cpu_missing(const struct cpu_words *w, struct fmt *out);

/** Pages of 1 GiB? Random numbers by RDSEED? Both are used where they are, and not required. */
bool cpu_has_gib_pages(const struct cpu_words *w);
bool cpu_has_rdseed(const struct cpu_words *w);
