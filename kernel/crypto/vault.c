/*
 * One root secret a boot, mixed from every source there is, and four things derived from it under
 * different contexts: the boot id (public), the key of the random stream, the seeds of the issuing
 * key and of the first checkpoint key. The root itself is wiped before vault_init returns. A weak
 * or hostile source can only fail to add: the mix is a hash of all of them.
 *
 * BLAKE3's own frames keep chaining values, and with them keys, where the stack was: secret_scrub
 * goes over them.
 *
 * Audit checkpoints have a key each. The next one is derived from the one that signs, announced in
 * what that one signs, and the one that has signed is overwritten: who reads this memory later
 * cannot sign what is past.
 *
 * The random stream is a BLAKE3 output stream with fast key erasure: a refill takes its first 32
 * bytes as the next key, and bytes are wiped from the pool as they are given out. Whoever reads the
 * vault's memory learns nothing of what it gave out before.
 */
#include "kernel/crypto/vault.h"

#include <string.h>

#include "abi/module.h"
#include "kernel/arch/api/arch.h"
#include "kernel/core/panic.h"
#include "lib/crypto/blake3.h"
#include "lib/crypto/ed25519.h"
#include "lib/crypto/scrub.h"
#include "lib/secret.h"

enum {
    KEY_LEN = 32,
    CPU_BYTES = 64,
    POOL_BYTES = 480,
    FRESH_BYTES = 32,
    FRESH_EVERY = 64 /* refills */
};

static struct {
    bool open;
    uint32_t refills;
    uint32_t at;                          /* first byte of the pool not given out yet */
    uint8_t stream[KEY_LEN + POOL_BYTES]; /* key of the next refill, then the pool */
    uint8_t boot_id[32];
    uint8_t issuer_pk[ED25519_PK_LEN];
    uint8_t issuer_sk[ED25519_SK_LEN];
    bool audit_ready;
    uint8_t audit_sk[ED25519_SK_LEN]; /* seed, then public key */
    uint8_t audit_next_sk[ED25519_SK_LEN];
    struct blake3_ctx ctx; /* too large for a kernel stack; wiped after each use */
} vault;

static void mix(const void *data, size_t len)
{
    uint8_t le[8];
    store_le64(le, len);  // lengths in the hash: no two sets of inputs look the same
    blake3_update(&vault.ctx, SPAN_OF(le));
    blake3_update(&vault.ctx, span_of(data, len));
}

static void mix_clocks(const struct nos_bootinfo *bi)
{
    uint64_t t[4] = { bi->tsc_start, bi->tsc_exit, bi->tsc_firmware, arch_tsc() };
    mix(t, sizeof t);
}

/* A source cannot be worth more than it gave. */
static unsigned at_most(unsigned bits, size_t bytes)
{
    return bits < 8 * bytes ? bits : 8 * (unsigned)bytes;
}

/* The root, and how many bits its sources are credited with. */
static unsigned gather(const struct nos_bootinfo *bi, uint8_t root[KEY_LEN])
{
    uint8_t cpu[CPU_BYTES] = { 0 };
    size_t len = bi->entropy_len <= sizeof bi->entropy ? bi->entropy_len : 0;
    unsigned credit = at_most(bi->entropy_bits, len);

    credit += at_most(arch_entropy(cpu, sizeof cpu), sizeof cpu);
    blake3_init_derive(&vault.ctx, NOS_CTX_VAULT);
    mix(bi->entropy, len);
    mix(cpu, sizeof cpu);
    mix_clocks(bi);
    mix(bi->kernel_id, sizeof bi->kernel_id);
    mix(bi->policy_hash, sizeof bi->policy_hash);
    blake3_final(&vault.ctx, root);
    secret_wipe(&vault.ctx, sizeof vault.ctx);
    secret_wipe(cpu, sizeof cpu);
    return credit;
}

/* The public key is the second half of the secret one; its copy lies below what is scrubbed. */
static NOINLINE void audit_key(const char *context, span_t from, uint8_t sk[ED25519_SK_LEN])
{
    uint8_t seed[ED25519_SEED_LEN], pk[ED25519_PK_LEN];

    blake3_derive(context, from, seed);
    ed25519_keypair_from_seed(pk, sk, seed);
    secret_wipe(seed, sizeof seed);
}

static void derive_all(const uint8_t root[KEY_LEN])
{
    uint8_t seed[ED25519_SEED_LEN];
    span_t r = span_of(root, KEY_LEN);

    blake3_derive(NOS_CTX_BOOT_ID, r, vault.boot_id);
    blake3_derive(NOS_CTX_VAULT_STREAM, r, vault.stream);
    vault.at = sizeof vault.stream;  // the pool is empty
    blake3_derive(NOS_CTX_VAULT_ISSUER, r, seed);
    ed25519_keypair_from_seed(vault.issuer_pk, vault.issuer_sk, seed);
    secret_wipe(seed, sizeof seed);
    audit_key(NOS_CTX_VAULT_AUDIT, r, vault.audit_sk);
}

nos_status_t vault_init(struct nos_bootinfo *bi)
{
    uint8_t root[KEY_LEN];

    KASSERT(!vault.open);
    unsigned credit = gather(bi, root);
    secret_wipe(bi->entropy, sizeof bi->entropy);
    if (credit >= VAULT_CREDIT_MIN) {
        derive_all(root);
        vault.open = true;
    }
    secret_wipe(root, sizeof root);
    secret_scrub_deep();
    return vault.open ? NOS_OK : NOS_NO_ENTROPY;
}

/* New key, new pool. The time of each refill goes in, and every so often fresh bytes of the CPU's:
 * if the key ever leaked, the stream becomes secret again. */
static void refill(void)
{
    uint8_t fresh[FRESH_BYTES] = { 0 };
    uint64_t now = arch_tsc();

    if (++vault.refills % FRESH_EVERY == 0) {
        (void)arch_entropy(fresh, sizeof fresh);
    }
    blake3_init_keyed(&vault.ctx, vault.stream);
    mix(&now, sizeof now);
    mix(fresh, sizeof fresh);
    blake3_final_xof(&vault.ctx, 0, MSPAN_OF(vault.stream));  // over the old key and the spent pool
    vault.at = KEY_LEN;
    secret_wipe(&vault.ctx, sizeof vault.ctx);
    secret_wipe(fresh, sizeof fresh);
    secret_scrub();
}

void vault_random(void *out, size_t len)
{
    uint8_t *to = out;

    KASSERT(vault.open);
    while (len > 0) {
        if (vault.at == sizeof vault.stream) {
            refill();
        }
        size_t n = sizeof vault.stream - vault.at;
        n = n < len ? n : len;
        memcpy(to, vault.stream + vault.at, n);
        secret_wipe(vault.stream + vault.at, n);
        vault.at += (uint32_t)n;
        to += n;
        len -= n;
    }
}

uint64_t vault_random64(void)
{
    uint64_t v;
    vault_random(&v, sizeof v);
    uint64_t given = v;
    secret_wipe(&v, sizeof v);
    return given;
}

const uint8_t *vault_boot_id(void)
{
    return vault.boot_id;
}

const uint8_t *vault_issuer_pk(void)
{
    return vault.issuer_pk;
}

void vault_sign(const char *domain, span_t msg, uint8_t sig[64])
{
    enum { DOMAIN_MAX = 32 };
    uint8_t buf[DOMAIN_MAX + VAULT_MSG_MAX];
    size_t n = strlen(domain) + 1;

    KASSERT(vault.open && n <= DOMAIN_MAX && msg.len <= VAULT_MSG_MAX);
    memcpy(buf, domain, n);
    memcpy(buf + n, msg.data, msg.len);
    ed25519_sign(sig, span_of(buf, n + msg.len), vault.issuer_sk);
}

const uint8_t *vault_audit_pk(void)
{
    return vault.audit_sk + ED25519_SEED_LEN;
}

const uint8_t *vault_audit_next_pk(void)
{
    KASSERT(vault.audit_ready);
    return vault.audit_next_sk + ED25519_SEED_LEN;
}

bool vault_audit_ready(void)
{
    return vault.audit_ready;
}

void vault_audit_prepare(void)
{
    KASSERT(vault.open && !vault.audit_ready);
    audit_key(NOS_CTX_AUDIT_RATCHET, span_of(vault.audit_sk, ED25519_SEED_LEN),
              vault.audit_next_sk);
    vault.audit_ready = true;
    secret_scrub_deep();
}

void vault_audit_sign(span_t text, uint8_t sig[64])
{
    KASSERT(vault.open && vault.audit_ready);
    ed25519_sign(sig, text, vault.audit_sk);
    memcpy(vault.audit_sk, vault.audit_next_sk, sizeof vault.audit_sk);
    secret_wipe(vault.audit_next_sk, sizeof vault.audit_next_sk);
    vault.audit_ready = false;
}

void vault_wipe(void)
{
    secret_wipe(&vault, sizeof vault);
}
