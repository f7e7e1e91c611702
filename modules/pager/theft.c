/* Another's quota: what two capsules can do to each other with mappings and gifts, and what each
 * then pays. */
#include "abi/caps.h"
#include "abi/info.h"
#include "modules/pager/pager.h"
#include "sdk/start.h"

enum {
    SHARED = 8,
    OBJECTS = 192, /* of the manifest: fewer than there are handles */
    SLACK = 4,     /* frames of lists and tables that come and go */
    LENT = NOS_RIGHT_DUP | NOS_RIGHT_TRANSFER | NOS_RIGHT_READ | NOS_RIGHT_WRITE | NOS_RIGHT_MAP |
           NOS_RIGHT_REVOKE
};

static struct child child;

static nos_status_t same(uint32_t was, uint32_t is)
{
    return is <= was + SLACK && was <= is + SLACK ? NOS_OK : NOS_BAD_STATE;
}

/* It maps what we pay for as often as it can: tables and lists are its own. */
static void mapped_many_times(nos_handle_t shared)
{
    uint32_t mine = own_pages();
    void *at = NULL;

    row("theft/share", NOS_OK, child_take(&child, shared, false));
    row("theft/sharer-does-not-pay", NOS_OK, same(mine, own_pages()));
    row("theft/map-many", NOS_NO_SLOT, child_do(&child, ORDER_MAP_MANY));
    row("theft/map-many-went", NOS_OK, child.m.word[0] > 100 ? NOS_OK : NOS_BAD_STATE);
    row("theft/owner-pays-no-more", NOS_OK, same(mine, own_pages()));
    row("theft/owner-maps-on", NOS_OK, nos_sys_region_map(shared, READ_WRITE, &at));
    nos_ignore(nos_sys_region_unmap(at));
}

/* Only who pays can give away: moved by another, a region is paid for as before. */
static void moved_by_another(void)
{
    uint32_t mine = own_pages(), theirs = pages_of(child.capsule);

    row("theft/move-what-another-pays", NOS_OK, child_do(&child, ORDER_GIVE));
    nos_handle_t back = { child.m.pass[0].handle };
    row("theft/payer-stays", NOS_OK, same(mine, own_pages()));
    row("theft/mover-stays", NOS_OK, same(theirs, pages_of(child.capsule)));
    nos_ignore(nos_sys_handle_close(back));
}

/* Small regions until it can have no more objects: the giver is told, keeps what was not taken, and
 * pays no longer for what was. */
static void given_many(void)
{
    nos_handle_t r = { 0 };
    void *at = NULL;
    nos_status_t st = NOS_OK;
    uint32_t mine = own_pages(), theirs = pages_of(child.capsule);
    unsigned n = 0;

    while (st == NOS_OK && n <= OBJECTS) {
        nos_ignore(nos_sys_region_create(1, &r));
        st = child_take(&child, r, true);
        n += st == NOS_OK ? 1 : 0;
    }
    row("theft/give-objects", NOS_QUOTA, st);
    row("theft/given-many", NOS_OK, n > OBJECTS / 2 ? NOS_OK : NOS_BAD_STATE);
    row("theft/kept", NOS_OK, nos_sys_region_map(r, READ, &at));
    row("theft/giver-paid-back", NOS_OK, same(mine, own_pages()));
    row("theft/receiver-pays", NOS_OK,
        pages_of(child.capsule) >= theirs + n ? NOS_OK : NOS_BAD_STATE);
    child.m.n_handles = 0;
    row("theft/handles-were-left", NOS_OK, child_do(&child, ORDER_COPIES));
    nos_ignore(nos_sys_region_unmap(at));
    nos_ignore(nos_sys_handle_close(r));
}

/* Handles that were cut stay where they are, and hold nothing up: the owner's frames come back when
 * it closes its own. */
static void kept_for_ever(void)
{
    nos_handle_t r = { 0 }, lent = { 0 };
    uint32_t mine = own_pages();

    nos_ignore(nos_sys_region_create(SHARED * SHARED, &r));
    nos_ignore(nos_sys_cap_derive(r, LENT, 0, 0, 1, &lent));
    row("theft/lend", NOS_OK, child_take(&child, lent, false));
    row("theft/cut", NOS_OK, nos_sys_cap_revoke(lent));
    row("theft/close-cut", NOS_OK, nos_sys_handle_close(lent));
    row("theft/close-own", NOS_OK, nos_sys_handle_close(r));
    row("theft/dead-handle-holds-nothing", NOS_OK, same(mine, own_pages()));
}

void test_theft(void)
{
    nos_handle_t shared = { 0 };
    nos_status_t st = child_start(&child);
    st = st == NOS_OK ? nos_sys_region_create(SHARED, &shared) : st;
    row("theft/begin", NOS_OK, st);
    if (st != NOS_OK) {
        return;
    }
    kept_for_ever();
    mapped_many_times(shared);
    moved_by_another();
    child_end(&child);
    row("theft/begin-again", NOS_OK, child_start(&child));
    given_many();
    nos_ignore(nos_sys_handle_close(shared));
    child_end(&child);
}
