/* What clang calls before each load and store of an instrumented file, and the memory functions,
 * which the linker sends here (--wrap). */
#include "kernel/sanitize/sanitize.h"

#define CALLER ((uint64_t)__builtin_return_address(0))

void san_range(uint64_t addr, uint64_t len, bool write, uint64_t ip)
{
    uint64_t bad = shadow_bad(addr, len);
    if (UNLIKELY(bad != 0)) {
        san_found_at(bad, len, write, ip);
    }
}

/* Up to eight bytes: two granules at most, of which the first is used to its end. */
static ALWAYS_INLINE void check(uint64_t addr, uint64_t len, bool write, uint64_t ip)
{
    uint64_t last = addr + len - 1;
    if (!shadow_covers(addr)) {
        if (UNLIKELY(addr < USER_MAX && shadow_covers(NOS_DIRECT_BASE))) {
            san_found_at(addr, len, write, ip);
        }
        return;
    }
    int8_t s = (int8_t)*shadow_at(last);
    bool bad = s != 0 && (int8_t)(last % GRANULE) >= s;
    bad = bad || ((addr ^ last) >> SHADOW_SHIFT != 0 && *shadow_at(addr) != 0);
    if (UNLIKELY(bad)) {
        san_found_at(addr, len, write, ip);
    }
}

#define ACCESS(n) \
    void __asan_load##n##_noabort(uint64_t addr); \
    void __asan_store##n##_noabort(uint64_t addr); \
    void __asan_load##n##_noabort(uint64_t addr) \
    { \
        check(addr, n, false, CALLER); \
    } \
    void __asan_store##n##_noabort(uint64_t addr) \
    { \
        check(addr, n, true, CALLER); \
    }

ACCESS(1)
ACCESS(2)
ACCESS(4)
ACCESS(8)

void __asan_load16_noabort(uint64_t addr);
void __asan_store16_noabort(uint64_t addr);
void __asan_loadN_noabort(uint64_t addr, uint64_t len);
void __asan_storeN_noabort(uint64_t addr, uint64_t len);

void __asan_load16_noabort(uint64_t addr)
{
    san_range(addr, 16, false, CALLER);
}

void __asan_store16_noabort(uint64_t addr)
{
    san_range(addr, 16, true, CALLER);
}

void __asan_loadN_noabort(uint64_t addr, uint64_t len)
{
    san_range(addr, len, false, CALLER);
}

void __asan_storeN_noabort(uint64_t addr, uint64_t len)
{
    san_range(addr, len, true, CALLER);
}

void *__real_memcpy(void *to, const void *from, size_t n);
void *__real_memmove(void *to, const void *from, size_t n);
void *__real_memset(void *to, int byte, size_t n);
int __real_memcmp(const void *a, const void *b, size_t n);
void *__wrap_memcpy(void *to, const void *from, size_t n);
void *__wrap_memmove(void *to, const void *from, size_t n);
void *__wrap_memset(void *to, int byte, size_t n);
int __wrap_memcmp(const void *a, const void *b, size_t n);

void *__wrap_memcpy(void *to, const void *from, size_t n)
{
    san_range((uint64_t)from, n, false, CALLER);
    san_range((uint64_t)to, n, true, CALLER);
    return __real_memcpy(to, from, n);
}

void *__wrap_memmove(void *to, const void *from, size_t n)
{
    san_range((uint64_t)from, n, false, CALLER);
    san_range((uint64_t)to, n, true, CALLER);
    return __real_memmove(to, from, n);
}

void *__wrap_memset(void *to, int byte, size_t n)
{
    san_range((uint64_t)to, n, true, CALLER);
    return __real_memset(to, byte, n);
}

int __wrap_memcmp(const void *a, const void *b, size_t n)
{
    san_range((uint64_t)a, n, false, CALLER);
    san_range((uint64_t)b, n, false, CALLER);
    return __real_memcmp(a, b, n);
}

/* The kernel's end of a user copy, which is assembly. */
bool __real_arch_copy_from_user(void *dst, uint64_t src, size_t len);
bool __real_arch_copy_to_user(uint64_t dst, const void *src, size_t len);
bool __wrap_arch_copy_from_user(void *dst, uint64_t src, size_t len);
bool __wrap_arch_copy_to_user(uint64_t dst, const void *src, size_t len);

bool __wrap_arch_copy_from_user(void *dst, uint64_t src, size_t len)
{
    san_range((uint64_t)dst, len, true, CALLER);
    return __real_arch_copy_from_user(dst, src, len);
}

bool __wrap_arch_copy_to_user(uint64_t dst, const void *src, size_t len)
{
    san_range((uint64_t)src, len, false, CALLER);
    return __real_arch_copy_to_user(dst, src, len);
}
