/* The smallest PE image that has an empty trust section, as the loader has. */
#include "abi/policy.h"

__attribute__((section(NOS_TRUST_SECTION), used)) static const volatile struct nos_trust trust = {
    .magic = { 'N', '0', 'N', 'R', 'O', 'O', 'T', 1 },
};

int efi_main(void);
int efi_main(void)
{
    return (int)trust.n_root;
}
