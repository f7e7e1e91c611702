/* Faults that need nothing of the kernel: whoever holds a handle may send anything through it. */
#include <string.h>

#include "abi/caps.h"
#include "modules/storm/storm.h"
#include "sdk/start.h"

enum { PAGE = 4096, READ_WRITE = 3, MESSAGES = 4, HURRY_MS = 2, EATING_MS = 100, FLIPS = 8 };

extern const uint8_t embed_nil[], embed_nil_end[];

/* ---- malformed messages ---- */

/* Not what would rightly be obeyed: init ends a capsule, or all of them, when it is asked to. No
 * operation of its has that bit. */
enum { NO_INIT_OP = 0x40 };
static uint64_t a_label(uint64_t *s, bool to_init)
{
    uint64_t op = storm_below(s, 3) == 0 ? storm_draw(s) >> 16 : storm_below(s, 8);
    return to_init ? op | NO_INIT_OP : op;
}

static void one_message(uint64_t *s)
{
    unsigned target = (unsigned)storm_below(s, WHO_LOOPBACK + 2);
    bool to_init = target > WHO_LOOPBACK;
    struct nos_ipc_regs r = { .rax = storm_below(s, 2) == 0 ? NOS_SYS_IPC_CALL : NOS_SYS_IPC_SEND,
                              .rdi = to_init ? nos_find_handle(NOS_CAP_ENDPOINT, "init").v
                                             : who[target].endpoint.v,
                              .rsi = nos_msg_info(a_label(s, to_init), 0) |
                                     (storm_below(s, 8) == 0 ? storm_draw(s) & 0xffff
                                                             : storm_below(s, NOS_MSG_WORDS + 1)),
                              .rbx = nos_now_ns() + HURRY_MS * NS_PER_MS };
    for (unsigned i = 0; i < NOS_MSG_REG_WORDS; i++) {
        r.word[i] = storm_draw(s) >> storm_below(s, 64);
    }
    nos_ipc_raw(&r);
    digest_add(&r.rax, sizeof(r.rax));
}

void act_messages(struct storm_plan *p)
{
    for (uint64_t n = 1 + p->fault.a % MESSAGES; n > 0; n--) {
        one_message(&p->rest);
    }
}

/* ---- quotas ---- */

void act_quota(const struct storm_plan *p)
{
    unsigned w = p->who % WARDS;
    nos_status_t did, st = who_ask(w, WARD_EAT, p->fault.a, EATING_MS * NS_PER_MS, &did);
    digest_add(&did, sizeof(did));
    if (st == NOS_OK && !who[w].touched && did != NOS_QUOTA && did != NOS_NO_SLOT &&
        did != NOS_NO_MEMORY) {
        say_broken("%s was refused nothing, or wrongly: %d", who[w].name, did);
    }
}

/* ---- modules ---- */

/* Some bits, a page, or the end of it. Gives: its length now. */
static size_t spoil(uint8_t *file, size_t len, uint64_t *s)
{
    uint64_t at;
    switch (storm_below(s, 4)) {
    case 0:
        return 1 + storm_below(s, len - 1);
    case 1:
        at = storm_below(s, len / PAGE) * PAGE;
        memset(file + at, (int)storm_below(s, 256), PAGE);
        file[at] ^= 1;  // it may have been all that before
        return len;
    default:
        for (uint64_t n = 1 + storm_below(s, FLIPS); n > 0; n--) {
            at = storm_below(s, len);
            file[at] ^= (uint8_t)(1u << storm_below(s, 8));
        }
        return len;
    }
}

static nos_status_t stage(nos_handle_t region, uint64_t *s, size_t *len)
{
    size_t full = (size_t)(embed_nil_end - embed_nil);
    void *at = NULL;
    nos_status_t st = nos_sys_region_map(region, READ_WRITE, &at);
    if (st != NOS_OK) {
        return st;
    }
    memcpy(at, embed_nil, full);
    *len = spoil(at, full, s);
    if (*len == full && memcmp(at, embed_nil, full) == 0) {
        *(uint8_t *)at ^= 1;  // two flips met
    }
    return nos_sys_region_unmap(at);
}

void act_module(struct storm_plan *p)
{
    size_t len = 0;
    nos_handle_t region, module;
    nos_status_t st =
        nos_sys_region_create(((size_t)(embed_nil_end - embed_nil) + PAGE - 1) / PAGE, &region);
    if (st == NOS_OK) {
        st = stage(region, &p->rest, &len);
    }
    if (st == NOS_OK) {
        st = nos_sys_module_load(node, region, len, &module);
        if (st == NOS_OK) {
            say_broken("a spoilt module was taken");
            nos_ignore(nos_sys_handle_close(module));
        }
    } else {
        say_broken("no module could be tried: %d", st);
    }
    nos_ignore(nos_sys_handle_close(region));  // BAD_HANDLE: load has taken it
    digest_add(&st, sizeof(st));
}
