/*
 * What functions leave behind that knew a secret: lib/crypto/scrub.h and its callers. Each runs on
 * a stack of its own, which is looked at afterwards: no byte of it was written since. `make ct`
 * looks for the secrets themselves, in every flavour.
 */
#include "lib/crypto/aead.h"
#include "lib/crypto/blake3.h"
#include "lib/crypto/ed25519.h"
#include "lib/crypto/hmac.h"
#include "lib/crypto/scrub.h"
#include "tests/host/test.h"

enum { STACK = 256 << 10, DIRT = 0xa5, REGISTERS = 9, VECTORS = 16 };

static uint8_t stack[STACK] __attribute__((aligned(64)));
static uint8_t key[64] = "a key of the test", text[64], sealed[80], out[64], pk[32], sk[64];
static bool good = true;  // asked later: an assertion would write on the stack

/* call_on(top, f): f() on the stack that ends at `top`.
 * registers_after(f, general, vectors): all ones in each register that a call may change, f(), what
 * they are then. */
void call_on(uint8_t *top, void (*f)(void));
void registers_after(void (*f)(void), uint64_t general[REGISTERS], uint8_t vectors[VECTORS][16]);
__asm__(".text\n"
        "call_on:\n\t"
        "push %rbp; mov %rsp, %rbp; mov %rdi, %rsp; call *%rsi; mov %rbp, %rsp; pop %rbp; ret\n"
        "registers_after:\n\t"
        "push %rbx; push %r12; push %r13; mov %rdi, %rbx; mov %rsi, %r12; mov %rdx, %r13\n\t"
        "or $-1, %rax; or $-1, %rcx; or $-1, %rdx; or $-1, %rsi; or $-1, %rdi\n\t"
        "or $-1, %r8; or $-1, %r9; or $-1, %r10; or $-1, %r11\n\t"
        ".irp n, 0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15\n\t"
        "pcmpeqd %xmm\\n, %xmm\\n\n\t"
        ".endr\n\t"
        "call *%rbx\n\t"
        "mov %rax, (%r12); mov %rcx, 8(%r12); mov %rdx, 16(%r12); mov %rsi, 24(%r12)\n\t"
        "mov %rdi, 32(%r12); mov %r8, 40(%r12); mov %r9, 48(%r12); mov %r10, 56(%r12)\n\t"
        "mov %r11, 64(%r12)\n\t"
        ".irp n, 0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15\n\t"
        "movdqu %xmm\\n, 16 * \\n(%r13)\n\t"
        ".endr\n\t"
        "pop %r13; pop %r12; pop %rbx; ret\n");

static void seal(void)
{
    good = aead_seal(MSPAN_OF(sealed), SPAN_OF(text), SPAN_LIT("ad"), pk, key);
}

static void open_good(void)
{
    good = aead_open(MSPAN_OF(out), SPAN_OF(sealed), SPAN_LIT("ad"), pk, key);
}

static void open_bad(void)
{
    good = !aead_open(MSPAN_OF(out), SPAN_OF(sealed), SPAN_LIT("AD"), pk, key);
}

static void pair(void)
{
    ed25519_keypair_from_seed(pk, sk, key);
}

static void sign(void)
{
    ed25519_sign(out, SPAN_OF(text), sk);
}

static void mac(void)
{
    hmac_sha512(SPAN_OF(key), SPAN_OF(text), out);
}

static void hash_plain(void)
{
    blake3_hash(SPAN_OF(text), out);
}

static void hash_derive(void)
{
    blake3_derive("n0n test", SPAN_OF(text), out);
}

static void hash_keyed(void)
{
    blake3_keyed(key, SPAN_OF(text), out);
}

/* The longest run of zeros on the stack, which was dirty before. */
static size_t zeros_left_by(void (*f)(void))
{
    size_t run = 0, most = 0;

    memset(stack, DIRT, sizeof stack);
    call_on(stack + sizeof stack, f);
    for (size_t i = 0; i < sizeof stack; i++) {
        run = stack[i] == 0 ? run + 1 : 0;
        most = run > most ? run : most;
    }
    assert_true(good);
    assert_int_equal(stack[0], DIRT);  // it was large enough
    return most;
}

static void test_stack(void **state)
{
    static const struct {
        const char *name;
        void (*f)(void);
        size_t zeros;
    } rows[] = {
        { "secret_scrub", secret_scrub, 2048 },
        { "secret_scrub_deep", secret_scrub_deep, 8192 },
        { "aead_seal", seal, 2048 },
        { "aead_open", open_good, 2048 },
        { "aead_open that refuses", open_bad, 2048 },
        { "ed25519_keypair_from_seed", pair, 2048 },
        { "ed25519_sign", sign, 2048 },
        { "hmac_sha512", mac, 2048 },
        { "blake3_hash", hash_plain, BLAKE3_STATE_BYTES },  // the state lay there
        { "blake3_derive", hash_derive, BLAKE3_STATE_BYTES },
        { "blake3_keyed", hash_keyed, BLAKE3_STATE_BYTES },
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        size_t zeros = zeros_left_by(rows[i].f);
        if (zeros < rows[i].zeros) {
            fail_msg("%s left %zu zeros, wanted %zu", rows[i].name, zeros, rows[i].zeros);
        }
    }
}

static void test_registers(void **state)
{
    static void (*const scrubs[])(void) = { secret_scrub, secret_scrub_deep };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(scrubs); i++) {
        uint64_t general[REGISTERS];
        uint8_t vectors[VECTORS][16];
        registers_after(scrubs[i], general, vectors);
        for (size_t r = 0; r < REGISTERS; r++) {
            assert_true(general[r] != UINT64_MAX);
        }
#ifndef KERNEL_ON_HOST  // whose code knows no vector register
        for (size_t r = 0; r < VECTORS; r++) {
            assert_true(span_is_zero(SPAN_OF(vectors[r])));
        }
#endif
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_stack),
        cmocka_unit_test(test_registers),
    };
    return cmocka_run_group_tests_name("crypto_left", tests, NULL, NULL);
}
