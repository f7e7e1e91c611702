/*
 * What libsodium wants from its surroundings. No path of ours reaches either function: one reports
 * an argument that can only be a programming error, the other asks for randomness, which here comes
 * from the vault and is passed in as a seed. Both stop, so that a mistake shows at once instead of
 * yielding a predictable key.
 */
#include <sodium/core.h>
#include <sodium/randombytes.h>

void sodium_misuse(void)
{
    __builtin_trap();
}

void randombytes_buf(void *const buf, const size_t size)
{
    (void)buf;
    (void)size;
    __builtin_trap();
}
