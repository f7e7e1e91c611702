/* The kernel's vault, its own object with a machine of lies around it. */
#include <stdio.h>
#include <stdlib.h>

#include "kernel/arch/api/arch.h"
#include "kernel/core/panic.h"
#include "kernel/crypto/vault.h"
#include "lib/secret.h"
#include "tests/ct/ct.h"

extern uint8_t ct_vault[VAULT_SIZE]; /* kernel/crypto/vault.c's `vault` */

static struct nos_bootinfo info;
static uint8_t out[1024];

unsigned arch_entropy(uint8_t *to, size_t len)
{
    ct_secret(to, len);
    return 8 * (unsigned)len;
}

void panic(const char *format, ...)
{
    fprintf(stderr, "panic: %s\n", format);
    abort();
}

static void open_vault(void)
{
    vault_wipe();
    info.entropy_len = 200;
    info.entropy_bits = 800;
    ct_secret(info.entropy, sizeof info.entropy);
    if (vault_init(&info) != NOS_OK) {
        abort();
    }
}

static void draw(void)
{
    open_vault();
    for (unsigned i = 0; i < 80; i++) {  // with fresh bytes of the CPU's in the 64th refill
        vault_random(out, i % 2 == 0 ? 480 : 7);
    }
    uint64_t v = vault_random64();
    secret_wipe(&v, sizeof v);
    secret_wipe(out, sizeof out);
}

static void sign(void)
{
    open_vault();
    vault_sign(NOS_DOMAIN_CAP, SPAN_LIT("a message"), out);
    ct_public(out, sizeof out);
}

static void checkpoint(void)
{
    open_vault();
    for (unsigned i = 0; i < 2; i++) {
        vault_audit_prepare();
        vault_audit_sign(SPAN_LIT("a text"), out);
        ct_public(out, sizeof out);
    }
}

/* All of the vault is looked at. */
static void forget(void)
{
    open_vault();
    vault_random(out, 100);
    secret_wipe(out, sizeof out);
    vault_audit_prepare();
    vault_wipe();
}

int main(int argc, char **argv)
{
    static const struct use uses[] = {
        { .name = "vault_wipe", .run = forget },
        { .name = "vault_init", .run = open_vault, .keeps = true },
        { .name = "vault_random", .run = draw, .keeps = true },
        { .name = "vault_sign", .run = sign, .keeps = true },
        { .name = "vault_audit_prepare, vault_audit_sign", .run = checkpoint, .keeps = true },
    };
    ct_kept(ct_vault, VAULT_SIZE);
    return ct_main(argc, argv, uses, sizeof uses / sizeof *uses);
}
