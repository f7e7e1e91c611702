/* Tokens are evidence: nothing in a system call ever looks at one, and load and start sign none. */
#include "kernel/modules/token.h"

#include <string.h>

#include "kernel/arch/api/arch.h"
#include "kernel/audit/audit.h"
#include "kernel/crypto/vault.h"
#include "kernel/modules/module.h"
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

static void token_fill(const struct capsule *c, const struct handle_slot *s, struct token *t)
{
    *t = (struct token){ .kind = (uint8_t)s->obj->type,
                         .classes = c->classes,
                         .rights = s->rights,
                         .nbf = arch_clock_ns(),
                         .exp = s->deadline_ns };
    memcpy(t->audience, c->module->id, sizeof t->audience);
    object_id(s->obj, t->obj);
    vault_random(&t->nonce, sizeof t->nonce);
}

nos_status_t token_make(const struct capsule *c, const struct handle_slot *s, uint32_t actor,
                        uint8_t out[TOKEN_BYTES])
{
    uint8_t msg[TOKEN_SIGNED_BYTES], id[32], sig[64];
    struct token t;
    span_t rest = SPAN_OF(msg);

    token_fill(c, s, &t);
    if (t.exp != 0 && t.exp <= t.nbf) {
        return NOS_EXPIRED;
    }
    token_write(&t, out);
    token_id(span_of(out, TOKEN_BODY), id);
    audit_add(NOS_AUDIT_TOKEN, actor, NOS_OK, id, (uint64_t)c->id << 32 | t.kind, t.rights,
              c->module->name);
    token_signed_bytes(NULL, out, msg);
    if (!span_from(rest, sizeof NOS_DOMAIN_CAP, &rest)) {  // the vault puts the domain before it
        return NOS_INVALID;
    }
    vault_sign(NOS_DOMAIN_CAP, rest, sig);
    memcpy(out + TOKEN_BODY, sig, sizeof sig);
    return NOS_OK;
}
