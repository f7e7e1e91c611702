/* What the loader does with secrets. It is no ELF file and no function of it is called as Linux
 * calls, so its own objects are linked into an image as it is (tests/ct/boot_image.c); that is in
 * this program, mapped and relocated as firmware would. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "lib/span.h"
#include "tests/ct/boot_image.h"
#include "tests/ct/ct.h"

/* tests/ct/common.c signs and seals, which a loader does not. */
const struct use ct_common[] = { { 0 } };
const size_t ct_common_len = 0;

extern const uint8_t ct_image[] __asm__("_binary_image_start");

enum { PAGE = 4096, DIR64 = 10, EXECUTE = 1 << 29 };

static void relocate(uint8_t *to, uint32_t at, uint32_t size, uint64_t by)
{
    for (uint32_t end = at + size, n; at < end; at += n) {
        uint32_t page = load_le32(to + at);
        n = load_le32(to + at + 4);
        for (uint32_t i = 8; i < n; i += 2) {
            uint16_t entry = load_le16(to + at + i);
            uint8_t *p = to + page + (entry & 0xfff);
            if (entry >> 12 == DIR64) {
                store_le64(p, load_le64(p) + by);
            }
        }
    }
}

static void protect(uint8_t *p, size_t n, int how)
{
    if (mprotect(p, (n + PAGE - 1) & ~(size_t)(PAGE - 1), how) != 0) {
        perror("ct: mprotect");
        exit(1);
    }
}

/* Gives: the entry of the image, where it now is. */
static boot_entry_t map_image(void)
{
    const uint8_t *pe = ct_image + load_le32(ct_image + 0x3c), *optional = pe + 24;
    const uint8_t *section = optional + load_le16(pe + 20);
    unsigned sections = load_le16(pe + 6);
    uint8_t *to = mmap(NULL, load_le32(optional + 56), PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (to == MAP_FAILED) {
        perror("ct: mmap");
        exit(1);
    }
    for (unsigned i = 0; i < sections; i++) {
        const uint8_t *s = section + 40 * (size_t)i;
        uint32_t filed = load_le32(s + 16), size = load_le32(s + 8);
        memcpy(to + load_le32(s + 12), ct_image + load_le32(s + 20), filed < size ? filed : size);
    }
    relocate(to, load_le32(optional + 152), load_le32(optional + 156),
             (uint64_t)(uintptr_t)to - load_le64(optional + 24));
    for (unsigned i = 0; i < sections; i++) {
        const uint8_t *s = section + 40 * (size_t)i;
        if ((load_le32(s + 36) & EXECUTE) != 0) {
            protect(to + load_le32(s + 12), load_le32(s + 8), PROT_READ | PROT_EXEC);
        }
    }
    return (boot_entry_t)(uintptr_t)(to + load_le32(optional + 16));
}

int main(int argc, char **argv)
{
    static const struct boot_calls calls = { .secret = ct_secret, .known = ct_public };
    const struct use *uses = map_image()(&calls);
    size_t n = 0;

    while (uses[n].name != NULL) {
        n++;
    }
    return ct_main(argc, argv, uses, n);
}
