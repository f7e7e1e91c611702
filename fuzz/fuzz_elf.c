/* Images: an accepted one can be laid out in exactly the memory that it asks for. */
#include "fuzz/fuzz.h"
#include "lib/elf.h"

enum { LARGEST = 1 << 20 /* keep a run short */ };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct elf_view v;
    uint64_t end = 0;

    if (elf_parse(span_of(data, size), &v) != NOS_OK) {
        return 0;
    }
    PROMISE(v.n_seg >= 1 && v.n_seg <= ELF_SEGMENTS_MAX && v.entry < v.mem_len);
    PROMISE(v.relro_len <= v.mem_len && v.relro_off <= v.mem_len - v.relro_len);
    for (uint32_t i = 0; i < v.n_seg; i++) {
        const struct elf_segment *s = &v.seg[i];
        PROMISE(s->off >= end && s->off % ELF_PAGE == 0 && s->memsz != 0);
        PROMISE(fuzz_inside(s->file, span_of(data, size)) && s->file.len <= s->memsz);
        PROMISE((s->flags & (ELF_W | ELF_X)) != (ELF_W | ELF_X));
        end = s->off + s->memsz;
    }
    PROMISE(end <= v.mem_len && v.mem_len - end < ELF_PAGE);
    nos_status_t st = elf_check_relocs(&v);
    if (v.mem_len <= LARGEST) {
        uint8_t *mem = malloc(v.mem_len);
        PROMISE(mem != NULL);
        PROMISE(elf_apply(&v, mspan_of(mem, v.mem_len), 0x7f0000000000ull) == st);
        free(mem);
    }
    return 0;
}
