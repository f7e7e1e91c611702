/*
 * The .mod file. mod_extract walks header, signatures, manifest, chunk table, padding, image and
 * symbol lump in file order and leaves no byte unexplained; everything after it takes these spans
 * as given.
 */
#include "lib/mod.h"

#include <string.h>

#include "lib/sigs.h"

#define OFF(field) offsetof(struct nos_mod_header, field)
enum { HASH_LEN = 32, LARGEST_TABLE = NOS_MOD_IMAGE_MAX / NOS_MOD_CHUNK * HASH_LEN };

_Static_assert(sizeof(NOS_MAGIC_MOD) - 1 == 8, "the magic is 8 bytes");

uint32_t mod_chunk_count(uint64_t len)
{
    return (uint32_t)((len + NOS_MOD_CHUNK - 1) >> NOS_MOD_CHUNK_LOG2);
}

static size_t page_up(size_t n)
{
    return (n + NOS_MOD_PAGE - 1) & ~(size_t)(NOS_MOD_PAGE - 1);
}

size_t mod_image_off(uint32_t n_sig, uint64_t manifest_len, uint64_t image_len)
{
    return page_up(NOS_MOD_HDR_LEN + SIG_ROW * (size_t)n_sig + (size_t)manifest_len +
                   HASH_LEN * (size_t)mod_chunk_count(image_len));
}

static nos_status_t header_versions(span_t h, struct mod_view *v)
{
    uint32_t hdr_len = load_le32(h.data + OFF(hdr_len));
    uint32_t chunk_log2 = load_le32(h.data + OFF(chunk_log2));

    v->flags = load_le32(h.data + OFF(flags));
    v->version = load_le64(h.data + OFF(version));
    v->sec_version = load_le32(h.data + OFF(sec_version));
    if (hdr_len != NOS_MOD_HDR_LEN || chunk_log2 != NOS_MOD_CHUNK_LOG2 ||
        (v->flags & ~(uint32_t)NOS_MOD_FLAGS_KNOWN) != 0) {
        return NOS_MOD_VERSION;
    }
    if (load_le32(h.data + OFF(kel_sn)) != 0 || load_le64(h.data + OFF(rsv)) != 0) {
        return NOS_MOD_RESERVED;
    }
    return NOS_OK;
}

static nos_status_t header_sizes(span_t h, struct mod_view *v)
{
    v->n_sig = load_le32(h.data + OFF(n_sig));
    v->manifest_len = load_le64(h.data + OFF(manifest_len));
    v->image_len = load_le64(h.data + OFF(image_len));
    if (v->n_sig == 0 || v->n_sig > NOS_MOD_SIG_MAX || v->manifest_len == 0 || v->image_len == 0) {
        return NOS_MOD_LAYOUT;
    }
    if (v->manifest_len > NOS_MOD_MANIFEST_MAX || v->image_len > NOS_MOD_IMAGE_MAX) {
        return NOS_MOD_OVERSIZE;
    }
    return NOS_OK;
}

static nos_status_t header_magic(span_t file)
{
    span_t magic, version;

    if (!span_cut(file, 0, 7, &magic) || !span_cut(file, 0, 8, &version)) {
        return NOS_MOD_TRUNCATED;
    }
    if (!span_equal(magic, span_of(NOS_MAGIC_MOD, 7))) {
        return NOS_MOD_MAGIC;
    }
    return span_equal(version, SPAN_LIT(NOS_MAGIC_MOD)) ? NOS_OK : NOS_MOD_VERSION;
}

static nos_status_t extract_header(span_t file, struct mod_view *v)
{
    nos_status_t st = header_magic(file);
    if (st != NOS_OK) {
        return st;
    }
    if (!span_cut(file, 0, NOS_MOD_HDR_LEN, &v->header)) {
        return NOS_MOD_TRUNCATED;
    }
    st = header_versions(v->header, v);
    if (st != NOS_OK) {
        return st;
    }
    v->name_hash = v->header.data + OFF(name_hash);
    v->publisher_id = v->header.data + OFF(publisher_id);
    v->manifest_hash = v->header.data + OFF(manifest_hash);
    v->image_root = v->header.data + OFF(image_root);
    return header_sizes(v->header, v);
}

/* Padding from `at` to the next page; `*next` is where it ends. */
static nos_status_t take_padding(span_t file, size_t at, size_t *next)
{
    span_t pad = { 0 };
    if (!span_cut(file, at, page_up(at) - at, &pad)) {
        return NOS_MOD_TRUNCATED;
    }
    *next = at + pad.len;
    return span_is_zero(pad) ? NOS_OK : NOS_MOD_RESERVED;
}

static nos_status_t extract_front(span_t file, struct mod_view *v)
{
    size_t at = NOS_MOD_HDR_LEN;

    if (!span_cut(file, at, SIG_ROW * (size_t)v->n_sig, &v->sigs)) {
        return NOS_MOD_TRUNCATED;
    }
    at += v->sigs.len;
    if (!span_cut(file, at, (size_t)v->manifest_len, &v->manifest)) {
        return NOS_MOD_TRUNCATED;
    }
    at += v->manifest.len;
    if (!span_cut(file, at, HASH_LEN * (size_t)mod_chunk_count(v->image_len), &v->table)) {
        return NOS_MOD_TRUNCATED;
    }
    nos_status_t st = take_padding(file, at + v->table.len, &v->image_off);
    if (st != NOS_OK) {
        return st;
    }
    if (!span_cut(file, v->image_off, (size_t)v->image_len, &v->image)) {
        return NOS_MOD_TRUNCATED;
    }
    return sigs_ascending(v->sigs) ? NOS_OK : NOS_MOD_LAYOUT;
}

/* What follows the image: nothing, or zero padding and 1..NOS_MOD_SYMBOLS_MAX bytes. */
static nos_status_t extract_symbols(span_t file, struct mod_view *v)
{
    size_t end = v->image_off + v->image.len;
    size_t at;

    v->symbols = (span_t){ NULL, 0 };
    if (file.len == end) {
        return NOS_OK;
    }
    if (file.len <= page_up(end)) {
        return NOS_MOD_OVERSIZE;  // padding that pads nothing
    }
    nos_status_t st = take_padding(file, end, &at);
    if (st != NOS_OK) {
        return st;
    }
    /* uncovered(1): take_padding went from inside the file to `at` */
    if (!span_from(file, at, &v->symbols) || v->symbols.len > NOS_MOD_SYMBOLS_MAX) {
        return NOS_MOD_OVERSIZE;
    }
    return NOS_OK;
}

nos_status_t mod_extract(span_t file, struct mod_view *out)
{
    struct mod_view v = { 0 };

    nos_status_t st = extract_header(file, &v);
    if (st == NOS_OK) {
        st = extract_front(file, &v);
    }
    if (st == NOS_OK) {
        st = extract_symbols(file, &v);
    }
    if (st == NOS_OK) {
        *out = v;
    }
    return st;
}

bool mod_sig(const struct mod_view *v, uint32_t i, const uint8_t **key_id, const uint8_t **sig)
{
    return sigs_row(v->sigs, i, key_id, sig);
}

void mod_signed_bytes(const struct mod_view *v, uint8_t out[MOD_SIGNED_BYTES])
{
    memcpy(out, NOS_DOMAIN_MOD, sizeof(NOS_DOMAIN_MOD));
    memcpy(out + sizeof(NOS_DOMAIN_MOD), v->header.data, NOS_MOD_HDR_LEN);
}

void mod_id(const struct mod_view *v, uint8_t out[32])
{
    blake3_derive(NOS_CTX_MODULE_ID, v->header, out);
}

nos_status_t mod_check_sigs_publisher(const struct mod_view *v, const uint8_t pk[32])
{
    uint8_t msg[MOD_SIGNED_BYTES];
    mod_signed_bytes(v, msg);
    return sigs_check_key(SPAN_OF(msg), v->sigs, pk);
}

nos_status_t mod_check_sigs_roots(const struct mod_view *v, const struct trust_view *trust)
{
    uint8_t msg[MOD_SIGNED_BYTES];
    mod_signed_bytes(v, msg);
    return sigs_check_roots(SPAN_OF(msg), v->sigs, trust);
}

nos_status_t mod_check_kernel(const struct mod_view *v, const struct trust_view *trust)
{
    if ((v->flags & NOS_MOD_FLAG_KERNEL) == 0) {
        return NOS_BOOT_NOT_KERNEL;
    }
    if (memcmp(v->publisher_id, trust->set_id, HASH_LEN) != 0) {
        return NOS_PUB_UNKNOWN;
    }
    return v->sec_version >= trust->kernel_sec_min ? NOS_OK : NOS_SEC_VERSION;
}
