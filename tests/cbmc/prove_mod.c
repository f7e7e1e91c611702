/* lib/mod.c: a module's header and the shape of its file. */
#include "tests/cbmc/proof.h"

#include "lib/mod.c"

/* Stand for lib/span.c and lib/sigs.c, proved in prove_span.c and prove_sigs.c. */
static size_t asked_zero;
static bool all_zero = true, asked_order;

bool sigs_ascending(span_t sigs)
{
    asked_order = nondet_bool();
    claim(__CPROVER_r_ok(sigs.data, sigs.len), "only bytes of the file are looked at");
    return asked_order;
}

bool span_is_zero(span_t s)
{
    bool zero = nondet_bool();
    claim(s.len == 0 || __CPROVER_r_ok(s.data, s.len), "only bytes of the file are looked at");
    asked_zero += s.len;
    all_zero &= zero || s.len == 0;
    return zero || s.len == 0;
}

/* The parts lie one behind the other, each of the length that the header says, and explain every byte. */
static void claim_layout(const struct mod_view *v, const uint8_t *file, size_t len)
{
    size_t chunks = (size_t)(v->image_len + 65535) / 65536, at = 192 + 96 * (size_t)v->n_sig;

    claim(v->header.data == file && v->header.len == 192, "header");
    claim(v->sigs.data == file + 192 && v->sigs.len == 96 * (size_t)v->n_sig, "signatures");
    claim(v->manifest.data == file + at && v->manifest.len == v->manifest_len, "manifest");
    at += v->manifest.len;
    claim(v->table.data == file + at && v->table.len == 32 * chunks, "chunk table");
    at += v->table.len;
    claim(v->image_off % 4096 == 0 && v->image_off >= at && v->image_off - at < 4096, "the next page");
    claim(v->image_off == mod_image_off(v->n_sig, v->manifest_len, v->image_len), "where the writer puts it");
    size_t pad = v->image_off - at;
    at = v->image_off + v->image.len;
    claim(v->image.data == file + v->image_off && v->image.len == v->image_len && at <= len, "image");
    if (v->symbols.len == 0) {
        claim(at == len, "nothing behind the image");
    } else {
        size_t from = (at + 4095) / 4096 * 4096;
        claim(v->symbols.data == file + from && from + v->symbols.len == len, "symbols to the end");
        claim(v->symbols.len <= NOS_MOD_SYMBOLS_MAX, "not too many");
        pad += from - at;
    }
    claim(asked_zero == pad && all_zero, "all padding, and nothing else, was found to be zero");
}

/* The header: what is taken has its fixed form and sizes within the limits; a refusal has its name
 * bound: files of 0 to 200 bytes of any content; no more of a file is read here
 * unwind: 9
 * planted: lib/mod.c: v->image_len > NOS_MOD_IMAGE_MAX => v->image_len > UINT64_MAX
 * planted: lib/mod.c: load_le64(h.data + OFF(rsv)) != 0 => load_le32(h.data + OFF(rsv)) != 0
 * planted: lib/mod.c: !span_cut(file, 0, NOS_MOD_HDR_LEN, &v->header) => !span_cut(file, 0, file.len, &v->header) */
void prove_mod_header(void)
{
    size_t len = nondet_u64();
    struct mod_view v;

    assume(len <= 200);
    const uint8_t *file = any_bytes(len);
    nos_status_t st = extract_header(span_of(file, len), &v);
    if (st != NOS_OK) {
        claim(st == NOS_MOD_TRUNCATED || st == NOS_MOD_MAGIC || st == NOS_MOD_VERSION || st == NOS_MOD_RESERVED ||
                  st == NOS_MOD_LAYOUT || st == NOS_MOD_OVERSIZE,
              "a refusal has its name");
        return;
    }
    claim(len >= 192 && v.header.data == file && v.header.len == 192, "the first 192 bytes");
    claim(memcmp(file, NOS_MAGIC_MOD, 8) == 0, "magic");
    claim((v.flags & ~(uint32_t)NOS_MOD_FLAGS_KNOWN) == 0, "no flag that nobody knows");
    claim(load_le32(file + 176) == 0 && load_le64(file + 184) == 0, "reserved is zero");
    claim(v.n_sig >= 1 && v.n_sig <= 4 && v.manifest_len >= 1 && v.manifest_len <= 65536, "limits");
    claim(v.image_len >= 1 && v.image_len <= 64 << 20, "limits");
}

/* The rest of the file: parts of the lengths that the header says, one behind the other, which explain every byte; all
 * padding was found to be zero
 * bound: files of 0 to 2^40 bytes; all lengths that prove_mod_header lets through
 * assumed: span_is_zero and sigs_ascending read only what they are given and say yes or no
 * planted: lib/mod.c: if (file.len <= page_up(end)) { => if (file.len < end) {
 * planted: lib/mod.c: return span_is_zero(pad) ? NOS_OK : NOS_MOD_RESERVED; => return NOS_OK;
 * planted: lib/mod.c: at += v->manifest.len; => at += 1; */
void prove_mod_layout(void)
{
    size_t len = nondet_u64();
    struct mod_view v;

    assume(len >= 192 && len <= 1ull << 40);
    assume(v.n_sig >= 1 && v.n_sig <= 4 && v.manifest_len >= 1 && v.manifest_len <= 65536);
    assume(v.image_len >= 1 && v.image_len <= 64 << 20);
    const uint8_t *file = any_bytes(len);
    v.header = span_of(file, 192);
    nos_status_t st = extract_front(span_of(file, len), &v);
    if (st == NOS_OK) {
        st = extract_symbols(span_of(file, len), &v);
    }
    if (st == NOS_OK) {
        claim(asked_order, "the key ids were looked at");
        claim_layout(&v, file, len);
    } else {
        claim(st == NOS_MOD_TRUNCATED || st == NOS_MOD_RESERVED || st == NOS_MOD_LAYOUT || st == NOS_MOD_OVERSIZE,
              "a refusal has its name");
    }
}
