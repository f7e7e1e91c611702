/* Which kernel and which policy the loader starts: each rule of boot/stage_trust.c, stage_verify.c
 * and stage_kernel.c broken alone, and no memory at each place that asks for some. */
#include "boot/boot.h"
#include "boot/console.h"
#include "lib/crypto/blake3.h"
#include "tests/host/golden.h"
#include "tests/host/test.h"

/* ---- firmware ---- */

static unsigned allowance, pages_live;  // how many pages_take may succeed
static uint8_t *last_taken;
static char line_text[200];
static struct fmt line;
static unsigned n_printed;

nos_status_t pages_take(struct boot *b, uint64_t bytes, uint8_t **out)
{
    (void)b;
    if (allowance == 0) {
        return NOS_NO_MEMORY;
    }
    allowance--;
    *out = malloc(bytes);
    memset(*out, 0xa5, bytes);
    pages_live++;
    last_taken = *out;
    return NOS_OK;
}

nos_status_t pages_take_2m(struct boot *b, uint64_t bytes, uint8_t **out)
{
    return pages_take(b, bytes, out);
}

void pages_give(struct boot *b, uint8_t *data, uint64_t bytes)
{
    (void)b;
    (void)bytes;
    if (data != NULL) {
        free(data);
        pages_live--;
    }
}

struct fmt *console_line(void)
{
    FMT_INIT(&line, line_text);
    return &line;
}

void console_print(void)
{
    line_text[fmt_text(&line).len] = '\0';
    n_printed++;
}

/* ---- a volume ---- */

enum { N = 3, K = 2 };

static struct nos_bootinfo info;
static struct buf kernel, policy;
static struct boot b;

static void use(struct buf new_kernel, struct buf new_policy)
{
    buf_free(&kernel);
    buf_free(&policy);
    kernel = new_kernel;
    policy = new_policy;
    memset(&info, 0, sizeof info);
    b = (struct boot){ .info = &info, .trust = golden_trust(N, K) };
    b.kernel_file = (struct boot_buffer){ kernel.data, kernel.len };
    b.policy_file = (struct boot_buffer){ policy.data, policy.len };
    allowance = 9;
    n_printed = 0;
}

static struct buf good_policy(struct change c, uint32_t k)
{
    struct buf body = golden_policy_body(c);
    struct buf f = golden_policy(buf_span(body), N, k);
    buf_free(&body);
    return f;
}

static struct buf no_policy_change(void)
{
    return good_policy((struct change){ 0 }, K);
}

/* A kernel that the roots sign, whatever is in it. */
static struct buf kernel_of(struct golden_mod *p, uint32_t k)
{
    struct trust_view t = golden_trust(N, K);
    p->flags = NOS_MOD_FLAG_KERNEL;
    memcpy(p->publisher_id, t.set_id, 32);
    p->n_sig = k;
    for (uint32_t i = 0; i < k; i++) {
        p->signer[i] = golden_root(N, i);
    }
    for (uint32_t i = 1; i < k; i++) {  // rows go by the ids of their keys
        for (uint32_t j = i; j > 0 && memcmp(p->signer[j].id, p->signer[j - 1].id, 32) < 0; j--) {
            struct golden_key was = p->signer[j];
            p->signer[j] = p->signer[j - 1];
            p->signer[j - 1] = was;
        }
    }
    struct buf f = golden_module(p);
    golden_parts_free(p);
    return f;
}

static void refused(nos_status_t want, const char *subject)
{
    assert_int_equal(stage_verify(&b), want);
    assert_string_equal(b.subject, subject);
    assert_int_equal(n_printed, 0);  // not a byte of either file reaches the screen
    assert_int_equal(pages_live, 0);
    static const uint8_t none[32];
    assert_memory_equal(info.kernel_id, none, 32);
    assert_memory_equal(info.policy_hash, none, 32);
}

static int fresh(void **state)
{
    (void)state;
    use(golden_kernel(N, K), no_policy_change());
    return 0;
}

static int clear(void **state)
{
    (void)state;
    buf_free(&kernel);
    buf_free(&policy);
    return 0;
}

/* ---- trust ---- */

/* Nobody has filled in the section of this program. */
static void test_no_roots(void **state)
{
    (void)state;
    assert_int_equal(stage_trust(&b), NOS_TRUST_EMPTY);
    assert_string_equal(b.subject, "BOOTX64.EFI");
}

/* ---- verify ---- */

static void test_good(void **state)
{
    uint8_t want[32];
    (void)state;
    assert_int_equal(stage_verify(&b), NOS_OK);
    assert_int_equal(n_printed, 1);
    assert_string_equal(b.policy.first, "init");
    assert_memory_equal(info.root_set, b.trust.set_id, 32);
    mod_id(&b.kernel, want);
    assert_memory_equal(info.kernel_id, want, 32);
    blake3_hash(buf_span(policy), want);
    assert_memory_equal(info.policy_hash, want, 32);
    assert_int_equal(pages_live, 0);
    char id[17], said[100];
    for (unsigned i = 0; i < 8; i++) {
        snprintf(id + 2 * i, 3, "%02x", info.kernel_id[i]);
    }
    snprintf(said, sizeof said, "verified: policy epoch 7, kernel 1.2.3 %s", id);
    assert_string_equal(line_text, said);
}

static void test_policy_refused(void **state)
{
    (void)state;
    b.policy_file.len--;
    assert_int_not_equal(stage_verify(&b), NOS_OK);
    fresh(state);
    allowance = 0;
    refused(NOS_NO_MEMORY, "BOOT.POL");
    fresh(state);
    policy.data[policy.len - 1] ^= 1;
    refused(NOS_BAD_SIGNATURE, "BOOT.POL");
    use(golden_kernel(N, K), good_policy((struct change){ 0 }, 1));
    refused(NOS_FEW_SIGNATURES, "BOOT.POL");
    fresh(state);
    memset(b.trust.key_id[0], 0xee, 32);  // another set of roots
    memset(b.trust.key_id[1], 0xee, 32);
    refused(NOS_KEY_UNKNOWN, "BOOT.POL");
    fresh(state);
    b.trust.epoch_floor = 8;  // the policy's is 7
    refused(NOS_POL_EPOCH, "BOOT.POL");
    b.trust.epoch_floor = 7;
    assert_int_equal(policy_verify(&b), NOS_OK);
    use(golden_kernel(N, K), good_policy((struct change){ NOS_POL_RULES, true, { 0 } }, K));
    refused(NOS_POL_MISSING, "BOOT.POL");
}

static void test_kernel_refused(void **state)
{
    (void)state;
    b.kernel_file.len = 100;
    refused(NOS_MOD_TRUNCATED, "KERNEL.MOD");
    use(golden_module_plain(), no_policy_change());
    refused(NOS_BOOT_NOT_KERNEL, "KERNEL.MOD");
    use(golden_kernel(2, 2), no_policy_change());
    refused(NOS_PUB_UNKNOWN, "KERNEL.MOD");
    fresh(state);
    b.trust.kernel_sec_min = 4;
    refused(NOS_SEC_VERSION, "KERNEL.MOD");

    struct golden_mod p = golden_parts();
    p.sec_version = 2;  // the loader's floor is 2, the policy's 3
    use(kernel_of(&p, K), no_policy_change());
    refused(NOS_SEC_VERSION, "KERNEL.MOD");
    p = golden_parts();
    use(kernel_of(&p, 1), no_policy_change());
    refused(NOS_FEW_SIGNATURES, "KERNEL.MOD");
    fresh(state);
    kernel.data[192 + 40] ^= 1;
    refused(NOS_BAD_SIGNATURE, "KERNEL.MOD");
    fresh(state);
    kernel.data[kernel.len - 1] ^= 1;
    refused(NOS_HASH_CHUNK, "KERNEL.MOD");

    p = golden_parts();  // signed, hashed, and asks for classes
    use(kernel_of(&p, K), no_policy_change());
    refused(NOS_MAN_FIELD, "KERNEL.MOD");
    p = golden_parts();
    p.manifest.data[2] = 1;
    use(kernel_of(&p, K), no_policy_change());
    refused(NOS_TLV_RESERVED, "KERNEL.MOD");
}

/* Each bit of both files: whatever is flipped, something refuses. */
static void test_every_byte_counts(void **state)
{
    (void)state;
    allowance = 100000;
    for (size_t at = 0; at < policy.len; at += 7) {
        policy.data[at] ^= (uint8_t)(1u << at % 8);
        assert_int_not_equal(policy_verify(&b), NOS_OK);
        policy.data[at] ^= (uint8_t)(1u << at % 8);
    }
    assert_int_equal(stage_verify(&b), NOS_OK);
    memset(&info, 0, sizeof info);
    for (size_t at = 0; at < kernel.len; at += at < 600 ? 13 : 401) {
        kernel.data[at] ^= (uint8_t)(1u << at % 8);
        assert_int_not_equal(stage_verify(&b), NOS_OK);
        kernel.data[at] ^= (uint8_t)(1u << at % 8);
    }
}

/* ---- kernel ---- */

static void test_laid_out(void **state)
{
    (void)state;
    assert_int_equal(stage_verify(&b), NOS_OK);
    b.subject = NULL;
    assert_int_equal(stage_kernel(&b), NOS_OK);
    assert_string_equal(b.subject, "KERNEL.MOD");
    assert_int_equal(info.kernel_len, ELF_MEM_LEN);
    assert_int_equal(info.kernel_virt, NOS_KERNEL_BASE);  // no entropy was credited
    assert_int_equal(b.entry, NOS_KERNEL_BASE + ELF_ENTRY_AT);
    const uint8_t *at = (const uint8_t *)(uintptr_t)info.kernel_base;
    assert_memory_equal(at, b.kernel.image.data, 0x300);
    assert_int_equal(load_le64(at + 0x1080), NOS_KERNEL_BASE + 0x200);  // relocated
    assert_ptr_equal((const void *)(uintptr_t)info.symbols_base, b.kernel.symbols.data);
    assert_int_equal(info.symbols_len, b.kernel.symbols.len);
    pages_give(&b, (uint8_t *)(uintptr_t)info.kernel_base, info.kernel_len);
}

static void test_not_laid_out(void **state)
{
    (void)state;
    assert_int_equal(stage_verify(&b), NOS_OK);
    allowance = 0;
    assert_int_equal(stage_kernel(&b), NOS_NO_MEMORY);
    assert_int_equal(info.kernel_base, 0);
    struct golden_mod p = golden_parts();
    p.image.data[16] = 2;  // not a PIE
    use(kernel_of(&p, K), no_policy_change());
    assert_int_equal(mod_extract(buf_span(kernel), &b.kernel), NOS_OK);
    assert_int_equal(stage_kernel(&b), NOS_ELF_HEADER);
    p = golden_parts();
    store_le64(p.image.data + ELF_RELA_AT + 8, 1);  // R_X86_64_64
    use(kernel_of(&p, K), no_policy_change());
    assert_int_equal(mod_extract(buf_span(kernel), &b.kernel), NOS_OK);
    assert_int_equal(stage_kernel(&b), NOS_ELF_RELOC_TYPE);
    assert_int_equal(info.kernel_base, 0);
    assert_int_equal(b.entry, 0);
    pages_give(&b, last_taken, 0);  // the loader stops, with its memory
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, fresh, clear)
    const struct CMUnitTest tests[] = {
        TEST(test_no_roots),          TEST(test_good),
        TEST(test_policy_refused),    TEST(test_kernel_refused),
        TEST(test_every_byte_counts), TEST(test_laid_out),
        TEST(test_not_laid_out),
    };
    return cmocka_run_group_tests_name("boot_verify", tests, NULL, NULL);
}
