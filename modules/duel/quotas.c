/* Quotas: one's own end with a status and come back; another's cannot be used up, or only as far as
 * it lets one. */
#include "abi/caps.h"
#include "modules/duel/duel.h"
#include "sdk/start.h"

enum { MANY = 1200, PAGES_OF_REGION = 64, PRIORITY = 5, STACK = 1024, THREADS = 16 };

static nos_handle_t made[MANY];

static void close_made(unsigned n)
{
    while (n > 0) {
        nos_ignore(nos_sys_handle_close(made[--n]));
    }
}

static nos_status_t ping(void)
{
    fresh_message();
    return ask(ORDER_PING);
}

static nos_status_t can_create(void)
{
    fresh_message();
    return ask(ORDER_CREATE);
}

/* Copies until the other's table is full: the sender is told, the receiver serves on. */
static void fill_table(void)
{
    nos_handle_t n = { 0 };
    nos_status_t st = NOS_OK;
    unsigned sent = 0;

    nos_ignore(nos_sys_notify_create(&n));
    for (; st == NOS_OK && sent < MANY; sent++) {
        fresh_message();
        st = nos_msg_copy(&duel.m, n, NOS_RIGHT_ALL) ? ask(ORDER_LOOK) : NOS_TOO_BIG;
    }
    row("theft/full-table", NOS_QUOTA, st);
    row("theft/serves-on", NOS_OK, ping());
    fresh_message();
    row("theft/sweep", NOS_OK, ask(ORDER_SWEEP));
    row("theft/can-create-again", NOS_OK, can_create());
    nos_ignore(nos_sys_handle_close(n));
}

static void own_handles(void)
{
    nos_status_t st = NOS_OK;
    unsigned n = 0;

    while (n < MANY &&
           (st = nos_sys_handle_dup(duel.serve, NOS_RIGHT_CALL, 0, &made[n])) == NOS_OK) {
        n++;
    }
    row("quota/handles", NOS_QUOTA, st);
    row("quota/handles-other-is-well", NOS_OK, can_create());
    close_made(n);
    row("quota/handles-after", NOS_OK, nos_sys_notify_create(&made[0]));
    close_made(1);
}

static void own_objects(void)
{
    nos_status_t st = NOS_OK;
    unsigned n = 0;

    while (n < MANY && (st = nos_sys_endpoint_create(&made[n])) == NOS_OK) {
        n++;
    }
    row("quota/objects", NOS_QUOTA, st);
    row("quota/objects-other-is-well", NOS_OK, can_create());
    close_made(n);
    n = 0;
    while (n < MANY && (st = nos_sys_region_create(PAGES_OF_REGION, &made[n])) == NOS_OK) {
        n++;
    }
    row("quota/regions", NOS_QUOTA, st);
    close_made(n);
    row("quota/regions-after", NOS_OK, nos_sys_region_create(PAGES_OF_REGION, &made[0]));
    close_made(1);
}

/* Each derivation pays for a cell of its own, and the chain is four deep. */
static void own_cells(void)
{
    uint32_t rights = NOS_RIGHT_CALL | NOS_RIGHT_DUP | NOS_RIGHT_REVOKE;
    nos_handle_t at = duel.serve;
    nos_status_t st = NOS_OK;
    unsigned n = 0;

    while (n < MANY &&
           (st = nos_sys_cap_derive(at, rights, 0, 0, n < 3 ? 3 - n : 0, &made[n])) == NOS_OK) {
        at = made[n++];
    }
    row("quota/depth", NOS_DEPTH, st);
    row("quota/depth-is-four", NOS_OK, n == 4 ? NOS_OK : NOS_BAD_STATE);
    row("quota/revoke-all", NOS_OK, n == 0 ? NOS_BAD_STATE : nos_sys_cap_revoke(made[0]));
    row("quota/last-is-dead", NOS_REVOKED,
        nos_sys_handle_dup(made[n == 0 ? 0 : n - 1], NOS_RIGHT_CALL, 0, &made[n]));
    close_made(n);
    row("quota/cells-other-is-well", NOS_OK, ping());
}

static void spin(void *arg, uint64_t *buffer)
{
    (void)arg, (void)buffer;
    nos_ignore(nos_sys_sleep(UINT64_MAX));
}

static void own_threads(void)
{
    static _Alignas(16) uint8_t stacks[THREADS][STACK];
    static struct nos_thread t = { .run = spin };
    nos_status_t st = NOS_OK;
    unsigned n = 0;

    while (n < THREADS &&
           (st = nos_thread_start(&t, stacks[n], STACK, PRIORITY, &made[n])) == NOS_OK) {
        n++;
    }
    row("quota/threads", NOS_QUOTA, st);
    row("quota/threads-other-is-well", NOS_OK, can_create());
    for (unsigned i = 0; i < n; i++) {
        nos_ignore(nos_sys_thread_cancel(made[i]));  // they end: their sleep is over
    }
    nos_ignore(nos_sys_sleep(nos_now_ns() + 50000000));
    close_made(n);
    row("quota/threads-after", NOS_OK, nos_thread_start(&t, stacks[0], STACK, PRIORITY, &made[0]));
    nos_ignore(nos_sys_thread_cancel(made[0]));
    close_made(1);
}

void attack_quotas(void)
{
    fill_table();
    own_handles();
    own_objects();
    own_cells();
    own_threads();
}
