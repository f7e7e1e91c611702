/* Trust sections. The result goes through trust_parse, so ids and rules are the loader's own. */
#include "cli/trustsrc.h"

#include <stdlib.h>
#include <string.h>

#include "lib/status.h"

static int by_bytes(const void *a, const void *b)
{
    return memcmp(a, b, 32);
}

int trustsrc_read(const struct words *files, uint32_t k, uint64_t epoch_floor,
                  uint32_t kernel_sec_min, struct trust_view *out)
{
    struct trust_view t = { .epoch_floor = epoch_floor, .kernel_sec_min = kernel_sec_min };
    uint8_t section[TRUST_BYTES];

    if (files->n == 0 || files->n > TRUST_ROOTS_MAX) {
        return fail(USAGE, "%zu root keys given; 1 to %d are possible", files->n, TRUST_ROOTS_MAX);
    }
    for (size_t i = 0; i < files->n; i++) {
        struct key_public key;
        int rc = key_load_public_as(files->item[i], KEY_ROOT, &key);
        if (rc != DONE) {
            return rc;
        }
        memcpy(t.root[i], key.pk, 32);
    }
    t.n_root = (uint32_t)files->n;
    t.k = k == 0 ? t.n_root : k;
    qsort(t.root, t.n_root, 32, by_bytes);
    trust_write(&t, section);
    nos_status_t st = trust_parse(SPAN_OF(section), out);
    if (st != NOS_OK) {
        fail(USAGE, "these root keys make no trust section: %s (%s)", status_text(st),
             status_name(st));
        hint("each key once, and a threshold of 1 to %u", t.n_root);
        return USAGE;
    }
    return DONE;
}
