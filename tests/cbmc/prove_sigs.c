/* lib/sigs.c: rows of {key id, signature}. */
#include "tests/cbmc/proof.h"

#include "lib/sigs.h"

enum { ROWS = 2, ROOTS = 2 };

static struct trust_view trust;
static uint8_t rows[ROWS * SIG_ROW], msg[4];
static uint32_t checked;
static bool all_good;

static uint64_t big_endian(const uint8_t *p)
{
    return (uint64_t)p[0] << 56 | (uint64_t)p[1] << 48 | (uint64_t)p[2] << 40 | (uint64_t)p[3] << 32 | (uint64_t)p[4] << 24 |
           (uint64_t)p[5] << 16 | (uint64_t)p[6] << 8 | p[7];
}

/* memcmp of two key ids, a word at a time: CBMC's own goes byte by byte. */
static int id_order(const uint8_t *a, const uint8_t *b, size_t n)
{
    claim(n == 32 && __CPROVER_r_ok(a, 32) && __CPROVER_r_ok(b, 32), "two whole ids");
    for (size_t i = 0; i < 32; i += 8) {
        if (big_endian(a + i) != big_endian(b + i)) {
            return big_endian(a + i) < big_endian(b + i) ? -1 : 1;
        }
    }
    return 0;
}

/* Says yes or no; claims that it is asked about a row by the root whose id the row has. */
bool ed25519_verify(const uint8_t sig[64], span_t m, const uint8_t pk[32])
{
    bool good = nondet_bool(), root = false;
    const uint8_t *row = rows + (size_t)checked * SIG_ROW;

    claim(m.data == msg && m.len == sizeof msg && checked < ROWS && sig == row + 32, "each row once, the message");
    for (uint32_t i = 0; i < ROOTS; i++) {
        root |= i < trust.n_root && pk == trust.root[i] && id_order(trust.key_id[i], row, 32) == 0;
    }
    claim(root, "by the root whose id the row has");
    checked++;
    all_good &= good;
    return good;
}

void blake3_derive(const char *context, span_t in, uint8_t out[32])
{
    claim(context[0] != 0 && __CPROVER_r_ok(in.data, in.len), "inside");
    __CPROVER_havoc_slice(out, 32);
}

#define memcmp id_order
#include "lib/sigs.c"

/* sigs_row, sigs_ascending: a row that is wholly there; true exactly if each key id is above the one before, so no
 * signer counts twice
 * bound: 0, 1 and 2 rows of any content, and a part of another
 * unwind: 5
 * planted: lib/sigs.c: memcmp(before, id, 32) >= 0 => memcmp(before, id, 32) > 0
 * planted: lib/sigs.c: before = id; => ;
 * planted: lib/sigs.c: span_cut(sigs, i * SIG_ROW, SIG_ROW, &row) => span_cut(sigs, i * SIG_ROW, 32, &row) */
void prove_sigs_ascending(void)
{
    const uint8_t *id = NULL, *sig = NULL;
    size_t i = nondet_u64(), len = nondet_u64();

    __CPROVER_havoc_object(rows);
    claim(sigs_ascending(span_of(rows, 2 * SIG_ROW)) == (id_order(rows, rows + SIG_ROW, 32) < 0), "strictly");
    claim(sigs_ascending(span_of(rows, 2 * SIG_ROW - 1)) && sigs_ascending(span_of(rows, 0)), "one or none");
    assume(len <= sizeof rows);
    bool there = sigs_row(span_of(rows, len), i, &id, &sig);
    claim(there == (i < len / SIG_ROW), "a row that there is");
    claim(IMPLIES(there, id == rows + i * SIG_ROW && sig == id + 32 && sig + 64 <= rows + len), "inside");
    claim(IMPLIES(!there, id == NULL && sig == NULL), "untouched");
}

static void by_roots(size_t n)
{
    span_t sigs = span_of(rows, n * SIG_ROW);

    __CPROVER_havoc_object(&trust);
    __CPROVER_havoc_object(rows);
    assume(trust.n_root <= ROOTS);
    checked = 0;
    all_good = true;
    nos_status_t st = sigs_check_roots(SPAN_OF(msg), sigs, &trust);
    claim(IMPLIES(st == NOS_OK, n >= 1 && n >= trust.k && checked == n && all_good), "k of n, all good");
    claim(IMPLIES(n == 0, st == NOS_FEW_SIGNATURES), "none is too few");
    claim((st == NOS_BAD_SIGNATURE) == !all_good, "one that is bad is told");
    claim(IMPLIES(st == NOS_KEY_UNKNOWN || st == NOS_FEW_SIGNATURES, checked == 0), "cheap refusals first");
    claim(st == NOS_OK || st == NOS_KEY_UNKNOWN || st == NOS_FEW_SIGNATURES || st == NOS_BAD_SIGNATURE, "its name");
}

/* sigs_check_roots: good only with at least k rows and one, each by a root key, each signature checked under the key
 * that its row names, and good; no signature is looked at in a file that cannot be accepted
 * bound: 0 to 2 rows of any content, 0 to 2 roots, any k
 * assumed: ed25519_verify says yes or no
 * unwind: 9
 * planted: lib/sigs.c: if (n == 0 || n < trust->k) { => if (n == 0) {
 * planted: lib/sigs.c: if (n == 0 || n < trust->k) { => if (n < trust->k) {
 * planted: lib/sigs.c: return trust->root[i]; => return trust->root[0];
 * planted: lib/sigs.c: if (pk == NULL || !ed25519_verify(sig, msg, pk)) { => if (pk == NULL || (i == 0 && !ed25519_verify(sig, msg, pk))) { */
void prove_sigs_roots(void)
{
    by_roots(0);
    by_roots(1);
    by_roots(2);
}
