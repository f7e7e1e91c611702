/* Globals: each file has a constructor that says where they lie, made by the compiler. */
#include "kernel/sanitize/sanitize.h"

/* As clang 14 lays it out. */
struct global {
    uint64_t at, size, size_with_redzone;
    const char *name, *module;
    uint64_t dynamic_init, location, odr;
};

typedef void constructor(void);
extern constructor *const constructors[], *const constructors_end[];

void __asan_register_globals(const struct global *g, uint64_t n);
void __asan_unregister_globals(const struct global *g, uint64_t n);

void __asan_register_globals(const struct global *g, uint64_t n)
{
    for (uint64_t i = 0; i < n; i++) {
        uint64_t closed = (g[i].size + GRANULE - 1) & ~(uint64_t)(GRANULE - 1);
        shadow_open(g[i].at, g[i].size);
        shadow_poison(g[i].at + closed, g[i].size_with_redzone - closed, SHADOW_GLOBAL);
    }
}

void __asan_unregister_globals(const struct global *g, uint64_t n)
{
    (void)g;
    (void)n;  // the kernel has no destructors
}

void globals_init(void)
{
    for (constructor *const *c = constructors; c < constructors_end; c++) {
        (*c)();
    }
}
