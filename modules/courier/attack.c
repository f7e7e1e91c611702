/* Every way round a token's rules. A line for each: `COURIER name want got ok`. */
#include <string.h>

#include "abi/caps.h"
#include "abi/info.h"
#include "lib/status.h"
#include "modules/courier/courier.h"
#include "sdk/print.h"
#include "sdk/start.h"

enum {
    ALL = NOS_RIGHT_DUP | NOS_RIGHT_TRANSFER | NOS_RIGHT_SIGNAL | NOS_RIGHT_WAIT,
    SECOND = 1000000000,
    OBJECTS = 80 /* of this capsule's limits: too few for 64 exports and this table's rest */
};

static unsigned good, bad;
static uint8_t me[32];
static nos_handle_t note, derived;
static struct nos_token_key key, other;
static uint8_t token[TOKEN_CHAIN_BYTES + TOKEN_BYTES]; /* what is tried */
static uint8_t first[TOKEN_BYTES];                     /* good, of depth 1 */

static void expect(const char *name, nos_status_t want, nos_status_t got)
{
    bool ok = want == got;
    good += ok ? 1 : 0;
    bad += ok ? 0 : 1;
    nos_print("COURIER %s %s %s %s\n", name, status_name(want), status_name(got),
              ok ? "ok" : "BAD");
}

static struct nos_token_request request(void)
{
    struct nos_token_request r = { .classes = NOS_CLASS_IPC,
                                   .rights = NOS_RIGHT_SIGNAL | NOS_RIGHT_TRANSFER };
    memcpy(r.audience, me, sizeof(r.audience));
    return r;
}

static struct nos_token_request extendable(void)
{
    struct nos_token_request r = request();
    r.depth = 1;
    memcpy(r.next_pk, key.pk, sizeof(r.next_pk));
    return r;
}

/* Import, and give back what came of it. */
static nos_status_t tried(size_t len)
{
    nos_handle_t h;
    nos_status_t st = import(token, len, &h);
    if (st == NOS_OK) {
        nos_ignore(nos_sys_handle_close(h));
    }
    return st;
}

/* ---- issue ---- */

static void refused_requests(void)
{
    struct nos_token_request r = request();
    nos_handle_t bare, shallow;

    r.rsv[3] = 1;
    expect("issue/reserved", NOS_INVALID, issue(derived, &r, token));
    r = request();
    r.rights |= 1u << 31;
    expect("issue/unknown-right", NOS_INVALID, issue(derived, &r, token));
    r = request();
    r.classes |= 1u << 6;
    expect("issue/unknown-class", NOS_INVALID, issue(derived, &r, token));
    r = request();
    r.depth = 1;
    expect("issue/depth-without-key", NOS_INVALID, issue(derived, &r, token));
    r = request();
    r.next_pk[0] = 1;
    expect("issue/key-without-depth", NOS_INVALID, issue(derived, &r, token));
    r = request();
    r.nbf = r.exp = nos_now_ns() + SECOND;
    expect("issue/empty-life", NOS_INVALID, issue(derived, &r, token));
    r = request();
    r.rights |= NOS_RIGHT_INSPECT;  // the derived handle has it not
    expect("issue/wider", NOS_DENIED, issue(derived, &r, token));
    r = request();
    r.classes |= NOS_CLASS_NETWORK;
    expect("issue/class-not-had", NOS_DENIED, issue(derived, &r, token));
    r = extendable();
    r.depth = 4;
    expect("issue/too-deep", NOS_DEPTH, issue(derived, &r, token));
    nos_ignore(derive_note(note, 1, &shallow));
    r = request();
    expect("issue/no-depth-left", NOS_DEPTH, issue(shallow, &r, token));
    nos_ignore(nos_sys_handle_dup(note, NOS_RIGHT_SIGNAL, 0, &bare));
    r.rights = NOS_RIGHT_SIGNAL;
    expect("issue/no-transfer", NOS_DENIED, issue(bare, &r, token));
    expect("issue/short-request", NOS_TOO_BIG,
           nos_sys_token_issue(derived, &r, sizeof(r) - 1, token, TOKEN_BYTES));
    expect("issue/short-room", NOS_TOO_BIG,
           nos_sys_token_issue(derived, &r, sizeof(r), token, TOKEN_BYTES - 1));
}

/* ---- one block ---- */

static void refused_blocks(void)
{
    struct token_chain c;
    struct token t;

    memcpy(token, first, TOKEN_BYTES);
    expect("import/good", NOS_OK, tried(TOKEN_BYTES));
    expect("import/short", NOS_TOKEN_FORMAT, tried(TOKEN_BYTES - 1));
    expect("import/nothing", NOS_TOKEN_FORMAT, tried(0));
    expect("import/five-blocks", NOS_TOO_BIG, tried(5 * TOKEN_BYTES));
    token[TOKEN_BODY] ^= 1;
    expect("import/forged-signature", NOS_TOKEN_ISSUER, tried(TOKEN_BYTES));
    memcpy(token, first, TOKEN_BYTES);
    token[offsetof(struct nos_token_block, rights) + 1] ^= NOS_RIGHT_WAIT >> 8;
    expect("import/forged-rights", NOS_TOKEN_ISSUER, tried(TOKEN_BYTES));
    if (token_chain_parse(SPAN_OF(first), &c) != NOS_OK) {
        return;
    }
    t = c.block[0];
    nos_token_sign(token, 0, &t, &other);  // as another boot would: a key that is not this vault's
    expect("import/other-boot", NOS_TOKEN_ISSUER, tried(TOKEN_BYTES));
}

static void refused_by_request(void)
{
    struct nos_token_request r = request();

    r.nbf = nos_now_ns() + 3600ull * SECOND;
    nos_ignore(issue(derived, &r, token));
    expect("import/too-early", NOS_TOKEN_TIME, tried(TOKEN_BYTES));
    r = request();
    r.exp = nos_now_ns() + SECOND / 100;
    nos_ignore(issue(derived, &r, token));
    nos_ignore(nos_sys_sleep(r.exp + 1));
    expect("import/too-late", NOS_TOKEN_TIME, tried(TOKEN_BYTES));
    r = request();
    r.audience[31] ^= 1;
    nos_ignore(issue(derived, &r, token));
    expect("import/made-out-to-another", NOS_TOKEN_AUDIENCE, tried(TOKEN_BYTES));
    r = request();
    r.classes = NOS_CLASS_COREEXEC;  // not that of a notification
    nos_ignore(issue(derived, &r, token));
    expect("import/no-class-for-it", NOS_NO_CLASS, tried(TOKEN_BYTES));
}

/* ---- two blocks ---- */

/* A second block behind the good first one, as it stands in `*t`, by `k`. */
static nos_status_t second(const struct token *t, const struct nos_token_key *k)
{
    memcpy(token, first, TOKEN_BYTES);
    nos_token_sign(token, TOKEN_BYTES, t, k);
    return tried(2 * (size_t)TOKEN_BYTES);
}

static void refused_links(void)
{
    struct token base, t;
    size_t len = TOKEN_BYTES;

    if (token_parse(SPAN_OF(first), &base) != NOS_OK) {
        return;
    }
    base.depth = 0;
    memset(base.next_pk, 0, sizeof(base.next_pk));
    t = base;
    t.rights = NOS_RIGHT_SIGNAL;
    memcpy(token, first, TOKEN_BYTES);
    expect("derive/good", NOS_OK, nos_token_add(token, &len, &t, &key));
    expect("import/derived", NOS_OK, tried(len));
    expect("link/other-key", NOS_TOKEN_LINK, second(&t, &other));
    t.rights |= NOS_RIGHT_WAIT;
    expect("link/right-more", NOS_TOKEN_RIGHTS, second(&t, &key));
    len = TOKEN_BYTES;
    expect("derive/right-more", NOS_TOKEN_RIGHTS, nos_token_add(token, &len, &t, &key));
    t = base;
    t.classes |= NOS_CLASS_COREEXEC;
    expect("link/class-more", NOS_TOKEN_RIGHTS, second(&t, &key));
    t = base;
    t.obj[0] ^= 1;
    expect("link/other-object", NOS_TOKEN_OBJECT, second(&t, &key));
    t = base;
    t.kind = NOS_TYPE_ENDPOINT;
    expect("link/other-kind", NOS_TOKEN_OBJECT, second(&t, &key));
    t = base;
    t.nbf = base.nbf - 1;
    expect("link/earlier", NOS_TOKEN_WINDOW, second(&t, &key));
    t = base;
    t.exp = base.exp + 1;
    expect("link/later", NOS_TOKEN_WINDOW, second(&t, &key));
    t.exp = 0;
    expect("link/endless", NOS_TOKEN_WINDOW, second(&t, &key));
    t = base;
    t.depth = 1;
    memcpy(t.next_pk, key.pk, sizeof(t.next_pk));
    expect("link/depth-stays", NOS_TOKEN_DEPTH, second(&t, &key));
    t = base;
    t.audience[0] ^= 1;
    expect("link/passed-to-another", NOS_TOKEN_AUDIENCE, second(&t, &key));
}

static void refused_chains(void)
{
    struct nos_token_request r = extendable();
    struct token t;

    r.rights = NOS_RIGHT_SIGNAL;  // without TRANSFER
    memset(r.audience, 7, sizeof(r.audience));
    nos_ignore(issue(derived, &r, token));
    if (token_parse(span_of(token, TOKEN_BYTES), &t) != NOS_OK) {
        return;
    }
    t.depth = 0;
    memset(t.next_pk, 0, sizeof(t.next_pk));
    memcpy(t.audience, me, sizeof(t.audience));
    nos_token_sign(token, TOKEN_BYTES, &t, &key);
    expect("link/passed-without-transfer", NOS_TOKEN_AUDIENCE, tried(2 * (size_t)TOKEN_BYTES));
    r = request();
    nos_ignore(issue(derived, &r, token));  // of depth 0
    nos_token_sign(token, TOKEN_BYTES, &t, &key);
    expect("link/none-allowed", NOS_TOKEN_DEPTH, tried(2 * (size_t)TOKEN_BYTES));
}

/* ---- ends ---- */

static void ends_with_the_grant(void)
{
    nos_handle_t h, own;
    memcpy(token, first, TOKEN_BYTES);
    expect("import/before-the-cut", NOS_OK, import(token, TOKEN_BYTES, &h));
    expect("import/a-cell-of-its-own", NOS_OK, import(token, TOKEN_BYTES, &own));
    expect("use/before-the-cut", NOS_OK, nos_sys_notify_signal(h, 1));
    expect("use/not-more-than-granted", NOS_DENIED,
           nos_sys_cap_derive(h, NOS_RIGHT_SIGNAL, 0, 0, 0, &own));
    expect("revoke/exported-handle", NOS_OK, nos_sys_cap_revoke(derived));
    expect("use/after-the-cut", NOS_REVOKED, nos_sys_notify_signal(h, 1));
    expect("import/after-the-cut", NOS_REVOKED, tried(TOKEN_BYTES));
}

static nos_status_t start_child(nos_handle_t ended)
{
    nos_handle_t module, capsule;
    nos_status_t st =
        nos_sys_module_open(nos_find_handle(NOS_CAP_NODE, NULL), me, sizeof(me), &module);
    return st == NOS_OK ? nos_sys_capsule_spawn(module, "child", 5, ended, BIT_HELLO,
                                                (nos_handle_t){ 0 }, &capsule)
                        : st;
}

/* The child's token comes in a message; then it waits for an answer, and ends. */
static void ends_with_the_issuer(void)
{
    static struct nos_msg m;
    nos_handle_t ended = { 0 }, h;
    uint64_t bits;
    span_t bytes;

    nos_ignore(nos_sys_notify_create(&ended));
    expect("child/starts", NOS_OK, start_child(ended));
    expect("child/sends", NOS_OK, nos_recv(courier_endpoint, &m, nos_now_ns() + 5ull * SECOND));
    if (!nos_msg_get(&m, 0, TOKEN_BYTES, &bytes)) {
        expect("child/token", NOS_OK, NOS_BAD_MESSAGE);
        return;
    }
    memcpy(token, bytes.data, TOKEN_BYTES);
    expect("import/of-the-child", NOS_OK, import(token, TOKEN_BYTES, &h));
    expect("use/of-the-child", NOS_OK, nos_sys_notify_signal(h, 1));
    nos_msg_answer(&m, NOS_OK);
    expect("child/answered", NOS_OK, nos_reply(&m));
    expect("child/ends", NOS_OK, nos_sys_notify_wait(ended, nos_now_ns() + 5ull * SECOND, &bits));
    expect("use/after-the-issuer", NOS_REVOKED, nos_sys_notify_signal(h, 1));
    expect("import/after-the-issuer", NOS_NOT_FOUND, tried(TOKEN_BYTES));
}

int child(void)
{
    static struct nos_msg m;
    struct nos_token_request r;
    nos_handle_t n, d;

    own_id(me);
    r = request();
    nos_status_t st = nos_sys_notify_create(&n);
    st = st == NOS_OK ? derive_note(n, 3, &d) : st;
    st = st == NOS_OK ? issue(d, &r, token) : st;
    if (st != NOS_OK || !nos_msg_put(&m, 0, token, TOKEN_BYTES)) {
        return 1;
    }
    return nos_call(courier_endpoint, &m, nos_now_ns() + 5ull * SECOND) == NOS_OK ? 0 : 1;
}

static unsigned issue_all(nos_handle_t h, nos_status_t *why)
{
    struct nos_token_request r = request();
    unsigned n = 0;
    while (n < 1000 && (*why = issue(h, &r, token)) == NOS_OK) {
        n++;
    }
    return n;
}

/* An export counts among its issuer's objects until it is cut. */
static void too_many(void)
{
    static nos_handle_t made[OBJECTS];
    nos_handle_t h, all;
    nos_status_t st = NOS_OK;
    unsigned n = 0;

    nos_ignore(derive_note(note, 3, &all));
    expect("issue/sixty-four-fit", NOS_OK, issue_all(all, &st) == 64 ? NOS_OK : NOS_BAD_STATE);
    expect("issue/sixty-fifth", NOS_QUOTA, st);
    while (n < OBJECTS && (st = nos_sys_endpoint_create(&made[n])) == NOS_OK) {
        n++;
    }
    expect("objects/exports-count", NOS_QUOTA, st);
    expect("objects/it-is-not-the-handles", NOS_OK, nos_sys_handle_dup(note, ALL, 0, &h));
    expect("objects/cut-the-exports", NOS_OK, nos_sys_cap_revoke(all));
    expect("objects/they-come-back", NOS_OK, nos_sys_endpoint_create(&made[n]));
    for (n++; n < OBJECTS && nos_sys_endpoint_create(&made[n]) == NOS_OK;) {
        n++;
    }
    expect("issue/no-object-left", NOS_QUOTA, issue_all(note, &st) == 0 ? st : NOS_OK);
    nos_ignore(nos_sys_handle_close(made[0]));
    expect("issue/one-object-left", NOS_OK, issue_all(note, &st) == 1 ? NOS_OK : NOS_BAD_STATE);
    expect("objects/and-is-taken", NOS_QUOTA, nos_sys_endpoint_create(&made[0]));
    while (n-- > 1) {
        nos_ignore(nos_sys_handle_close(made[n]));
    }
}

/* Takes every export that it can have, and keeps them. */
int hoard(void)
{
    nos_status_t st = nos_sys_notify_create(&note);

    own_id(me);
    unsigned n = st == NOS_OK ? issue_all(note, &st) : 0;
    nos_print("COURIER hoards %u %s\n", n, status_name(st));
    nos_ignore(nos_sys_sleep(UINT64_MAX));
    return 1;
}

int attack(void)
{
    struct nos_token_request r;

    own_id(me);
    nos_status_t st = nos_sys_notify_create(&note);
    st = st == NOS_OK ? derive_note(note, 3, &derived) : st;
    st = st == NOS_OK ? nos_token_key_new(&key) : st;
    st = st == NOS_OK ? nos_token_key_new(&other) : st;
    r = extendable();
    r.nbf = nos_now_ns();
    r.exp = r.nbf + 3600ull * SECOND;
    expect("issue/good", NOS_OK, st == NOS_OK ? issue(derived, &r, first) : st);
    refused_requests();
    refused_blocks();
    refused_by_request();
    refused_links();
    refused_chains();
    ends_with_the_grant();
    ends_with_the_issuer();
    too_many();
    nos_print("COURIER total %u ok %u BAD\n", good, bad);
    nos_print("COURIER done\n");
    return bad == 0 ? 0 : 1;
}
