/* The trust section, by itself and inside a PE image. */
#include "fuzz/fuzz.h"
#include "lib/pe.h"
#include "lib/trust.h"

static void parse(span_t section)
{
    struct trust_view t;
    uint8_t again[TRUST_BYTES];

    if (trust_parse(section, &t) == NOS_OK) {
        PROMISE(t.k >= 1 && t.k <= t.n_root && t.n_root <= TRUST_ROOTS_MAX);
        trust_write(&t, again);
        PROMISE(memcmp(again, section.data, TRUST_BYTES) == 0);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    size_t off, len;
    span_t section;

    parse(span_of(data, size));
    if (pe_find_section(span_of(data, size), NOS_TRUST_SECTION, &off, &len) == NOS_OK) {
        PROMISE(span_cut(span_of(data, size), off, len, &section));
        parse(section);
    }
    return 0;
}
