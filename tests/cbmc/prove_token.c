/* lib/token.c, lib/cap.c: what is handed on only shrinks. */
#include "tests/cbmc/proof.h"

#include "lib/cap.c"
#include "lib/span.c"
#include "lib/token.c"

static const struct token_chain *the_chain;
static const uint8_t *the_issuer;
static size_t anywhere; /* below 132: what holds for one byte that nobody knows holds for all */
static uint32_t block_asked, signatures, hashes;
static bool all_good = true;

/* The contract of a hash: it reads what it is given. */
void blake3_hash(span_t in, uint8_t out[BLAKE3_LEN])
{
    claim(in.len == TOKEN_BYTES && in.data == the_chain->bytes.data + TOKEN_BYTES * (block_asked - 1),
          "of the whole block before");
    claim(__CPROVER_w_ok(out, BLAKE3_LEN), "room for a hash");
    __CPROVER_havoc_slice(out, BLAKE3_LEN);
    hashes++;
}

/* The contract of a signature check: yes or no. It must be asked about the right one. */
bool ed25519_verify(const uint8_t sig[64], span_t msg, const uint8_t pk[32])
{
    const uint8_t *block = the_chain->bytes.data + TOKEN_BYTES * (size_t)block_asked;
    bool good = nondet_bool();

    claim(sig == block + TOKEN_BODY, "the block's own signature");
    claim(pk == (block_asked == 0 ? the_issuer : the_chain->block[block_asked - 1].next_pk), "by the key that may");
    claim(msg.len == TOKEN_SIGNED_BYTES && msg.data[anywhere % 11] == (uint8_t)NOS_DOMAIN_CAP[anywhere % 11],
          "its domain and no other");
    claim(msg.data[sizeof(NOS_DOMAIN_CAP) + 32 + anywhere] == block[anywhere], "over all that the block says");
    signatures++;
    all_good = good;
    return good;
}

bool name16_ok(const char *name)
{
    (void)name;
    return nondet_bool();
}

static struct token any_token(void)
{
    struct token t;
    t.depth = nondet_u8();
    return t;
}

/* token_parse: what is taken has one form, which token_write makes again, and no bit that nobody knows
 * bound: blocks of 0 to 200 bytes of any content
 * unwind: 34
 * planted: lib/token.c: !span_is_zero(rsv) => false
 * planted: lib/token.c: (t->rights & ~(uint32_t)NOS_RIGHT_ALL) == 0 => true */
void prove_token_parse(void)
{
    uint8_t again[TOKEN_BODY];
    size_t len = nondet_u64(), i = nondet_u64();
    struct token t = { .nonce = 7 };

    assume(len <= 200 && i < TOKEN_BODY);
    const uint8_t *bytes = any_bytes(len);
    nos_status_t st = token_parse(span_of(bytes, len), &t);
    if (st != NOS_OK) {
        claim(st == NOS_TOKEN_FORMAT && t.nonce == 7 && t.kind == 0, "refused by name, nothing touched");
        return;
    }
    token_write(&t, again);
    claim(len == TOKEN_BYTES && again[i] == bytes[i], "one form");
    claim((t.rights & ~(uint32_t)NOS_RIGHT_ALL) == 0 && (t.classes & ~(uint32_t)NOS_CLASS_ALL) == 0, "known bits");
    claim(t.depth <= TOKEN_DEPTH_MAX && (t.exp == 0 || t.exp > t.nbf), "a depth and a life that can be");
}

/* token_link: a child that is taken names the same object, has no right and no class more, is never valid when its
 * parent is not, and is for the same audience unless the parent may be transferred; whatever is so is taken
 * bound: any two blocks, any time
 * unwind: 34
 * planted: lib/token.c: (child->rights & ~parent->rights) != 0 => (child->rights & parent->rights) != child->rights && child->depth != 77
 * planted: lib/token.c: (parent->exp == 0 || (child->exp != 0 && child->exp <= parent->exp)) => (parent->exp == 0 || child->exp <= parent->exp)
 * planted: lib/token.c: (parent->rights & NOS_RIGHT_TRANSFER) == 0 && => (child->rights & NOS_RIGHT_TRANSFER) == 0 && parent->depth == 0 && */
void prove_token_link(void)
{
    struct token parent = any_token(), child = any_token();
    uint64_t now = nondet_u64();

    nos_status_t st = token_link(&parent, &child);
    bool same = child.kind == parent.kind && memcmp(child.obj, parent.obj, 32) == 0;
    bool narrow = (child.rights | parent.rights) == parent.rights && (child.classes | parent.classes) == parent.classes;
    bool inside = child.nbf >= parent.nbf && (parent.exp == 0 || (child.exp != 0 && child.exp <= parent.exp));
    bool audience = memcmp(child.audience, parent.audience, 32) == 0 || (parent.rights & NOS_RIGHT_TRANSFER) != 0;
    claim((st == NOS_OK) == (same && narrow && inside && audience), "taken exactly when it only narrows");
    claim(st == NOS_OK || st == (!same ? NOS_TOKEN_OBJECT : !narrow ? NOS_TOKEN_RIGHTS : !inside ? NOS_TOKEN_WINDOW
                                                                                                 : NOS_TOKEN_AUDIENCE),
          "the first rule that it breaks is told");
    claim(IMPLIES(st == NOS_OK && token_check_time(&child, now) == NOS_OK, token_check_time(&parent, now) == NOS_OK),
          "valid only while its parent is");
}

/* token_chain_sig: good only when the block's own signature was good, over the domain, the hash of the whole block
 * before and all that the block says, by the issuer or by the key that the block before names; which of the two is told
 * bound: any bytes of a chain of four blocks, each of its blocks
 * assumed: ed25519_verify says yes or no, BLAKE3 gives any hash
 * unwind: 14
 * planted: lib/token.c: i == 0 ? issuer_pk : c->block[i - 1].next_pk => i == 0 ? issuer_pk : c->block[i].next_pk
 * planted: lib/token.c: memcpy(hash + 32, body, TOKEN_BODY); => memcpy(hash + 32, body, TOKEN_BODY - 1);
 * planted: lib/token.c: i == 0 ? NULL : at - TOKEN_BYTES => i == 0 ? NULL : at */
void prove_token_sig(void)
{
    static uint8_t bytes[TOKEN_CHAIN_BYTES], issuer[32];
    static struct token_chain c;

    the_issuer = issuer;
    the_chain = &c;
    __CPROVER_havoc_object(bytes);
    c.bytes = SPAN_OF(bytes);
    anywhere = nondet_u64();
    block_asked = nondet_u32();
    assume(anywhere < TOKEN_BODY && block_asked < NOS_TOKEN_BLOCKS_MAX);
    nos_status_t st = token_chain_sig(&c, block_asked, issuer);
    claim(signatures == 1 && hashes == (block_asked == 0 ? 0 : 1), "looked at once");
    claim(st == (all_good ? NOS_OK : block_asked == 0 ? NOS_TOKEN_ISSUER : NOS_TOKEN_LINK), "what it says");
}

/* token_chain_links: in a chain that is taken the last block grants no right, no class, no moment and no object that
 * any block before it does not
 * bound: chains of 3 blocks of any content, the first against the last, any time
 * unwind: 34
 * planted: lib/token.c: for (uint32_t i = 1; i < c->n && => for (uint32_t i = 2; i < c->n && */
void prove_token_links(void)
{
    struct token_chain c;
    uint64_t now = nondet_u64();
    const uint32_t i = 0; /* what holds for the first holds for all: a rest of a chain is one */

    c.n = 3;
    if (token_chain_links(&c) != NOS_OK) {
        return;
    }
    const struct token *first = &c.block[i], *last = token_last(&c);
    claim(last == &c.block[c.n - 1], "the block that counts");
    claim((last->rights & ~first->rights) == 0 && (last->classes & ~first->classes) == 0, "only narrower");
    claim(last->kind == first->kind && memcmp(last->obj, first->obj, 32) == 0, "the same object");
    claim(IMPLIES(token_check_time(last, now) == NOS_OK, token_check_time(first, now) == NOS_OK), "no moment more");
}

/* cap_intersect: what both allow and nothing else: rights and range inside both, the shorter life
 * bound: any two records that cap_check takes
 * assumed: a name is any 16 bytes
 * unwind: 34
 * planted: lib/cap.c: both.rights &= granted->rights; => both.rights |= granted->rights;
 * planted: lib/cap.c: want->a + want->b <= granted->a + granted->b => want->b <= granted->b */
void prove_cap_intersect(void)
{
    struct nos_cap want, granted, out = { .kind = 77 };
    uint64_t port = nondet_u64();

    assume(cap_check(&want) == NOS_OK && cap_check(&granted) == NOS_OK);
    bool any = cap_intersect(&want, &granted, &out);
    if (!any) {
        claim(out.kind == 77, "untouched");
        return;
    }
    claim(out.kind == want.kind && out.kind == granted.kind && out.a == want.a && out.b == want.b, "what was asked");
    claim((out.rights & ~want.rights) == 0 && (out.rights & ~granted.rights) == 0, "rights of both");
    claim(out.rights == (want.rights & granted.rights), "all of them");
    claim(granted.ttl_ns == 0 || (out.ttl_ns != 0 && out.ttl_ns <= granted.ttl_ns), "no longer than granted");
    claim(want.ttl_ns == 0 || (out.ttl_ns != 0 && out.ttl_ns <= want.ttl_ns), "no longer than asked");
    if (out.kind == NOS_CAP_PORTS) {
        assume(port >= out.a && port - out.a < out.b);
        claim(port >= granted.a && port - granted.a < granted.b, "each port was granted");
    } else {
        claim(out.a == granted.a && out.b == granted.b, "the same object");
    }
}
