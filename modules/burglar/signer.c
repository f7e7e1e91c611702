/* Into the signing service: for its key, for signatures of others, for more than it gives. */
#include <string.h>

#include "lib/crypto/ed25519.h"
#include "modules/burglar/burglar.h"
#include "sdk/signer.h"

enum { OPS = 256, FLOOD = 60, BURST = 20, PAUSE_NS = 150000000 };

static nos_status_t ask_raw(uint64_t label, const char *context, uint32_t n_words)
{
    struct nos_msg m = { .label = label, .n_words = n_words };

    memcpy(m.word, context, strlen(context));
    return ask("signer", &m);
}

static void broken(void)
{
    nos_status_t worst = NOS_BAD_MESSAGE;

    for (uint64_t op = 0; op < OPS; op++) {
        if (op < NOS_SIGNER_SIGN || op > NOS_SIGNER_LOG) {
            nos_status_t st = ask_raw(op, "x", 4);
            worst = st == NOS_BAD_MESSAGE ? worst : st;
        }
    }
    row("no-such-operation", NOS_BAD_MESSAGE, worst);
    row("key-of-a-number", NOS_BAD_MESSAGE, ask_raw(NOS_SIGNER_KEY, "x", 1));
    row("key-op-with-more", NOS_BAD_MESSAGE, ask_raw(NOS_SIGNER_KEY | 1 << 8, "", 0));
    row("log-of-nothing", NOS_BAD_MESSAGE, ask_raw(NOS_SIGNER_LOG, "", 0));
    row("no-words", NOS_BAD_MESSAGE, ask_raw(NOS_SIGNER_SIGN, "", 0));
    row("half-a-context", NOS_BAD_MESSAGE, ask_raw(NOS_SIGNER_SIGN, "x", 3));
    row("longer-than-it-is", NOS_BAD_MESSAGE, ask_raw(NOS_SIGNER_SIGN | 9 << 8, "x", 5));
    row("more-than-it-says", NOS_BAD_MESSAGE, ask_raw(NOS_SIGNER_SIGN | 8 << 8, "x", 6));
    row("too-long", NOS_TOO_BIG, ask_raw(NOS_SIGNER_SIGN | 481 << 8, "x", 64));
    row("longest-there-is", NOS_TOO_BIG, ask_raw(0x7ffffffffe01ull, "x", 64));
    row("no-context", NOS_INVALID, ask_raw(NOS_SIGNER_SIGN | 8 << 8, "", 5));
    row("context-of-two-lines", NOS_INVALID, ask_raw(NOS_SIGNER_SIGN | 8 << 8, "a\nb", 5));
    row("context-that-goes-on", NOS_INVALID,
        ask("signer",
            &(struct nos_msg){ .label = NOS_SIGNER_SIGN, .n_words = 4, .word = { 'x', 'y' } }));
}

static bool is_for(const char *module, const uint8_t pk[32], const struct nos_signature *s)
{
    static uint8_t room[NOS_SIGNER_SIGNED];
    span_t all =
        nos_signer_bytes(span_of(module, strlen(module)), SPAN_LIT("x"), SPAN_LIT("pay me"), room);
    return ed25519_verify(s->bytes, all, pk);
}

/* For whom it signs the kernel says, not the message. */
static void others(void)
{
    struct nos_signer_record r = { 0 };
    struct nos_signature s = { 0 };
    uint8_t pk[32] = { 0 };
    static struct nos_msg m = { .label = NOS_SIGNER_SIGN | 6 << 8, .n_words = 5, .word = { 'x' } };

    memcpy(m.word + 4, "pay me", 6);
    m.sender = 1;  // init's
    m.badge = 1;
    row("the-key", NOS_OK, nos_signer_key(pk));
    row("as-another", NOS_OK, ask("signer", &m));
    memcpy(s.bytes, m.word, sizeof s.bytes);
    row("is-for-the-burglar", NOS_OK, is_for("burglar", pk, &s) ? NOS_OK : NOS_BAD_SIGNATURE);
    row("is-not-for-sign", NOS_BAD_SIGNATURE, is_for("sign", pk, &s) ? NOS_OK : NOS_BAD_SIGNATURE);
    row("is-on-record", NOS_OK, nos_signer_log(m.word[8], &r));
    row("with-who-it-was", NOS_OK,
        r.capsule == nos_self()->capsule && nos_name_is(r.module, "burglar") ? NOS_OK
                                                                             : NOS_AUDIT_BODY);
    row("no-later-record", NOS_NOT_FOUND, nos_signer_log(r.number + 1, &r));
    row("one-way", NOS_OK,
        nos_send(nos_find_handle(NOS_CAP_ENDPOINT, "signer"), &m, NOS_DEADLINE_NEVER));
    row("signs-nothing", NOS_NOT_FOUND, nos_signer_log(r.number + 1, &r));
    row("control-messages", NOS_DENIED, control("signer", nos_self()->capsule));
    row("serve-in-its-place", NOS_DENIED,
        nos_recv(nos_find_handle(NOS_CAP_ENDPOINT, "signer"), &m, NOS_DEADLINE_POLL));
}

/* As often as it can, then once it has waited. */
static void flood(void)
{
    struct nos_signature s;
    uint64_t begun_ns = nos_now_ns();
    unsigned got = 0;
    nos_status_t st = NOS_OK;

    for (unsigned i = 0; i < FLOOD; i++) {
        nos_status_t one = nos_sign(SPAN_LIT("flood"), SPAN_LIT("x"), &s);
        got += one == NOS_OK ? 1 : 0;
        st = one == NOS_OK ? st : one;
    }
    uint64_t due = BURST + (nos_now_ns() - begun_ns) / 100000000 + 1;
    row("flood", NOS_QUOTA, st);
    row("no-more-than-its-rate", NOS_OK, got <= due ? NOS_OK : NOS_TOO_BIG);
    nos_ignore(nos_sys_sleep(nos_now_ns() + PAUSE_NS));
    row("after-a-pause", NOS_OK, nos_sign(SPAN_LIT("flood"), SPAN_LIT("x"), &s));
    for (unsigned i = 0; i < FLOOD; i++) {
        nos_ignore(nos_sign(SPAN_LIT("flood"), SPAN_LIT("x"), &s));
    }
}

void break_into_signer(void)
{
    broken();
    others();
    flood();
}
