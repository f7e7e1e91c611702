/* Page faults of the child, served and not served. */
#include "abi/caps.h"
#include "abi/info.h"
#include "modules/pager/pager.h"
#include "sdk/start.h"

#define ARENA 0x200000000000ull /* an address that nothing else has */
enum { PAGES = 128, STUBBORN = 50 };

static nos_handle_t faults;
static struct child child;

static bool begin(const char *name)
{
    nos_status_t st = child_start(&child);
    if (st == NOS_OK) {
        st = nos_sys_endpoint_create(&faults);
    }
    if (st == NOS_OK) {
        st = nos_sys_capsule_faults(child.capsule, faults);
    }
    row(name, NOS_OK, st);
    return st == NOS_OK;
}

static void end(const char *name, uint32_t state)
{
    row(name, NOS_OK, child_state(&child) == state ? NOS_OK : NOS_BAD_STATE);
    child_end(&child);
    nos_ignore(nos_sys_handle_close(faults));
}

static nos_status_t next_fault(struct nos_msg *f)
{
    f->buffer = NULL;
    nos_status_t st = nos_recv(faults, f, nos_now_ns() + 2000000000);
    return st == NOS_OK && (f->label != NOS_FAULT || f->n_words < 3) ? NOS_BAD_MESSAGE : st;
}

static nos_status_t answer(struct nos_msg *f, uint64_t what)
{
    f->label = what;
    f->n_words = 1;
    f->n_handles = 0;
    return nos_reply(f);
}

static nos_status_t supply(uint64_t at, uint64_t prot)
{
    nos_handle_t r;
    nos_status_t st = nos_sys_region_create(1, &r);
    if (st == NOS_OK) {
        st = nos_sys_region_map_into(r, child.capsule, at, prot);
        nos_ignore(nos_sys_handle_close(r));  // the child's mapping keeps it
    }
    return st;
}

static void order_touch(uint64_t pages)
{
    child.m.word[0] = ARENA;
    child.m.word[1] = pages;
    row("paging/order", NOS_OK, child_tell(&child, ORDER_TOUCH));
}

static void good_pager(void)
{
    static struct nos_msg f;
    nos_status_t st = NOS_OK;
    unsigned n = 0;

    if (!begin("paging/begin")) {
        return;
    }
    order_touch(PAGES);
    for (; n < PAGES && st == NOS_OK; n++) {
        st = next_fault(&f);
        if (st == NOS_OK && f.word[0] != ARENA + n * (uint64_t)PAGE) {
            st = NOS_IO_ERROR;
        }
        st = st == NOS_OK ? supply(f.word[0], READ_WRITE) : st;
        st = st == NOS_OK ? answer(&f, NOS_FAULT_RETRY) : st;
    }
    row("paging/pages", NOS_OK, st);
    row("paging/all", NOS_OK, n == PAGES ? NOS_OK : NOS_IO_ERROR);
    row("paging/content", NOS_OK, child_wait(&child));
    row("paging/exit", NOS_OK, child_tell(&child, ORDER_EXIT));
    end("paging/exited", NOS_CAPSULE_EXITED);
}

/* Says `again` and maps nothing: the child tries for as long as it is told to, and no longer. */
static void stubborn_pager(void)
{
    static struct nos_msg f;
    nos_status_t st = NOS_OK;

    if (!begin("stubborn/begin")) {
        return;
    }
    order_touch(1);
    for (unsigned i = 0; i < STUBBORN && st == NOS_OK; i++) {
        st = next_fault(&f);
        st = st == NOS_OK && i + 1 < STUBBORN ? answer(&f, NOS_FAULT_RETRY) : st;
    }
    row("stubborn/again", NOS_OK, st);
    row("stubborn/answer", NOS_OK, answer(&f, 0xbad));
    end("stubborn/crashed", NOS_CAPSULE_CRASHED);
}

static void dead_pager(void)
{
    static struct nos_msg f;

    if (!begin("dead/begin")) {
        return;
    }
    order_touch(1);
    row("dead/fault", NOS_OK, next_fault(&f));
    row("dead/close", NOS_OK, nos_sys_handle_close(faults));
    row("dead/answer", NOS_OK, answer(&f, 0xbad));
    end("dead/crashed", NOS_CAPSULE_CRASHED);
    if (!begin("gone/begin")) {
        return;
    }
    row("gone/close", NOS_OK, nos_sys_handle_close(faults));
    order_touch(1);
    end("gone/crashed", NOS_CAPSULE_CRASHED);
}

static void read_only(void)
{
    static struct nos_msg f;

    if (!begin("read-only/begin")) {
        return;
    }
    order_touch(1);
    row("read-only/first", NOS_OK, next_fault(&f));
    row("read-only/supply", NOS_OK, supply(ARENA, READ));
    row("read-only/retry", NOS_OK, answer(&f, NOS_FAULT_RETRY));
    row("read-only/second", NOS_OK, next_fault(&f));
    row("read-only/kind", NOS_OK,
        f.word[2] == (NOS_FAULT_WRITE | NOS_FAULT_PRESENT) ? NOS_OK : NOS_INVALID);
    row("read-only/answer", NOS_OK, answer(&f, 0xbad));
    end("read-only/crashed", NOS_CAPSULE_CRASHED);
}

void test_paging(void)
{
    good_pager();
    stubborn_pager();
    dead_pager();
    read_only();
}
