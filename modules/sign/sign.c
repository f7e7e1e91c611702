/*
 * The signing service at the prompt:
 *   load sign key                  its public key
 *   load sign as CONTEXT TEXT      the signature of this capsule's TEXT for that purpose
 *   load sign log                  what was signed, and for whom
 */
#include <string.h>

#include "lib/fmt.h"
#include "lib/status.h"
#include "sdk/print.h"
#include "sdk/signer.h"
#include "sdk/start.h"

static int fail(const char *what, nos_status_t st)
{
    const char *why = st == NOS_QUOTA ? "asked too often; try again later" : status_text(st);

    nos_print("sign: %s: %s\n", what, why);
    return 1;
}

static void print_hex(const char *what, span_t bytes)
{
    char text[2 * 64 + 1];
    struct fmt f;

    FMT_INIT(&f, text);
    fmt_bytes(&f, bytes);
    nos_print("%s %s\n", what, text);
}

static int key(void)
{
    uint8_t pk[32];

    nos_status_t st = nos_signer_key(pk);
    if (st != NOS_OK) {
        return fail("no public key", st);
    }
    print_hex("public key", SPAN_OF(pk));
    return 0;
}

static int as(const char *rest)
{
    struct nos_signature s;
    size_t len = strlen(rest), blank = 0;

    while (blank < len && rest[blank] != ' ') {
        blank++;
    }
    if (blank == len) {
        nos_print("sign: as CONTEXT TEXT: a text is missing\n");
        return 1;
    }
    span_t text = span_of(rest + blank + 1, len - blank - 1);
    nos_status_t st = nos_sign(span_of(rest, blank), text, &s);
    if (st != NOS_OK) {
        return fail("not signed", st);
    }
    nos_print("signed %llu for sign as %.*s: %.*s\n", (unsigned long long)s.number, (int)blank,
              rest, (int)text.len, (const char *)text.data);
    print_hex("signature", SPAN_OF(s.bytes));
    return 0;
}

static int list(void)
{
    struct nos_signer_record r = { 0 };
    char time[24];
    struct fmt f;
    nos_status_t st;

    while ((st = nos_signer_log(r.number + 1, &r)) == NOS_OK) {
        FMT_INIT(&f, time);
        fmt_time(&f, r.time_ns);
        nos_print("%5llu %10s s  %.16s (capsule %u) as %.32s, %u bytes\n",
                  (unsigned long long)r.number, time, r.module, r.capsule, (const char *)r.context,
                  r.message_len);
    }
    if (st != NOS_NOT_FOUND) {
        return fail("no more records", st);
    }
    nos_print("sign: that is all\n");
    return 0;
}

int nos_main(void)
{
    const char *arg = nos_arg();

    if (strlen(arg) == 3 && memcmp(arg, "key", 3) == 0) {
        return key();
    }
    if (strlen(arg) == 3 && memcmp(arg, "log", 3) == 0) {
        return list();
    }
    if (strlen(arg) > 3 && memcmp(arg, "as ", 3) == 0) {
        return as(arg + 3);
    }
    nos_print("sign: key, log, or as CONTEXT TEXT\n");
    return 1;
}
