/*
 * Stage: lay the verified kernel out in frames of its own, relocated for its virtual base. The
 * frames begin on a 2 MiB boundary, so that one page table in the direct map is all that its
 * read-only parts cost; the virtual base is drawn. The symbols stay where they were read and
 * verified.
 */
#include "boot/boot.h"
#include "boot/place.h"

static void tell_symbols(struct boot *b)
{
    b->info->symbols_base = (uint64_t)b->kernel.symbols.data;
    b->info->symbols_len = b->kernel.symbols.len;
}

nos_status_t stage_kernel(struct boot *b)
{
    uint8_t *frames = NULL;

    b->subject = "KERNEL.MOD";
    nos_status_t st = elf_parse(b->kernel.image, &b->elf);
    if (st == NOS_OK) {
        st = pages_take_2m(b, b->elf.mem_len, &frames);
    }
    if (st == NOS_OK) {
        b->info->kernel_virt = place_kernel(b->info, b->elf.mem_len);
        st = elf_apply(&b->elf, mspan_of(frames, b->elf.mem_len), b->info->kernel_virt);
    }
    if (st == NOS_OK) {
        b->info->kernel_base = (uint64_t)frames;
        b->info->kernel_len = b->elf.mem_len;
        b->entry = b->info->kernel_virt + b->elf.entry;
        tell_symbols(b);
    }
    return st;
}
