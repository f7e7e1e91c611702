/* lib/merkle.h: the vectors of the certificate transparency reference code, the tree against its
 * own definition, every proof between small sizes, and every way to spoil one. */
#include "lib/base64.h"
#include "lib/merkle.h"
#include "lib/crypto/sha256.h"
#include "tests/host/hex.h"
#include "tests/host/test.h"

enum { N = 70 };

static uint8_t leaf[N][32];

static int setup(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < N; i++) {
        merkle_leaf(span_of(&i, 4), leaf[i]);
    }
    return 0;
}

/* By the definition, recursively. */
static void naive(uint32_t lo, uint32_t hi, uint8_t out[32])
{
    uint8_t bytes[65] = { 1 };
    uint32_t k = 1;
    if (hi - lo == 1) {
        memcpy(out, leaf[lo], 32);
        return;
    }
    while (2 * k < hi - lo) {
        k *= 2;
    }
    naive(lo, lo + k, bytes + 1);
    naive(lo + k, hi, bytes + 33);
    sha256_hash(SPAN_OF(bytes), out);
}

static void grow(struct merkle *t, uint32_t n)
{
    memset(t, 0, sizeof *t);
    for (uint32_t i = 0; i < n; i++) {
        merkle_push(t, 0, leaf[i]);
    }
}

static void test_vectors(void **state)
{
    static const char *const entry[] = { "",
                                         "00",
                                         "10",
                                         "2021",
                                         "3031",
                                         "40414243",
                                         "5051525354555657",
                                         "606162636465666768696a6b6c6d6e6f" };
    static const char *const want[] = {
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
        "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
        "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
        "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
        "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
    };
    struct merkle t = { 0 };
    uint8_t bytes[32], hash[32];
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(want); i++) {
        merkle_root(&t, hash);
        assert_hex(hash, want[i]);
        if (i < ARRAY_LEN(entry)) {
            merkle_leaf(unhex(entry[i], bytes, sizeof bytes), hash);
            merkle_push(&t, 0, hash);
        }
    }
}

static void test_against_definition(void **state)
{
    struct merkle t = { 0 };
    uint8_t root[32], want[32];
    (void)state;
    for (uint32_t n = 1; n <= N; n++) {
        merkle_push(&t, 0, leaf[n - 1]);
        assert_int_equal(t.size, n);
        merkle_root(&t, root);
        naive(0, n, want);
        assert_memory_equal(root, want, 32);
    }
    struct merkle whole = { 0 };  // by whole subtrees
    for (uint32_t i = 0; i < 64; i += 8) {
        naive(i, i + 8, want);
        merkle_push(&whole, 3, want);
    }
    merkle_root(&whole, root);
    naive(0, 64, want);
    assert_memory_equal(root, want, 32);
}

/* Leaves below `base` are known as subtrees only. */
static struct merkle_source source(struct merkle *base, uint32_t at, uint32_t n)
{
    grow(base, at);
    return (struct merkle_source){ .base = base, .leaf = &leaf[at], .n = n - at };
}

static span_t proof_span(const struct merkle_proof *p)
{
    return span_of(p->hash, (size_t)p->n * 32);
}

static void test_inclusion(void **state)
{
    struct merkle base;
    struct merkle_proof p;
    uint8_t root[32];
    (void)state;
    for (uint32_t at = 0; at < N; at += 23) {
        struct merkle_source s = source(&base, at, N);
        for (uint32_t n = at + 1; n <= N; n++) {
            naive(0, n, root);
            for (uint32_t i = at; i < n; i++) {
                assert_true(merkle_prove(&s, i, n, &p));
                assert_true(merkle_included(leaf[i], i, n, proof_span(&p), root));
            }
            assert_false(merkle_prove(&s, n, n, &p));
            if (at > 0) {
                assert_false(merkle_prove(&s, at - 1, n, &p));
            }
        }
        assert_false(merkle_prove(&s, at, N + 1, &p));
    }
}

/* Another leaf, place, size, root; a hash changed, missing, added, swapped. */
static void test_inclusion_spoiled(void **state)
{
    struct merkle base;
    struct merkle_source s = source(&base, 0, N);
    struct merkle_proof p, q;
    uint8_t root[32];
    (void)state;
    for (uint32_t n = 1; n <= 20; n++) {
        naive(0, n, root);
        for (uint32_t i = 0; i < n; i++) {
            assert_true(merkle_prove(&s, i, n, &p));
            for (uint32_t j = 0; j < n; j++) {
                assert_int_equal(merkle_included(leaf[i], j, n, proof_span(&p), root), i == j);
                assert_int_equal(merkle_included(leaf[j], i, n, proof_span(&p), root), i == j);
            }
            assert_false(merkle_included(leaf[i], n, n, proof_span(&p), root));
            assert_false(merkle_included(leaf[i], UINT64_MAX, n, proof_span(&p), root));
            assert_false(merkle_included(leaf[i], i, 0, proof_span(&p), root));
            for (uint32_t k = 0; k < p.n; k++) {
                q = p;
                q.hash[k][31] ^= 1;
                assert_false(merkle_included(leaf[i], i, n, proof_span(&q), root));
            }
            for (uint32_t k = 0; k < p.n; k++) {
                assert_false(merkle_included(leaf[i], i, n, span_of(p.hash, (size_t)k * 32), root));
            }
            q = p;
            q.n++;
            memcpy(q.hash[p.n], leaf[0], 32);
            assert_false(merkle_included(leaf[i], i, n, proof_span(&q), root));
            assert_false(
                merkle_included(leaf[i], i, n, span_of(p.hash, (size_t)p.n * 32 + 1), root));
            root[0] ^= 1;
            assert_false(merkle_included(leaf[i], i, n, proof_span(&p), root));
            root[0] ^= 1;
        }
    }
}

/* A leaf is no node and a node no leaf. */
static void test_prefixes(void **state)
{
    uint8_t both[64], node[32], as_leaf[32];
    (void)state;
    memcpy(both, leaf[0], 32);
    memcpy(both + 32, leaf[1], 32);
    merkle_node(leaf[0], leaf[1], node);
    merkle_leaf(SPAN_OF(both), as_leaf);
    assert_memory_not_equal(node, as_leaf, 32);
}

static void test_consistency(void **state)
{
    struct merkle base;
    struct merkle_proof p;
    uint8_t a_root[32], b_root[32];
    (void)state;
    struct merkle_source s = source(&base, 0, N);
    for (uint32_t b = 1; b <= N; b++) {
        naive(0, b, b_root);
        for (uint32_t a = 1; a <= b; a++) {
            naive(0, a, a_root);
            assert_true(merkle_prove_consistent(&s, a, b, &p));
            assert_true(merkle_consistent(a, a_root, b, b_root, proof_span(&p)));
        }
        assert_false(merkle_prove_consistent(&s, 0, b, &p));
        assert_false(merkle_prove_consistent(&s, b, N + 1, &p));
    }
}

static void test_consistency_spoiled(void **state)
{
    struct merkle base;
    struct merkle_proof p, q;
    uint8_t a_root[32], b_root[32];
    (void)state;
    struct merkle_source s = source(&base, 0, N);
    for (uint32_t b = 1; b <= 20; b++) {
        naive(0, b, b_root);
        for (uint32_t a = 1; a < b; a++) {
            naive(0, a, a_root);
            assert_true(merkle_prove_consistent(&s, a, b, &p));
            assert_true(merkle_consistent(a, a_root, b, b_root, proof_span(&p)));
            for (uint32_t k = 0; k < p.n; k++) {
                q = p;
                q.hash[k][0] ^= 1;
                assert_false(merkle_consistent(a, a_root, b, b_root, proof_span(&q)));
                assert_false(
                    merkle_consistent(a, a_root, b, b_root, span_of(p.hash, (size_t)k * 32)));
            }
            q = p;
            memcpy(q.hash[q.n++], leaf[0], 32);
            assert_false(merkle_consistent(a, a_root, b, b_root, proof_span(&q)));
            assert_false(
                merkle_consistent(a, a_root, b, b_root, span_of(p.hash, (size_t)p.n * 32 + 31)));
            assert_false(merkle_consistent(a, b_root, b, b_root, proof_span(&p)));
            assert_false(merkle_consistent(a, a_root, b, a_root, proof_span(&p)));
            assert_false(merkle_consistent(b, b_root, a, a_root, proof_span(&p)));
            if (a > 1) {
                assert_false(merkle_consistent(a - 1, a_root, b, b_root, proof_span(&p)));
            }
        }
        assert_false(merkle_consistent(b, b_root, b, b_root, span_of(leaf[0], 32)));
        assert_false(merkle_consistent(b, b_root, b, leaf[N - 1], span_of(leaf, 0)));
        assert_false(merkle_consistent(b, b_root, b + 1, b_root, span_of(leaf, 31)));
        assert_true(merkle_consistent(b, b_root, b, b_root, span_of(leaf, 0)));
        assert_false(merkle_consistent(0, b_root, b, b_root, span_of(leaf, 0)));
        assert_false(merkle_consistent(b + 1, b_root, b, b_root, span_of(leaf, 0)));
    }
}

/* Roots that a list too long, or too short, does lead to. */
static void test_lists_of_another_length(void **state)
{
    uint8_t proof[4][32], three[32], four[32], above_three[32], above_four[32], pair[32];
    (void)state;
    merkle_node(leaf[9], leaf[0], above_three);
    assert_false(merkle_included(leaf[0], 0, 1, span_of(leaf[9], 32), above_three));

    memcpy(proof[0], leaf[2], 32);
    memcpy(proof[1], leaf[3], 32);
    naive(0, 2, proof[2]);
    memcpy(proof[3], leaf[9], 32);
    naive(0, 3, three);
    naive(0, 4, four);
    assert_true(merkle_consistent(3, three, 4, four, span_of(proof, 96)));
    merkle_node(leaf[9], three, above_three);
    merkle_node(leaf[9], four, above_four);
    assert_false(merkle_consistent(3, above_three, 4, above_four, SPAN_OF(proof)));
    naive(2, 4, pair);
    assert_false(merkle_consistent(3, leaf[2], 4, pair, span_of(proof, 64)));
}

/* Sizes from 2^40 on are none: then no node beside those that are there is read or written. */
static void test_no_tree_so_large(void **state)
{
    struct {
        struct merkle t;
        uint8_t behind[32];
    } m = { 0 };
    uint8_t root[32];
    (void)state;
    m.t.size = (1ull << MERKLE_LEVELS) - 1;
    merkle_push(&m.t, 0, leaf[0]);
    assert_true(span_is_zero(SPAN_OF(m.behind)));
    memcpy(m.t.node[0], leaf[7], 32);
    memcpy(m.behind, leaf[8], 32);
    m.t.size = 1ull << MERKLE_LEVELS | 1;
    merkle_root(&m.t, root);
    assert_memory_equal(root, leaf[7], 32);
}

static void test_consistency_from_a_base(void **state)
{
    struct merkle base;
    struct merkle_proof p;
    uint8_t a_root[32], b_root[32];
    (void)state;
    for (uint32_t at = 1; at < N; at += 1 + at / 2) {
        struct merkle_source s = source(&base, at, N);
        for (uint32_t a = at; a <= N; a++) {
            naive(0, a, a_root);
            for (uint32_t b = a; b <= N; b++) {
                naive(0, b, b_root);
                assert_true(merkle_prove_consistent(&s, a, b, &p));
                assert_true(merkle_consistent(a, a_root, b, b_root, proof_span(&p)));
            }
        }
        assert_false(merkle_prove_consistent(&s, at - 1, N, &p));
    }
}

/* ---- base64: RFC 4648 section 10, and one way to write each value ---- */

static void test_base64(void **state)
{
    static const char *const row[][2] = { { "", "" },
                                          { "f", "Zg==" },
                                          { "fo", "Zm8=" },
                                          { "foo", "Zm9v" },
                                          { "foob", "Zm9vYg==" },
                                          { "fooba", "Zm9vYmE=" },
                                          { "foobar", "Zm9vYmFy" } };
    static const char *const bad[] = {
        "Zh==", "Zm9=", "Z===", "Zg=v", "Zg", "Zg= ", "====", "Zm9-"
    };
    char text[16];
    uint8_t out[8];
    struct fmt f;
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(row); i++) {
        size_t n = strlen(row[i][0]);
        FMT_INIT(&f, text);
        base64_put(&f, span_of(row[i][0], n));
        assert_string_equal(text, row[i][1]);
        assert_true(base64_decode(fmt_text(&f), mspan_of(out, n)));
        assert_memory_equal(out, row[i][0], n);
        assert_false(base64_decode(fmt_text(&f), mspan_of(out, n + 3)));
    }
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        for (size_t n = 1; n <= 3; n++) {
            assert_false(base64_decode(span_of(bad[i], strlen(bad[i])), mspan_of(out, n)));
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_vectors),
        cmocka_unit_test(test_against_definition),
        cmocka_unit_test(test_inclusion),
        cmocka_unit_test(test_inclusion_spoiled),
        cmocka_unit_test(test_prefixes),
        cmocka_unit_test(test_consistency),
        cmocka_unit_test(test_consistency_spoiled),
        cmocka_unit_test(test_lists_of_another_length),
        cmocka_unit_test(test_no_tree_so_large),
        cmocka_unit_test(test_consistency_from_a_base),
        cmocka_unit_test(test_base64),
    };
    return cmocka_run_group_tests_name("merkle", tests, setup, NULL);
}
