/*
 * Stage: the trust roots, which are part of this very image: whoever signs the image for Secure
 * Boot signs them too. The section is empty in a fresh build; `nonosctl image` fills it in the
 * file.
 */
#include "abi/policy.h"
#include "boot/boot.h"

/* volatile: the compiler sees zeros here and must not act on them, for they are filled in later. */
SECTION(NOS_TRUST_SECTION)
USED const volatile struct nos_trust trust_section = { .magic = NOS_TRUST_MAGIC };

nos_status_t stage_trust(struct boot *b)
{
    uint8_t bytes[sizeof(trust_section)];
    const volatile uint8_t *from = (const volatile uint8_t *)&trust_section;

    for (size_t i = 0; i < sizeof(bytes); i++) {
        bytes[i] = from[i];
    }
    b->subject = "BOOTX64.EFI";
    return trust_parse(span_of(bytes, sizeof(bytes)), &b->trust);
}
