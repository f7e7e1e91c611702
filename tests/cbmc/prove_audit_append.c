/* kernel/audit/audit.c: a record comes, names its causes, is sealed. The run and the tree are numbers here: each place of the
 * run that is looked at holds anything that the invariant allows. At most 4 records wait to be sealed, not 32. The hash of
 * record n is the number n + 1 in its first 8 bytes; the others are not looked at. */
#include "tests/cbmc/proof.h"

#include "lib/span.h"
static inline void *copy_hash(void *to, const void *from, size_t n)
{
    claim(n == 32 && __CPROVER_w_ok(to, n) && __CPROVER_r_ok(from, n), "a hash");
    store_le64(to, load_le64(from));
    return to;
}
#define memcpy copy_hash

#include "abi/audit.h"
#include "kernel/core/panic.h"
#include "kernel/core/types.h"
#define AUDIT_UNSEALED_MAX AUDIT_UNSEALED_MAX_OF_THE_KERNEL
#include "kernel/audit/audit.h"
#undef AUDIT_UNSEALED_MAX
enum { AUDIT_UNSEALED_MAX = 4 };
#include "kernel/audit/audit.c"
#include "lib/checked.h"

/* ---- what stands around it ---- */

static struct nos_audit_entry one, other; /* the record that is sealed or the newest; one before it */
static uint64_t in_tree;
static bool out_of_memory, drawn; /* the run cannot grow; a salt was drawn */
static bool numbers_alone;        /* causes and hashes are audit_seal's */

static bool is_hash(const uint8_t hash[32], uint64_t seq)
{
    return load_le64(hash) != 0 && load_le64(hash) - 1 == seq;
}

bool span_is_zero(span_t s)
{
    claim(s.len == 32, "a hash");
    return load_le64(s.data) == 0;
}

/* Half of the run. A run that has just got shorter has all there ever was. */
static uint32_t most_unsealed(void)
{
    return chain.ring.first == 0 && !numbers_alone ? AUDIT_UNSEALED_MAX : lower(chain.ring.cap / 2, AUDIT_UNSEALED_MAX);
}

/* What a record's causes are: at most two, before it, the nearer one first, each with its hash, or none yet when it was not
 * sealed when it was named. */
static bool causes_ok(const struct nos_audit_record *r)
{
    bool ok = (r->back[0] != 0 || r->back[1] == 0) && (r->back[1] == 0 || r->back[0] < r->back[1]);

    for (unsigned i = 0; i < 2; i++) {
        const uint8_t *hash = r->parent[1 + i];
        uint64_t cause = 0;
        ok &= checked_sub(r->seq, r->back[i], &cause);
        ok &= (r->back[i] != 0 && is_hash(hash, cause)) ||
              (load_le64(hash) == 0 && (r->back[i] == 0 || r->back[i] < most_unsealed()));
    }
    return ok;
}

struct nos_audit_entry *ring_at(const struct ring *r, uint64_t seq)
{
    struct nos_audit_entry any;

    claim(r == &chain.ring && seq >= r->first && seq < r->next, "in the run");
    any.rec.seq = seq;
    if (numbers_alone) {
        one.rec.seq = seq;
        one.rec.back[0] = 0;
        return &one;
    }
    if (seq < chain.sealed) {
        assume(seq == 0 || is_hash(any.rec.parent[0], seq - 1));
        other = any;
        return &other;
    }
    assume(causes_ok(&any.rec) && any.rec.n_par == 0);
    one = any;
    return &one;
}

/* Memory may end while the run fills for the first time: then all of it is still there. */
bool ring_evicts(struct ring *r)
{
    if (r->next < r->cap && r->next >= 2 && out_of_memory) {
        r->cap = (uint32_t)r->next;
    }
    return r->next - r->first == r->cap;
}

struct nos_audit_entry *ring_push(struct ring *r)
{
    if (ring_evicts(r)) {
        claim(r->first < chain.sealed, "what leaves the run is sealed");
        claim(r->first < in_tree, "and in the tree");
        r->first++;
    }
    r->next++;
    one = (struct nos_audit_entry){ 0 };
    return &one;
}

const struct nos_audit_entry *ring_protected(uint64_t seq)
{
    return seq == 0 ? NULL : &other;
}

void ring_init(struct ring *r)
{
    *r = (struct ring){ .cap = AUDIT_RING };
}

uint64_t tree_size(void)
{
    return in_tree;
}

void tree_add(const struct nos_audit_record *rec, uint64_t first)
{
    claim(rec->seq == in_tree && in_tree < chain.sealed, "the next record, sealed");
    claim(first == chain.ring.first, "the oldest of the run");
    in_tree++;
}

void vault_random(void *out, size_t len)
{
    claim(len == 32 && __CPROVER_w_ok(out, len), "a salt");
    drawn = true;
}

void audit_body_commit(const uint8_t salt[32], const struct nos_audit_body *body, uint8_t out[32])
{
    claim(drawn && salt == one.salt && body == &one.body && out == one.rec.body_commit, "its salt, drawn, over its body");
}

/* A record is hashed once it is whole. */
void audit_hash(const struct nos_audit_record *rec, uint8_t out[32])
{
    claim(rec->seq == chain.sealed && drawn, "the next one, its body committed to");
    drawn = false;
    if (numbers_alone) {
        return;
    }
    claim(rec->n_par == (rec->seq != 0) + (rec->back[0] != 0) + (rec->back[1] != 0), "as many parents as it has");
    claim(rec->seq == 0 || is_hash(rec->parent[0], rec->seq - 1), "the record before");
    for (unsigned i = 0; i < 2; i++) {
        claim(rec->back[i] == 0 || is_hash(rec->parent[1 + i], rec->seq - rec->back[i]), "each cause");
    }
    store_le64(out, rec->seq + 1);
}

uint64_t arch_clock_ns(void)
{
    return nondet_u64();
}

void background_begins(void) {}

void panic(const char *format, ...)
{
    (void)format;
    claim(false, "no panic");
    assume(false);
}

/* ---- any log ---- */

static struct audit_ref ref; /* who waits for a hash, one of them */

static bool log_ok(void)
{
    const struct ring *r = &chain.ring;
    bool ok = r->first == (r->next < r->cap ? 0 : r->next - r->cap) && chain.sealed >= r->first && chain.sealed <= r->next &&
              r->next - chain.sealed <= most_unsealed() && in_tree >= r->first && in_tree <= chain.sealed &&
              (numbers_alone || chain.sealed == 0 || is_hash(chain.head, chain.sealed - 1));

    for (unsigned i = 0; i < ARRAY_LEN(chain.waiting); i++) {
        ok &= chain.waiting[i] == NULL || (chain.waiting[i] == &ref && ref.at > chain.sealed && ref.at <= r->next &&
                                           ref.at % AUDIT_UNSEALED_MAX == i && load_le64(ref.hash) == 0);
    }
    return ok;
}

static void any_log(bool numbers)
{
    struct chain any;
    struct audit_ref any_ref;
    unsigned waits = numbers ? ARRAY_LEN(chain.waiting) : nondet_u8(); /* where it waits, if at all */

    numbers_alone = numbers;
    chain = any;
    ref = any_ref;
    in_tree = nondet_u64();
    out_of_memory = nondet_bool();
    drawn = false;
    for (unsigned i = 0; i < ARRAY_LEN(chain.waiting); i++) {
        chain.waiting[i] = i == waits ? &ref : NULL;
    }
    assume(chain.ring.cap >= 2 && chain.ring.cap <= AUDIT_RING && chain.ring.next < 1ull << 62);
    assume(log_ok());
}

/* Who waited for the hash of a record that is sealed by now has it, and waits no more; else nothing of it was touched. */
static bool answered(const struct chain *was, struct audit_ref before)
{
    bool ok = ref.at == before.at, waited = false;

    for (unsigned i = 0; i < ARRAY_LEN(chain.waiting); i++) {
        bool has = was->waiting[i] != NULL && ref.at <= chain.sealed;
        ok &= chain.waiting[i] == (has ? NULL : was->waiting[i]);
        waited |= has;
    }
    return ok && load_le64(ref.hash) == (waited ? ref.at : load_le64(before.hash));
}

static void seal(void)
{
    struct chain was = chain;
    struct audit_ref before = ref;

    assume(chain.sealed < chain.ring.next);
    seal_one();
    claim(chain.sealed == was.sealed + 1 && is_hash(chain.head, was.sealed), "one more");
    claim(log_ok() && answered(&was, before), "the log and who waits");
}

static void push(void)
{
    struct chain was = chain;
    uint64_t tree = in_tree;

    const struct nos_audit_entry *e = append((enum nos_audit_kind)nondet_u16(), nondet_u32());
    claim(chain.ring.next == was.ring.next + 1 && e->rec.seq == was.ring.next, "one more, the next number");
    claim(e->rec.tick == chain.tick && chain.tick >= was.tick, "its time is not before the one before");
    claim(e->rec.n_par == 0 && e->rec.back[0] == 0, "no cause yet");
    claim(log_ok(), "the log");
    uint64_t most = chain.ring.cap > TREE_ROOM ? chain.ring.cap - TREE_ROOM : 0;
    claim(in_tree > tree || tree == chain.sealed || was.ring.next - tree <= most, "a tree that lags takes one");
}

/* seal_one: the next record is hashed once it is whole: its body committed to under a new salt, the record before and each
 * cause named by its hash; who waited for its hash has it; nothing is read that has left the run
 * bound: any log whose run has at most 1,024 places, any number of which are filled; any causes that audit_cause leaves
 * assumed: random numbers, commitment and hash of a record (here its number) are right; ring and tree as they are proved
 * unwind: 9
 * planted: kernel/audit/audit.c: memcpy(r->parent[0], chain.head, sizeof chain.head); => ;
 * planted: kernel/audit/audit.c: hash_of(r->seq - r->back[i]) => hash_of(r->seq - 1)
 * planted: kernel/audit/audit.c: r->n_par++; => ;
 * planted: kernel/audit/audit.c: vault_random(e->salt, sizeof e->salt); => ;
 * planted: kernel/audit/audit.c: *ref = NULL; => ; */
void prove_audit_seal(void)
{
    any_log(false);
    seal();
}

/* append: one more record, the next number, not before the one before in time; what leaves the run is sealed and in the
 * tree; at most half of the run and 4 records wait to be sealed; a tree that lags takes one
 * bound: as audit_seal, and any run that is full, not full, or ends here for want of memory
 * assumed: as audit_seal, whose the causes, hashes and those who wait are
 * unwind: 9
 * planted: kernel/audit/audit.c: chain.ring.next - chain.sealed >= lower(cap / 2, AUDIT_UNSEALED_MAX) => false
 * planted: kernel/audit/audit.c: lower(cap / 2, AUDIT_UNSEALED_MAX) => AUDIT_UNSEALED_MAX
 * planted: kernel/audit/audit.c: cap > TREE_ROOM ? cap - TREE_ROOM : 0 => cap
 * planted: kernel/audit/audit.c: now > chain.tick ? now : chain.tick => now
 * planted: kernel/audit/audit.c: chain.ring.next - tree_size() > lag => false */
void prove_audit_append(void)
{
    any_log(true);
    push();
}

/* audit_cause, audit_remember, audit_forget: the newest record has at most two causes, each before it, the nearer one
 * first, with its hash when that is known; whoever is to have its hash waits in the place of its number, and no one else's
 * place is touched
 * bound: as audit_seal; any record that exists as a cause, or none, whether its hash is known to who asks or not
 * assumed: as audit_seal; a reference has one record, a record one reference
 * unwind: 9
 * planted: kernel/audit/audit.c: r->back[1] = r->back[0]; => ;
 * planted: kernel/audit/audit.c: back == r->back[0] => false
 * planted: kernel/audit/audit.c: if (cause->at < chain.ring.first) { => if (false) {
 * planted: kernel/audit/audit.c: cause->at <= chain.sealed => cause->at < chain.sealed
 * planted: kernel/audit/audit.c: if (*waits == ref) { => if (*waits != NULL) {
 * planted: kernel/audit/audit.c: ref->at = newest()->seq + 1; => ref->at = newest()->seq; */
void prove_audit_cause(void)
{
    struct audit_ref cause, to, was;

    any_log(false);
    assume(chain.ring.next > chain.sealed);
    assume(cause.at <= chain.ring.next);
    assume(load_le64(cause.hash) == 0 || load_le64(cause.hash) == cause.at);
    audit_cause(nondet_bool() ? &cause : NULL);
    claim(causes_ok(&one.rec), "causes");
    claim(log_ok(), "the log");

    assume(to.at <= chain.sealed); /* of a record that was sealed, or of none */
    struct audit_ref *before[AUDIT_UNSEALED_MAX];
    for (unsigned i = 0; i < AUDIT_UNSEALED_MAX; i++) {
        before[i] = chain.waiting[i];
        assume(before[i] == NULL || ref.at != chain.ring.next); /* one ref for a record */
    }
    was = ref;
    audit_remember(&to);
    claim(to.at == chain.ring.next && load_le64(to.hash) == 0, "of the newest record, whose hash is not known");
    for (unsigned i = 0; i < AUDIT_UNSEALED_MAX; i++) {
        claim(chain.waiting[i] == (i == chain.ring.next % AUDIT_UNSEALED_MAX ? &to : before[i]), "its own place alone");
    }
    audit_forget(&to);
    claim(to.at == 0 && load_le64(to.hash) == 0, "of none");
    for (unsigned i = 0; i < AUDIT_UNSEALED_MAX; i++) {
        claim(chain.waiting[i] == before[i], "waits no more");
    }
    claim(ref.at == was.at && load_le64(ref.hash) == load_le64(was.hash), "others as they are");
    if (before[0] != NULL) {
        audit_forget(&ref);
        claim(chain.waiting[0] == NULL, "who waited");
    }
}
