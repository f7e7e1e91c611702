/* The operator's policy. The loader verified its signatures and kept it in frames that only the
 * kernel maps. */
#include "kernel/core/panic.h"
#include "kernel/modules/module.h"
#include "lib/status.h"

static struct policy policy;

void policy_init(const struct nos_bootinfo *bi)
{
    const struct nos_boot_file *f = &bi->policy;
    span_t bytes = span_of(phys_ptr((paddr_t){ f->base }), f->len);
    nos_status_t st = f->base == 0 ? NOS_BOOT_NO_FILE : policy_parse(bytes, &policy);

    if (st != NOS_OK) {
        panic("boot policy: %s (%d)", status_text(st), st);
    }
}

const struct policy *policy_get(void)
{
    return &policy;
}
