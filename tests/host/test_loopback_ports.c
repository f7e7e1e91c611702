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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(binding, fresh),
        cmocka_unit_test_setup(quotas, fresh),
        cmocka_unit_test_setup(queue, fresh),
        cmocka_unit_test_setup(one_sender_cannot_fill, fresh),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
