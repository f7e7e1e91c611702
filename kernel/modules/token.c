/* What the vault says in a token's first block. */
#include "kernel/modules/token.h"

#include <string.h>

#include "kernel/arch/api/arch.h"
#include "kernel/audit/audit.h"
#include "kernel/crypto/vault.h"
#include "kernel/modules/module.h"
#include "kernel/modules/stages_impl.h"
#include "lib/crypto/blake3.h"

/* Names the object without telling its serial number to those who do not hold it: the boot id is
 * public, so this hides nothing; it makes the name of an object of one boot no name in any other.
 */
static void object_id(const struct obj *o, uint8_t out[32])
{
    uint8_t bytes[32 + 8];

    memcpy(bytes, vault_boot_id(), 32);
    store_le64(bytes + 32, o->serial);
    blake3_derive(NOS_CTX_OBJECT, SPAN_OF(bytes), out);
}

void token_sign(const struct capsule *c, const struct obj *o, uint32_t actor, struct token *t,
                uint8_t out[TOKEN_BYTES])
{
    uint8_t msg[TOKEN_SIGNED_BYTES], id[32], sig[64];

    t->kind = (uint8_t)o->type;
    object_id(o, t->obj);
    vault_random(&t->nonce, sizeof t->nonce);
    token_write(t, out);
    token_id(span_of(out, TOKEN_BODY), id);
    audit_add(NOS_AUDIT_TOKEN, actor, NOS_OK, id, (uint64_t)c->id << 32 | t->kind, t->rights,
              c->module->name);
    audit_cause(&c->record);
    token_signed_bytes(NULL, out, msg);
    // The vault puts the domain before it.
    vault_sign(NOS_DOMAIN_CAP,
               span_of(msg + sizeof NOS_DOMAIN_CAP, sizeof msg - sizeof NOS_DOMAIN_CAP), sig);
    memcpy(out + TOKEN_BODY, sig, sizeof sig);
}

nos_status_t token_make(const struct capsule *c, const struct handle_slot *s, uint32_t actor,
                        uint8_t out[TOKEN_BYTES])
{
    struct token t = {
        .classes = c->classes, .rights = s->rights, .nbf = arch_clock_ns(), .exp = s->deadline_ns
    };

    if (t.exp != 0 && t.exp <= t.nbf) {
        return NOS_EXPIRED;
    }
    memcpy(t.audience, c->module->id, sizeof t.audience);
    token_sign(c, s->obj, actor, &t, out);
    return NOS_OK;
}
