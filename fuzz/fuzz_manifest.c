/* Manifests: what is accepted holds only values that the format allows. */
#include "fuzz/fuzz.h"
#include "fuzz/tlv_mutate.h"
#include "lib/manifest.h"
#include "lib/text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct manifest m;
    struct nos_cap cap;
    uint64_t len;
    span_t hashes;

    bool found = manifest_find_symbols(span_of(data, size), &len, &hashes);
    if (manifest_parse(span_of(data, size), &m) != NOS_OK) {
        return 0;
    }
    PROMISE(found == (m.symbols_len != 0));
    PROMISE(name16_ok(m.name) && text_ok(m.semver) && text_ok(m.licence) && text_ok(m.about));
    PROMISE((m.classes & ~(uint32_t)NOS_CLASS_ALL) == 0 && m.n_caps <= NOS_CAPS_MAX);
    PROMISE(m.limits.mem_pages >= 16 && m.limits.threads >= 1 && m.limits.priority <= 30);
    for (uint32_t i = 0; i < m.n_caps; i++) {
        PROMISE(manifest_cap(&m, i, &cap) && cap_check(&cap) == NOS_OK);
        PROMISE((cap_class(cap.kind) & ~m.classes) == 0);
        PROMISE(cap_intersect(&cap, &cap, &cap));
    }
    PROMISE(!manifest_cap(&m, m.n_caps, &cap));
    return 0;
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned seed)
{
    return tlv_mutate(data, size, max_size, 0, seed);
}
