/* See golden.h. */
#include "tests/host/golden.h"

#include <stdlib.h>
#include <string.h>

#include "abi/crash.h"
#include "lib/cap.h"
#include "lib/crypto/blake3.h"
#include "lib/crypto/ed25519.h"
#include "lib/elf.h"
#include "lib/frame.h"
#include "lib/sigs.h"
#include "lib/text.h"
#include "lib/tlv.h"
#include "lib/token.h"

static void must(bool ok)
{
    if (!ok) {
        abort();
    }
}

struct golden_key golden_key(uint8_t n)
{
    struct golden_key k;
    uint8_t seed[32];
    memset(seed, n, sizeof seed);
    ed25519_keypair_from_seed(k.pk, k.sk, seed);
    key_id_of(k.pk, k.id);
    return k;
}

struct buf buf_new(size_t len)
{
    struct buf b = { calloc(1, len == 0 ? 1 : len), len };
    must(b.data != NULL);
    return b;
}

struct buf buf_copy(span_t s)
{
    struct buf b = { malloc(s.len), s.len };
    must(b.data != NULL || s.len == 0);
    if (s.len != 0) {
        memcpy(b.data, s.data, s.len);
    }
    return b;
}

void buf_free(struct buf *b)
{
    free(b->data);
    *b = (struct buf){ NULL, 0 };
}

span_t buf_span(struct buf b)
{
    return span_of(b.data, b.len);
}

/* --- roots
 * -----------------------------------------------------------------------------------------------------
 */

static int by_pk(const void *a, const void *b)
{
    const struct golden_key *x = a, *y = b;
    return memcmp(x->pk, y->pk, 32);
}

static int by_id(const void *a, const void *b)
{
    const struct golden_key *x = a, *y = b;
    return memcmp(x->id, y->id, 32);
}

struct golden_key golden_root(uint32_t n, uint32_t i)
{
    struct golden_key k[TRUST_ROOTS_MAX];
    must(n <= TRUST_ROOTS_MAX && i < n);
    for (uint32_t r = 0; r < n; r++) {
        k[r] = golden_key((uint8_t)(GOLDEN_ROOT + r));
    }
    qsort(k, n, sizeof k[0], by_pk);
    return k[i];
}

struct trust_view golden_trust(uint32_t n, uint32_t k)
{
    struct trust_view t = { .n_root = n, .k = k, .epoch_floor = 5, .kernel_sec_min = 2 }, out;
    uint8_t bytes[TRUST_BYTES];

    for (uint32_t i = 0; i < n; i++) {
        memcpy(t.root[i], golden_root(n, i).pk, 32);
    }
    trust_write(&t, bytes);
    must(trust_parse(SPAN_OF(bytes), &out) == NOS_OK);
    return out;
}

/* --- TLV
 * -------------------------------------------------------------------------------------------------------
 */

struct record {
    uint16_t tag;
    span_t value;
};

static struct buf tlv_with(const struct record *r, size_t n, struct change c)
{
    struct tlv_writer w;
    span_t out;
    struct buf room = buf_new(1 << 20);
    bool changed = c.tag == 0;

    tlv_write_init(&w, mspan_of(room.data, room.len));
    for (size_t i = 0; i < n; i++) {
        if (!changed && r[i].tag > c.tag) {
            tlv_put(&w, c.tag, c.value);
            changed = true;
        }
        if (r[i].tag == c.tag) {
            changed = true;
            if (!c.drop) {
                tlv_put(&w, c.tag, c.value);
            }
        } else {
            tlv_put(&w, r[i].tag, r[i].value);
        }
    }
    if (!changed) {
        tlv_put(&w, c.tag, c.value);
    }
    must(tlv_write_end(&w, &out) == NOS_OK);
    struct buf b = buf_copy(out);
    buf_free(&room);
    return b;
}

static void put32(uint8_t *at, size_t n, const uint32_t *v)
{
    for (size_t i = 0; i < n; i++) {
        store_le32(at + 4 * i, v[i]);
    }
}

#define PUT32(at, ...) \
    put32((at), sizeof((uint32_t[]){ __VA_ARGS__ }) / 4, (uint32_t[]){ __VA_ARGS__ })

static void put_cap(uint8_t *at, struct nos_cap c)
{
    cap_write(&c, at);
}

static struct nos_cap named(uint16_t kind, uint32_t rights, const char *name)
{
    struct nos_cap c = { .kind = kind, .rights = rights };
    must(name16_set(c.name, span_of(name, strlen(name))));
    return c;
}

struct buf golden_symbols(void)
{
    static const char names[] = "start\0main";
    struct buf b = buf_new(8 + 2 * 12 + sizeof names);
    PUT32(b.data, 2, 0, 0x200, 16, 0, 0x210, 0, 6);
    memcpy(b.data + 32, names, sizeof names);
    return b;
}

struct buf golden_manifest(struct change c)
{
    uint8_t limits[32] = { 0 }, restart[16], caps[3 * 32], abi[4], classes[4], sym[8 + 32],
            filter[16], sched[16], children[8];
    struct buf symbols = golden_symbols();

    PUT32(abi, NOS_ABI_VERSION);
    PUT32(classes, NOS_CLASS_COREEXEC | NOS_CLASS_IO | NOS_CLASS_IPC | NOS_CLASS_MEMORY);
    PUT32(limits, 64, 8, 32, 4, 16, 300);
    PUT32(sched, 2000, 10000, 5, 0);
    PUT32(children, 1024, 3);
    PUT32(restart, NOS_RESTART_ON_CRASH, 100, 5, 60);
    memset(filter, 0xff, sizeof filter);
    put_cap(caps, (struct nos_cap){ .kind = NOS_CAP_LOG });
    put_cap(caps + 32, named(NOS_CAP_ENDPOINT, NOS_RIGHT_CALL, "console"));
    put_cap(caps + 64, (struct nos_cap){
                           .kind = NOS_CAP_PORTS, .rights = NOS_RIGHT_READ, .a = 0x3f8, .b = 8 });
    store_le64(sym, symbols.len);
    blake3_hash(buf_span(symbols), sym + 8);
    buf_free(&symbols);
    const struct record r[] = {
        { NOS_MAN_SEMVER, SPAN_LIT("1.2.3") },
        { NOS_MAN_LICENCE, SPAN_LIT("ISC") },
        { NOS_MAN_ABOUT, SPAN_LIT("says h\xc3\xa9llo") },
        { NOS_MAN_SYMBOLS, SPAN_OF(sym) },
        { NOS_MAN_MODULE_NAME, SPAN_LIT("hello") },
        { NOS_MAN_ABI, SPAN_OF(abi) },
        { NOS_MAN_CLASSES, SPAN_OF(classes) },
        { NOS_MAN_CAPS, SPAN_OF(caps) },
        { NOS_MAN_LIMITS, SPAN_OF(limits) },
        { NOS_MAN_RESTART, SPAN_OF(restart) },
        { NOS_MAN_FILTER, SPAN_OF(filter) },
        { NOS_MAN_SCHED, SPAN_OF(sched) },
        { NOS_MAN_CHILDREN, SPAN_OF(children) },
    };
    return tlv_with(r, sizeof r / sizeof r[0], c);
}

/* --- image
 * -----------------------------------------------------------------------------------------------------
 */

static void put_phdr(uint8_t *image, int n, uint32_t type, uint32_t flags, uint64_t off,
                     uint64_t filesz, uint64_t memsz)
{
    uint8_t *p = image + ELF_PHDR + n * ELF_PHDR_LEN;
    PUT32(p, type, flags);
    store_le64(p + 8, off);
    store_le64(p + 16, off);  // linked at 0, file offsets are addresses
    store_le64(p + 24, off);
    store_le64(p + 32, filesz);
    store_le64(p + 40, memsz);
    store_le64(p + 48, 4096);
}

static void put64(uint8_t *at, size_t n, const uint64_t *v)
{
    for (size_t i = 0; i < n; i++) {
        store_le64(at + 8 * i, v[i]);
    }
}

#define PUT64(at, ...) \
    put64((at), sizeof((uint64_t[]){ __VA_ARGS__ }) / 8, (uint64_t[]){ __VA_ARGS__ })

struct buf golden_image(void)
{
    static const uint8_t ident[] = { 0x7f, 'E', 'L', 'F', 2, 1, 1 };
    struct buf b = buf_new(ELF_IMAGE_LEN);
    uint8_t *h = b.data;

    memcpy(h, ident, sizeof ident);
    store_le16(h + 16, 3);
    store_le16(h + 18, 62);
    store_le32(h + 20, 1);
    store_le64(h + 24, ELF_ENTRY_AT);
    store_le64(h + 32, ELF_PHDR);
    store_le16(h + 52, 64);
    store_le16(h + 54, ELF_PHDR_LEN);
    store_le16(h + 56, ELF_N_PHDR);
    put_phdr(h, ELF_TEXT, 1, ELF_R | ELF_X, 0, 0x300, 0x300);
    put_phdr(h, ELF_DATA, 1, ELF_R | ELF_W, 0x1000, 0x100, 0x1800);
    put_phdr(h, ELF_DYN, 2, ELF_R | ELF_W, ELF_DYN_AT, 6 * 16, 6 * 16);
    put_phdr(h, ELF_RELRO, 0x6474e552, ELF_R, 0x1000, 0x100, 0x1000);
    put_phdr(h, ELF_STACK, 0x6474e551, ELF_R | ELF_W, 0, 0, 0);
    memset(h + ELF_ENTRY_AT, 0x90, 0x40);
    PUT64(h + ELF_RELA_AT, 0x1080, 8, 0x200, 0x1088, 8, 0x1080);
    PUT64(h + ELF_DYN_AT, 7, ELF_RELA_AT, 8, 48, 9, 24, 0x6ffffff9, 2, 0x6ffffffb, 0x08000000, 0,
          0);
    return b;
}

/* --- module
 * ----------------------------------------------------------------------------------------------------
 */

struct golden_mod golden_parts(void)
{
    struct golden_mod p = {
        .manifest = golden_manifest((struct change){ 0 }),
        .image = golden_image(),
        .symbols = golden_symbols(),
        .sec_version = 3,
        .version = (uint64_t)1 << 32 | 2 << 16 | 3,
        .name = "hello",
        .n_sig = 1,
    };
    p.signer[0] = golden_key(GOLDEN_PUBLISHER);
    memset(p.publisher_id, 0x11, 32);
    return p;
}

void golden_parts_free(struct golden_mod *p)
{
    buf_free(&p->manifest);
    buf_free(&p->image);
    buf_free(&p->symbols);
}

void golden_sign(struct buf file, const struct golden_mod *p)
{
    uint8_t msg[MOD_SIGNED_BYTES];

    memcpy(msg, NOS_DOMAIN_MOD, sizeof(NOS_DOMAIN_MOD));
    memcpy(msg + sizeof(NOS_DOMAIN_MOD), file.data, NOS_MOD_HDR_LEN);
    for (uint32_t i = 0; i < p->n_sig; i++) {
        uint8_t *row = file.data + NOS_MOD_HDR_LEN + 96 * i;
        memcpy(row, p->signer[i].id, 32);
        ed25519_sign(row + 32, SPAN_OF(msg), p->signer[i].sk);
    }
}

static size_t page_up(size_t n)
{
    return (n + 4095) & ~(size_t)4095;
}

struct buf golden_module(const struct golden_mod *p)
{
    size_t chunks = mod_chunk_count(p->image.len);
    size_t manifest_at = NOS_MOD_HDR_LEN + 96 * (size_t)p->n_sig;
    size_t table_at = manifest_at + p->manifest.len;
    size_t image_at = mod_image_off(p->n_sig, p->manifest.len, p->image.len);
    size_t end = image_at + p->image.len;
    size_t symbols_at = page_up(end);
    struct buf f = buf_new(p->symbols.len != 0 ? symbols_at + p->symbols.len : end);
    uint8_t *h = f.data;

    memcpy(h, NOS_MAGIC_MOD, 8);
    PUT32(h + 8, 192, p->flags);
    store_le64(h + 16, p->version);
    PUT32(h + 24, p->sec_version, 16);
    name_hash(span_of(p->name, strlen(p->name)), h + 32);
    memcpy(h + 64, p->publisher_id, 32);
    blake3_hash(buf_span(p->manifest), h + 96);
    PUT64(h + 160, p->manifest.len, p->image.len);
    PUT32(h + 176, 0, p->n_sig);
    memcpy(h + manifest_at, p->manifest.data, p->manifest.len);
    memcpy(h + image_at, p->image.data, p->image.len);
    for (size_t i = 0; i < chunks; i++) {
        size_t at = i * NOS_MOD_CHUNK, left = p->image.len - at;
        blake3_hash(span_of(p->image.data + at, left < NOS_MOD_CHUNK ? left : NOS_MOD_CHUNK),
                    h + table_at + 32 * i);
    }
    blake3_derive(NOS_CTX_CHUNK_LIST, span_of(h + table_at, 32 * chunks), h + 128);
    if (p->symbols.len != 0) {
        memcpy(h + symbols_at, p->symbols.data, p->symbols.len);
    }
    golden_sign(f, p);
    return f;
}

struct buf golden_module_plain(void)
{
    struct golden_mod p = golden_parts();
    struct buf f = golden_module(&p);
    golden_parts_free(&p);
    return f;
}

struct buf golden_kernel(uint32_t n, uint32_t k)
{
    uint8_t classes[4] = { 0 };
    struct golden_mod p = golden_parts();
    struct trust_view t = golden_trust(n, k);

    struct buf with_caps =
        golden_manifest((struct change){ NOS_MAN_CLASSES, false, SPAN_OF(classes) });
    buf_free(&p.manifest);
    // A kernel asks for nothing: cut the caps record out of the body that was made with no classes.
    struct tlv_iter it;
    struct record r[16];
    size_t n_rec = 0;
    bool more = true;
    tlv_init(&it, buf_span(with_caps));
    while (tlv_next(&it, &r[n_rec].tag, &r[n_rec].value, &more) == NOS_OK && more) {
        n_rec++;
    }
    p.manifest = tlv_with(r, n_rec, (struct change){ NOS_MAN_CAPS, true, { 0 } });
    buf_free(&with_caps);
    p.flags = NOS_MOD_FLAG_KERNEL;
    memcpy(p.publisher_id, t.set_id, 32);
    p.n_sig = k;
    for (uint32_t i = 0; i < k; i++) {
        p.signer[i] = golden_root(n, i);
    }
    qsort(p.signer, k, sizeof p.signer[0], by_id);
    struct buf f = golden_module(&p);
    golden_parts_free(&p);
    return f;
}

/* --- policy
 * ----------------------------------------------------------------------------------------------------
 */

struct buf golden_policy_body(struct change c)
{
    uint8_t pub[2 * 80] = { 0 }, rules[3 * 96] = { 0 }, grants[2 * 32], boot[2 * 16] = { 0 };
    uint8_t first[16] = "init", start[80] = "shell";
    struct golden_key op = golden_key(GOLDEN_OPERATOR), pk = golden_key(GOLDEN_PUBLISHER);

    memset(pub, 0x11, 32);
    memcpy(pub + 32, pk.pk, 32);
    PUT32(pub + 64, NOS_CLASS_ALL, 0, 1, 0);
    memset(pub + 80, 0x22, 32);
    memcpy(pub + 112, golden_key(GOLDEN_STRANGER).pk, 32);
    PUT32(pub + 144, NOS_CLASS_COREEXEC, NOS_PUBLISHER_REVOKED, 0, 0);
    PUT32(rules, NOS_MATCH_ID, 0, 1, 2, NOS_CLASS_ALL, 32, 10, NOS_RULE_KILL_ON_FILTER | 25 << 8);
    memset(rules + 32, 0xaa, 32);
    PUT32(rules + 96, NOS_MATCH_NAME, 0, 2, 1, NOS_CLASS_COREEXEC | NOS_CLASS_IPC, 0, 30, 0);
    memset(rules + 96 + 32, 0x11, 32);
    name_hash(SPAN_LIT("hello"), rules + 96 + 64);
    PUT32(rules + 192, NOS_MATCH_NAME, 2, 0, 0, NOS_CLASS_COREEXEC, 0, 30, 0);
    memset(rules + 192 + 32, 0x22, 32);
    name_hash(SPAN_LIT("init"), rules + 192 + 64);
    put_cap(grants, (struct nos_cap){ .kind = NOS_CAP_LOG });
    put_cap(grants + 32, named(NOS_CAP_ENDPOINT, NOS_RIGHT_CALL | NOS_RIGHT_DUP, "console"));
    memcpy(boot, "INIT.MOD", 8);
    memcpy(boot + 16, "HELLO.MOD", 9);
    memcpy(start + 16, "arg", 3);
    const struct record r[] = {
        { NOS_POL_OPERATOR, SPAN_OF(op.pk) }, { NOS_POL_PUBLISHERS, SPAN_OF(pub) },
        { NOS_POL_RULES, SPAN_OF(rules) },    { NOS_POL_GRANTS, SPAN_OF(grants) },
        { NOS_POL_BOOT, SPAN_OF(boot) },      { NOS_POL_FIRST, SPAN_OF(first) },
        { NOS_POL_START, SPAN_OF(start) },
    };
    return tlv_with(r, sizeof r / sizeof r[0], c);
}

struct buf golden_policy(span_t body, uint32_t n, uint32_t k)
{
    struct golden_key signer[TRUST_ROOTS_MAX];
    struct buf f = buf_new(64 + 96 * (size_t)k + body.len);
    struct buf room = buf_new(sizeof(NOS_DOMAIN_POL) + 64 + body.len);
    struct policy_view v = { .header = span_of(f.data, 64), .body = body };
    span_t msg;

    memcpy(f.data, NOS_MAGIC_POL, 8);
    PUT32(f.data + 8, 64, 0);
    store_le64(f.data + 16, 7);
    PUT32(f.data + 24, 3, k);
    store_le64(f.data + 32, body.len);
    memcpy(f.data + 64 + 96 * (size_t)k, body.data, body.len);
    must(policy_signed_bytes(&v, mspan_of(room.data, room.len), &msg) == NOS_OK);
    for (uint32_t i = 0; i < k; i++) {
        signer[i] = golden_root(n, i);
    }
    qsort(signer, k, sizeof signer[0], by_id);
    for (uint32_t i = 0; i < k; i++) {
        memcpy(f.data + 64 + 96 * i, signer[i].id, 32);
        ed25519_sign(f.data + 64 + 96 * i + 32, msg, signer[i].sk);
    }
    buf_free(&room);
    return f;
}

struct buf golden_policy_plain(void)
{
    struct buf body = golden_policy_body((struct change){ 0 });
    struct buf f = golden_policy(buf_span(body), 1, 1);
    buf_free(&body);
    return f;
}

/* --- the rest
 * --------------------------------------------------------------------------------------------------
 */

void golden_blocks(struct token *t, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++) {
        t[i] = (struct token){
            .kind = NOS_TYPE_ENDPOINT,
            .classes = NOS_CLASS_IPC,
            .rights = NOS_RIGHT_CALL | NOS_RIGHT_TRANSFER,
            .nbf = 1000 + i,
            .exp = 2000 - i,
            .depth = (uint8_t)(n - 1 - i),
            .nonce = 7 + i,
        };
        memset(t[i].audience, 0x33 + (int)i, 32);
        memset(t[i].obj, 0x44, 32);
        if (t[i].depth != 0) {
            memcpy(t[i].next_pk, golden_key((uint8_t)(GOLDEN_HOLDER + i)).pk, 32);
        }
    }
}

struct buf golden_chain(const struct token *t, uint32_t n)
{
    struct buf b = buf_new(n * (size_t)TOKEN_BYTES);
    struct golden_key signer = golden_key(GOLDEN_ISSUER);
    uint8_t msg[TOKEN_SIGNED_BYTES];

    for (uint32_t i = 0; i < n; i++) {
        uint8_t *at = b.data + i * (size_t)TOKEN_BYTES;
        token_write(&t[i], at);
        token_signed_bytes(i == 0 ? NULL : at - TOKEN_BYTES, at, msg);
        ed25519_sign(at + TOKEN_BODY, SPAN_OF(msg), signer.sk);
        signer = golden_key((uint8_t)(GOLDEN_HOLDER + i));
    }
    return b;
}

struct buf golden_token(void)
{
    struct token t;
    golden_blocks(&t, 1);
    t.rights = NOS_RIGHT_CALL;
    return golden_chain(&t, 1);
}

struct buf golden_pe(span_t section)
{
    struct buf b = buf_new(0x200 + section.len);
    uint8_t *coff = b.data + 0x80, *table = coff + 24 + 16;

    memcpy(b.data, "MZ", 2);
    store_le32(b.data + 0x3c, 0x80);
    memcpy(coff, "PE\0\0", 4);
    store_le16(coff + 4, 0x8664);
    store_le16(coff + 6, 2);
    store_le16(coff + 20, 16);
    memcpy(table, ".text", 5);
    memcpy(table + 40, NOS_TRUST_SECTION, 8);
    store_le32(table + 40 + 16, (uint32_t)section.len);
    store_le32(table + 40 + 20, 0x200);
    memcpy(b.data + 0x200, section.data, section.len);
    return b;
}

struct buf golden_font1(void)
{
    struct buf b = buf_new(4 + 256 * 16 + 256 * 4);
    memcpy(b.data, "\x36\x04\x02\x10", 4);
    for (size_t g = 0; g < 256; g++) {
        memset(b.data + 4 + g * 16, (int)g, 16);
        uint8_t *row = b.data + 4 + 256 * 16 + g * 4;
        store_le16(row, (uint16_t)(255 - g));  // glyph g draws code point 255 - g
        store_le16(row + 2, 0xffff);
    }
    return b;
}

struct buf golden_font2(void)
{
    static const char table[] = "A\xff"
                                "?\xfe"
                                "A\xff"
                                "\xc3\xa9\xff";
    struct buf b = buf_new(32 + 3 * 20 + sizeof table - 1);
    memcpy(b.data, "\x72\xb5\x4a\x86", 4);
    PUT32(b.data + 4, 0, 32, 1, 3, 20, 10, 12);  // 12 x 10 pixels: 2 bytes a row
    for (size_t g = 0; g < 3; g++) {
        memset(b.data + 32 + g * 20, (int)g + 1, 20);
    }
    memcpy(b.data + 32 + 60, table, sizeof table - 1);
    return b;
}

struct buf golden_frame(span_t payload)
{
    struct frame f = {
        .flags = NOS_MG_LAST, .verb = NOS_MG_INFO, .seq = 42, .status = -5, .payload = payload
    };
    struct buf b = buf_new(FRAME_HEADER + payload.len);
    size_t len;
    must(frame_encode(&f, mspan_of(b.data, b.len), &len) == NOS_OK && len == b.len);
    return b;
}

nos_status_t golden_verify_module(span_t file, bool signatures)
{
    static struct mod_hasher hasher;
    struct mod_view v;
    struct manifest m;
    struct elf_view e;

    nos_status_t st = mod_extract(file, &v);
    if (st == NOS_OK && signatures) {
        st = mod_check_sigs_publisher(&v, golden_key(GOLDEN_PUBLISHER).pk);
    }
    if (st == NOS_OK) {
        st = mod_check_hashes(&hasher, &v);
    }
    if (st == NOS_OK) {
        st = manifest_parse(v.manifest, &m);
    }
    if (st == NOS_OK) {
        st = manifest_check_header(&m, &v);
    }
    if (st == NOS_OK) {
        st = elf_parse(v.image, &e);
    }
    return st == NOS_OK ? elf_check_relocs(&e) : st;
}

nos_status_t golden_verify_policy(span_t file)
{
    static uint8_t scratch[POLICY_SIGNED_MAX];
    struct trust_view t = golden_trust(1, 1);
    struct policy_view v;
    struct policy p;

    nos_status_t st = policy_extract(file, &v);
    if (st == NOS_OK) {
        st = policy_check_sigs(&v, &t, MSPAN_OF(scratch));
    }
    if (st == NOS_OK) {
        st = policy_check_epoch(&v, t.epoch_floor);
    }
    return st == NOS_OK ? policy_parse(file, &p) : st;
}

/* ---- crash records ---- */

void golden_crash(struct nos_crash_record *r)
{
    *r = (struct nos_crash_record){ .version = NOS_CR_VERSION,
                                    .size = sizeof *r,
                                    .seq = 7,
                                    .flags = NOS_CR_THREAD | NOS_CR_MEMORY | NOS_CR_MESSAGE,
                                    .image_base = 0x400000,
                                    .image_len = 0x3000,
                                    .code_at = 0x400ff0,
                                    .doing = NOS_DOING_RUNNING,
                                    .client = 4,
                                    .label = 0x12,
                                    .message = { 1, 2, 3 },
                                    .n_trace = 2,
                                    .n_handles = 1,
                                    .code_len = NOS_CR_CODE,
                                    .stack_len = 40,
                                    .log_len = 10 };
    memcpy(r->magic, NOS_CRASH_MAGIC, sizeof r->magic);
    r->info = (struct nos_capsule_info){ .id = 9,
                                         .state = NOS_CAPSULE_CRASHED,
                                         .name = "crashme",
                                         .threads = 1,
                                         .handles = 3,
                                         .mem_pages = 20,
                                         .mem_limit = 64,
                                         .started_ns = 1000000000,
                                         .ended_ns = 1500000000,
                                         .exit_code = NOS_CRASH_WRITE_NULL,
                                         .fault_addr = 8,
                                         .fault_ip = 0x401000,
                                         .fault_symbol = "null_write+0x9" };
    for (size_t i = 0; i < NOS_REG_COUNT; i++) {
        r->regs[i] = 0x1000 + i;
    }
    r->trace[0] = (struct nos_crash_frame){ .ip = 0x401000, .symbol = "null_write+0x9" };
    r->trace[1] = (struct nos_crash_frame){ .ip = 0x402fff, .symbol = "nos_main+0x12" };
    r->handle[0] = (struct nos_crash_handle){ .handle = 0x10001,
                                              .type = NOS_TYPE_ENDPOINT,
                                              .rights = NOS_RIGHT_CALL,
                                              .origin = NOS_ORIGIN_POLICY,
                                              .name = "console" };
    memset(r->code, 0x90, sizeof r->code);
    memset(r->stack, 0x5a, r->stack_len);
    memcpy(r->log, "one\ntwo\n\x1b\n", 10);
}
