/*
 * A right on its way through a token: issued in one capsule, imported in another. The kernel keeps
 * what was issued (an export); a token without its export is only evidence. So a stolen issuing key
 * makes no handle, and what an export has lost no token brings back.
 *
 * An export has a cell below that of the handle it was made from, an import one below the export's:
 * cutting the handle, or the issuer's end, cuts all imports, and an importer that derives can cut
 * its own.
 *
 * An export counts among its issuer's objects while it lives. A dead one is let go when it is cut,
 * or when its issuer issues; it stays as an id until the issuer needs the room, so that who comes
 * too late hears REVOKED.
 */
#include <string.h>

#include "kernel/arch/api/arch.h"
#include "kernel/audit/audit.h"
#include "kernel/core/panic.h"
#include "kernel/crypto/vault.h"
#include "kernel/memory/cache.h"
#include "kernel/modules/module.h"
#include "kernel/modules/stages_impl.h"
#include "kernel/modules/token.h"

struct export
{
    struct export *next;      /* of the issuer's, newest first */
    struct export *same_hash; /* of all */
    struct capsule *issuer;   /* not referenced: its end ends the export */
    struct obj *obj;          /* referenced, and charged to the issuer; NULL = dead */
    via_t via;                /* own cell, referenced */
    uint8_t id[32];           /* token_id of block 0 alone: so rights and times are in it */
    struct audit_ref record;  /* it was issued */
    uint64_t deadline_ns, badge;
    uint8_t depth; /* of the handle it was made from, less the export's own cell */
};

enum { BUCKETS = 64 };

static struct cache export_cache = CACHE(export);
static struct export *by_id[BUCKETS];

static struct export **bucket_of(const uint8_t id[32])
{
    return &by_id[id[0] % BUCKETS];
}

static void lose(struct export *e)
{
    if (e->obj != NULL) {
        e->issuer->n_objects--;
        obj_put(e->obj);
        cell_put(e->via);
        e->obj = NULL;
        e->via = 0;
    }
}

static bool is_dead(const struct export *e)
{
    return e->obj == NULL || cell_look(e->via) != CELL_ALIVE || obj_ended(e->obj) ||
           (e->deadline_ns != 0 && e->deadline_ns <= arch_clock_ns());
}

static void drop(struct export **at)
{
    struct export *e = *at, **same = bucket_of(e->id);
    while (*same != e) {
        same = &(*same)->same_hash;
    }
    *same = e->same_hash;
    *at = e->next;
    lose(e);
    audit_forget(&e->record);
    cache_free(&export_cache, e);
}

void up_exports_prune(struct capsule *c)
{
    for (struct export *e = c->exports; e != NULL; e = e->next) {
        if (is_dead(e)) {
            lose(e);
        }
    }
}

void token_recall(struct capsule *c)
{
    KASSERT(c->exports != NULL);
    drop(&c->exports);
}

bool token_issuer_ends(struct capsule *c)
{
    bool cut = false;

    while (c->exports != NULL) {
        if (c->exports->obj != NULL) {
            cell_revoke(c->exports->via);
            cut = true;
        }
        drop(&c->exports);
    }
    return cut;
}

/* Room for one more of `c`, for which dead ones go. */
static bool has_room(struct capsule *c)
{
    struct export **at = &c->exports;
    uint32_t n = 0;

    up_exports_prune(c);
    for (const struct export *e = c->exports; e != NULL; e = e->next) {
        n++;
    }
    while (n >= TOKEN_EXPORTS_MAX && *at != NULL) {
        if ((*at)->obj == NULL) {
            drop(at);
            n--;
        } else {
            at = &(*at)->next;
        }
    }
    return n < TOKEN_EXPORTS_MAX && c->n_objects < c->limits.objects;
}

/* ---- issue ---- */

static nos_status_t check_request(const struct capsule *c, const struct handle_slot *s,
                                  const struct nos_token_request *req)
{
    if (!span_is_zero(SPAN_OF(req->rsv)) || (req->rights & ~(uint32_t)NOS_RIGHT_ALL) != 0 ||
        (req->classes & ~(uint32_t)NOS_CLASS_ALL) != 0 ||
        (req->depth == 0) != span_is_zero(SPAN_OF(req->next_pk))) {
        return NOS_INVALID;
    }
    // REVOKE is about the import's own cell: see cap_derive.
    if ((req->rights & ~(s->rights | NOS_RIGHT_REVOKE)) != 0 || (req->classes & ~c->classes) != 0) {
        return NOS_DENIED;
    }
    // One cell for the export, one for each import.
    return req->depth > TOKEN_DEPTH_MAX || req->depth > s->depth || s->depth < 2 ? NOS_DEPTH
                                                                                 : NOS_OK;
}

static uint64_t earlier(uint64_t a, uint64_t b) /* 0 is no end */
{
    return a == 0 || (b != 0 && b < a) ? b : a;
}

static nos_status_t add_export(struct capsule *c, const struct handle_slot *s, uint64_t end)
{
    if (!has_room(c)) {
        return NOS_QUOTA;
    }
    struct export *e = cache_alloc(&export_cache);
    if (e == NULL) {
        return NOS_NO_MEMORY;
    }
    nos_status_t st = cell_new(&c->handles.cells, s->via, &e->via);
    if (st != NOS_OK) {
        cache_free(&export_cache, e);
        return st;
    }
    obj_get(s->obj);
    c->n_objects++;
    e->obj = s->obj;
    e->issuer = c;
    e->deadline_ns = end;
    e->badge = s->badge;
    e->depth = (uint8_t)(s->depth - 1);
    e->next = c->exports;
    c->exports = e;
    return NOS_OK;
}

static void can_be_found(struct export *e)
{
    struct export **at = bucket_of(e->id);
    e->same_hash = *at;
    *at = e;
}

nos_status_t token_issue(struct capsule *c, const struct handle_slot *s,
                         const struct nos_token_request *req, uint8_t out[TOKEN_BYTES])
{
    struct token t = { .classes = req->classes,
                       .rights = req->rights,
                       .nbf = req->nbf,
                       .exp = earlier(req->exp, s->deadline_ns),
                       .depth = req->depth };

    nos_status_t st = check_request(c, s, req);
    if (st == NOS_OK && t.exp != 0 && t.exp <= t.nbf) {
        st = NOS_INVALID;
    }
    if (st == NOS_OK) {
        st = add_export(c, s, t.exp);
    }
    if (st == NOS_OK) {
        memcpy(t.audience, req->audience, sizeof t.audience);
        memcpy(t.next_pk, req->next_pk, sizeof t.next_pk);
        token_sign(c, s->obj, c->id, &t, out);
        audit_remember(&c->exports->record);
        token_id(span_of(out, TOKEN_BODY), c->exports->id);
        can_be_found(c->exports);
    }
    return st;
}

/* ---- import ---- */

nos_status_t token_import_begin(struct token_job *j, size_t len)
{
    j->at = 0;
    j->signature = NOS_TOKEN_LINK;  // until it has been looked at
    return token_chain_parse(span_of(j->bytes, len), &j->chain);
}

static nos_status_t find(const struct token_chain *chain, const struct export **out)
{
    uint8_t id[32];

    token_id(span_of(chain->bytes.data, TOKEN_BODY), id);
    const struct export *e = *bucket_of(id);
    while (e != NULL && memcmp(e->id, id, sizeof id) != 0) {
        e = e->same_hash;
    }
    if (e == NULL) {
        return NOS_NOT_FOUND;
    }
    *out = e;
    return is_dead(e) ? NOS_REVOKED : NOS_OK;
}

static nos_status_t check_last(const struct token_chain *chain, const struct capsule *c)
{
    const struct token *t = token_last(chain);

    nos_status_t st = token_chain_links(chain);
    if (st == NOS_OK && memcmp(t->audience, c->module->id, sizeof t->audience) != 0) {
        st = NOS_TOKEN_AUDIENCE;
    }
    return st == NOS_OK ? token_check_time(t, arch_clock_ns()) : st;
}

static void audit_import(const struct token_chain *chain, const struct capsule *c,
                         const struct export *e, nos_status_t st)
{
    const struct token *t = token_last(chain);
    uint8_t id[32];

    token_id(chain->bytes, id);
    audit_add(NOS_AUDIT_IMPORT, c->id, st, id, (uint64_t)e->issuer->id << 32 | t->kind, t->rights,
              c->module->name);
    audit_cause(&c->record);
    audit_cause(&e->record);
}

static nos_status_t take(const struct token_chain *chain, struct capsule *c, uint32_t *h)
{
    const struct token *t = token_last(chain);
    const struct export *e = NULL;

    nos_status_t st = find(chain, &e);
    if (st != NOS_OK) {
        return st;
    }
    if ((e->obj->classes & ~t->classes) != 0) {
        return NOS_NO_CLASS;
    }
    const struct handle_slot like = { .obj = e->obj,
                                      .rights = t->rights,
                                      .origin = NOS_ORIGIN_TOKEN,
                                      .depth = (uint8_t)(e->depth - 1),
                                      .deadline_ns = t->exp,
                                      .badge = e->badge,
                                      .via = e->via };
    audit_import(chain, c, e, NOS_OK);
    st = handle_derive(&c->handles, &like, h);
    if (st != NOS_OK) {
        audit_import(chain, c, e, st);  // it did not happen after all
    }
    return st;
}

bool token_import_is_pure(const struct token_job *j)
{
    return j->at < j->chain.n;
}

void token_import_ahead(struct token_job *j)
{
    j->signature = token_chain_sig(&j->chain, j->at, vault_issuer_pk());
}

nos_status_t token_import_step(struct token_job *j, struct capsule *c, bool *done, uint32_t *h)
{
    if (token_import_is_pure(j)) {
        nos_status_t st = j->signature;
        j->signature = NOS_TOKEN_LINK;  // that of the next block
        j->at++;
        *done = st != NOS_OK;
        return st;
    }
    *done = true;
    nos_status_t st = check_last(&j->chain, c);
    return st == NOS_OK ? take(&j->chain, c, h) : st;
}
