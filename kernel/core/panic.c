/* The end of the line: say what broke, wipe, stop (SETTLED 20). */
#include "kernel/core/panic.h"

#include <stdarg.h>

#include "kernel/arch/api/arch.h"
#include "kernel/core/format.h"
#include "kernel/core/names.h"
#include "kernel/core/percpu.h"
#include "kernel/core/wipe.h"

enum { FRAMES = 16, TEXT = 200 };

static uint32_t breaker; /* 1 + id of the CPU that ends the machine */
static bool said, ending;
static char text[TEXT];

/* Once what there is to say is said, or could not be. */
static _Noreturn void finish(const char *how)
{
    if (ending) {
        arch_park();  // the wipe itself broke
    }
    ending = true;
    if (!machine_wipe()) {
        arch_end(0);  // it says that memory is wiped
    }
    klog("%spanic=hold: keys wiped, memory kept; stopped", how);
    arch_halt();
}

void panic_alone(void)
{
    uint32_t holder = 0, me = this_cpu()->id + 1;
    if (__atomic_compare_exchange_n(&breaker, &holder, me, false, __ATOMIC_ACQ_REL,
                                    __ATOMIC_ACQUIRE)) {
        arch_stop_others();
    } else if (holder == me) {
        finish("it broke again; ");  // no more words, but the wipe is still due
    } else {
        arch_park();  // another CPU was first: its message stands
    }
}

static void once(void)
{
    if (breaker != this_cpu()->id + 1 || said) {
        panic_alone();
    }
    said = true;
}

static void describe(const char *format, va_list args)
{
    struct sink s = { text, text + TEXT - 1 };
    format_to(&s, format, args);
    *s.at = 0;
}

static void backtrace(uint64_t fp)
{
    uint64_t at[FRAMES];
    char place[PLACE_TEXT];
    unsigned n = fp == 0 ? 0 : arch_backtrace(fp, at, FRAMES);  // 0: it had no frame
    for (unsigned i = 0; i < n; i++) {
        klog("  called from %s", caller_text(at[i], place));
    }
}

static _Noreturn void end(uint64_t fp)
{
    log_serial(true);
    klog("N0N-OS kernel panic: %s", text);
    backtrace(fp);
    machine_tell();
    finish("");
}

void panic(const char *format, ...)
{
    va_list args;
    once();
    va_start(args, format);
    describe(format, args);
    va_end(args);
    end((uint64_t)__builtin_frame_address(0));
}

void panic_at(uint64_t fp, const char *format, ...)
{
    va_list args;
    once();
    va_start(args, format);
    describe(format, args);
    va_end(args);
    end(fp);
}
