/* The loader's uses of secrets: random bytes drawn, and hashed for the kernel's place. With its own
 * objects, linked as it is. */
#include "boot/boot.h"
#include "boot/console.h"
#include "boot/place.h"
#include "lib/secret.h"
#include "tests/ct/boot_image.h"
#include "tests/ct/compare.h"

uint64_t firmware_ticks;

static const struct boot_calls *host;
static char text[200];
static struct fmt line;

struct fmt *console_line(void)
{
    FMT_INIT(&line, text);
    return &line;
}

void console_print(void)
{
}

static uefi_status_t UEFI_CALL get_rng(struct uefi_rng *rng, const struct uefi_guid *algorithm,
                                       uint64_t len, uint8_t *out)
{
    (void)rng;
    (void)algorithm;
    host->secret(out, len);
    return UEFI_SUCCESS;
}

static uefi_status_t UEFI_CALL locate(const struct uefi_guid *guid, void *key, void **out)
{
    static struct uefi_rng rng = { .get_rng = get_rng };
    (void)guid;
    (void)key;
    *out = &rng;
    return UEFI_SUCCESS;
}

static struct nos_bootinfo info;

/* The firmware's bytes are this run's secrets; those of the processor are its own, and other ones
 * in each run. */
static SYSV void drawn(void)
{
    static struct uefi_boot_services services = { .locate_protocol = locate };
    static struct boot b = { .bs = &services, .info = &info };

    stage_entropy(&b);
    firmware_ticks = 0;
    secret_wipe(info.entropy, sizeof info.entropy);
    info.entropy_len = info.entropy_bits = info.entropy_sources = 0;
}

/* An image that has one place: where it goes is known, and the caller keeps it. */
static SYSV void placed(void)
{
    host->secret(info.entropy, sizeof info.entropy);
    info.entropy_len = sizeof info.entropy;
    info.entropy_bits = PLACE_ENTROPY_MIN;
    place_kernel(&info, 2046ull << 20);
    secret_wipe(info.entropy, sizeof info.entropy);
}

static SYSV void early(void)
{
    static uint8_t a[64], b[64], out[1];

    host->secret(a, sizeof a);
    memcpy(b, a, sizeof b);
    out[0] = compare_early(a, b, sizeof a);
    compare_left(a, sizeof a);
    secret_wipe(a, sizeof a);
    secret_wipe(b, sizeof b);
    host->known(out, sizeof out);
}

static SYSV void looked_up(void)
{
    static uint8_t a[64], out[64];

    host->secret(a, sizeof a);
    for (unsigned i = 0; i < sizeof a; i++) {
        out[i] = compare_look_up(a[i]);
    }
    secret_wipe(a, 32);  // and not all of it
    host->known(out, sizeof out);
}

#define RUN(f) (void (*)(void))(f)

const struct use *ct_entry(const struct boot_calls *calls);
const struct use *ct_entry(const struct boot_calls *calls)
{
    static const struct use uses[] = {
        { .name = "entropy: drawn", .run = RUN(drawn) },
        { .name = "the kernel's place: hashed", .run = RUN(placed) },
        { .name = "a comparison that stops early, a copy that stays",
          .run = RUN(early),
          .planted = true },
        { .name = "a table read where a secret says, half a secret that stays",
          .run = RUN(looked_up),
          .planted = true },
        { .name = NULL },
    };
    host = calls;
    return uses;
}
