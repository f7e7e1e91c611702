/*
 * Attacks the kernel through its front door: every system call with arguments that it must refuse,
 * and the status that abi/syscalls.tbl promises for each. `probe` runs the table, `probe fuzz SEED
 * COUNT` random calls. The machine is right when every line says ok and all other capsules still
 * answer.
 */
#include "modules/probe/probe.h"

#include <string.h>

#include "lib/fmt.h"
#include "lib/status.h"
#include "sdk/print.h"
#include "sdk/start.h"

enum { PAGE = 4096, READ = 1, READ_WRITE = 3, WORDS = 4 };

struct target target;
static unsigned good, bad;

nos_status_t target_open(void)
{
    void *rw = NULL, *ro = NULL;

    target.console = nos_find_handle(NOS_CAP_ENDPOINT, "console");
    target.node = nos_find_handle(NOS_CAP_NODE, NULL);
    nos_status_t st = nos_sys_region_create(1, &target.region);
    st = st == NOS_OK ? nos_sys_region_map(target.region, READ_WRITE, &rw) : st;
    st = st == NOS_OK ? nos_sys_region_map(target.region, READ, &ro) : st;
    st = st == NOS_OK ? nos_sys_endpoint_create(&target.endpoint) : st;
    st = st == NOS_OK ? nos_sys_notify_create(&target.notify) : st;
    st = st == NOS_OK ? nos_sys_notify_create(&target.stale) : st;
    st = st == NOS_OK ? nos_sys_handle_close(target.stale) : st;
    target.page = rw;
    target.read_only = ro;
    return st;
}

void expect(const char *name, nos_status_t want, nos_status_t got)
{
    bool ok = want == got;

    good += ok ? 1 : 0;
    bad += ok ? 0 : 1;
    nos_print("PROBE %s %s %s %s\n", name, status_name(want), status_name(got), ok ? "ok" : "BAD");
}

unsigned bad_addresses(struct address out[ADDRESSES], uint64_t len)
{
    uint64_t end = (uint64_t)target.page + PAGE;
    unsigned n = 0;

    out[n++] = (struct address){ "null", 0, false };
    out[n++] = (struct address){ "near-null", 8, false };
    out[n++] = (struct address){ "unmapped", 0x123456789000, false };
    out[n++] = (struct address){ "kernel-image", 0xffffffff80000000, false };
    out[n++] = (struct address){ "kernel-direct", 0xffff800000000000, false };
    out[n++] = (struct address){ "non-canonical", 0x0000800000000000, false };
    out[n++] = (struct address){ "last-user-page", 0x00007ffffffff000, false };
    out[n++] = (struct address){ "straddling", end - len / 2, false };
    out[n++] = (struct address){ "wrapping", UINT64_MAX - len / 2, false };
    out[n++] = (struct address){ "read-only", (uint64_t)target.read_only, true };
    out[n++] = (struct address){ "code", (uint64_t)&bad_addresses & ~0xfffull, true };
    return n;
}

static int report(const char *what)
{
    nos_print("PROBE total %u ok %u BAD\n", good, bad);
    nos_print("%s done\n", what);
    return bad == 0 ? 0 : 1;
}

static bool is(const char *a, const char *b)
{
    return strlen(a) == strlen(b) && memcmp(a, b, strlen(a)) == 0;
}

/* What is not one run of the table. */
static bool role(const char *word)
{
    if (is(word, "giver")) {
        giver();
    } else if (is(word, "holder")) {
        holder();
    } else if (is(word, "mute")) {
        nos_print("PROBE mute: no call is left\n");
        mute();
    } else {
        return false;
    }
    return true;
}

static bool number(const char *text, uint64_t *out)
{
    return parse_u64(span_of(text, strlen(text)), out);
}

int nos_main(void)
{
    char copy[NOS_ARG_MAX + 1];
    char *word[WORDS];
    size_t n = nos_arg_words(copy, word, WORDS);
    uint64_t seed, count;

    nos_status_t st = target_open();
    if (st != NOS_OK) {
        nos_print("probe: cannot make its targets: %s\n", status_text(st));
        return 2;
    }
    if (n == 3 && word[0][0] == 'f' && number(word[1], &seed) && number(word[2], &count)) {
        fuzz(seed, count);
        return 0;
    }
    if (n == 1 && (role(word[0]) || stream_role(word[0]))) {
        return 0;
    }
    if (n == 2 && is(word[0], "unguarded") && unguarded(word[1])) {
        return 0;
    }
    if (n == 1 && is(word[0], "stream")) {
        attack_stream();
        return report("STREAM");
    }
    if (n != 0) {
        nos_print("usage: probe [ROLE | unguarded HOW | fuzz SEED COUNT]\n");
        return 2;
    }
    attack_pointers();
    attack_handles();
    attack_values();
    attack_threads();
    attack_placing();
    attack_waits();
    attack_derived();
    attack_cuts();
    attack_guards();
    attack_filter();
    return report("PROBE");
}
