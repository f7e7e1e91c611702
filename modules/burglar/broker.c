/* Into the secret broker: for what others keep, and for more than it keeps. */
#include <string.h>

#include "lib/secret.h"
#include "lib/splitmix.h"
#include "modules/burglar/burglar.h"
#include "sdk/broker.h"

enum { OPS = 256, FLOOD = 120, PIECE = 64 };

static const struct nos_secret_rule for_me = { .life_ms = 60000, .reader = { "burglar" } };
static uint8_t got[NOS_BROKER_BYTES];
static size_t got_len;

static nos_status_t put(const char *name, const struct nos_secret_rule *rule)
{
    return nos_secret_put(name, SPAN_LIT("loot"), rule);
}

static nos_status_t get(const char *owner, const char *name)
{
    return nos_secret_get(owner, name, got, &got_len);
}

/* The service takes 20 a second: not faster than that. */
static void rest(unsigned requests)
{
    nos_ignore(nos_sys_sleep(nos_now_ns() + requests * 60000000ull));
}

static nos_status_t raw(uint64_t label, uint32_t n_words)
{
    struct nos_msg m = { .label = label, .n_words = n_words, .word = { 'x' } };
    return ask("broker", &m);
}

static void broken(void)
{
    nos_status_t worst = NOS_BAD_MESSAGE;

    for (uint64_t op = 0; op < OPS; op++) {
        if (op < NOS_BROKER_PUT || op > NOS_BROKER_LIST) {
            nos_status_t st = raw(op, 4);
            worst = st == NOS_BAD_MESSAGE ? worst : st;
        }
    }
    row("no-such-operation", NOS_BAD_MESSAGE, worst);
    row("put-without-words", NOS_BAD_MESSAGE, raw(NOS_BROKER_PUT, 0));
    row("put-that-lacks-words", NOS_BAD_MESSAGE, raw(NOS_BROKER_PUT | 9 << 8, 13));
    row("put-with-more", NOS_BAD_MESSAGE, raw(NOS_BROKER_PUT | 8 << 8, 14));
    row("put-too-big", NOS_TOO_BIG, raw(NOS_BROKER_PUT | 257 << 8, 45));
    row("put-much-too-big", NOS_TOO_BIG, raw(0x7fffffffff01ull, 64));
    row("put-nothing", NOS_INVALID, raw(NOS_BROKER_PUT, 12));
    row("get-with-less", NOS_BAD_MESSAGE, raw(NOS_BROKER_GET, 3));
    row("get-with-bytes", NOS_BAD_MESSAGE, raw(NOS_BROKER_GET | 8 << 8, 4));
    row("list-of-nothing", NOS_BAD_MESSAGE, raw(NOS_BROKER_LIST, 0));
    row("name-that-is-none", NOS_INVALID, put("Name", &for_me));
    row("name-too-long", NOS_INVALID, put("abcdefghijklmnopq", &for_me));
    row("no-reader", NOS_INVALID, put("n", &(struct nos_secret_rule){ .life_ms = 1000 }));
    row("reader-that-is-none", NOS_INVALID,
        put("n", &(struct nos_secret_rule){ .life_ms = 1000, .reader = { "burglar", "*" } }));
    row("no-life", NOS_INVALID, put("n", &(struct nos_secret_rule){ .reader = { "burglar" } }));
    row("a-day-and-more", NOS_INVALID,
        put("n", &(struct nos_secret_rule){ .life_ms = 86400001, .reader = { "burglar" } }));
    row("flags-that-are-none", NOS_INVALID,
        put("n",
            &(struct nos_secret_rule){ .life_ms = 1000, .flags = 2, .reader = { "burglar" } }));
    row("nothing-was-kept", NOS_NOT_FOUND, get("burglar", "n"));
}

/* The test has kept one at the prompt that is for the prompt alone, and one for the burglar. */
static void others(void)
{
    static struct nos_msg m = { .label = NOS_BROKER_GET, .n_words = 4 };
    struct nos_broker_entry e;

    row("not-for-me", NOS_NOT_FOUND, get("secret", "theirs"));
    row("not-there", NOS_NOT_FOUND, get("secret", "nothing"));
    row("for-me", NOS_OK, get("secret", "shared"));
    row("whole", NOS_OK, got_len == 5 && memcmp(got, "cheap", 5) == 0 ? NOS_OK : NOS_IO_ERROR);
    memcpy(m.word, "secret", 6);
    memcpy(m.word + 2, "theirs", 6);
    m.sender = 1;  // init's
    m.badge = 1;
    row("as-another", NOS_NOT_FOUND, ask("broker", &m));
    row("delete-of-another", NOS_NOT_FOUND, nos_secret_delete("theirs"));
    row("list-of-another", NOS_NOT_FOUND, nos_secret_list(0, &e));
    row("in-its-name", NOS_OK, put("shared", &for_me));
    row("is-another-one", NOS_OK, get("secret", "shared"));
    row("still-theirs", NOS_OK, memcmp(got, "cheap", 5) == 0 ? NOS_OK : NOS_IO_ERROR);
    m = (struct nos_msg){ .label = NOS_BROKER_DELETE, .n_words = 2 };
    memcpy(m.word, "shared", 6);
    row("one-way", NOS_OK,
        nos_send(nos_find_handle(NOS_CAP_ENDPOINT, "broker"), &m, NOS_DEADLINE_NEVER));
    row("deletes-nothing", NOS_OK, get("burglar", "shared"));
    row("control-messages", NOS_DENIED, control("broker", nos_self()->capsule));
    row("serve-in-its-place", NOS_DENIED,
        nos_recv(nos_find_handle(NOS_CAP_ENDPOINT, "broker"), &m, NOS_DEADLINE_POLL));
}

static void ends(void)
{
    const struct nos_secret_rule once = { .life_ms = 60000,
                                          .flags = NOS_BROKER_ONCE,
                                          .reader = { "burglar" } };
    const struct nos_secret_rule brief = { .life_ms = 200, .reader = { "burglar" } };
    const struct nos_secret_rule blind = { .life_ms = 60000, .reader = { "secret" } };

    row("to-be-given-once", NOS_OK, put("once", &once));
    row("once", NOS_OK, get("burglar", "once"));
    row("twice", NOS_NOT_FOUND, get("burglar", "once"));
    row("to-expire", NOS_OK, put("brief", &brief));
    row("in-time", NOS_OK, get("burglar", "brief"));
    nos_ignore(nos_sys_sleep(nos_now_ns() + 250000000));
    row("expired", NOS_NOT_FOUND, get("burglar", "brief"));
    row("for-another", NOS_OK, put("blind", &blind));
    row("not-for-who-put-it", NOS_NOT_FOUND, get("burglar", "blind"));
    row("delete", NOS_OK, nos_secret_delete("blind"));
    row("delete-again", NOS_NOT_FOUND, nos_secret_delete("blind"));
}

static void greed(void)
{
    char name[] = "a";
    unsigned kept = 0;
    nos_status_t st = NOS_OK;

    for (unsigned i = 0; i < NOS_BROKER_OWN + 3; i++) {
        name[0] = (char)('a' + i);
        nos_status_t one = put(name, &for_me);
        kept += one == NOS_OK ? 1 : 0;
        st = one == NOS_OK ? st : one;
    }
    row("more-than-eight", NOS_QUOTA, st);
    row("eight-with-shared", NOS_OK, kept + 1 == NOS_BROKER_OWN ? NOS_OK : NOS_TOO_BIG);
    row("one-anew", NOS_OK, put("a", &for_me));
    for (unsigned i = 0; i < FLOOD; i++) {
        st = get("secret", "theirs");
    }
    row("flood", NOS_BUSY, st);
    rest(4);
    row("after-a-pause", NOS_OK, get("burglar", "a"));
}

void break_into_broker(void)
{
    broken();
    rest(40);
    others();
    ends();
    rest(40);
    greed();
}

/* ---- secrets that the test knows, to be searched for ---- */

/* So that the test can draw the same. */
static NOINLINE nos_status_t plant_one(uint64_t which, const char *name,
                                       const struct nos_secret_rule *rule)
{
    uint8_t secret[PIECE];
    uint64_t at = which * 8 * SPLITMIX64_STEP;

    for (size_t i = 0; i < PIECE; i += 8) {
        store_le64(secret + i, splitmix64(&at));
    }
    nos_status_t st = nos_secret_put(name, SPAN_OF(secret), rule);
    secret_wipe(secret, sizeof secret);
    return st;
}

void plant_in_broker(void)
{
    const struct nos_secret_rule once = { .life_ms = 600000,
                                          .flags = NOS_BROKER_ONCE,
                                          .reader = { "burglar" } };
    const struct nos_secret_rule brief = { .life_ms = 20000, .reader = { "burglar" } };
    const struct nos_secret_rule stays = { .life_ms = 600000, .reader = { "burglar" } };

    row("plant-stays", NOS_OK, plant_one(0, "stays", &stays));
    row("plant-brief", NOS_OK, plant_one(1, "brief", &brief));
    row("plant-deleted", NOS_OK, plant_one(2, "deleted", &stays));
    row("delete", NOS_OK, nos_secret_delete("deleted"));
    row("plant-replaced", NOS_OK, plant_one(3, "anew", &stays));
    row("replace", NOS_OK, nos_secret_put("anew", SPAN_LIT("new"), &stays));
    row("plant-once", NOS_OK, plant_one(4, "once", &once));
    row("take-it", NOS_OK, get("burglar", "once"));
    secret_wipe(got, sizeof got);
    nos_print("BREAK planted\n");
    for (;;) {
        nos_ignore(nos_sys_sleep(nos_now_ns() + 1000000000));
    }
}
