#include "tests/ct/compare.h"

#include "lib/secret.h"

bool compare_secret(const uint8_t *a, const uint8_t *b, size_t n)
{
    return secret_equal(a, b, n);
}

/* The copy is made without a register that has some of it afterwards. */
void compare_wipe(void *p, size_t n)
{
    uint8_t copy[64], *to = copy, *from = p;
    size_t len = n < sizeof copy ? n : sizeof copy;

    __asm__ volatile("rep movsb" : "+D"(to), "+S"(from), "+c"(len) : : "memory");
    secret_wipe(copy, sizeof copy);
    secret_wipe(p, n);
}

bool compare_early(const uint8_t *a, const uint8_t *b, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (a[i] != b[i]) {
            return false;
        }
    }
    return true;
}

uint8_t compare_look_up(uint8_t secret)
{
    static const uint8_t table[256] = { 1, 2, 3, 5, 7, 11, 13 };
    return table[secret];
}

uint8_t compare_left(const uint8_t *a, size_t n)
{
    uint8_t copy[64];

    memcpy(copy, a, n < sizeof copy ? n : sizeof copy);
    __asm__ volatile("" : : "r"(copy) : "memory");  // it is used, and stays
    return 0;
}
