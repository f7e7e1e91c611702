/* Before the kernel's first function, whose frame has a shadow already. */
#include "kernel/arch/api/upcalls.h"
#include "kernel/core/log.h"
#include "kernel/crypto/vault.h"
#include "kernel/sanitize/sanitize.h"

_Noreturn void __real_kernel_main(struct nos_bootinfo *bi);
_Noreturn void __wrap_kernel_main(struct nos_bootinfo *bi);
nos_status_t __real_vault_init(struct nos_bootinfo *bi);
nos_status_t __wrap_vault_init(struct nos_bootinfo *bi);

void __wrap_kernel_main(struct nos_bootinfo *bi)
{
    shadow_init(bi);
    globals_init();
    __real_kernel_main(bi);
}

nos_status_t __wrap_vault_init(struct nos_bootinfo *bi)
{
    klog("N0N-OS kernel, sanitised flavour: addresses, undefined behaviour, locks and "
         "references are checked");
    return __real_vault_init(bi);
}
