/* The loopback service, whole: what capsules ask for ports and send to them, clients that die, who
 * does not take an answer, an upgrade to another version and from another. Each port is one
 * capsule's, within its quotas; what has left a queue is wiped; and the service holds a handle for
 * each port and none more, whatever comes with a message. */
#include "fuzz/fuzz.h"
#include "fuzz/world/world.h"
#include "modules/loopback/ports.h"
#include "sdk/ipc.h"
#include "sdk/start.h"
#include "sdk/state.h"

enum { SERVES = 1, MEETS = 2, HEIRLOOMS = 1 + NOS_STATE_HANDLES };

static unsigned own; /* handles that it may have beside its ports' */

static void check_queue(const struct port *p)
{
    static const uint8_t zeros[sizeof(struct datagram)];

    PROMISE(p->n <= QUEUE && p->first < QUEUE);
    for (unsigned i = 0; i < QUEUE; i++) {
        const struct datagram *d = &p->queue[(p->first + i) % QUEUE];
        unsigned of_sender = 0;
        if (i >= p->n) {
            PROMISE(memcmp(d, zeros, sizeof *d) == 0);
            continue;
        }
        for (unsigned k = 0; k < p->n; k++) {
            of_sender += p->queue[(p->first + k) % QUEUE].sender == d->sender;
        }
        PROMISE(d->len <= NOS_NET_DATA_MAX && of_sender <= QUEUE_PER_SENDER);
        PROMISE(memcmp(d->data + d->len, zeros, NOS_NET_DATA_MAX - d->len) == 0);
    }
}

static unsigned check_ports(void)
{
    unsigned used = 0;

    for (unsigned i = 0; i < PORTS; i++) {
        const struct port *p = &port_table[i];
        unsigned of_owner = 0;
        for (unsigned k = 0; k < PORTS && p->number != 0; k++) {
            of_owner += port_table[k].number != 0 && port_table[k].owner == p->owner;
            PROMISE(k == i || port_table[k].number != p->number);
        }
        PROMISE(p->number != 0 || (p->n == 0 && p->waiter == 0 && p->lifeline == 0));
        PROMISE(of_owner <= PORTS_PER_CLIENT);
        check_queue(p);
        used += p->number != 0;
    }
    return used;
}

/* It waits for the next message: what it did for the last one is done. */
static void asked(const struct nos_ipc_regs *r)
{
    if (r->rax == NOS_SYS_IPC_RECV && r->rdi == SERVES) {
        PROMISE(world_handles() <= own + check_ports());
        PROMISE(world_mappings() == 0);
    }
}

static void run(void)
{
    (void)nos_main();
}

/* The first version, or one that is to take another's place. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct nos_start start = {
        .capsule = 5,
        .supervisor = 1,
        .handle = { { .handle = SERVES, .kind = NOS_CAP_NETWORK, .name = "loopback" },
                    { .handle = MEETS, .kind = NOS_CAP_ENDPOINT } },
    };
    bool heir = size > 0 && data[0] == 0xff;

    start.n_handles = heir ? 2 : 1;
    start.given = heir ? MEETS : 0;
    own = heir ? 1 + HEIRLOOMS : 1;
    world_asked = asked;
    world_begin(span_of(data + heir, size - heir), &start);
    world_run(run);
    world_end();
    return 0;
}
