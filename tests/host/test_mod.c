/* lib/mod.h, lib/sigs.h: extraction, signatures, hashes; every truncation and every flipped bit of
 * a good module. */
#include "lib/mod.h"
#include "lib/sigs.h"
#include "tests/host/golden.h"
#include "tests/host/test.h"

static struct mod_hasher hasher;

static void test_golden(void **state)
{
    struct buf f = golden_module_plain();
    struct mod_view v;
    uint8_t id[32], again[32];
    (void)state;
    assert_int_equal(golden_verify_module(buf_span(f), true), NOS_OK);
    assert_int_equal(mod_extract(buf_span(f), &v), NOS_OK);
    assert_int_equal(v.sec_version, 3);
    assert_true(v.version == ((uint64_t)1 << 32 | 2 << 16 | 3));
    assert_int_equal(v.image.len, ELF_IMAGE_LEN);
    assert_int_equal(v.image_off % 4096, 0);
    assert_int_equal(v.symbols.len, 43);
    mod_id(&v, id);
    f.data[NOS_MOD_HDR_LEN + 40] ^= 1;  // a signature: the id is of signed content only
    mod_id(&v, again);
    assert_memory_equal(id, again, 32);
    f.data[64] ^= 1;
    mod_id(&v, again);
    assert_memory_not_equal(id, again, 32);
    buf_free(&f);
}

static const struct {
    size_t at, width;
    uint64_t value;
    nos_status_t status;
} fields[] = {
    { 0, 1, 'X', NOS_MOD_MAGIC },
    { 6, 1, 1, NOS_MOD_MAGIC },
    { 7, 1, 2, NOS_MOD_VERSION },
    { 8, 4, 193, NOS_MOD_VERSION },
    { 12, 4, 2, NOS_MOD_VERSION },
    { 12, 4, 0x80000000, NOS_MOD_VERSION },
    { 28, 4, 15, NOS_MOD_VERSION },
    { 28, 4, 17, NOS_MOD_VERSION },
    { 160, 8, 0, NOS_MOD_LAYOUT },
    { 160, 8, 65537, NOS_MOD_OVERSIZE },
    { 160, 8, UINT64_MAX, NOS_MOD_OVERSIZE },
    { 160, 8, 65536, NOS_MOD_TRUNCATED },
    { 168, 8, 0, NOS_MOD_LAYOUT },
    { 168, 8, NOS_MOD_IMAGE_MAX + 1, NOS_MOD_OVERSIZE },
    { 168, 8, UINT64_MAX, NOS_MOD_OVERSIZE },
    { 168, 8, NOS_MOD_IMAGE_MAX, NOS_MOD_TRUNCATED },
    { 176, 4, 1, NOS_MOD_RESERVED },
    { 180, 4, 0, NOS_MOD_LAYOUT },
    { 180, 4, 5, NOS_MOD_LAYOUT },
    { 180, 4, UINT32_MAX, NOS_MOD_LAYOUT },
    { 184, 8, 1, NOS_MOD_RESERVED },
    { 191, 1, 1, NOS_MOD_RESERVED },
};

static void test_one_field_broken(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(fields); i++) {
        struct buf f = golden_module_plain();
        struct mod_view v;
        for (size_t k = 0; k < fields[i].width; k++) {
            f.data[fields[i].at + k] = (uint8_t)(fields[i].value >> (8 * k));
        }
        nos_status_t st = mod_extract(buf_span(f), &v);
        if (st != fields[i].status) {
            fail_msg("field row %zu: %d", i, st);
        }
        buf_free(&f);
    }
}

/* Shapes: what the parts of the file add up to, and what may follow. */
static void test_truncations(void **state)
{
    struct buf f = golden_module_plain();
    struct mod_view v;
    (void)state;
    assert_int_equal(mod_extract(buf_span(f), &v), NOS_OK);
    size_t end = v.image_off + v.image.len;
    for (size_t len = 0; len < f.len; len++) {
        struct buf b = buf_copy(span_of(f.data, len));
        nos_status_t want = len <= end ? NOS_MOD_TRUNCATED : NOS_MOD_OVERSIZE;
        size_t symbols_at = f.len - v.symbols.len;
        if (len > symbols_at) {
            want = NOS_MOD_TRUNCATED;  // fewer symbols than the manifest says
        }
        // Cutting symbols leaves the signatures good; skip them there to save time, but not the
        // hashes.
        nos_status_t st = golden_verify_module(buf_span(b), false);
        if (st != want) {
            fail_msg("%zu of %zu bytes: %d, wanted %d", len, f.len, st, want);
        }
        buf_free(&b);
    }
    buf_free(&f);
}

static void test_trailing_bytes(void **state)
{
    struct golden_mod p = golden_parts();
    struct buf symbols = p.symbols;
    struct buf f = golden_module(&p);
    struct mod_view v;
    (void)state;
    struct buf longer = buf_new(f.len + 1);
    memcpy(longer.data, f.data, f.len);
    assert_int_equal(golden_verify_module(buf_span(longer), true), NOS_MOD_OVERSIZE);
    buf_free(&longer);
    buf_free(&f);

    p.symbols = (struct buf){ NULL, 0 };  // the manifest promises them
    f = golden_module(&p);
    assert_int_equal(mod_extract(buf_span(f), &v), NOS_OK);
    assert_int_equal(v.symbols.len, 0);
    assert_int_equal(golden_verify_module(buf_span(f), true), NOS_MOD_TRUNCATED);
    buf_free(&f);

    buf_free(&p.manifest);
    p.manifest = golden_manifest((struct change){ NOS_MAN_SYMBOLS, true, { 0 } });
    f = golden_module(&p);
    assert_int_equal(golden_verify_module(buf_span(f), true), NOS_OK);
    buf_free(&f);
    p.symbols = symbols;  // now they are too many
    f = golden_module(&p);
    assert_int_equal(golden_verify_module(buf_span(f), true), NOS_MOD_OVERSIZE);
    buf_free(&f);
    golden_parts_free(&p);
}

static void test_symbol_limit(void **state)
{
    struct golden_mod p = golden_parts();
    struct mod_view v;
    (void)state;
    buf_free(&p.symbols);
    p.symbols = buf_new(NOS_MOD_SYMBOLS_MAX);
    struct buf f = golden_module(&p);
    assert_int_equal(mod_extract(buf_span(f), &v), NOS_OK);
    buf_free(&f);
    buf_free(&p.symbols);
    p.symbols = buf_new(NOS_MOD_SYMBOLS_MAX + 1);
    f = golden_module(&p);
    assert_int_equal(mod_extract(buf_span(f), &v), NOS_MOD_OVERSIZE);
    buf_free(&f);
    golden_parts_free(&p);
}

/* Where a byte of the golden file lies, and so who must refuse a change to it. */
static bool stage_allows(size_t at, const struct mod_view *v, nos_status_t st)
{
    size_t sigs = NOS_MOD_HDR_LEN, manifest = sigs + v->sigs.len,
           table = manifest + v->manifest.len;
    size_t pad = table + v->table.len, image_end = v->image_off + v->image.len;

    if (at < NOS_MOD_HDR_LEN) {  // stage 1 for the fields that it knows, stage 2 for all others
        bool shape = st <= NOS_MOD_TRUNCATED && st >= NOS_MOD_LAYOUT;
        return shape || st == NOS_BAD_SIGNATURE || st == NOS_KEY_UNKNOWN;
    }
    if (at < manifest) {
        return st == (at < sigs + 32 ? NOS_KEY_UNKNOWN : NOS_BAD_SIGNATURE);
    }
    if (at < table) {
        return st == NOS_HASH_MANIFEST;
    }
    if (at < pad) {
        return st == NOS_HASH_TABLE;
    }
    if (at < v->image_off) {
        return st == NOS_MOD_RESERVED;
    }
    if (at < image_end) {
        return st == NOS_HASH_CHUNK;
    }
    return st == (at < ((image_end + 4095) & ~(size_t)4095) ? NOS_MOD_RESERVED : NOS_HASH_CHUNK);
}

static void test_every_bit(void **state)
{
    struct buf f = golden_module_plain();
    struct mod_view v;
    (void)state;
    assert_int_equal(mod_extract(buf_span(f), &v), NOS_OK);
    size_t front = NOS_MOD_HDR_LEN + v.sigs.len;
    for (size_t bit = 0; bit < f.len * 8; bit++) {
        size_t at = bit / 8;
        f.data[at] ^= (uint8_t)(1u << (bit % 8));
        nos_status_t st = golden_verify_module(buf_span(f), at < front);
        if (st == NOS_OK || !stage_allows(at, &v, st)) {
            fail_msg("bit %zu of byte %zu: %d", bit % 8, at, st);
        }
        f.data[at] ^= (uint8_t)(1u << (bit % 8));
    }
    assert_int_equal(golden_verify_module(buf_span(f), true), NOS_OK);
    buf_free(&f);
}

/* --- signatures
 * ------------------------------------------------------------------------------------------------
 */

static void sort_two(struct golden_key *k)
{
    if (memcmp(k[0].id, k[1].id, 32) > 0) {
        struct golden_key t = k[0];
        k[0] = k[1];
        k[1] = t;
    }
}

static nos_status_t publisher_says(const struct golden_mod *p)
{
    struct mod_view v;
    struct buf f = golden_module(p);
    nos_status_t st = mod_extract(buf_span(f), &v);
    if (st == NOS_OK) {
        st = mod_check_sigs_publisher(&v, golden_key(GOLDEN_PUBLISHER).pk);
    }
    buf_free(&f);
    return st;
}

static void test_publisher_signature(void **state)
{
    struct golden_mod p = golden_parts();
    struct golden_key stranger = golden_key(GOLDEN_STRANGER), own = golden_key(GOLDEN_PUBLISHER);
    (void)state;
    assert_int_equal(publisher_says(&p), NOS_OK);
    p.signer[0] = stranger;
    assert_int_equal(publisher_says(&p), NOS_KEY_UNKNOWN);
    memcpy(p.signer[0].id, own.id, 32);  // claims the publisher's key id
    assert_int_equal(publisher_says(&p), NOS_BAD_SIGNATURE);
    p.signer[0] = own;
    p.signer[1] = stranger;  // one good, one not the publisher's
    p.n_sig = 2;
    sort_two(p.signer);
    assert_int_equal(publisher_says(&p), NOS_KEY_UNKNOWN);
    struct golden_key t = p.signer[0];
    p.signer[0] = p.signer[1];
    p.signer[1] = t;
    assert_int_equal(publisher_says(&p), NOS_MOD_LAYOUT);  // not ascending
    p.signer[0] = p.signer[1] = own;
    assert_int_equal(publisher_says(&p), NOS_MOD_LAYOUT);  // one signer twice
    golden_parts_free(&p);
}

static nos_status_t roots_say(struct buf f, uint32_t n, uint32_t k)
{
    struct trust_view t = golden_trust(n, k);
    struct mod_view v;
    nos_status_t st = mod_extract(buf_span(f), &v);
    if (st == NOS_OK) {
        st = mod_check_kernel(&v, &t);
    }
    return st == NOS_OK ? mod_check_sigs_roots(&v, &t) : st;
}

static void test_root_signatures(void **state)
{
    (void)state;
    for (uint32_t n = 1; n <= 4; n++) {
        for (uint32_t k = 1; k <= n; k++) {
            struct buf f = golden_kernel(n, k);
            assert_int_equal(roots_say(f, n, k), NOS_OK);
            if (k < n) {
                assert_int_equal(roots_say(f, n, k + 1), NOS_FEW_SIGNATURES);
            }
            f.data[NOS_MOD_HDR_LEN + 96 * (k - 1) + 40] ^= 1;
            assert_int_equal(roots_say(f, n, k), NOS_BAD_SIGNATURE);
            if (k > 1) {  // all must verify, also those beyond k
                assert_int_equal(roots_say(f, n, k - 1), NOS_BAD_SIGNATURE);
            }
            buf_free(&f);
        }
    }
    struct buf f = golden_kernel(2, 1);
    assert_int_equal(roots_say(f, 1, 1), NOS_PUB_UNKNOWN);  // made for another root set
    buf_free(&f);
    f = golden_module_plain();
    assert_int_equal(roots_say(f, 1, 1), NOS_BOOT_NOT_KERNEL);
    struct trust_view t = golden_trust(1, 1);
    struct mod_view v;
    assert_int_equal(mod_extract(buf_span(f), &v), NOS_OK);
    assert_int_equal(mod_check_sigs_roots(&v, &t), NOS_KEY_UNKNOWN);
    v.sigs.len = 0;
    assert_int_equal(mod_check_sigs_roots(&v, &t), NOS_FEW_SIGNATURES);
    assert_int_equal(mod_check_sigs_publisher(&v, golden_key(GOLDEN_PUBLISHER).pk),
                     NOS_FEW_SIGNATURES);
    buf_free(&f);
    f = golden_kernel(1, 1);
    t.kernel_sec_min = 4;
    assert_int_equal(mod_extract(buf_span(f), &v), NOS_OK);
    assert_int_equal(mod_check_kernel(&v, &t), NOS_SEC_VERSION);
    t.kernel_sec_min = 3;
    assert_int_equal(mod_check_kernel(&v, &t), NOS_OK);
    assert_int_equal(golden_verify_module(buf_span(f), false), NOS_OK);
    buf_free(&f);
}

static void test_sig_rows(void **state)
{
    struct buf f = golden_kernel(3, 2);
    struct mod_view v;
    const uint8_t *id, *sig;
    (void)state;
    assert_int_equal(mod_extract(buf_span(f), &v), NOS_OK);
    assert_true(mod_sig(&v, 1, &id, &sig));
    assert_ptr_equal(id, f.data + 192 + 96);
    assert_ptr_equal(sig, id + 32);
    assert_false(mod_sig(&v, 2, &id, &sig));
    assert_false(mod_sig(&v, UINT32_MAX, &id, &sig));
    buf_free(&f);
}

/* --- hashes
 * ----------------------------------------------------------------------------------------------------
 */

static void test_chunk_counts(void **state)
{
    (void)state;
    assert_int_equal(mod_chunk_count(1), 1);
    assert_int_equal(mod_chunk_count(65536), 1);
    assert_int_equal(mod_chunk_count(65537), 2);
    assert_int_equal(mod_chunk_count(NOS_MOD_IMAGE_MAX), 1024);
}

static struct buf two_chunks(void)
{
    struct golden_mod p = golden_parts();
    buf_free(&p.image);
    p.image = buf_new(NOS_MOD_CHUNK + 5000);
    for (size_t i = 0; i < p.image.len; i++) {
        p.image.data[i] = (uint8_t)(i * 7 >> 3);
    }
    struct buf f = golden_module(&p);
    golden_parts_free(&p);
    return f;
}

/* Steps until done; counts them. */
static nos_status_t hash_in_steps(const struct mod_view *v, size_t step, unsigned *n)
{
    bool done = false;
    nos_status_t st = NOS_OK;
    *n = 0;
    mod_hash_init(&hasher, v);
    while (!done) {
        st = mod_hash_step(&hasher, step, &done);
        ++*n;
    }
    return st;
}

static void test_steps(void **state)
{
    struct buf f = two_chunks();
    struct mod_view v;
    unsigned n;
    bool done;
    (void)state;
    assert_int_equal(mod_extract(buf_span(f), &v), NOS_OK);
    assert_int_equal(hash_in_steps(&v, 16384, &n), NOS_OK);
    assert_int_equal(n, 1 + 1 + 4 + 1 + 1);  // manifest, table, two chunks, symbols
    assert_int_equal(mod_hash_step(&hasher, 16384, &done), NOS_OK);  // done stays done
    assert_true(done);
    assert_int_equal(hash_in_steps(&v, 1000, &n), NOS_OK);
    assert_int_equal(hash_in_steps(&v, SIZE_MAX, &n), NOS_OK);
    assert_int_equal(n, 5);
    assert_int_equal(mod_hash_step(&hasher, 0, &done), NOS_INVALID);
    assert_int_equal(mod_check_manifest_hash(&v), NOS_OK);
    assert_int_equal(mod_check_table(&v), NOS_OK);
    assert_int_equal(mod_check_chunk(&v, 0), NOS_OK);
    assert_int_equal(mod_check_chunk(&v, 1), NOS_OK);
    assert_int_equal(mod_check_chunk(&v, 2), NOS_HASH_CHUNK);
    assert_int_equal(mod_check_chunk(&v, UINT32_MAX), NOS_HASH_CHUNK);
    span_t one_row = span_of(v.table.data, 32);  // of two
    assert_int_equal(mod_check_lump_chunk(v.image, one_row, 0), NOS_OK);
    assert_int_equal(mod_check_lump_chunk(v.image, one_row, 1), NOS_HASH_CHUNK);
    buf_free(&f);
}

static void test_each_hash(void **state)
{
    struct buf f = two_chunks();
    struct mod_view v;
    unsigned n;
    (void)state;
    assert_int_equal(mod_extract(buf_span(f), &v), NOS_OK);
    const struct {
        span_t where;
        size_t at;
        nos_status_t status;
    } flips[] = {
        { v.manifest, 0, NOS_HASH_MANIFEST },
        { v.manifest, v.manifest.len - 1, NOS_HASH_MANIFEST },
        { v.table, 0, NOS_HASH_TABLE },
        { v.table, v.table.len - 1, NOS_HASH_TABLE },
        { v.image, 0, NOS_HASH_CHUNK },
        { v.image, NOS_MOD_CHUNK - 1, NOS_HASH_CHUNK },
        { v.image, NOS_MOD_CHUNK, NOS_HASH_CHUNK },
        { v.image, v.image.len - 1, NOS_HASH_CHUNK },
        { v.symbols, 0, NOS_HASH_CHUNK },
        { v.symbols, v.symbols.len - 1, NOS_HASH_CHUNK },
    };
    for (size_t i = 0; i < ARRAY_LEN(flips); i++) {
        uint8_t *p = f.data + (flips[i].where.data - f.data) + flips[i].at;
        *p ^= 0x80;
        assert_int_equal(hash_in_steps(&v, 16384, &n), flips[i].status);
        assert_int_equal(hash_in_steps(&v, 3, &n), flips[i].status);
        assert_int_equal(mod_check_hashes(&hasher, &v), flips[i].status);
        assert_int_equal(mod_check_manifest_hash(&v) == NOS_OK,
                         flips[i].status != NOS_HASH_MANIFEST);
        assert_int_equal(mod_check_table(&v) == NOS_OK, flips[i].status != NOS_HASH_TABLE);
        bool chunk = flips[i].status == NOS_HASH_CHUNK && flips[i].where.data == v.image.data;
        uint32_t of = (uint32_t)(flips[i].at / NOS_MOD_CHUNK);
        assert_int_equal(mod_check_chunk(&v, chunk ? of : 0),
                         chunk || (flips[i].where.data == v.table.data && flips[i].at < 32)
                             ? NOS_HASH_CHUNK
                             : NOS_OK);
        *p ^= 0x80;
    }
    bool done;
    f.data[v.image_off] ^= 1;
    assert_int_equal(hash_in_steps(&v, 16384, &n), NOS_HASH_CHUNK);
    assert_int_equal(n, 6);
    assert_int_equal(mod_hash_step(&hasher, 16384, &done), NOS_HASH_CHUNK);  // a refusal sticks
    assert_true(done);
    buf_free(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_golden),
        cmocka_unit_test(test_one_field_broken),
        cmocka_unit_test(test_truncations),
        cmocka_unit_test(test_trailing_bytes),
        cmocka_unit_test(test_symbol_limit),
        cmocka_unit_test(test_every_bit),
        cmocka_unit_test(test_publisher_signature),
        cmocka_unit_test(test_root_signatures),
        cmocka_unit_test(test_sig_rows),
        cmocka_unit_test(test_chunk_counts),
        cmocka_unit_test(test_steps),
        cmocka_unit_test(test_each_hash),
    };
    return cmocka_run_group_tests_name("mod", tests, NULL, NULL);
}
