/* A few ports, each with a short queue. Linear searches over 32 entries: nothing here is a loop
 * over what a client decides. */
#include "modules/loopback/ports.h"

#include <string.h>

struct port port_table[PORTS];

struct port *port_find(uint64_t number)
{
    for (unsigned i = 0; number != 0 && i < PORTS; i++) {
        if (port_table[i].number == number) {
            return &port_table[i];
        }
    }
    return NULL;
}

static uint16_t any_number(void)
{
    uint16_t n = PORT_ANY_FIRST;
    while (port_find(n) != NULL) {
        n++;  // ends: there are fewer ports than numbers from here on
    }
    return n;
}

nos_status_t port_bind(uint64_t number, uint32_t owner, struct port **out)
{
    struct port *unused = NULL;
    unsigned has = 0;

    if (number > UINT16_MAX) {
        return NOS_INVALID;
    }
    if (port_find(number) != NULL) {
        return NOS_BUSY;
    }
    for (unsigned i = 0; i < PORTS; i++) {
        has += port_table[i].number != 0 && port_table[i].owner == owner ? 1 : 0;
        unused = port_table[i].number == 0 ? &port_table[i] : unused;
    }
    if (has >= PORTS_PER_CLIENT || unused == NULL) {
        return has >= PORTS_PER_CLIENT ? NOS_QUOTA : NOS_NO_SLOT;
    }
    unused->number = number == 0 ? any_number() : (uint16_t)number;
    unused->owner = owner;
    *out = unused;
    return NOS_OK;
}

nos_status_t port_of(uint64_t number, uint32_t owner, struct port **out)
{
    struct port *p = port_find(number);
    if (p == NULL || p->owner != owner) {
        return p == NULL ? NOS_NOT_FOUND : NOS_DENIED;
    }
    *out = p;
    return NOS_OK;
}

nos_status_t port_put(struct port *p, uint32_t sender, uint16_t from, span_t data)
{
    unsigned has = 0;

    if (data.len > NOS_NET_DATA_MAX) {
        return NOS_TOO_BIG;
    }
    for (unsigned i = 0; i < p->n; i++) {
        has += p->queue[(p->first + i) % QUEUE].sender == sender ? 1 : 0;
    }
    if (has >= QUEUE_PER_SENDER || p->n == QUEUE) {
        return has >= QUEUE_PER_SENDER ? NOS_QUOTA : NOS_WOULD_BLOCK;
    }
    struct datagram *d = &p->queue[(p->first + p->n++) % QUEUE];
    d->from = from;
    d->len = (uint16_t)data.len;
    d->sender = sender;
    if (data.len > 0) {
        memcpy(d->data, data.data, data.len);
    }
    return NOS_OK;
}

const struct datagram *port_first(const struct port *p)
{
    return p->n == 0 ? NULL : &p->queue[p->first];
}

void port_drop(struct port *p)
{
    memset(&p->queue[p->first], 0, sizeof(p->queue[0]));
    p->first = (p->first + 1) % QUEUE;
    p->n--;
}

void port_free(struct port *p)
{
    memset(p, 0, sizeof(*p));
}

span_t port_save(const struct port *p, uint32_t lifeline, uint8_t out[PORT_BYTES])
{
    size_t at = PORT_HEAD;

    store_le16(out, p->number);
    store_le16(out + 2, 0);
    store_le32(out + 4, p->owner);
    store_le32(out + 8, lifeline);
    store_le32(out + 12, p->n);
    store_le64(out + 16, p->waiter);
    for (uint32_t i = 0; i < p->n; i++) {
        const struct datagram *d = &p->queue[(p->first + i) % QUEUE];
        store_le16(out + at, d->from);
        store_le16(out + at + 2, d->len);
        store_le32(out + at + 4, d->sender);
        memcpy(out + at + DATAGRAM_HEAD, d->data, d->len);
        at += DATAGRAM_HEAD + d->len;
    }
    return span_of(out, at);
}

/* The next datagram of `*bytes`. */
static bool load_datagram(span_t *bytes, struct port *p)
{
    uint32_t sender;
    uint16_t from, len;
    span_t data;

    bool ok = span_le16(*bytes, 0, &from) && span_le16(*bytes, 2, &len) &&
              span_le32(*bytes, 4, &sender) && span_cut(*bytes, DATAGRAM_HEAD, len, &data) &&
              span_from(*bytes, DATAGRAM_HEAD + (size_t)len, bytes);
    return ok && port_put(p, sender, from, data) == NOS_OK;
}

bool port_load(span_t bytes, struct port *p)
{
    uint16_t number, rsv;
    uint32_t n;

    port_free(p);
    bool ok = span_le16(bytes, 0, &number) && span_le16(bytes, 2, &rsv) &&
              span_le32(bytes, 4, &p->owner) && span_le32(bytes, 8, &p->lifeline) &&
              span_le32(bytes, 12, &n) && span_le64(bytes, 16, &p->waiter) &&
              span_from(bytes, PORT_HEAD, &bytes) && number != 0 && rsv == 0 &&
              port_find(number) == NULL;
    while (ok && n > 0) {
        ok = load_datagram(&bytes, p);
        n--;
    }
    ok = ok && bytes.len == 0;
    if (!ok) {
        port_free(p);
        return false;
    }
    p->number = number;
    return true;
}
