/* memfs, whole: who comes to its first thread, through the doors of shares and through that of the
 * wads; sessions, files that are lent, clients that die, windows that change under it. Its pages
 * come from here: each comes back wiped. Whatever comes: for each client it has one window and a
 * handful of handles, and nothing else is kept. */
#include "fuzz/fuzz.h"
#include "fuzz/world/world.h"
#include "modules/memfs/pages.h"
#include "sdk/ipc.h"
#include "sdk/start.h"

enum {
    PAGES = 96,
    SERVES = 1,
    OWN = 5 + 3 + 1 + 5 + 2, /* at its start; doors' ways to the first thread, the wads'; threads;
                                the watch */
    EACH = 5 /* call, window's two, lifeline; what a door was given for it and could not hand on */
};

/* ---- memory ---- */

static uint8_t pages[PAGES][FS_PAGE] ALIGNED(FS_PAGE);
static bool taken[PAGES], touched[PAGES];

static bool take_run(uint32_t n, uint32_t *first)
{
    uint32_t free = 0;

    for (uint32_t i = 0; i < PAGES; i++) {
        free = taken[i] ? 0 : free + 1;
        if (free == n) {
            *first = i + 1 - n;
            memset(&taken[*first], true, n);
            memset(&touched[*first], true, n);
            return true;
        }
    }
    return false;
}

static void give_run(const uint8_t *at, uint32_t n)
{
    size_t first = (size_t)(at - pages[0]) / FS_PAGE;

    for (size_t i = first; i < first + n; i++) {
        PROMISE(i < PAGES && taken[i]);
        taken[i] = false;
    }
}

void *page_take(void)
{
    uint32_t i;
    return take_run(1, &i) ? pages[i] : NULL;
}

void page_give(void *page)
{
    static const uint8_t zeros[FS_PAGE];
    PROMISE(memcmp(page, zeros, FS_PAGE) == 0);
    give_run(page, 1);
}

bool block_take(uint32_t n, struct block *out)
{
    uint32_t i;

    if (n == 0 || !take_run(n, &i)) {
        return false;
    }
    *out = (struct block){ .at = pages[i], .pages = n, .region = world_give(NOS_TYPE_REGION, n) };
    return true;
}

/* The kernel zeroes it. */
void block_give(struct block *b)
{
    memset(b->at, 0, (size_t)b->pages * FS_PAGE);
    give_run(b->at, b->pages);
    nos_ignore(nos_sys_handle_close((nos_handle_t){ b->region }));
}

nos_status_t block_lend(const struct block *b, bool write, uint32_t *lent)
{
    (void)write;
    nos_status_t st = world_verdict();
    if (st == NOS_OK) {
        *lent = world_give(NOS_TYPE_REGION, b->pages);
    }
    return st;
}

void block_unlend(uint32_t lent)
{
    nos_ignore(nos_sys_handle_close((nos_handle_t){ lent }));
}

static void wipe_all(void)
{
    for (unsigned i = 0; i < PAGES; i++) {
        if (touched[i]) {
            memset(pages[i], 0, FS_PAGE);
        }
        taken[i] = touched[i] = false;
    }
}

static unsigned in_use(void)
{
    unsigned n = 0;
    for (unsigned i = 0; i < PAGES; i++) {
        n += taken[i];
    }
    return n;
}

/* ---- who comes ---- */

/* Little, so that quotas count. */
size_t nos_arg_words(char copy[NOS_ARG_MAX + 1], char **words, size_t max)
{
    static char word[][20] = { "private_kib=64", "private_nodes=12", "share_kib=64",
                               "share_nodes=12" };
    (void)copy;
    PROMISE(max >= ARRAY_LEN(word));
    for (size_t i = 0; i < ARRAY_LEN(word); i++) {
        words[i] = word[i];
    }
    return ARRAY_LEN(word);
}

/* Of the first clients, whose badges are 1, 2, 3; of a door; of the wads. */
static uint64_t badge(uint8_t which)
{
    uint8_t b = which == 3 ? world_byte() : which;
    return b < 200 ? b : 1ull << 63 | (b < 250 ? b - 200u : 1ull << 32);
}

static void asked(const struct nos_ipc_regs *r)
{
    if (r->rax == NOS_SYS_IPC_RECV && r->rdi == SERVES) {
        unsigned clients = world_mappings();
        PROMISE(world_handles() <= OWN + clients * EACH + in_use() * 2);  // blocks, lent
    }
}

static void run(void)
{
    (void)nos_main();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct nos_start start = {
        .capsule = 5,
        .supervisor = 1,
        .n_handles = 5,
        .handle = { { .handle = SERVES, .kind = NOS_CAP_ENDPOINT, .name = "memfs" },
                    { .handle = 2, .kind = NOS_CAP_ENDPOINT, .name = "rw-data" },
                    { .handle = 3, .kind = NOS_CAP_ENDPOINT, .name = "ro-data" },
                    { .handle = 4, .kind = NOS_CAP_ENDPOINT, .name = "ro-wad" },
                    { .handle = 5, .kind = NOS_CAP_ENDPOINT, .name = "memfs-wads" } },
    };

    wipe_all();
    world_numbers_lie = true;
    world_asked = asked;
    world_badge = badge;
    world_begin(span_of(data, size), &start);
    world_run(run);
    world_end();
    return 0;
}
