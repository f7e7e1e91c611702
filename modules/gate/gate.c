/*
 * `gate`            every attack that a capsule with all classes can make
 * `gate class`      the calls whose class this capsule lacks
 * The other words are what `gate` starts its children with.
 */
#include "modules/gate/gate.h"

#include <stdarg.h>
#include <string.h>

#include "abi/info.h"
#include "lib/fmt.h"
#include "lib/status.h"
#include "sdk/format.h"
#include "sdk/print.h"
#include "sdk/start.h"

enum { WORDS = 3, EXIT_CODE = 42, NAME = 80 };

const struct row rows[NOS_SYS_COUNT] = {
#define SYSCALL(nr, name, cls, types, rights, n, kind) \
    [nr] = { nr, #name, cls, types, rights, (#kind)[0] },
#include "sdk/syscall_rows.inc"
#undef SYSCALL
};

const struct arg args[] = {
#define SYSARG(nr, index, kind, types, rights, name) \
    { nr, index, ARG_##kind, types, rights, #name },
#include "sdk/syscall_args.inc"
#undef SYSARG
};
const unsigned n_args = ARRAY_LEN(args);

const char *const type_names[NOS_TYPE_COUNT] = {
#define X(name, value, text) [value] = (text),
    NOS_TYPE_LIST(X)
#undef X
};

static unsigned good, bad;

void expect(const char *name, nos_status_t want, nos_status_t got)
{
    bool ok = want == got;

    good += ok ? 1 : 0;
    bad += ok ? 0 : 1;
    nos_print("GATE %s %s %s %s\n", name, status_name(want), status_name(got), ok ? "ok" : "BAD");
}

void row_named(const struct row *r, nos_status_t want, nos_status_t got, const char *fmt, ...)
{
    char what[NAME], name[NAME + 24];
    va_list list;

    va_start(list, fmt);
    nos_vformat(what, sizeof(what), fmt, list);
    va_end(list);
    nos_format(name, sizeof(name), "%s %s", r->name, what);
    expect(name, want, got);
}

static int report(void)
{
    nos_print("GATE total %u ok %u BAD\nGATE done\n", good, bad);
    return bad == 0 ? 0 : 1;
}

static int attack(void)
{
    things_make(true);
    attack_present();
    attack_rights();
    attack_types();
    attack_handles();
    attack_pointers();
    attack_debug();
    attack_filter();
    return report();
}

static int without_class(void)
{
    things_make(false);
    attack_classes();
    return report();
}

/* Handles in slots whose tags are those of nobody else, then wait to be killed. */
_Noreturn static void hold(void)
{
    enum { CHURN = 40, TIMES = 8 };
    static nos_handle_t made[CHURN];

    for (unsigned t = 0; t < TIMES; t++) {
        for (unsigned i = 0; i < CHURN; i++) {
            nos_ignore(nos_sys_notify_create(&made[i]));
        }
        for (unsigned i = 0; i < CHURN; i++) {
            nos_ignore(nos_sys_handle_close(made[i]));
        }
    }
    things_make(false);
    for (uint32_t t = 1; t < NOS_TYPE_COUNT; t++) {  // also what was granted before the churn
        struct nos_handle_info h = { 0 };
        nos_ignore(nos_sys_handle_info(things.of[t], &h, sizeof(h)));
        nos_ignore(nos_sys_handle_dup(things.of[t], h.rights, 0, &made[t]));
    }
    for (;;) {
        nos_ignore(nos_sys_sleep(UINT64_MAX));
    }
}

static bool is(const char *word, const char *what)
{
    size_t len = strlen(what);
    return strlen(word) == len && memcmp(word, what, len) == 0;
}

int nos_main(void)
{
    char copy[NOS_ARG_MAX + 1];
    char *word[WORDS];
    size_t n = nos_arg_words(copy, word, WORDS);
    uint64_t nr;

    if (n == 0) {
        return attack();
    }
    if (is(word[0], "class")) {
        return without_class();
    }
    if (is(word[0], "hold")) {
        hold();
    }
    while (is(word[0], "spin")) {
        __asm__ volatile("pause");
    }
    if (is(word[0], "filter") && n == 2 && parse_u64(span_of(word[1], strlen(word[1])), &nr)) {
        return filter_child(nr);
    }
    return is(word[0], "exit") ? EXIT_CODE : 0;
}
