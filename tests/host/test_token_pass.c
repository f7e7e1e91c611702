/* Tokens inside the kernel: what may be issued, what is imported, and what ends it. */
#include "tests/host/kernel_host.h"
#include "tests/host/test.h"

#include "tests/host/kernel_host_impl.h"

#define take take_frame  // each file has names of its own
#include "kernel/memory/frame.c"
#undef take
#include "kernel/modules/token.c"
#include "kernel/modules/token_pass.c"
#include "kernel/object/cell.c"
#include "kernel/object/handle.c"
#include "kernel/object/object.c"
#include "lib/crypto/ed25519.h"
#include "tests/host/golden.h"

enum {
    RIGHTS = NOS_RIGHT_DUP | NOS_RIGHT_TRANSFER | NOS_RIGHT_SIGNAL,
    NOTE = 1u << NOS_TYPE_NOTIFICATION,
    OBJECTS = 200
};

bool up_reclaim(void)
{
    return false;
}

static unsigned n_exports;
static bool no_memory;

void *cache_alloc(struct cache *c)
{
    if (no_memory) {
        return NULL;
    }
    n_exports++;
    return calloc(1, c->size);
}

void cache_free(struct cache *c, void *p)
{
    (void)c;
    n_exports--;
    free(p);
}

void cell_gone(void)
{
}

static int destroyed;
static void count_destroyed(struct obj *o)
{
    (void)o;
    destroyed++;
}

void (*const obj_destroy[NOS_TYPE_COUNT])(struct obj *) = {
    [NOS_TYPE_NOTIFICATION] = count_destroyed
};

static bool thing_ended;  // as a region does with who pays for it
bool obj_ended(const struct obj *o)
{
    (void)o;
    return thing_ended;
}

void obj_handle_opened(struct obj *o, uint32_t rights)
{
    (void)o, (void)rights;
}

void obj_handle_closed(struct obj *o, uint32_t rights)
{
    (void)o, (void)rights;
}

const uint8_t *vault_boot_id(void)
{
    return (const uint8_t *)"the boot id of this test: 32 b.";
}

static struct golden_key issuer_key;
const uint8_t *vault_issuer_pk(void)
{
    return issuer_key.pk;
}

void vault_sign(const char *domain, span_t msg, uint8_t sig[64])
{
    uint8_t bytes[300];
    size_t n = strlen(domain) + 1;
    memcpy(bytes, domain, n);
    memcpy(bytes + n, msg.data, msg.len);
    ed25519_sign(sig, span_of(bytes, n + msg.len), issuer_key.sk);
}

static struct {
    enum nos_audit_kind kind;
    uint32_t actor;
    nos_status_t status;
    uint32_t handles; /* that both capsules held then */
    uint8_t subject[32];
    uint64_t a, b;
} told;
static uint32_t handles_held(void);
static const struct audit_ref *causes[4];
static unsigned n_causes;
static uint64_t n_remembered, n_forgotten;
static unsigned n_told;

void audit_add(enum nos_audit_kind kind, uint32_t actor, nos_status_t status,
               const uint8_t subject[32], uint64_t a, uint64_t b, const char *text)
{
    (void)text;
    told.status = status;
    told.handles = handles_held();
    told.kind = kind;
    n_causes = 0;
    told.actor = actor;
    memcpy(told.subject, subject, 32);
    told.a = a;
    told.b = b;
    n_told++;
}

void audit_cause(const struct audit_ref *cause)
{
    causes[n_causes++ % ARRAY_LEN(causes)] = cause;
}

void audit_remember(struct audit_ref *ref)
{
    ref->at = ++n_remembered;
}

void audit_forget(struct audit_ref *ref)
{
    n_forgotten += ref->at != 0;
    ref->at = 0;
}

/* ---- two capsules ---- */

static struct module mod[2];
static struct capsule cap[2];
static struct obj thing;
static uint32_t handle;  // of cap[0]
static struct nos_token_request req;

static uint32_t handles_held(void)
{
    return cap[0].handles.used + cap[1].handles.used;
}

static void start_capsule(unsigned i)
{
    cap[i] = (struct capsule){
        .id = 10 + i, .classes = NOS_CLASS_ALL, .module = &mod[i], .limits.objects = OBJECTS
    };
    memset(mod[i].id, 0x70 + (int)i, 32);
    handle_table_init(&cap[i].handles, 100, NOS_CLASS_ALL);
}

static int start(void **state)
{
    (void)state;
    host_start();
    frame_init(&host_bi);
    return 0;
}

static int setup(void **state)
{
    (void)state;
    host_now = 1000;
    issuer_key = golden_key(GOLDEN_ISSUER);
    destroyed = 0;
    thing_ended = false;
    n_told = 0;
    start_capsule(0);
    start_capsule(1);
    obj_init(&thing, NOS_TYPE_NOTIFICATION);
    assert_int_equal(handle_add(&cap[0].handles, &thing, RIGHTS, 0, NOS_ORIGIN_MADE, &handle),
                     NOS_OK);
    req = (struct nos_token_request){ .classes = NOS_CLASS_IPC, .rights = NOS_RIGHT_SIGNAL };
    memcpy(req.audience, mod[1].id, 32);
    return 0;
}

static struct handle_slot *slot_of(struct capsule *c, uint32_t h)
{
    struct handle_slot *s = NULL;
    assert_int_equal(handle_get(&c->handles, h, ~0u, 0, &s), NOS_OK);
    return s;
}

static nos_status_t issue(uint8_t out[TOKEN_BYTES])
{
    return token_issue(&cap[0], slot_of(&cap[0], handle), &req, out);
}

static unsigned steps;
static nos_status_t import(struct capsule *c, span_t token, uint32_t *h)
{
    static struct token_job j;
    bool done = false;

    assert_true(token.len <= sizeof j.bytes);
    memcpy(j.bytes, token.data, token.len);
    nos_status_t st = token_import_begin(&j, token.len);
    for (steps = 0; st == NOS_OK && !done; steps++) {
        if (token_import_is_pure(&j)) {
            token_import_ahead(&j);
        }
        st = token_import_step(&j, c, &done, h);
        assert_true(done || st == NOS_OK);
    }
    return st;
}

/* A step takes no signature on trust: only what was looked at, and that for one block. */
static void looked_at_once(struct capsule *c, span_t token, uint32_t n)
{
    static struct token_job j;
    bool done = false;
    uint32_t h = 0;

    memcpy(j.bytes, token.data, token.len);
    assert_int_equal(token_import_begin(&j, token.len), NOS_OK);
    for (uint32_t i = 0; i < n; i++) {
        assert_true(token_import_is_pure(&j));
        token_import_ahead(&j);
        assert_int_equal(token_import_step(&j, c, &done, &h), NOS_OK);
        assert_false(done);
    }
    assert_int_equal(token_import_step(&j, c, &done, &h), NOS_TOKEN_LINK);
    assert_true(done);
}

static nos_status_t use(uint32_t h)
{
    struct handle_slot *s;
    return handle_get(&cap[1].handles, h, NOTE, NOS_RIGHT_SIGNAL, &s);
}

/* Everything is given back; nothing else lives. */
static void all_gone(void)
{
    bool cut = token_issuer_ends(&cap[0]);
    (void)cut;
    handle_close_all(&cap[0].handles);
    handle_close_all(&cap[1].handles);
    obj_put(&thing);
    assert_int_equal(destroyed, 1);
    assert_int_equal(cell_count(), 0);
    assert_int_equal(n_exports, 0);
    assert_int_equal(cap[0].n_objects, 0);
    assert_int_equal(cap[1].n_objects, 0);
}

/* ---- the good way ---- */

static void one_block(void **state)
{
    (void)state;
    uint8_t token[TOKEN_BYTES], id[32];
    struct token_chain c;
    uint32_t h = 0;

    slot_of(&cap[0], handle)->badge = 77;
    assert_int_equal(issue(token), NOS_OK);
    assert_int_equal(token_verify(SPAN_OF(token), issuer_key.pk, &c), NOS_OK);
    token_id(SPAN_OF(token), id);
    assert_int_equal(n_told, 1);
    assert_int_equal(told.status, NOS_OK);
    assert_ptr_equal(causes[0], &cap[0].record);
    assert_int_equal(told.kind, NOS_AUDIT_TOKEN);
    assert_int_equal(told.actor, 10);
    assert_memory_equal(told.subject, id, 32);
    assert_int_equal(told.a, (uint64_t)10 << 32 | NOS_TYPE_NOTIFICATION);
    assert_int_equal(told.b, NOS_RIGHT_SIGNAL);

    assert_int_equal(import(&cap[1], SPAN_OF(token), &h), NOS_OK);
    assert_int_equal(steps, 2);  // one signature, and the rest
    assert_int_equal(n_told, 2);
    assert_int_equal(told.status, NOS_OK);
    assert_int_equal(told.handles, handles_held() - 1);  // told before it took effect
    assert_int_equal(n_causes, 2);
    assert_ptr_equal(causes[0], &cap[1].record);
    assert_ptr_equal(causes[1], &cap[0].exports->record);
    assert_int_equal(causes[1]->at, 1);  // the record of its issue
    assert_int_equal(told.kind, NOS_AUDIT_IMPORT);
    assert_int_equal(told.actor, 11);
    assert_memory_equal(told.subject, id, 32);
    assert_int_equal(told.a, (uint64_t)10 << 32 | NOS_TYPE_NOTIFICATION);
    const struct handle_slot *s = slot_of(&cap[1], h);
    assert_ptr_equal(s->obj, &thing);
    assert_int_equal(s->rights, NOS_RIGHT_SIGNAL);
    assert_int_equal(s->origin, NOS_ORIGIN_TOKEN);
    assert_int_equal(s->badge, 77);
    assert_int_equal(s->deadline_ns, 0);
    assert_int_equal(s->depth, CELL_DEPTH_MAX - 2);
    assert_int_not_equal(s->via, 0);
    uint32_t again = 0;
    assert_int_equal(import(&cap[1], SPAN_OF(token), &again), NOS_OK);
    assert_true(slot_of(&cap[1], again)->via != slot_of(&cap[1], h)->via);  // a cell of its own
    cell_revoke(slot_of(&cap[1], again)->via);
    assert_int_equal(use(again), NOS_REVOKED);
    assert_int_equal(use(h), NOS_OK);
    all_gone();
}

/* What a holder adds narrows what is imported. */
static void three_blocks(void **state)
{
    (void)state;
    uint8_t bytes[3 * TOKEN_BYTES], msg[TOKEN_SIGNED_BYTES], id[32];
    struct token t;
    uint32_t h = 0;

    req.depth = 2;
    req.rights = RIGHTS | NOS_RIGHT_REVOKE;  // its own cell's, so nobody needs to have it
    req.exp = 9000;
    memcpy(req.next_pk, golden_key(GOLDEN_HOLDER).pk, 32);
    memset(req.audience, 0, 32);
    assert_int_equal(issue(bytes), NOS_OK);
    for (uint32_t i = 1; i < 3; i++) {
        uint8_t *at = bytes + i * TOKEN_BYTES;
        assert_int_equal(token_parse(span_of(at - TOKEN_BYTES, TOKEN_BYTES), &t), NOS_OK);
        t.depth--;
        t.rights &= ~(uint32_t)(i == 1 ? NOS_RIGHT_DUP : NOS_RIGHT_TRANSFER);
        t.exp -= 1000;
        memcpy(t.audience, mod[1].id, 32);
        memcpy(t.next_pk, golden_key((uint8_t)(GOLDEN_HOLDER + i)).pk, 32);
        if (t.depth == 0) {
            memset(t.next_pk, 0, 32);
        }
        token_write(&t, at);
        token_signed_bytes(at - TOKEN_BYTES, at, msg);
        ed25519_sign(at + TOKEN_BODY, SPAN_OF(msg),
                     golden_key((uint8_t)(GOLDEN_HOLDER + i - 1)).sk);
    }
    assert_int_equal(import(&cap[1], SPAN_OF(bytes), &h), NOS_OK);
    for (uint32_t n = 0; n < 3; n++) {
        looked_at_once(&cap[1], SPAN_OF(bytes), n);
    }
    assert_int_equal(steps, 4);
    assert_int_equal(slot_of(&cap[1], h)->rights, NOS_RIGHT_SIGNAL | NOS_RIGHT_REVOKE);
    assert_int_equal(slot_of(&cap[1], h)->deadline_ns, 7000);
    token_id(SPAN_OF(bytes), id);
    assert_memory_equal(told.subject, id, 32);
    // Each signature is looked at.
    for (uint32_t i = 0; i < 3; i++) {
        bytes[i * TOKEN_BYTES + 150] ^= 1;
        assert_int_equal(import(&cap[1], SPAN_OF(bytes), &h),
                         i == 0 ? NOS_TOKEN_ISSUER : NOS_TOKEN_LINK);
        assert_int_equal(steps, i + 1);
        bytes[i * TOKEN_BYTES + 150] ^= 1;
    }
    host_now = 7000;
    assert_int_equal(import(&cap[1], SPAN_OF(bytes), &h), NOS_TOKEN_TIME);
    // The first block alone is made out to nobody here.
    assert_int_equal(import(&cap[1], span_of(bytes, TOKEN_BYTES), &h), NOS_TOKEN_AUDIENCE);
    all_gone();
}

/* A link that widens is refused though every signature is good. */
static void wider_block(void **state)
{
    (void)state;
    uint8_t bytes[2 * TOKEN_BYTES], msg[TOKEN_SIGNED_BYTES];
    struct token t;
    uint32_t h = 0;

    req.depth = 1;
    memcpy(req.next_pk, golden_key(GOLDEN_HOLDER).pk, 32);
    assert_int_equal(issue(bytes), NOS_OK);
    assert_int_equal(token_parse(span_of(bytes, TOKEN_BYTES), &t), NOS_OK);
    t.depth = 0;
    memset(t.next_pk, 0, 32);
    t.rights |= NOS_RIGHT_DUP;  // which the exported handle has
    token_write(&t, bytes + TOKEN_BYTES);
    token_signed_bytes(bytes, bytes + TOKEN_BYTES, msg);
    ed25519_sign(bytes + TOKEN_BYTES + TOKEN_BODY, SPAN_OF(msg), golden_key(GOLDEN_HOLDER).sk);
    assert_int_equal(import(&cap[1], SPAN_OF(bytes), &h), NOS_TOKEN_RIGHTS);
    assert_int_equal(import(&cap[0], SPAN_OF(bytes), &h), NOS_TOKEN_RIGHTS);  // before whose it is
    all_gone();
}

/* ---- what is not issued ---- */

static void requests(void **state)
{
    (void)state;
    const struct {
        size_t at, width;
        uint64_t value;
        nos_status_t status;
    } row[] = {
        { offsetof(struct nos_token_request, rsv), 1, 1, NOS_INVALID },
        { offsetof(struct nos_token_request, rsv) + 6, 1, 1, NOS_INVALID },
        { offsetof(struct nos_token_request, rights), 4, 1u << 31, NOS_INVALID },
        { offsetof(struct nos_token_request, rights), 4, NOS_RIGHT_WAIT, NOS_DENIED },
        { offsetof(struct nos_token_request, rights), 4, RIGHTS, NOS_OK },
        { offsetof(struct nos_token_request, rights), 4, RIGHTS | NOS_RIGHT_REVOKE, NOS_OK },
        { offsetof(struct nos_token_request, rights), 4, 0, NOS_OK },
        { offsetof(struct nos_token_request, classes), 4, 0x40, NOS_INVALID },
        { offsetof(struct nos_token_request, classes), 4, NOS_CLASS_NETWORK, NOS_DENIED },
        { offsetof(struct nos_token_request, depth), 1, 1, NOS_INVALID },    // nobody may
        { offsetof(struct nos_token_request, next_pk), 1, 1, NOS_INVALID },  // no block is allowed
        { offsetof(struct nos_token_request, exp), 8, 1, NOS_OK },  // as it asked: too late already
        { offsetof(struct nos_token_request, nbf), 8, 5000, NOS_OK },
    };
    uint8_t token[TOKEN_BYTES];
    cap[0].classes &= ~(uint32_t)NOS_CLASS_NETWORK;
    for (size_t i = 0; i < ARRAY_LEN(row); i++) {
        const struct nos_token_request good = req;
        memcpy((uint8_t *)&req + row[i].at, &row[i].value, row[i].width);
        nos_status_t st = issue(token);
        if (st != row[i].status) {
            fail_msg("row %zu: %d", i, st);
        }
        req = good;
    }
    memset(req.next_pk, 1, 32);
    for (unsigned depth = 1; depth <= 4; depth++) {
        req.depth = (uint8_t)depth;
        assert_int_equal(issue(token), depth <= 3 ? NOS_OK : NOS_DEPTH);
    }
    req.depth = 3;
    slot_of(&cap[0], handle)->depth = 2;
    assert_int_equal(issue(token), NOS_DEPTH);
    req.depth = 2;
    assert_int_equal(issue(token), NOS_OK);
    req.depth = 1;
    slot_of(&cap[0], handle)->depth = 1;  // no room for the import's cell
    assert_int_equal(issue(token), NOS_DEPTH);
    slot_of(&cap[0], handle)->depth = 4;
    req.nbf = req.exp = 5000;
    assert_int_equal(issue(token), NOS_INVALID);
    all_gone();
}

/* The token's end is the handle's, or earlier. */
static void times(void **state)
{
    (void)state;
    uint8_t token[TOKEN_BYTES];
    uint32_t h = 0;

    slot_of(&cap[0], handle)->deadline_ns = 6000;
    req.nbf = 2000;
    assert_int_equal(issue(token), NOS_OK);
    assert_int_equal(load_le64(token + 84), 6000);
    req.exp = 7000;
    assert_int_equal(issue(token), NOS_OK);
    assert_int_equal(load_le64(token + 84), 6000);
    assert_int_equal(import(&cap[1], SPAN_OF(token), &h), NOS_TOKEN_TIME);
    host_now = 2000;
    assert_int_equal(import(&cap[1], SPAN_OF(token), &h), NOS_OK);
    assert_int_equal(slot_of(&cap[1], h)->deadline_ns, 6000);
    req.exp = 5000;
    assert_int_equal(issue(token), NOS_OK);
    assert_int_equal(import(&cap[1], SPAN_OF(token), &h), NOS_OK);
    assert_int_equal(slot_of(&cap[1], h)->deadline_ns, 5000);
    host_now = 5000;
    assert_int_equal(use(h), NOS_EXPIRED);
    assert_int_equal(import(&cap[1], SPAN_OF(token), &h), NOS_TOKEN_TIME);
    all_gone();
}

/* ---- what is not imported ---- */

static void not_imported(void **state)
{
    (void)state;
    uint8_t token[TOKEN_BYTES], evidence[TOKEN_BYTES];
    uint32_t h = 0;

    assert_int_equal(issue(token), NOS_OK);
    assert_int_equal(import(&cap[1], span_of(token, 195), &h), NOS_TOKEN_FORMAT);
    assert_int_equal(import(&cap[1], span_of(token, 0), &h), NOS_TOKEN_FORMAT);
    assert_int_equal(import(&cap[0], SPAN_OF(token), &h),
                     NOS_TOKEN_AUDIENCE);      // made out to cap[1]
    issuer_key = golden_key(GOLDEN_STRANGER);  // another boot
    assert_int_equal(import(&cap[1], SPAN_OF(token), &h), NOS_TOKEN_ISSUER);
    issuer_key = golden_key(GOLDEN_ISSUER);
    // Well signed, but nothing was issued: what the operator exports is no way in.
    assert_int_equal(token_make(&cap[0], slot_of(&cap[0], handle), 5, evidence), NOS_OK);
    assert_int_equal(import(&cap[0], SPAN_OF(evidence), &h), NOS_NOT_FOUND);
    token_recall(&cap[0]);
    assert_int_equal(import(&cap[1], SPAN_OF(token), &h), NOS_NOT_FOUND);
    assert_int_equal(cap[1].handles.used, 0);
    all_gone();
}

static void classes(void **state)
{
    (void)state;
    uint8_t token[TOKEN_BYTES];
    uint32_t h = 0;

    cap[1].handles.classes &= ~(uint32_t)NOS_CLASS_IPC;
    assert_int_equal(issue(token), NOS_OK);
    assert_int_equal(import(&cap[1], SPAN_OF(token), &h), NOS_NO_CLASS);
    cap[1].handles.classes |= NOS_CLASS_IPC;
    assert_int_equal(import(&cap[1], SPAN_OF(token), &h), NOS_OK);
    req.classes = NOS_CLASS_COREEXEC;  // not that of the object
    assert_int_equal(issue(token), NOS_OK);
    assert_int_equal(import(&cap[1], SPAN_OF(token), &h), NOS_NO_CLASS);
    all_gone();
}

/* Nothing is left of an import that finds no room. */
static void no_room(void **state)
{
    (void)state;
    uint8_t token[TOKEN_BYTES];
    uint32_t h = 0;

    assert_int_equal(issue(token), NOS_OK);
    uint32_t cells = cell_count();
    cap[1].handles.limit = 0;
    assert_int_equal(import(&cap[1], SPAN_OF(token), &h), NOS_QUOTA);
    cap[1].handles.limit = 10;
    cap[1].handles.cells.limit = 0;
    assert_int_equal(import(&cap[1], SPAN_OF(token), &h), NOS_QUOTA);
    assert_int_equal(told.kind, NOS_AUDIT_IMPORT);
    assert_int_equal(told.status, NOS_QUOTA);  // said to be done, then that it was not
    assert_int_equal(cell_count(), cells);
    cap[0].handles.cells.limit = cap[0].handles.cells.used;
    assert_int_equal(issue(token), NOS_QUOTA);
    assert_int_equal(cell_count(), cells);
    assert_int_equal(cap[0].n_objects, 1);
    cap[0].handles.cells.limit = 10;
    cap[0].limits.objects = 1;
    assert_int_equal(issue(token), NOS_QUOTA);
    assert_int_equal(cell_count(), cells);
    cap[0].limits.objects = 10;
    no_memory = true;
    assert_int_equal(issue(token), NOS_NO_MEMORY);
    no_memory = false;
    assert_int_equal(cap[0].n_objects, 1);
    assert_int_equal(cell_count(), cells);
    assert_int_equal(n_exports, 1);
    assert_int_equal(n_told, 1 + 2 * 2);
    all_gone();
}

/* ---- what ends it ---- */

static void revoked(void **state)
{
    (void)state;
    uint8_t token[TOKEN_BYTES], later[TOKEN_BYTES];
    uint32_t h = 0, derived = 0, second = 0;

    struct handle_slot child = *slot_of(&cap[0], handle);
    child.depth = 3;
    assert_int_equal(handle_derive(&cap[0].handles, &child, &derived), NOS_OK);
    struct handle_slot *s = slot_of(&cap[0], derived);
    assert_int_equal(token_issue(&cap[0], s, &req, token), NOS_OK);
    assert_int_equal(issue(later), NOS_OK);  // of the handle above
    assert_int_equal(import(&cap[1], SPAN_OF(token), &h), NOS_OK);
    assert_int_equal(import(&cap[1], SPAN_OF(later), &second), NOS_OK);
    assert_int_equal(slot_of(&cap[1], h)->depth, 1);
    cell_revoke(s->via);
    assert_int_equal(use(h), NOS_REVOKED);
    assert_int_equal(import(&cap[1], SPAN_OF(token), &h), NOS_REVOKED);
    assert_int_equal(use(second), NOS_OK);
    uint32_t refs = thing.refs;
    assert_int_equal(cap[0].n_objects, 2);
    up_exports_prune(&cap[0]);
    assert_int_equal(thing.refs, refs - 1);  // the object is let go; the id stays
    assert_int_equal(cap[0].n_objects, 1);   // and nobody pays for that
    up_exports_prune(&cap[0]);
    assert_int_equal(thing.refs, refs - 1);
    assert_int_equal(cap[0].n_objects, 1);
    assert_int_equal(import(&cap[1], SPAN_OF(token), &h), NOS_REVOKED);
    assert_int_equal(import(&cap[1], SPAN_OF(later), &second), NOS_OK);
    thing_ended = true;
    assert_int_equal(import(&cap[1], SPAN_OF(later), &second), NOS_REVOKED);
    all_gone();
}

/* Closing the exported handle is no revocation; the end of its holder is. */
static void issuer_ends(void **state)
{
    (void)state;
    uint8_t token[TOKEN_BYTES];
    uint32_t h = 0;

    assert_int_equal(issue(token), NOS_OK);
    assert_int_equal(handle_close(&cap[0].handles, handle), NOS_OK);
    assert_int_equal(import(&cap[1], SPAN_OF(token), &h), NOS_OK);
    assert_int_equal(use(h), NOS_OK);
    assert_false(token_issuer_ends(&cap[1]));
    assert_int_equal(use(h), NOS_OK);
    assert_true(token_issuer_ends(&cap[0]));
    assert_int_equal(use(h), NOS_REVOKED);
    assert_int_equal(import(&cap[1], SPAN_OF(token), &h), NOS_NOT_FOUND);
    all_gone();
}

/* 64 of a capsule, of which dead ones make room. */
static void quota(void **state)
{
    (void)state;
    uint8_t token[TOKEN_BYTES], dead[TOKEN_BYTES];
    uint32_t h = 0;

    req.exp = 3000;
    assert_int_equal(issue(dead), NOS_OK);
    req.exp = 0;
    for (int i = 1; i < TOKEN_EXPORTS_MAX; i++) {
        assert_int_equal(issue(token), NOS_OK);
    }
    assert_int_equal(issue(token), NOS_QUOTA);
    assert_int_equal(n_exports, TOKEN_EXPORTS_MAX);
    assert_int_equal(import(&cap[1], SPAN_OF(dead), &h), NOS_OK);
    host_now = 3000;
    assert_int_equal(issue(token), NOS_OK);  // in the place of the one that has ended
    assert_int_equal(issue(token), NOS_QUOTA);
    assert_int_equal(import(&cap[1], SPAN_OF(token), &h), NOS_OK);
    assert_int_equal(handle_add(&cap[1].handles, &thing, RIGHTS, 0, NOS_ORIGIN_MADE, &h), NOS_OK);
    assert_int_equal(token_issue(&cap[1], slot_of(&cap[1], h), &req, token), NOS_OK);  // another's
    host_now = 2000;
    req.exp = 3000;
    assert_int_equal(token_issue(&cap[1], slot_of(&cap[1], h), &req, token), NOS_OK);
    host_now = 3000;
    assert_int_equal(issue(token), NOS_QUOTA);  // nor is another's dead one one's own room
    assert_int_equal(n_exports, TOKEN_EXPORTS_MAX + 2);
    assert_true(token_issuer_ends(&cap[1]));
    all_gone();
}

/* An export is one of its issuer's objects, for as long as it is good: whatever ends it gives the
 * place back. */
static void objects(void **state)
{
    (void)state;
    uint8_t token[TOKEN_BYTES];

    cap[0].limits.objects = 3;
    cap[0].n_objects = 1;  // as an endpoint
    req.exp = 3000;
    assert_int_equal(issue(token), NOS_OK);
    req.exp = 0;
    assert_int_equal(issue(token), NOS_OK);
    assert_int_equal(cap[0].n_objects, 3);
    assert_int_equal(issue(token), NOS_QUOTA);
    host_now = 3000;
    assert_int_equal(issue(token), NOS_OK);  // for the one whose time is over
    assert_int_equal(issue(token), NOS_QUOTA);
    token_recall(&cap[0]);
    assert_int_equal(cap[0].n_objects, 2);
    thing_ended = true;
    assert_int_equal(issue(token), NOS_OK);
    assert_int_equal(cap[0].n_objects, 2);  // the one before has ended with its object
    thing_ended = false;
    assert_true(token_issuer_ends(&cap[0]));
    assert_int_equal(cap[0].n_objects, 1);
    cap[0].n_objects = 0;
    all_gone();
}

/* However many have all of theirs, there is room for the next; and each token is found. */
static void nobody_takes_anothers(void **state)
{
    (void)state;
    static struct capsule many[40];
    static uint8_t token[ARRAY_LEN(many)][TOKEN_BYTES];
    struct handle_slot *s = slot_of(&cap[0], handle);
    uint32_t h = 0;

    for (size_t i = 0; i < ARRAY_LEN(many); i++) {
        many[i] = (struct capsule){
            .id = 100, .classes = NOS_CLASS_ALL, .module = &mod[0], .limits.objects = OBJECTS
        };
        handle_table_init(&many[i].handles, 10, NOS_CLASS_ALL);
        for (int n = 0; n < TOKEN_EXPORTS_MAX; n++) {
            assert_int_equal(token_issue(&many[i], s, &req, token[i]), NOS_OK);
        }
        assert_int_equal(token_issue(&many[i], s, &req, token[i]), NOS_QUOTA);
    }
    assert_int_equal(n_exports, ARRAY_LEN(many) * TOKEN_EXPORTS_MAX);
    for (size_t i = 0; i < ARRAY_LEN(many); i++) {
        assert_int_equal(import(&cap[1], SPAN_OF(token[i]), &h), NOS_OK);
    }
    for (size_t i = 0; i < ARRAY_LEN(many); i++) {
        assert_true(token_issuer_ends(&many[i]));
        handle_close_all(&many[i].handles);
        assert_int_equal(many[i].n_objects, 0);
        assert_int_equal(import(&cap[1], SPAN_OF(token[i]), &h), NOS_NOT_FOUND);
    }
    all_gone();
}

/* What was cut is known as cut, also when more is issued, and its record is kept that long. A
 * request that may not be made is denied, whatever else is wrong with it. */
static void cut_and_not_forgotten(void **state)
{
    uint8_t first[TOKEN_BYTES], more[TOKEN_BYTES];
    uint32_t h = 0;
    (void)state;
    n_forgotten = 0;
    assert_int_equal(issue(first), NOS_OK);
    cell_revoke(cap[0].exports->via);
    assert_int_equal(issue(more), NOS_OK);
    assert_int_equal(import(&cap[1], SPAN_OF(first), &h), NOS_REVOKED);
    assert_int_equal(n_forgotten, 0);
    req.rights = NOS_RIGHT_KILL;
    req.nbf = req.exp = 5000;
    assert_int_equal(issue(more), NOS_DENIED);
    all_gone();
    assert_int_equal(n_forgotten, 2);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup(f, setup)
    const struct CMUnitTest tests[] = {
        TEST(one_block),    TEST(three_blocks),
        TEST(wider_block),  TEST(cut_and_not_forgotten),
        TEST(requests),     TEST(times),
        TEST(not_imported), TEST(classes),
        TEST(no_room),      TEST(revoked),
        TEST(issuer_ends),  TEST(quota),
        TEST(objects),      TEST(nobody_takes_anothers),
    };
    return cmocka_run_group_tests_name("token_pass", tests, start, NULL);
}
