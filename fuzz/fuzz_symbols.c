/* Symbol lumps: each symbol is found at its own address. */
#include "fuzz/fuzz.h"
#include "lib/symbols.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct symbols s;
    uint64_t off;
    span_t name;

    if (symbols_parse(span_of(data, size), &s) != NOS_OK) {
        return 0;
    }
    for (uint32_t i = 0; i < s.n; i++) {
        uint32_t addr = load_le32(s.rows.data + (size_t)i * SYMBOL_ROW);
        PROMISE(symbols_find(&s, addr, &name, &off) && off == 0);
        PROMISE(name.len >= 1 && name.len <= SYMBOL_NAME_MAX && fuzz_inside(name, s.names));
        (void)!symbols_find(&s, (uint64_t)addr + size, &name, &off);
    }
    PROMISE(!symbols_find(&s, s.n == 0 ? 0 : UINT64_MAX, &name, &off) || off != 0);
    return 0;
}
