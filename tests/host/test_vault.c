/* The vault: what is credited, what is derived from what, what is forgotten when. */
#include "tests/host/test.h"

#include "kernel/arch/api/arch.h"
#include "kernel/core/panic.h"
#include "lib/compiler.h"
#include "lib/crypto/ed25519.h"
#include "tests/host/stack_host.h"

static uint64_t tsc;
#define arch_tsc() tsc  // in line in the kernel: the test's clock stands still

/* Where on the stack a secret was handed on, and what it was. */
static struct {
    const uint8_t *at;
    uint8_t what[32];
    size_t len;
} keep[4];
static unsigned n_kept;

static void note(const void *at, const void *secret, size_t len)
{
    if (n_kept < ARRAY_LEN(keep)) {
        keep[n_kept].at = at;
        keep[n_kept].len = len;
        memcpy(keep[n_kept++].what, secret, len);
    }
}

static void noted_keypair(uint8_t pk[32], uint8_t sk[64], const uint8_t seed[32])
{
    note(seed, seed, 32);
    ed25519_keypair_from_seed(pk, sk, seed);
}

static void *noted_copy(void *to, const void *from, size_t n)
{
    if (n == sizeof(uint64_t)) {  // a word that is drawn
        note(to, from, n);
    }
    return memcpy(to, from, n);
}

#define memcpy noted_copy
#define ed25519_keypair_from_seed noted_keypair
#include "kernel/crypto/vault.c"  // looked into: what it keeps is half of what is tested
#undef ed25519_keypair_from_seed
#undef memcpy

/* ---- the machine ---- */

static unsigned cpu_bits;
static uint8_t cpu_byte;
static unsigned entropy_calls;
static jmp_buf broken;

unsigned arch_entropy(uint8_t *out, size_t len)
{
    entropy_calls++;
    memset(out, cpu_byte, len);
    note(out, out, 32);
    return cpu_bits;
}

void panic(const char *format, ...)
{
    (void)format;
    longjmp(broken, 1);
}

static bool panics(void (*call)(void))
{
    if (setjmp(broken) != 0) {
        return true;
    }
    call();
    return false;
}

static struct nos_bootinfo spare_info;
static size_t sign_len = 1;
static const char *sign_domain = NOS_DOMAIN_CAP;

static void do_random(void)
{
    (void)vault_random64();
}

static void do_init(void)
{
    if (vault_init(&spare_info) != NOS_OK) {
        abort();
    }
}

static void do_sign(void)
{
    static const uint8_t msg[VAULT_MSG_MAX + 1];
    uint8_t sig[64];
    vault_sign(sign_domain, span_of(msg, sign_len), sig);
}

static struct nos_bootinfo boot_info(uint32_t len, uint32_t bits)
{
    struct nos_bootinfo bi = { .entropy_len = len,
                               .entropy_bits = bits,
                               .tsc_start = 11,
                               .tsc_exit = 22,
                               .tsc_firmware = 33 };
    for (size_t i = 0; i < sizeof bi.entropy; i++) {
        bi.entropy[i] = (uint8_t)(i * 7 + 1);
    }
    memset(bi.kernel_id, 0x4b, 32);
    memset(bi.policy_hash, 0x50, 32);
    return bi;
}

static int fresh(void **state)
{
    (void)state;
    memset(&vault, 0, sizeof vault);
    cpu_bits = 512;
    cpu_byte = 0xc1;
    tsc = 44;
    return 0;
}

static void open_vault(void)
{
    struct nos_bootinfo bi = boot_info(64, 512);
    fresh(NULL);
    assert_int_equal(vault_init(&bi), NOS_OK);
}

/* ---- credit ---- */

static void test_credit(void **state)
{
    static const struct {
        uint32_t len, bits, cpu;
        nos_status_t want;
    } row[] = {
        { 32, 256, 0, NOS_OK },
        { 32, 255, 0, NOS_NO_ENTROPY },
        { 32, 255, 1, NOS_OK },  // sources add up
        { 0, 0, 256, NOS_OK },   // the CPU alone
        { 0, 0, 255, NOS_NO_ENTROPY },
        { 0, 4000, 255, NOS_NO_ENTROPY },  // no bytes, no credit
        { 31, 4000, 0, NOS_NO_ENTROPY },   // 31 bytes are 248 bits, whatever is claimed
        { 31, 4000, 8, NOS_OK },
        { 256, 256, 0, NOS_OK },           // as many as there is room for
        { 257, 4000, 0, NOS_NO_ENTROPY },  // a length that cannot be
        { 300, 4000, 0, NOS_NO_ENTROPY },
        { UINT32_MAX, UINT32_MAX, 255, NOS_NO_ENTROPY },
        { 0, 0, 0, NOS_NO_ENTROPY },
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(row); i++) {
        struct nos_bootinfo bi = boot_info(row[i].len, row[i].bits);
        fresh(NULL);
        cpu_bits = row[i].cpu;
        assert_int_equal(vault_init(&bi), row[i].want);
        assert_int_equal(vault.open, row[i].want == NOS_OK);
        assert_true(
            span_is_zero(SPAN_OF(bi.entropy)));  // taken or refused: gone from the loader's page
        if (row[i].want != NOS_OK) {
            assert_true(span_is_zero(SPAN_OF(vault.issuer_sk)));
            assert_true(span_is_zero(SPAN_OF(vault.stream)));
            assert_true(panics(do_random));
            assert_true(panics(do_sign));
        }
    }
}

static void test_cpu_claims_no_more_than_it_gives(void **state)
{
    struct nos_bootinfo bi = boot_info(0, 0);
    (void)state;
    cpu_bits = 100000;
    uint8_t root[32];
    assert_int_equal(gather(&bi, root), 8 * CPU_BYTES);
}

/* ---- derivation ---- */

/* The root by the words of docs/vault.md, not by the code. */
static void root_by_the_book(const struct nos_bootinfo *bi, uint8_t root[32])
{
    uint8_t t[1024], cpu[64];
    size_t n = 0;
    uint64_t clocks[4] = { bi->tsc_start, bi->tsc_exit, bi->tsc_firmware, tsc };
    const struct {
        const void *data;
        size_t len;
    } part[] = { { bi->entropy, bi->entropy_len },
                 { cpu, 64 },
                 { clocks, 32 },
                 { bi->kernel_id, 32 },
                 { bi->policy_hash, 32 } };

    memset(cpu, cpu_byte, sizeof cpu);
    for (size_t i = 0; i < ARRAY_LEN(part); i++) {
        store_le64(t + n, part[i].len);
        memcpy(t + n + 8, part[i].data, part[i].len);
        n += 8 + part[i].len;
    }
    blake3_derive(NOS_CTX_VAULT, span_of(t, n), root);
}

static void test_derivation(void **state)
{
    struct nos_bootinfo bi = boot_info(100, 800);
    uint8_t root[32], want[32], pk[32], sk[64];
    (void)state;
    root_by_the_book(&bi, root);
    assert_int_equal(vault_init(&bi), NOS_OK);
    blake3_derive(NOS_CTX_BOOT_ID, SPAN_OF(root), want);
    assert_memory_equal(vault_boot_id(), want, 32);
    blake3_derive(NOS_CTX_VAULT_ISSUER, SPAN_OF(root), want);
    ed25519_keypair_from_seed(pk, sk, want);
    assert_memory_equal(vault_issuer_pk(), pk, 32);
    blake3_derive(NOS_CTX_VAULT_STREAM, SPAN_OF(root), want);
    assert_memory_equal(vault.stream, want, 32);
    blake3_derive(NOS_CTX_VAULT_AUDIT, SPAN_OF(root), want);
    ed25519_keypair_from_seed(pk, sk, want);
    assert_memory_equal(vault_audit_pk(), pk, 32);
}

static void change(struct nos_bootinfo *bi, unsigned what)
{
    switch (what) {
    case 0:
        bi->entropy[0] ^= 1;
        break;
    case 1:
        bi->entropy[63] ^= 0x80;
        break;
    case 2:
        bi->entropy_len--;
        break;
    case 3:
        cpu_byte ^= 1;
        break;
    case 4:
        tsc++;
        break;
    case 5:
        bi->tsc_start++;
        break;
    case 6:
        bi->tsc_firmware++;
        break;
    case 7:
        bi->kernel_id[31] ^= 1;
        break;
    case 8:
        bi->policy_hash[0] ^= 1;
        break;
    case 9:
        bi->tsc_exit++;
        break;
    default:
        break;  // as it was
    }
}

/* Each source by itself changes all that is derived. */
static void test_every_source_counts(void **state)
{
    enum { SOURCES = 10 };
    uint8_t id[SOURCES + 1][32], pk[SOURCES + 1][32], random[SOURCES + 1][32];
    (void)state;
    for (unsigned i = 0; i <= SOURCES; i++) {
        struct nos_bootinfo bi = boot_info(64, 512);
        fresh(NULL);
        change(&bi, i);
        assert_int_equal(vault_init(&bi), NOS_OK);
        memcpy(id[i], vault_boot_id(), 32);
        memcpy(pk[i], vault_issuer_pk(), 32);
        vault_random(random[i], 32);
        for (unsigned k = 0; k < i; k++) {
            assert_memory_not_equal(id[i], id[k], 32);
            assert_memory_not_equal(pk[i], pk[k], 32);
            assert_memory_not_equal(random[i], random[k], 32);
        }
    }
}

static void test_opened_once(void **state)
{
    (void)state;
    open_vault();
    spare_info = boot_info(64, 512);
    assert_true(panics(do_init));
}

/* ---- the stream ---- */

static void test_stream_does_not_depend_on_the_pieces(void **state)
{
    uint8_t whole[3000], pieces[3000];
    (void)state;
    open_vault();
    vault_random(whole, sizeof whole);
    open_vault();
    for (size_t at = 0, n = 1; at < sizeof pieces; at += n, n = n * 3 % 97 + 1) {
        n = n < sizeof pieces - at ? n : sizeof pieces - at;
        vault_random(pieces + at, n);
    }
    assert_memory_equal(whole, pieces, sizeof whole);
    open_vault();
    uint64_t v = vault_random64();
    assert_memory_equal(&v, whole, 8);
}

/* What was given out is nowhere in the vault, and neither is a key that could make it again. */
static void test_backtracking(void **state)
{
    uint8_t key[32], out[16];
    (void)state;
    open_vault();
    for (unsigned i = 0; i < 100; i++) {
        memcpy(key, vault.stream, sizeof key);
        bool refills = vault.at == sizeof vault.stream;
        vault_random(out, sizeof out);
        assert_false(holds(&vault, sizeof vault, out, sizeof out));
        assert_int_equal(holds(&vault, sizeof vault, key, sizeof key), !refills);
        assert_true(span_is_zero(SPAN_OF(vault.ctx.opaque)));
    }
}

static void test_stream_repeats_nothing(void **state)
{
    enum { N = 4096 };
    static uint64_t seen[N];
    (void)state;
    open_vault();
    for (unsigned i = 0; i < N; i++) {
        seen[i] = vault_random64();
        for (unsigned k = 0; k < i; k++) {
            assert_true(seen[i] != seen[k]);
        }
    }
}

/* Time goes into each refill and fresh entropy into every 64th: a leaked key does not tell the
 * future for ever. */
static void test_stream_is_refreshed(void **state)
{
    uint8_t a[POOL_BYTES], b[POOL_BYTES], other[POOL_BYTES];
    (void)state;
    open_vault();
    vault_random(a, sizeof a);
    vault_random(a, sizeof a);
    open_vault();
    vault_random(b, sizeof b);
    tsc++;
    vault_random(b, sizeof b);
    assert_memory_not_equal(a, b, sizeof a);

    for (unsigned change_at = 0; change_at < 2; change_at++) {
        open_vault();
        entropy_calls = 0;
        for (unsigned i = 0; i < 63; i++) {
            vault_random(other, sizeof other);
        }
        assert_int_equal(entropy_calls, 0);
        cpu_byte = (uint8_t)(0xc1 + change_at);
        vault_random(change_at == 0 ? a : b, sizeof a);
        assert_int_equal(entropy_calls, 1);
    }
    assert_memory_not_equal(a, b, sizeof a);
}

/* ---- what is left behind ---- */

static void *thread_init(void *bi)
{
    KEEP_CLEAR(pad);
    return vault_init(bi) == NOS_OK && pad[0] == 1 ? bi : NULL;
}

static void *thread_prepare(void *arg)
{
    KEEP_CLEAR(pad);
    vault_audit_prepare();
    return pad[0] == 1 ? arg : NULL;
}

static void *thread_random(void *out)
{
    KEEP_CLEAR(pad);
    vault_random(out, 32);
    return pad[0] == 1 ? out : NULL;
}

/* Neither where vault_init's own variables were, nor where those of the hash were. */
static void test_root_is_wiped(void **state)
{
    static struct nos_bootinfo bi;
    uint8_t root[32], seed[32], stream[32], audit[32], cpu[32];
    (void)state;
    bi = boot_info(64, 512);
    memset(cpu, cpu_byte, sizeof cpu);
    root_by_the_book(&bi, root);
    blake3_derive(NOS_CTX_VAULT_AUDIT, SPAN_OF(root), audit);
    blake3_derive(NOS_CTX_VAULT_ISSUER, SPAN_OF(root), seed);
    blake3_derive(NOS_CTX_VAULT_STREAM, SPAN_OF(root), stream);
    uint8_t *stack = run_on_a_stack(thread_init, &bi);
    assert_true(vault.open);
    assert_false(holds(stack, stack_used, root, 32));
    assert_false(holds(stack, stack_used, seed, 32));
    assert_false(holds(stack, stack_used, stream, 32));
    assert_false(holds(stack, stack_used, audit, 32));
    assert_false(holds(stack, stack_used, cpu, 32));
    assert_false(holds(&vault, sizeof vault, root, 32));
    assert_true(span_is_zero(span_of(&vault.ctx, sizeof vault.ctx)));
    assert_memory_equal(vault.issuer_sk, seed, 32);  // where it belongs
    munmap(stack, STACK);
}

static void test_stream_key_is_wiped(void **state)
{
    static uint8_t out[32];
    uint8_t old[32];
    (void)state;
    open_vault();
    memcpy(old, vault.stream, 32);
    uint8_t *stack = run_on_a_stack(thread_random, out);
    assert_memory_not_equal(vault.stream, old, 32);
    assert_false(holds(stack, stack_used, old, 32));
    assert_false(holds(stack, stack_used, vault.stream, 32));
    assert_false(holds(stack, stack_used, out, 32));
    munmap(stack, STACK);
}

/* The seed of the next key of checkpoints, which the one that signs now is made into. */
static void test_next_seed_is_wiped(void **state)
{
    (void)state;
    open_vault();
    uint8_t *stack = run_on_a_stack(thread_prepare, &vault);
    assert_true(vault_audit_ready());
    assert_false(holds(stack, stack_used, vault.audit_next_sk, 32));
    assert_false(holds(stack, stack_used, vault.audit_sk, 32));
    munmap(stack, STACK);
}

/* Nothing of a secret is where a function kept it. */
static void run_and_look(void *(*f)(void *), void *arg, unsigned kept)
{
    n_kept = 0;
    uint8_t *stack = run_on_a_stack(f, arg);
    assert_int_equal(n_kept, kept);
    for (unsigned i = 0; i < kept; i++) {
        assert_in_range(keep[i].at - stack, 0, stack_used);
        for (size_t k = 0; k < keep[i].len; k += 8) {
            assert_memory_not_equal(keep[i].at + k, keep[i].what + k, 8);
        }
    }
    munmap(stack, STACK);
}

static void *thread_refill(void *arg)
{
    KEEP_CLEAR(pad);
    refill();
    return pad[0] == 1 ? arg : NULL;
}

/* What the CPU gave for the 64th refill. */
static void test_fresh_bytes_are_wiped(void **state)
{
    (void)state;
    open_vault();
    vault.refills = FRESH_EVERY - 1;
    cpu_byte = 0xc7;
    run_and_look(thread_refill, NULL, 1);
}

static uint8_t given[ED25519_SK_LEN];

static void *thread_gather(void *bi)
{
    KEEP_CLEAR(pad);
    return gather(bi, given) == 2 * 512 && pad[0] == 1 ? bi : NULL;
}

static void *thread_derive(void *root)
{
    KEEP_CLEAR(pad);
    derive_all(root);
    return pad[0] == 1 ? root : NULL;
}

static void *thread_audit_key(void *from)
{
    KEEP_CLEAR(pad);
    audit_key(NOS_CTX_AUDIT_RATCHET, span_of(from, KEY_LEN), given);
    return pad[0] == 1 ? from : NULL;
}

static void *thread_random64(void *out)
{
    KEEP_CLEAR(pad);
    *(uint64_t *)out = vault_random64();
    return pad[0] == 1 ? out : NULL;
}

/* Each function wipes its own variables: the compiler may make it a part of its caller, and then
 * no scrubbing below that goes over them. */
static void test_each_wipes_what_is_its_own(void **state)
{
    static struct nos_bootinfo bi;
    static uint8_t root[KEY_LEN] = { 0x70, 0x07 };
    static uint64_t word;
    (void)state;
    bi = boot_info(64, 512);
    run_and_look(thread_gather, &bi, 1);
    run_and_look(thread_derive, root, 2);
    run_and_look(thread_audit_key, root, 1);
    open_vault();
    run_and_look(thread_random64, &word, 1);
}

static void test_wipe(void **state)
{
    (void)state;
    open_vault();
    (void)vault_random64();
    vault_wipe();
    assert_true(span_is_zero(span_of(&vault, sizeof vault)));
    assert_true(panics(do_random));
    assert_true(panics(do_sign));
}

/* ---- signing ---- */

static void test_sign(void **state)
{
    uint8_t sig[64], msg[16 + VAULT_MSG_MAX + 1] = "N0N/cap/v1";
    uint8_t *body = msg + sizeof NOS_DOMAIN_CAP;
    (void)state;
    open_vault();
    for (size_t len = 0; len <= VAULT_MSG_MAX; len += 64) {
        memset(body, (int)len + 1, len);
        vault_sign(NOS_DOMAIN_CAP, span_of(body, len), sig);
        assert_true(
            ed25519_verify(sig, span_of(msg, sizeof NOS_DOMAIN_CAP + len), vault_issuer_pk()));
        vault_sign(NOS_DOMAIN_KEL, span_of(body, len), sig);
        assert_false(
            ed25519_verify(sig, span_of(msg, sizeof NOS_DOMAIN_CAP + len), vault_issuer_pk()));
    }
    sign_len = VAULT_MSG_MAX + 1;
    assert_true(panics(do_sign));
    sign_len = 1;
    sign_domain = "a domain that is longer than any of ours";
    assert_true(panics(do_sign));
    sign_domain = NOS_DOMAIN_CAP;
    assert_false(panics(do_sign));
}

/* ---- the ratchet ---- */

static bool vault_holds(const uint8_t *bytes, size_t len)
{
    return memmem(&vault, sizeof vault, bytes, len) != NULL;
}

/* Each key signs once, announces the next, and is gone; the next follows from it alone. */
static void test_ratchet(void **state)
{
    uint8_t seed[32], pk[32], sk[64], next_pk[32], next_sk[64], sig[64], other[64];
    (void)state;
    open_vault();
    memcpy(seed, vault.audit_sk, 32);
    for (int i = 0; i < 5; i++) {
        ed25519_keypair_from_seed(pk, sk, seed);
        blake3_derive(NOS_CTX_AUDIT_RATCHET, SPAN_OF(seed), next_sk);
        memcpy(seed, next_sk, 32);
        ed25519_keypair_from_seed(next_pk, next_sk, seed);
        assert_false(vault_audit_ready());
        vault_audit_prepare();
        assert_true(vault_audit_ready());
        assert_memory_equal(vault_audit_pk(), pk, 32);
        assert_memory_equal(vault_audit_next_pk(), next_pk, 32);
        vault_audit_sign(SPAN_LIT("text"), sig);
        ed25519_sign(other, SPAN_LIT("text"), sk);
        assert_memory_equal(sig, other, 64);
        assert_false(vault_holds(sk, 32));  // the seed: whoever reads this cannot sign again
        assert_false(vault_audit_ready());
        assert_true(span_is_zero(SPAN_OF(vault.audit_next_sk)));
        assert_memory_equal(vault_audit_pk(), next_pk, 32);
        assert_memory_not_equal(vault_audit_pk(), vault_issuer_pk(), 32);
    }
    assert_true(vault_holds(next_sk, 32));
    vault_audit_prepare();
    vault_wipe();
    assert_true(span_is_zero(span_of(&vault, sizeof vault)));
}

static void do_audit_sign(void)
{
    uint8_t sig[64];
    vault_audit_sign(SPAN_LIT("text"), sig);
}

/* No key signs without the next one, none is skipped. */
static void test_ratchet_order(void **state)
{
    (void)state;
    assert_true(panics(vault_audit_prepare));  // shut
    open_vault();
    assert_true(panics(do_audit_sign));
    vault_audit_prepare();
    assert_true(panics(vault_audit_prepare));
    assert_false(panics(do_audit_sign));
    assert_true(panics(do_audit_sign));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_credit, fresh),
        cmocka_unit_test_setup(test_cpu_claims_no_more_than_it_gives, fresh),
        cmocka_unit_test_setup(test_derivation, fresh),
        cmocka_unit_test_setup(test_every_source_counts, fresh),
        cmocka_unit_test_setup(test_opened_once, fresh),
        cmocka_unit_test_setup(test_ratchet, fresh),
        cmocka_unit_test_setup(test_ratchet_order, fresh),
        cmocka_unit_test_setup(test_stream_does_not_depend_on_the_pieces, fresh),
        cmocka_unit_test_setup(test_backtracking, fresh),
        cmocka_unit_test_setup(test_stream_repeats_nothing, fresh),
        cmocka_unit_test_setup(test_stream_is_refreshed, fresh),
        cmocka_unit_test_setup(test_root_is_wiped, fresh),
        cmocka_unit_test_setup(test_stream_key_is_wiped, fresh),
        cmocka_unit_test_setup(test_next_seed_is_wiped, fresh),
        cmocka_unit_test_setup(test_fresh_bytes_are_wiped, fresh),
        cmocka_unit_test_setup(test_each_wipes_what_is_its_own, fresh),
        cmocka_unit_test_setup(test_wipe, fresh),
        cmocka_unit_test_setup(test_sign, fresh),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
