/* A thread that says where it goes on when its memory is not there: only for that, only once, only
 * where it said. */
#include "abi/guard.h"
#include "modules/probe/probe.h"
#include "sdk/guard.h"
#include "sdk/print.h"
#include "sdk/start.h"

enum {
    PAGE = 4096,
    READ_WRITE = 3,
    RIGHTS = NOS_RIGHT_READ | NOS_RIGHT_WRITE | NOS_RIGHT_MAP | NOS_RIGHT_REVOKE
};
#define NOWHERE ((uint8_t *)0x0000123456780000ull)
#define KERNEL ((uint8_t *)0xffff800000100000ull)

static void load(void *at)
{
    (void)*(volatile uint8_t *)at;
}

static void store(void *at)
{
    *(volatile uint8_t *)at = 1;
}

static void jump(void *at)
{
    __asm__ volatile("jmp *%0" : : "r"(at) : "memory");
}

static void row(const char *name, bool want, const void *from, void (*run)(void *), void *at)
{
    struct nos_guard_range range = { .from = from, .len = PAGE };
    bool came = nos_guarded(&range, run, at);
    expect(name, want ? NOS_OK : NOS_NOT_FOUND, came ? NOS_OK : NOS_NOT_FOUND);
}

void attack_guards(void)
{
    uint8_t *page = target.page, *other = NULL;
    nos_handle_t lent = { 0 }, region;

    row("guard/there", true, page, store, page);
    row("guard/read-nowhere", false, NOWHERE, load, NOWHERE);
    row("guard/write-nowhere", false, NOWHERE, store, NOWHERE + PAGE - 1);
    row("guard/write-read-only", false, target.read_only, store, target.read_only);
    row("guard/again", false, NOWHERE, load, NOWHERE);
    nos_status_t st = nos_sys_region_create(1, &region);
    st = st == NOS_OK ? nos_sys_cap_derive(region, RIGHTS, 0, 0, 0, &lent) : st;
    st = st == NOS_OK ? nos_sys_region_map(lent, READ_WRITE, (void **)&other) : st;
    expect("guard/derived-region", NOS_OK, st);
    row("guard/mapped", true, other, store, other);
    expect("guard/revoke", NOS_OK, nos_sys_cap_revoke(lent));
    row("guard/revoked", false, other, store, other);
}

/* ---- what no guard covers: each of these ends the capsule ---- */

static void die(const void *from, size_t len, void (*run)(void *), void *at)
{
    struct nos_guard_range range = { .from = from, .len = len };
    nos_print("PROBE unguarded %s\n", nos_guarded(&range, run, at) ? "came back" : "was guarded");
}

static void used_up(void *at)
{
    struct nos_guard_range range = { .from = at, .len = PAGE };
    nos_ignore(nos_guarded(&range, load, at));
    load(at);
}

static void mad_ip(void *at)
{
    struct nos_guard *g = (void *)(nos_self()->ipc_buffer + NOS_GUARD_AT);  // NOLINT: a number
    g->ip = 0x1234ull << 48;
    load(at);
}

bool unguarded(const char *how)
{
    switch (how[0]) {
    case 'o':
        die(NOWHERE, PAGE, load, NOWHERE + PAGE);  // outside, by one
        return true;
    case 'b':
        die(NOWHERE, PAGE, load, NOWHERE - 1);  // before it
        return true;
    case 'f':
        die(NOWHERE, PAGE, jump, NOWHERE);  // a fetch
        return true;
    case 'k':
        die(KERNEL, PAGE, load, KERNEL);  // kernel memory
        return true;
    case 'n':
        die(NOWHERE, 0, load, NOWHERE);  // no length
        return true;
    case 'u':
        used_up(NOWHERE);  // a second time
        return true;
    case 'm':
        die(NOWHERE, PAGE, mad_ip, NOWHERE);  // on at an address that is none
        return true;
    default:
        return false;
    }
}
