/* Checkpoints: when they are due, and what they sign. In steps: what is to be under it, the key
 * after this one and the root, the signature. The newest are kept; each names the key of the next.
 */
#include <string.h>

#include "kernel/arch/api/arch.h"
#include "kernel/audit/audit_impl.h"
#include "kernel/crypto/vault.h"
#include "lib/audit.h"

enum { PLACES = AUDIT_CHECKPOINTS + 1 /* that of the next one is not read */ };

static struct {
    uint64_t made;      /* in all */
    uint64_t goal;      /* records that the one under way must cover; 0 = none is under way */
    uint64_t signed_to; /* records under the last one */
    uint64_t drop_said; /* dropped, when the log last said so */
    struct nos_audit_checkpoint place[PLACES];
} points;

void checkpoints_init(void)
{
    memset(&points, 0, sizeof points);
}

void checkpoints_count(uint64_t *made, uint64_t *first)
{
    *made = points.made;
    *first = points.made < AUDIT_CHECKPOINTS ? 0 : points.made - AUDIT_CHECKPOINTS;
}

nos_status_t audit_checkpoint(uint64_t seq, struct nos_audit_checkpoint *out)
{
    uint64_t made, first;

    checkpoints_count(&made, &first);
    seq = seq < first ? first : seq;
    if (seq >= made) {
        return NOS_NOT_FOUND;
    }
    *out = points.place[seq % PLACES];
    return NOS_OK;
}

static void say_dropped(void)
{
    if (chain.ring.dropped != points.drop_said) {
        points.drop_said = chain.ring.dropped;
        audit_add(NOS_AUDIT_DROP, 0, NOS_OK, NULL, chain.ring.dropped, 0, NULL);
    }
}

/* What comes from now on is news for the one after this. */
static void begin(void)
{
    denials_flush();
    say_dropped();
    points.goal = chain.ring.next;
    chain.news_ns = 0;
}

/* The tree may grow until it is signed: this is what it is now. */
static void prepare(struct nos_audit_checkpoint *c)
{
    vault_audit_prepare();
    *c = (struct nos_audit_checkpoint){ .seq = points.made, .size = tree_size() };
    tree_root(c->root);
    memcpy(c->pk, vault_audit_pk(), sizeof c->pk);
    memcpy(c->next_pk, vault_audit_next_pk(), sizeof c->next_pk);
}

static void sign(struct nos_audit_checkpoint *c)
{
    char room[AUDIT_NOTE_TEXT_MAX];
    struct fmt f;

    FMT_INIT(&f, room);
    audit_note_text(&f, vault_boot_id(), c);
    vault_audit_sign(fmt_text(&f), c->sig);
    points.signed_to = c->size;
    points.goal = 0;
    points.made++;
}

static bool step(void)
{
    struct nos_audit_checkpoint *c = &points.place[points.made % PLACES];

    if (points.goal == 0 || tree_size() < points.goal) {
        return false;
    }
    if (vault_audit_ready()) {
        sign(c);
    } else {
        prepare(c);
    }
    return true;
}

uint64_t audit_checkpoint_due(void)
{
    if (points.goal != 0) {
        return 1;
    }
    return chain.news_ns == 0 ? 0 : chain.news_ns + AUDIT_CHECKPOINT_NS;
}

bool audit_checkpoint_step(uint64_t now_ns)
{
    bool many = chain.ring.next - points.signed_to >= AUDIT_CHECKPOINT_EVERY;

    if (points.goal == 0 && (many || (chain.news_ns != 0 && now_ns >= audit_checkpoint_due()))) {
        begin();
        return true;
    }
    if (step()) {
        return true;
    }
    if (chain.sealed < chain.ring.next) {
        seal_one();
        return true;
    }
    if (tree_size() < chain.sealed) {
        tree_add(&ring_at(&chain.ring, tree_size())->rec, chain.ring.first);
        return true;
    }
    return false;
}
