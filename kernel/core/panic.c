/* The end of the line: say what broke, wipe, stop (SETTLED 20). */
#include "kernel/core/panic.h"

#include <stdarg.h>

#include "kernel/arch/api/arch.h"
#include "kernel/core/format.h"
#include "kernel/core/wipe.h"

static bool panicking;

static void backtrace(void)
{
    uint64_t at[16];
    unsigned n = arch_backtrace(0, at, 16);
    for (unsigned i = 0; i < n; i++) {
        klog("  called from %p (image + 0x%lx)", (void *)at[i],
             (uint64_t)(at[i] - NOS_KERNEL_BASE));
    }
}

void panic(const char *format, ...)
{
    char text[160];
    struct sink s = { text, text + sizeof text - 1 };
    va_list args;

    if (panicking) {
        arch_halt();  // broken again while saying so: the first message stands
    }
    panicking = true;
    va_start(args, format);
    format_to(&s, format, args);
    va_end(args);
    *s.at = 0;
    log_serial(true);
    klog("N0N-OS kernel panic: %s", text);
    backtrace();
    klog("%s",
         machine_wipe() ? "memory wiped; stopped" : "panic=hold: keys wiped, memory kept; stopped");
    arch_halt();
}
