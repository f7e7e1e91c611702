/* Inside the covered flavour (docs/trusted-core.md): the released sources, compiled once more so
 * that each region of code counts how often it ran, with this folder linked around them by --wrap.
 * Nothing in the released kernel knows of it. */
#pragma once

#include <stddef.h>
#include <stdint.h>

/* All counters, as the compiler laid them out; what is counted goes on while one reads. */
extern uint64_t covered_first[] __asm__("__start___llvm_prf_cnts");
extern uint64_t covered_end[] __asm__("__stop___llvm_prf_cnts");

static inline size_t covered_count(void)
{
    return (size_t)(covered_end - covered_first);
}

/* out.c: out of the debug port, after a tag or as they are. */
void covered_put(uint8_t tag, const void *data, size_t len);
void covered_write(const uint8_t *data, size_t len);
