/*
 * The secret broker at the prompt:
 *   load secret put NAME SECONDS READER[,READER...] WORD     keep WORD for those modules
 *   load secret once NAME SECONDS READER[,READER...] WORD    the same, to be given once
 *   load secret make NAME SECONDS READER[,READER...]         32 bytes that nobody has seen
 *   load secret get OWNER NAME                               what OWNER keeps for this module
 *   load secret ls
 *   load secret rm NAME
 */
#include <string.h>

#include "lib/fmt.h"
#include "lib/secret.h"
#include "lib/status.h"
#include "lib/text.h"
#include "sdk/broker.h"
#include "sdk/print.h"
#include "sdk/start.h"

enum { WORDS = 6, MADE = 32 };

static int fail(const char *what, const char *name, nos_status_t st)
{
    nos_print("secret: %s %s: %s\n", what, name, status_text(st));
    return 1;
}

static bool is(const char *word, const char *text)
{
    return strlen(word) == strlen(text) && memcmp(word, text, strlen(text)) == 0;
}

/* Cuts `list` at its commas. */
static bool take_rule(const char *seconds, char *list, struct nos_secret_rule *out)
{
    uint64_t s;

    if (!parse_u64(span_of(seconds, strlen(seconds)), &s) || s > NOS_BROKER_LIFE_MS / 1000) {
        return false;
    }
    out->life_ms = s * 1000;
    size_t n = 0;
    out->reader[n++] = list;
    for (char *at = list; *at != '\0'; at++) {
        if (*at == ',') {
            if (n == NOS_BROKER_READERS) {
                return false;
            }
            *at = '\0';
            out->reader[n++] = at + 1;
        }
    }
    return true;
}

static int put(char **words, span_t bytes, uint32_t flags)
{
    struct nos_secret_rule rule = { .flags = flags };

    if (!take_rule(words[2], words[3], &rule)) {
        return fail("cannot keep", words[1], NOS_INVALID);
    }
    nos_status_t st = nos_secret_put(words[1], bytes, &rule);
    if (st != NOS_OK) {
        return fail("cannot keep", words[1], st);
    }
    nos_print("kept secret/%s, %u bytes, for %s s\n", words[1], (unsigned)bytes.len, words[2]);
    return 0;
}

static int make(char **words)
{
    uint8_t bytes[MADE];
    nos_status_t st = nos_sys_random(bytes, sizeof bytes);

    int rc = st == NOS_OK ? put(words, SPAN_OF(bytes), 0) : fail("cannot make", words[1], st);
    secret_wipe(bytes, sizeof bytes);
    return rc;
}

static int get(char **words)
{
    uint8_t bytes[NOS_BROKER_BYTES];
    char hex[2 * NOS_BROKER_BYTES + 1];
    struct fmt f;
    size_t len = 0;

    nos_status_t st = nos_secret_get(words[1], words[2], bytes, &len);
    if (st != NOS_OK) {
        return fail("not given", words[2], st);
    }
    if (text_ok(span_of(bytes, len))) {
        nos_print("%s/%s is %.*s\n", words[1], words[2], (int)len, (const char *)bytes);
    } else {
        FMT_INIT(&f, hex);
        fmt_bytes(&f, span_of(bytes, len));
        nos_print("%s/%s is, in hexadecimal, %s\n", words[1], words[2], hex);
    }
    secret_wipe(bytes, sizeof bytes);
    secret_wipe(hex, sizeof hex);
    return 0;
}

static int list(void)
{
    struct nos_broker_entry e;
    nos_status_t st;

    for (uint64_t n = 0; (st = nos_secret_list(n, &e)) == NOS_OK; n++) {
        nos_print("%.16s  %u bytes, %llu s left, given %u times%s, for", e.name, e.len,
                  (unsigned long long)(e.left_ms / 1000), e.given,
                  (e.flags & NOS_BROKER_ONCE) != 0 ? ", once" : "");
        for (unsigned i = 0; i < NOS_BROKER_READERS && e.reader[i][0] != '\0'; i++) {
            nos_print(" %.16s", e.reader[i]);
        }
        nos_print("\n");
    }
    if (st != NOS_NOT_FOUND) {
        return fail("cannot list", "them", st);
    }
    nos_print("secret: that is all\n");
    return 0;
}

static int remove_one(const char *name)
{
    nos_status_t st = nos_secret_delete(name);

    if (st != NOS_OK) {
        return fail("cannot delete", name, st);
    }
    nos_print("deleted secret/%s\n", name);
    return 0;
}

int nos_main(void)
{
    static char copy[NOS_ARG_MAX + 1];
    char *words[WORDS];
    size_t n = nos_arg_words(copy, words, WORDS);
    int rc = 1;

    if (n == 5 && (is(words[0], "put") || is(words[0], "once"))) {
        rc = put(words, span_of(words[4], strlen(words[4])),
                 is(words[0], "once") ? (uint32_t)NOS_BROKER_ONCE : 0);
    } else if (n == 4 && is(words[0], "make")) {
        rc = make(words);
    } else if (n == 3 && is(words[0], "get")) {
        rc = get(words);
    } else if (n == 1 && is(words[0], "ls")) {
        rc = list();
    } else if (n == 2 && is(words[0], "rm")) {
        rc = remove_one(words[1]);
    } else {
        nos_print(
            "secret: put|once NAME SECONDS READERS WORD, make NAME SECONDS READERS, get OWNER "
            "NAME, ls, rm NAME\n");
    }
    secret_wipe(copy, sizeof copy);
    return rc;
}
