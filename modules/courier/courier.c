/*
 * `courier attack` tries every way round a token's rules, in the kernel's face. `courier issue KEY`
 * and `courier import` are two capsules between which a token travels by way of whoever is outside:
 * its bytes are printed by the one and put into the other.
 */
#include "modules/courier/courier.h"

#include <string.h>

#include "abi/info.h"
#include "lib/fmt.h"
#include "lib/status.h"
#include "sdk/print.h"
#include "sdk/start.h"

enum { WORDS = 4, LINE = 49 /* bytes of a token on one line */ };

nos_handle_t courier_endpoint;

void own_id(uint8_t id[32])
{
    struct nos_capsule_info info = { 0 };
    nos_ignore(nos_sys_self_info(&info, sizeof(info)));
    memcpy(id, info.module_id, 32);
}

nos_status_t derive_note(nos_handle_t note, uint64_t depth, nos_handle_t *out)
{
    enum {
        RIGHTS = NOS_RIGHT_DUP | NOS_RIGHT_TRANSFER | NOS_RIGHT_SIGNAL | NOS_RIGHT_WAIT |
                 NOS_RIGHT_REVOKE
    };
    return nos_sys_cap_derive(note, RIGHTS, 0, 0, depth, out);
}

nos_status_t issue(nos_handle_t h, const struct nos_token_request *req, uint8_t out[TOKEN_BYTES])
{
    return nos_sys_token_issue(h, req, sizeof(*req), out, TOKEN_BYTES);
}

nos_status_t import(const void *token, size_t len, nos_handle_t *h)
{
    h->v = 0;
    return nos_sys_token_import(token, len, h);
}

static int digit(char c)
{
    return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Bytes of hexadecimal text; 0 when it is none. */
static size_t unhex(const char *text, uint8_t *out, size_t room)
{
    size_t n = 0;
    for (; text[2 * n] != '\0'; n++) {
        int high = digit(text[2 * n]), low = digit(text[2 * n + 1]);
        if (n == room || high < 0 || low < 0) {
            return 0;
        }
        out[n] = (uint8_t)(high << 4 | low);
    }
    return n;
}

static void print_token(const uint8_t *token)
{
    for (size_t at = 0; at < TOKEN_BYTES; at += LINE) {
        char hex[2 * LINE + 1];
        struct fmt f;
        FMT_INIT(&f, hex);
        fmt_bytes(&f, span_of(token + at, LINE));
        nos_print("COURIER token %s\n", hex);
    }
}

/* Hands a token out, answers the first signal by a line and the second by a cut. */
int issuer(const char *next_pk_hex)
{
    struct nos_token_request req = { .classes = NOS_CLASS_IPC,
                                     .rights = NOS_RIGHT_SIGNAL | NOS_RIGHT_TRANSFER,
                                     .depth = 1 };
    uint8_t token[TOKEN_BYTES];
    nos_handle_t note, derived;
    uint64_t bits = 0;

    if (unhex(next_pk_hex, req.next_pk, sizeof(req.next_pk)) != sizeof(req.next_pk)) {
        return 2;
    }
    nos_status_t st = nos_sys_notify_create(&note);
    st = st == NOS_OK ? derive_note(note, 3, &derived) : st;
    st = st == NOS_OK ? issue(derived, &req, token) : st;
    nos_print("COURIER issue %s\n", status_name(st));
    if (st != NOS_OK) {
        return 1;
    }
    print_token(token);
    while (st == NOS_OK) {
        st = nos_sys_notify_wait(note, NOS_DEADLINE_NEVER, &bits);
        if ((bits & BIT_HELLO) != 0) {
            nos_print("COURIER signalled\n");
        }
        if ((bits & BIT_REVOKE) != 0) {
            nos_print("COURIER revoke %s\n", status_name(nos_sys_cap_revoke(derived)));
        }
    }
    return 1;
}

static void try_it(const uint8_t *token, size_t len)
{
    static nos_handle_t kept;
    nos_handle_t h;
    bool again = kept.v != 0;

    nos_status_t st = import(token, len, &h);
    nos_print("COURIER import %s\n", status_name(st));
    if (!again && st == NOS_OK) {
        kept = h;
        nos_print("COURIER hello %s\n", status_name(nos_sys_notify_signal(h, BIT_HELLO)));
    } else if (again && st == NOS_OK) {  // ask for the cut, and wait until it has come
        nos_ignore(nos_sys_notify_signal(h, BIT_REVOKE));
        for (int i = 0; i < 1000 && st == NOS_OK; i++) {
            nos_ignore(nos_sys_sleep(nos_now_ns() + 2000000));
            st = nos_sys_notify_signal(kept, BIT_HELLO);
        }
        nos_print("COURIER use %s\n", status_name(st));
    } else if (again) {
        nos_print("COURIER use %s\n", status_name(nos_sys_notify_signal(kept, BIT_HELLO)));
    }
}

/* A token comes in pieces, and is tried as often as somebody says so. */
int importer(void)
{
    static uint8_t token[TOKEN_CHAIN_BYTES];
    static struct nos_msg m;
    span_t piece;

    for (;;) {
        if (nos_recv(courier_endpoint, &m, NOS_DEADLINE_NEVER) != NOS_OK) {
            return 1;
        }
        uint64_t at = m.word[0], len = m.word[1];
        if (m.label == LABEL_GO && at <= sizeof(token)) {
            try_it(token, at);
        } else if (m.label == LABEL_PUT && at <= sizeof(token) && len <= sizeof(token) - at &&
                   nos_msg_get(&m, 2, len, &piece)) {
            memcpy(token + at, piece.data, len);
            uint64_t end = at + len;
            nos_print("COURIER has %llu\n", (unsigned long long)end);
        }
    }
}

static int send(uint64_t label, uint64_t at, const uint8_t *bytes, size_t len)
{
    static struct nos_msg m;
    m.label = label;
    m.n_words = 2;
    m.word[0] = at;
    m.word[1] = len;
    bool fits = nos_msg_put(&m, 2, bytes, len);
    return fits && nos_send(courier_endpoint, &m, nos_now_ns() + 2000000000) == NOS_OK ? 0 : 1;
}

int put(const char *at, const char *hex)
{
    uint8_t bytes[128];
    uint64_t offset;
    size_t len = unhex(hex, bytes, sizeof(bytes));
    return len != 0 && parse_u64(span_of(at, strlen(at)), &offset)
               ? send(LABEL_PUT, offset, bytes, len)
               : 2;
}

int go(const char *len)
{
    uint64_t n;
    return parse_u64(span_of(len, strlen(len)), &n) ? send(LABEL_GO, n, NULL, 0) : 2;
}

/* Has so many handles more than it started with, for as long as it lives. */
static int hold(const char *count)
{
    nos_handle_t note, copy;
    uint64_t n = 0;

    if (!parse_u64(span_of(count, strlen(count)), &n) || n == 0) {
        return 2;
    }
    nos_status_t st = nos_sys_notify_create(&note);
    for (uint64_t i = 1; i < n && st == NOS_OK; i++) {
        st = nos_sys_handle_dup(note, NOS_RIGHT_SIGNAL, 0, &copy);
    }
    nos_print("COURIER holds %llu %s\n", (unsigned long long)n, status_name(st));
    nos_ignore(nos_sys_sleep(UINT64_MAX));
    return 1;
}

static bool is(const char *word, const char *want)
{
    return span_equal(span_of(word, strlen(word)), span_of(want, strlen(want)));
}

int nos_main(void)
{
    char copy[NOS_ARG_MAX + 1];
    char *word[WORDS];
    size_t n = nos_arg_words(copy, word, WORDS);

    courier_endpoint = nos_find_handle(NOS_CAP_ENDPOINT, "courier");
    if (n == 1 && is(word[0], "attack")) {
        return attack();
    }
    if (n == 1 && is(word[0], "hoard")) {
        return hoard();
    }
    if (n == 1 && is(word[0], "child")) {
        return child();
    }
    if (n == 1 && is(word[0], "import")) {
        return importer();
    }
    if (n == 2 && is(word[0], "issue")) {
        return issuer(word[1]);
    }
    if (n == 3 && is(word[0], "put")) {
        return put(word[1], word[2]);
    }
    if (n == 2 && is(word[0], "hold")) {
        return hold(word[1]);
    }
    if (n == 2 && is(word[0], "go")) {
        return go(word[1]);
    }
    nos_print("usage: courier attack | hoard | issue KEY | import | put AT HEX | go LENGTH | hold "
              "COUNT\n");
    return 2;
}
