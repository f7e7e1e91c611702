/* What is hashed and signed. A record's hash covers its parents' hashes and the commitment to its
 * body. */
#include "lib/audit.h"

#include <string.h>

#include "lib/base64.h"
#include "lib/crypto/blake3.h"

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__,
               "a record's bytes are hashed as they lie");
_Static_assert((int)NOS_AUDIT_LEVELS == (int)MERKLE_LEVELS, "the head has room for every subtree");

void audit_hash(const struct nos_audit_record *rec, uint8_t out[32])
{
    blake3_derive(NOS_CTX_AUDIT_NODE, span_of(rec, sizeof *rec), out);
}

void audit_body_commit(const uint8_t salt[32], const struct nos_audit_body *body, uint8_t out[32])
{
    blake3_keyed(salt, span_of(body, sizeof *body), out);
}

void audit_note_text(struct fmt *f, const uint8_t boot_id[32], const struct nos_audit_checkpoint *c)
{
    fmt_str(f, "n0n.audit/");
    fmt_bytes(f, span_of(boot_id, 32));
    fmt_char(f, '\n');
    fmt_u64(f, c->size);
    fmt_char(f, '\n');
    base64_put(f, SPAN_OF(c->root));
    fmt_str(f, "\nnext-key ");
    base64_put(f, SPAN_OF(c->next_pk));
    fmt_char(f, '\n');
}
