/* Ports, queues and quotas of the loopback service. */
#include "modules/loopback/ports.h"
#include "tests/host/test.h"

#include <string.h>

static int fresh(void **state)
{
    (void)state;
    memset(port_table, 0, sizeof(port_table));
    return 0;
}

static void binding(void **state)
{
    struct port *p, *q;
    (void)state;
    assert_int_equal(port_bind(7, 1, &p), NOS_OK);
    assert_int_equal(p->number, 7);
    assert_int_equal(port_bind(7, 2, &q), NOS_BUSY);
    assert_int_equal(port_bind(7, 1, &q), NOS_BUSY);
    assert_int_equal(port_bind(65536, 1, &q), NOS_INVALID);
    assert_int_equal(port_bind(0, 2, &q), NOS_OK);
    assert_int_equal(q->number, PORT_ANY_FIRST);
    assert_int_equal(port_bind(0, 2, &q), NOS_OK);
    assert_int_equal(q->number, PORT_ANY_FIRST + 1);
    assert_null(port_find(0));
    assert_ptr_equal(port_find(7), p);
    assert_int_equal(port_of(7, 1, &q), NOS_OK);
    assert_int_equal(port_of(7, 2, &q), NOS_DENIED);
    assert_int_equal(port_of(8, 1, &q), NOS_NOT_FOUND);
    assert_int_equal(port_of(0, 0, &q), NOS_NOT_FOUND);
    port_free(p);
    assert_int_equal(port_of(7, 1, &q), NOS_NOT_FOUND);
    assert_int_equal(port_bind(7, 2, &q), NOS_OK);
}

static void quotas(void **state)
{
    struct port *p;
    (void)state;
    for (unsigned i = 0; i < PORTS_PER_CLIENT; i++) {
        assert_int_equal(port_bind(0, 1, &p), NOS_OK);
    }
    assert_int_equal(port_bind(0, 1, &p), NOS_QUOTA);
    for (unsigned i = PORTS_PER_CLIENT; i < PORTS; i++) {
        assert_int_equal(port_bind(0, 100 + i, &p), NOS_OK);
    }
    assert_int_equal(port_bind(0, 1000, &p), NOS_NO_SLOT);
    port_free(&port_table[3]);
    assert_int_equal(port_bind(0, 1000, &p), NOS_OK);
    assert_ptr_equal(p, &port_table[3]);
}

static void queue(void **state)
{
    static uint8_t big[NOS_NET_DATA_MAX + 1];
    struct port *p;
    (void)state;
    assert_int_equal(port_bind(7, 1, &p), NOS_OK);
    assert_null(port_first(p));
    assert_int_equal(port_put(p, 2, 0, span_of(big, sizeof(big))), NOS_TOO_BIG);
    for (unsigned round = 0; round < 3; round++) {  // the ring goes round
        for (uint32_t i = 0; i < QUEUE; i++) {
            big[0] = (uint8_t)i;
            assert_int_equal(port_put(p, i / QUEUE_PER_SENDER, (uint16_t)i, span_of(big, i)),
                             NOS_OK);
        }
        assert_int_equal(port_put(p, 99, 0, span_of(big, 1)), NOS_WOULD_BLOCK);
        assert_int_equal(port_put(p, 0, 0, span_of(big, 1)), NOS_QUOTA);
        for (uint32_t i = 0; i < QUEUE; i++) {
            const struct datagram *d = port_first(p);
            assert_non_null(d);
            assert_int_equal(d->from, i);
            assert_int_equal(d->len, i);
            assert_int_equal(d->sender, i / QUEUE_PER_SENDER);
            assert_int_equal(d->data[0], i);
            port_drop(p);
        }
        assert_null(port_first(p));
        assert_int_equal(port_put(p, 5, 5, span_of(big, 3)), NOS_OK);  // shift the ring's start
        port_drop(p);
    }
}

static void one_sender_cannot_fill(void **state)
{
    struct port *p;
    (void)state;
    assert_int_equal(port_bind(7, 1, &p), NOS_OK);
    for (unsigned i = 0; i < QUEUE_PER_SENDER; i++) {
        assert_int_equal(port_put(p, 2, 0, SPAN_LIT("x")), NOS_OK);
    }
    assert_int_equal(port_put(p, 2, 0, SPAN_LIT("x")), NOS_QUOTA);
    assert_int_equal(port_put(p, 3, 0, SPAN_LIT("x")), NOS_OK);
    port_drop(p);
    assert_int_equal(port_put(p, 2, 0, SPAN_LIT("x")), NOS_OK);
}

/* What one version writes down the next one has; what is not exactly so it refuses. */
static void handed_over(void **state)
{
    static uint8_t bytes[PORT_BYTES];
    static struct port copy;
    struct port *p;
    (void)state;
    assert_int_equal(port_bind(7, 11, &p), NOS_OK);
    p->waiter = 0x1122334455667788;
    assert_int_equal(port_put(p, 1, 0, SPAN_LIT("gone")), NOS_OK);
    assert_int_equal(port_put(p, 2, 9, SPAN_LIT("first")), NOS_OK);
    assert_int_equal(port_put(p, 3, 0, span_of(NULL, 0)), NOS_OK);
    port_drop(p);
    span_t saved = port_save(p, 5, bytes);
    assert_int_equal(saved.len, PORT_HEAD + 2 * DATAGRAM_HEAD + 5);
    assert_false(port_load(saved, &copy));  // two ports of one number
    assert_int_equal(copy.number, 0);
    port_free(p);
    for (size_t len = 0; len < saved.len; len++) {
        assert_false(port_load(span_of(bytes, len), &copy));
        assert_true(copy.number == 0 && copy.n == 0);
    }
    assert_false(port_load(span_of(bytes, saved.len + 1), &copy));
    assert_true(port_load(saved, &copy));
    assert_true(copy.number == 7 && copy.owner == 11 && copy.lifeline == 5 &&
                copy.waiter == 0x1122334455667788);
    assert_true(
        span_equal(span_of(port_first(&copy)->data, port_first(&copy)->len), SPAN_LIT("first")));
    assert_true(port_first(&copy)->from == 9 && port_first(&copy)->sender == 2);
    port_drop(&copy);
    assert_true(port_first(&copy)->len == 0 && port_first(&copy)->sender == 3);
    for (size_t at = 0; at < 4; at++) {  // number 0, and what is reserved
        uint8_t was = bytes[at];
        bytes[at] = at == 0 ? 0 : 1;
        assert_int_equal(port_load(saved, &copy), at == 1);
        bytes[at] = was;
    }
    store_le16(bytes + PORT_HEAD + 2, NOS_NET_DATA_MAX + 1);
    assert_false(port_load(span_of(bytes, sizeof(bytes)), &copy));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(binding, fresh),
        cmocka_unit_test_setup(quotas, fresh),
        cmocka_unit_test_setup(queue, fresh),
        cmocka_unit_test_setup(one_sender_cannot_fill, fresh),
        cmocka_unit_test_setup(handed_over, fresh),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
