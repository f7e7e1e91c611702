/* lib/postmortem.h: found wherever it lies, one rule broken at a time, every truncation, every bit
 * flipped; and which record answers a question. */
#include "lib/postmortem.h"

#include <stdlib.h>

#include "abi/info.h"
#include "lib/crypto/blake3.h"
#include "tests/host/test.h"

enum { ROOM = 4096, AT = 40 }; /* the block lies at byte AT of the dump */

static uint8_t dump[ROOM];
static struct nos_pm_head head;
static size_t at;

static void begin(uint32_t end)
{
    memset(dump, 0xa5, sizeof dump);
    head = (struct nos_pm_head){ .magic = NOS_PM_MAGIC, .version = NOS_PM_VERSION, .end = end };
    memset(head.boot_id, 7, sizeof head.boot_id);
    at = AT + sizeof head;
}

static void add(uint32_t topic, uint64_t index, const char *text)
{
    struct nos_pm_record r = { .topic = topic, .len = (uint32_t)strlen(text), .index = index };
    size_t whole = (strlen(text) + 7) / 8 * 8;
    memcpy(dump + at, &r, sizeof r);
    memset(dump + at + sizeof r, 0, whole);
    memcpy(dump + at + sizeof r, text, strlen(text));
    at += sizeof r + whole;
    head.len += sizeof r + whole;
    head.records++;
}

static void seal(void)
{
    memset(head.check, 0, sizeof head.check);
    memcpy(dump + AT, &head, sizeof head);
    if (head.end != NOS_PM_BROKE) {
        uint8_t check[32];
        blake3_derive(NOS_CTX_POSTMORTEM,
                      span_of(dump + AT + NOS_PM_CHECKED, at - AT - NOS_PM_CHECKED), check);
        memcpy(head.check, check, sizeof check);
        memcpy(dump + AT, &head, sizeof head);
    }
}

static void make(uint32_t end)
{
    begin(end);
    add(NOS_TOPIC_ABOUT, 0, "about");
    add(NOS_TOPIC_CAPSULES, 0, "init");
    add(NOS_TOPIC_CAPSULES, 1, "");
    add(NOS_TOPIC_LOG, 100, "a line\n, and some more of it");
    add(NOS_TOPIC_AUDIT, 3, "three");
    add(NOS_TOPIC_AUDIT, 9, "nine");
    seal();
}

static nos_status_t find(struct postmortem *p)
{
    return postmortem_find(SPAN_OF(dump), p);
}

static void test_answers(void **state)
{
    static const struct {
        uint32_t topic;
        uint64_t index;
        const char *text; /* NULL: NOT_FOUND */
    } row[] = {
        { NOS_TOPIC_ABOUT, 0, "about" },
        { NOS_TOPIC_ABOUT, 1, NULL },
        { NOS_TOPIC_CAPSULES, 0, "init" },
        { NOS_TOPIC_CAPSULES, 1, "" },
        { NOS_TOPIC_CAPSULES, 2, NULL },
        { NOS_TOPIC_AUDIT, 0, "three" },
        { NOS_TOPIC_AUDIT, 3, "three" },
        { NOS_TOPIC_AUDIT, 4, "nine" },
        { NOS_TOPIC_AUDIT, 9, "nine" },
        { NOS_TOPIC_AUDIT, 10, NULL },
        { NOS_TOPIC_LOG, 0, "a line\n, and some more of it" },
        { NOS_TOPIC_LOG, 101, NULL },
        { NOS_TOPIC_MEM, 0, NULL },
        { 0xffffffff, UINT64_MAX, NULL },
    };
    struct postmortem p;
    span_t got;
    (void)state;
    make(NOS_PM_COMPLETE);
    assert_int_equal(find(&p), NOS_OK);
    assert_int_equal(p.head.records, 6);
    for (size_t i = 0; i < ARRAY_LEN(row); i++) {
        nos_status_t st = postmortem_record(&p, row[i].topic, row[i].index, &got);
        assert_int_equal(st, row[i].text == NULL ? NOS_NOT_FOUND : NOS_OK);
        if (row[i].text != NULL) {
            assert_int_equal(got.len, strlen(row[i].text));
            assert_memory_equal(got.data, row[i].text, got.len);
        }
    }
}

static void test_ends(void **state)
{
    struct postmortem p;
    (void)state;
    make(NOS_PM_FULL);
    assert_int_equal(find(&p), NOS_OK);
    make(NOS_PM_BROKE);
    assert_int_equal(find(&p), NOS_OK);
    assert_int_equal(p.head.end, NOS_PM_BROKE);
    begin(NOS_PM_BROKE);  // it broke at the first one
    seal();
    assert_int_equal(find(&p), NOS_OK);
    assert_int_equal(p.records.len, 0);
}

/* In a file cut anywhere there is no block, or no whole one; copied out, so that a read behind the
 * end is seen. */
static void test_truncated(void **state)
{
    struct postmortem p;
    (void)state;
    make(NOS_PM_COMPLETE);
    for (size_t len = 0; len <= at; len++) {
        uint8_t *copy = malloc(len + 1);
        assert_non_null(copy);
        memcpy(copy, dump, len);
        nos_status_t st = postmortem_find(span_of(copy, len), &p);
        free(copy);
        assert_int_equal(st, len == at                      ? NOS_OK
                             : len < AT + sizeof head.magic ? NOS_NOT_FOUND
                                                            : NOS_BAD_MESSAGE);
        if (st != NOS_OK) {
            assert_int_equal(p.records.len, 0);
        }
    }
}

static void test_bits(void **state)
{
    struct postmortem p;
    (void)state;
    make(NOS_PM_COMPLETE);
    for (size_t bit = AT * 8; bit < at * 8; bit++) {
        dump[bit / 8] ^= (uint8_t)(1u << bit % 8);
        assert_int_not_equal(find(&p), NOS_OK);
        dump[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    assert_int_equal(find(&p), NOS_OK);
}

/* What the check does not save from: a block of which somebody has made the check anew. */
#define RULE(what) \
    do { \
        make(NOS_PM_COMPLETE); \
        what; \
        seal(); \
        assert_int_equal(find(&p), NOS_BAD_MESSAGE); \
    } while (0)

static void test_rules(void **state)
{
    const size_t first = AT + sizeof head;
    struct postmortem p;
    (void)state;
    RULE(head.version++);
    RULE(head.end = NOS_PM_FULL + 1);
    RULE(head.rsv[23] = 1);
    RULE(head.records++);
    RULE(head.records--);
    RULE(head.len = NOS_PM_BYTES);
    RULE(head.len = UINT64_MAX - 7);
    RULE(head.len -= 4; at -= 4);
    RULE(head.len -= 8; at -= 8);              // the last record runs out of it
    RULE(store_le32(dump + first + 4, 4097));  // longer than any
    RULE(store_le32(dump + first + 4, UINT32_MAX));
    RULE(dump[first + 16 + 5] = 1);  // padding
    make(NOS_PM_BROKE);
    dump[AT + offsetof(struct nos_pm_head, check)] = 1;
    assert_int_equal(find(&p), NOS_IO_ERROR);
    make(NOS_PM_COMPLETE);
    dump[at - 1] ^= 1;
    assert_int_equal(find(&p), NOS_IO_ERROR);
}

/* The magic alone stands in the kernel's image too. */
static void test_decoy(void **state)
{
    static const uint8_t magic[] = NOS_PM_MAGIC;
    struct postmortem p;
    (void)state;
    make(NOS_PM_COMPLETE);
    memcpy(dump, magic, sizeof magic);
    memcpy(dump + sizeof dump - sizeof magic, magic, sizeof magic);  // before the block, or behind
    assert_int_equal(find(&p), NOS_OK);
    dump[at - 1] ^= 1;
    assert_int_equal(find(&p), NOS_IO_ERROR);
    dump[AT] ^= 1;
    assert_int_equal(find(&p), NOS_BAD_MESSAGE);
    dump[0] ^= 1;
    dump[sizeof dump - sizeof magic] ^= 1;
    assert_int_equal(find(&p), NOS_NOT_FOUND);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_answers),   cmocka_unit_test(test_ends),
        cmocka_unit_test(test_truncated), cmocka_unit_test(test_bits),
        cmocka_unit_test(test_rules),     cmocka_unit_test(test_decoy),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
