/* A checkpoint as the file that people keep: a signed note of C2SP. Its text is lib/audit.c's,
 * which the kernel signs; here are the line of the signature and the way back. */
#include <string.h>

#include "lib/audit.h"
#include "lib/base64.h"
#include "lib/crypto/sha256.h"

enum { ED25519_NOTE = 1 /* the kind of key, in a signed note */ };

static void put_name(struct fmt *f, const uint8_t boot_id[32])
{
    fmt_str(f, "n0n.audit/");
    fmt_bytes(f, span_of(boot_id, 32));
}

/* The first four bytes of SHA-256 over name, newline, kind, key. */
static void key_hash(const uint8_t boot_id[32], const uint8_t pk[32], uint8_t out[4])
{
    char room[128];
    uint8_t hash[32];
    struct fmt f;

    FMT_INIT(&f, room);
    put_name(&f, boot_id);
    fmt_char(&f, '\n');
    fmt_char(&f, ED25519_NOTE);
    fmt_span(&f, span_of(pk, 32));
    sha256_hash(fmt_text(&f), hash);
    memcpy(out, hash, 4);
}

static void put_signature(struct fmt *f, const uint8_t boot_id[32], const uint8_t hash[4],
                          const uint8_t sig[64])
{
    uint8_t bytes[4 + 64];

    memcpy(bytes, hash, 4);
    memcpy(bytes + 4, sig, 64);
    fmt_str(f, "\n\xe2\x80\x94 ");
    put_name(f, boot_id);
    fmt_char(f, ' ');
    base64_put(f, SPAN_OF(bytes));
    fmt_char(f, '\n');
}

void audit_note(struct fmt *f, const uint8_t boot_id[32], const struct nos_audit_checkpoint *c)
{
    uint8_t hash[4];

    key_hash(boot_id, c->pk, hash);
    audit_note_text(f, boot_id, c);
    put_signature(f, boot_id, hash, c->sig);
}

/* ---- the way back: read loosely, then written again and compared ---- */

/* The line up to the next newline; what it begins with is taken off. */
static bool take_line(span_t *text, const char *begin, span_t *out)
{
    span_t line, newline, head;
    size_t n = 0;

    while (n < text->len && text->data[n] != '\n') {
        n++;
    }
    return span_take(text, n, &line) && span_take(text, 1, &newline) &&
           span_take(&line, strlen(begin), &head) && memcmp(head.data, begin, head.len) == 0 &&
           span_from(line, 0, out);
}

static bool hex_nibble(uint8_t c, uint8_t *out)
{
    bool digit = c >= '0' && c <= '9', letter = c >= 'a' && c <= 'f';
    *out = (uint8_t)(digit ? c - '0' : c - 'a' + 10);
    return digit || letter;
}

static bool read_boot_id(span_t hex, uint8_t out[32])
{
    for (size_t i = 0; i < 32; i++) {
        uint8_t high, low;
        if (hex.len != 64 || !hex_nibble(hex.data[2 * i], &high) ||
            !hex_nibble(hex.data[2 * i + 1], &low)) {
            return false;
        }
        out[i] = (uint8_t)(high << 4 | low);
    }
    return true;
}

static bool read_signature(span_t line, struct audit_note *out)
{
    uint8_t bytes[4 + 64];
    span_t last;
    size_t at = line.len;

    while (at > 0 && line.data[at - 1] != ' ') {
        at--;
    }
    if (!span_from(line, at, &last) || !base64_decode(last, MSPAN_OF(bytes))) {
        return false;
    }
    memcpy(out->key_hash, bytes, 4);
    memcpy(out->sig, bytes + 4, 64);
    return true;
}

static bool read_note(span_t text, struct audit_note *out)
{
    span_t line;

    return take_line(&text, "n0n.audit/", &line) && read_boot_id(line, out->boot_id) &&
           take_line(&text, "", &line) && parse_u64(line, &out->size) &&
           take_line(&text, "", &line) && base64_decode(line, MSPAN_OF(out->root)) &&
           take_line(&text, "next-key ", &line) && base64_decode(line, MSPAN_OF(out->next_pk)) &&
           take_line(&text, "", &line) && line.len == 0 &&
           take_line(&text, "\xe2\x80\x94 ", &line) && read_signature(line, out);
}

nos_status_t audit_note_parse(span_t text, struct audit_note *out)
{
    struct nos_audit_checkpoint c;
    struct audit_note n;
    char again[AUDIT_NOTE_MAX];
    struct fmt f;

    if (!read_note(text, &n)) {
        return NOS_AUDIT_FORMAT;
    }
    c.size = n.size;
    memcpy(c.root, n.root, 32);
    memcpy(c.next_pk, n.next_pk, 32);
    FMT_INIT(&f, again);
    audit_note_text(&f, n.boot_id, &c);
    put_signature(&f, n.boot_id, n.key_hash, n.sig);
    if (!span_equal(fmt_text(&f), text)) {
        return NOS_AUDIT_FORMAT;
    }
    *out = n;
    return NOS_OK;
}

bool audit_note_is(const struct audit_note *n, const uint8_t boot_id[32],
                   const struct nos_audit_checkpoint *c)
{
    uint8_t hash[4];

    key_hash(boot_id, c->pk, hash);
    return memcmp(n->boot_id, boot_id, 32) == 0 && n->size == c->size &&
           memcmp(n->root, c->root, 32) == 0 && memcmp(n->next_pk, c->next_pk, 32) == 0 &&
           memcmp(n->key_hash, hash, 4) == 0 && memcmp(n->sig, c->sig, 64) == 0;
}
