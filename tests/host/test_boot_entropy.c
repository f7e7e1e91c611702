/* boot/stage_entropy.c and stage_cpu.c: what each source is credited with, and what a broken one
 * gets; a processor that will not do. */
#include "boot/boot.h"
#include "boot/console.h"
#include "boot/cpu.h"
#include "boot/insn.h"
#include "lib/crypto/scrub.h"
#include "tests/host/test.h"

static bool seed_gives(uint64_t *out), rand_gives(uint64_t *out);
static void scrub(void);
#define rdseed_once seed_gives
#define rdrand_once rand_gives
#define secret_scrub scrub
#include "boot/stage_cpu.c"
#include "boot/stage_entropy.c"
#undef rdseed_once
#undef rdrand_once
#undef secret_scrub

uint64_t firmware_ticks;

#include "tests/host/loader_console_host.h"

/* ---- sources: words, and how often they are dry first ---- */

static struct source {
    uint64_t next;
    unsigned dry, tried; /* before each word so many tries fail */
    unsigned repeats_at; /* the n-th word is the one before it again; 0: none does */
    unsigned words, tries;
} seed, generator;
static bool has_seed, lacks;

static bool gives(struct source *s, uint64_t *out)
{
    s->tries++;
    if (s->tried++ < s->dry) {
        return false;
    }
    s->tried = 0;
    s->words++;
    s->next += s->words == s->repeats_at ? 0 : 0x101;
    *out = s->next;
    return true;
}

static bool seed_gives(uint64_t *out)
{
    return gives(&seed, out);
}

static bool rand_gives(uint64_t *out)
{
    return gives(&generator, out);
}

void cpu_read(struct cpu_words *out)
{
    *out = (struct cpu_words){ .leaf1_ecx = 0x1234 };
}

bool cpu_has_rdseed(const struct cpu_words *w)
{
    assert_int_equal(w->leaf1_ecx, 0x1234);
    return has_seed;
}

bool cpu_has_gib_pages(const struct cpu_words *w)
{
    assert_int_equal(w->leaf1_ecx, 0x1234);
    return has_seed;
}

void cpu_missing(const struct cpu_words *w, struct fmt *out)
{
    assert_int_equal(w->leaf1_ecx, 0x1234);
    fmt_str(out, lacks ? "SMEP UMIP" : "");
}

static uefi_status_t locate_says, rng_says;

static uefi_status_t UEFI_CALL rng(struct uefi_rng *r, const struct uefi_guid *algorithm,
                                   uint64_t len, uint8_t *out)
{
    assert_non_null(r);
    assert_null(algorithm);
    assert_int_equal(len, 64);
    memset(out, 0xf1, len);
    return rng_says;
}

static struct uefi_rng device = { .get_rng = rng };

static uefi_status_t UEFI_CALL locate(const struct uefi_guid *guid, void *key, void **out)
{
    static const struct uefi_guid want = UEFI_RNG_GUID;
    assert_memory_equal(guid, &want, sizeof want);
    assert_null(key);
    *out = locate_says == UEFI_SUCCESS ? &device : NULL;
    return locate_says;
}

static struct uefi_boot_services bs = { .locate_protocol = locate };
static struct nos_bootinfo info;
static struct boot b;
static unsigned scrubs;
static uint32_t scrubbed_at;

static void scrub(void)
{
    scrubs++;
    scrubbed_at = info.entropy_len;
}

static int fresh(void **state)
{
    (void)state;
    memset(&info, 0, sizeof info);
    b = (struct boot){ .bs = &bs, .info = &info };
    seed = (struct source){ .next = 0x5eed };
    generator = (struct source){ .next = 0x7a4d };
    has_seed = true;
    lacks = false;
    locate_says = rng_says = UEFI_SUCCESS;
    scrubs = printed = 0;
    return 0;
}

/* ---- the processor ---- */

static void a_processor(void **state)
{
    (void)state;
    assert_int_equal(stage_cpu(&b), NOS_OK);
    assert_string_equal(b.subject, "");
    assert_true(b.tables.gib_pages);
    has_seed = false;
    lacks = true;
    assert_int_equal(stage_cpu(&b), NOS_BOOT_CPU);
    assert_string_equal(b.subject, "SMEP UMIP");
    assert_false(b.tables.gib_pages);
}

/* ---- entropy ---- */

static void credited(uint32_t len, uint32_t bits, uint32_t sources, const char *words)
{
    stage_entropy(&b);
    assert_int_equal(info.entropy_len, len);
    assert_int_equal(info.entropy_bits, bits);
    assert_int_equal(info.entropy_sources, sources);
    assert_string_equal(text, words);
    assert_int_equal(printed, 1);
    assert_int_equal(scrubs, 1);  // when no more words come
    assert_int_equal(scrubbed_at, len);
}

static void all_of_them(void **state)
{
    (void)state;
    credited(64 + 64 + 128, 256 + 256 + 256,
             NOS_ENTROPY_UEFI_RNG | NOS_ENTROPY_RDSEED | NOS_ENTROPY_RDRAND,
             "entropy: 768 bits from firmware RDSEED RDRAND");
    assert_int_equal(info.entropy[0], 0xf1);
    assert_int_equal(info.entropy[63], 0xf1);
    for (unsigned i = 0; i < 8; i++) {
        assert_int_equal(load_le64(info.entropy + 64 + 8 * i), 0x5eed + 0x101 * (i + 1));
    }
    for (unsigned i = 0; i < 16; i++) {
        assert_int_equal(load_le64(info.entropy + 128 + 8 * i), 0x7a4d + 0x101 * (i + 1));
    }
}

static void one_alone(void **state)
{
    for (unsigned only = 0; only < 4; only++) {
        fresh(state);
        locate_says = only == 0 ? UEFI_SUCCESS : UEFI_NOT_FOUND;
        has_seed = only == 1;
        generator.dry = only == 2 ? 0 : TRIES;
        only == 0   ? credited(64, 256, NOS_ENTROPY_UEFI_RNG, "entropy: 256 bits from firmware")
        : only == 1 ? credited(64, 256, NOS_ENTROPY_RDSEED, "entropy: 256 bits from RDSEED")
        : only == 2 ? credited(128, 256, NOS_ENTROPY_RDRAND, "entropy: 256 bits from RDRAND")
                    : credited(0, 0, 0, "entropy: 0 bits from no source");
        assert_int_equal(seed.tries != 0, only == 1);  // without the feature it is not asked
    }
}

static void firmware_that_fails(void **state)
{
    (void)state;
    rng_says = UEFI_INVALID_PARAMETER;
    has_seed = false;
    credited(128, 256, NOS_ENTROPY_RDRAND, "entropy: 256 bits from RDRAND");
    assert_int_equal(load_le64(info.entropy), 0x7a4d + 0x101);  // over what it left
}

static void dry_for_a_while(void **state)
{
    (void)state;
    seed.dry = TRIES - 1;
    generator.dry = 3;
    credited(256, 768, NOS_ENTROPY_UEFI_RNG | NOS_ENTROPY_RDSEED | NOS_ENTROPY_RDRAND,
             "entropy: 768 bits from firmware RDSEED RDRAND");
    assert_int_equal(seed.tries, 8 * TRIES);
    fresh(state);
    seed.dry = TRIES;
    credited(192, 512, NOS_ENTROPY_UEFI_RNG | NOS_ENTROPY_RDRAND,
             "entropy: 512 bits from firmware RDRAND");
    assert_int_equal(seed.tries, TRIES);
}

/* A source that says the same twice gets nothing, wherever it does; so does one that says all ones
 * first. */
static void broken(void **state)
{
    for (unsigned at = 1; at <= 16; at++) {
        fresh(state);
        seed.repeats_at = at;
        generator.repeats_at = at;
        seed.next = generator.next = UINT64_MAX;  // and the first word may be that
        bool ok = at > 8;
        stage_entropy(&b);
        assert_int_equal(info.entropy_sources,
                         NOS_ENTROPY_UEFI_RNG | (ok ? NOS_ENTROPY_RDSEED : 0u));
        assert_int_equal(info.entropy_bits, ok ? 512 : 256);
        assert_int_equal(info.entropy_len, ok ? 128 : 64);
    }
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup(f, fresh)
    const struct CMUnitTest tests[] = {
        TEST(a_processor),         TEST(all_of_them),     TEST(one_alone),
        TEST(firmware_that_fails), TEST(dry_for_a_while), TEST(broken),
    };
    return cmocka_run_group_tests_name("boot_entropy", tests, NULL, NULL);
}
