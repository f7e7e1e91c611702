/* The processor's features, by CPUID: Intel SDM volume 2A, CPUID; AMD APM volume 3, appendix E. */
#include "boot/cpu.h"

#include <stddef.h>

#include "boot/insn.h"
#include "lib/compiler.h"

struct feature {
    size_t word;  // offset into struct cpu_words
    uint32_t bit;
    const char *name;
};

#define WORD(member) offsetof(struct cpu_words, member)

static const struct feature required[] = {
    { WORD(leaf1_edx), 9, "APIC" },    { WORD(leaf1_edx), 24, "FXSR" },
    { WORD(leaf1_edx), 26, "SSE2" },   { WORD(ext1_edx), 11, "SYSCALL" },
    { WORD(ext1_edx), 20, "NX" },      { WORD(leaf7_ebx), 7, "SMEP" },
    { WORD(leaf7_ebx), 20, "SMAP" },   { WORD(leaf7_ecx), 2, "UMIP" },
    { WORD(leaf1_ecx), 30, "RDRAND" },
};
static const struct feature gib_pages = { WORD(ext1_edx), 26, "PDPE1GB" };
static const struct feature rdseed = { WORD(leaf7_ebx), 18, "RDSEED" };

static bool has(const struct cpu_words *w, const struct feature *f)
{
    const uint32_t *word = (const uint32_t *)(const void *)((const uint8_t *)w + f->word);
    return (*word >> f->bit & 1) != 0;
}

void cpu_missing(const struct cpu_words *w, struct fmt *out)
{
    for (size_t i = 0; i < ARRAY_LEN(required); i++) {
        if (!has(w, &required[i])) {
            fmt_str(out, out->len > 0 ? " " : "");
            fmt_str(out, required[i].name);
        }
    }
}

bool cpu_has_gib_pages(const struct cpu_words *w)
{
    return has(w, &gib_pages);
}

bool cpu_has_rdseed(const struct cpu_words *w)
{
    return has(w, &rdseed);
}

void cpu_read(struct cpu_words *out)
{
    struct cpu_words w = { 0 };
    uint32_t last = cpuid(0).eax;
    struct cpu_leaf l = cpuid(1);
    w.leaf1_ecx = l.ecx;
    w.leaf1_edx = l.edx;
    if (last >= 7) {
        l = cpuid(7);
        w.leaf7_ebx = l.ebx;
        w.leaf7_ecx = l.ecx;
    }
    if (cpuid(0x80000000).eax >= 0x80000001) {
        w.ext1_edx = cpuid(0x80000001).edx;
    }
    *out = w;
}
