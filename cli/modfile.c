/* .mod files are written in one pass, from the header's fields down to the padding; nothing in them
 * depends on time, place or machine. */
#include "cli/modfile.h"

#include <string.h>

#include "abi/module.h"
#include "cli/report.h"
#include "cli/sigslots.h"
#include "lib/crypto/blake3.h"
#include "lib/crypto/ed25519.h"
#include "lib/mod.h"
#include "lib/sigs.h"
#include "lib/status.h"
#include "lib/text.h"

#define OFF(field) offsetof(struct nos_mod_header, field)

static void add_chunk_hashes(struct buf *out, span_t image)
{
    for (size_t at = 0; at < image.len; at += NOS_MOD_CHUNK) {
        size_t n = image.len - at < NOS_MOD_CHUNK ? image.len - at : NOS_MOD_CHUNK;
        blake3_hash(span_of(image.data + at, n), buf_add_zero(out, BLAKE3_LEN));
    }
}

static void pad_to_page(struct buf *b)
{
    buf_add_zero(b, (NOS_MOD_PAGE - b->len % NOS_MOD_PAGE) % NOS_MOD_PAGE);
}

static void write_header(const struct modfile_maker *who, const struct module_source *src,
                         size_t image_len, uint8_t h[NOS_MOD_HDR_LEN])
{
    memset(h, 0, NOS_MOD_HDR_LEN);
    memcpy(h, NOS_MAGIC_MOD, 8);
    store_le32(h + OFF(hdr_len), NOS_MOD_HDR_LEN);
    store_le32(h + OFF(flags), who->kernel ? NOS_MOD_FLAG_KERNEL : 0);
    store_le64(h + OFF(version), src->version);
    store_le32(h + OFF(sec_version), src->sec_version);
    store_le32(h + OFF(chunk_log2), NOS_MOD_CHUNK_LOG2);
    name_hash(name16_span(src->name), h + OFF(name_hash));
    memcpy(h + OFF(publisher_id), who->publisher_id, 32);
    blake3_hash(buf_span(&src->manifest), h + OFF(manifest_hash));
    store_le64(h + OFF(manifest_len), src->manifest.len);
    store_le64(h + OFF(image_len), image_len);
    store_le32(h + OFF(n_sig), who->n_sig);
}

void modfile_make(const struct modfile_maker *who, const struct module_source *src,
                  const struct program *prog, struct buf *out)
{
    uint8_t header[NOS_MOD_HDR_LEN];
    uint8_t rows[NOS_MOD_SIG_MAX * SIG_ROW];
    struct buf table = { NULL, 0 };

    write_header(who, src, prog->image.len, header);
    add_chunk_hashes(&table, buf_span(&prog->image));
    blake3_derive(NOS_CTX_CHUNK_LIST, buf_span(&table), header + OFF(image_root));
    sigslots_init(mspan_of(rows, who->n_sig * (size_t)SIG_ROW));

    buf_add(out, SPAN_OF(header));
    buf_add(out, span_of(rows, who->n_sig * (size_t)SIG_ROW));
    buf_add(out, buf_span(&src->manifest));
    buf_add(out, buf_span(&table));
    pad_to_page(out);
    buf_add(out, buf_span(&prog->image));
    if (prog->symbols.len > 0) {
        pad_to_page(out);
        buf_add(out, buf_span(&prog->symbols));
    }
    buf_free(&table);
}

static int may_sign(const char *path, const struct mod_view *v, const struct key_public *key)
{
    bool kernel = (v->flags & NOS_MOD_FLAG_KERNEL) != 0;
    if (kernel && key->type != KEY_ROOT) {
        return fail(REFUSED, "%s is a kernel: root keys sign it, not a key of type %s", path,
                    key_type_name(key->type));
    }
    if (!kernel && key->type != KEY_PUBLISHER) {
        return fail(REFUSED,
                    "%s is a capsule's module: its publisher signs it, not a key of type %s", path,
                    key_type_name(key->type));
    }
    if (!kernel && v->n_sig != 1) {
        return fail(REFUSED, "%s has room for %u signatures; a publisher's module has one", path,
                    v->n_sig);
    }
    return DONE;
}

int modfile_sign(const char *path, struct buf *file, const struct key_secret *key)
{
    struct mod_view v;
    uint8_t msg[MOD_SIGNED_BYTES], sig[ED25519_SIG_LEN];

    nos_status_t st = mod_extract(buf_span(file), &v);
    if (st != NOS_OK) {
        return fail(REFUSED, "%s: %s (%s)", path, status_text(st), status_name(st));
    }
    int rc = may_sign(path, &v, &key->pub);
    if (rc != DONE) {
        return rc;
    }
    bool publisher = key->pub.type == KEY_PUBLISHER;
    if (publisher) {
        memcpy(file->data + OFF(publisher_id), key->pub.publisher_id,
               32);  // v looks at the same bytes
    }
    mod_signed_bytes(&v, msg);
    ed25519_sign(sig, SPAN_OF(msg), key->sk);
    mspan_t rows = mspan_of(file->data + NOS_MOD_HDR_LEN, v.sigs.len);
    if (!sigslots_put(rows, key->pub.key_id, sig, publisher)) {
        fail(REFUSED, "%s has all of its %u signatures, none of them by this key", path, v.n_sig);
        hint("build it anew with --signatures %u or more", v.n_sig + 1);
        return REFUSED;
    }
    return DONE;
}
