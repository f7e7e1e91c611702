/* Stage: refuse a processor on which the kernel's guarantees would not hold. */
#include "boot/boot.h"
#include "boot/cpu.h"

nos_status_t stage_cpu(struct boot *b)
{
    static char names[80];
    struct cpu_words words;
    struct fmt missing;

    FMT_INIT(&missing, names);
    cpu_read(&words);
    cpu_missing(&words, &missing);
    b->tables.gib_pages = cpu_has_gib_pages(&words);
    b->subject = names;
    return fmt_text(&missing).len == 0 ? NOS_OK : NOS_BOOT_CPU;
}
