/* What a call needs of the capsule and of its handles: one thing missing at a time. */
#include "abi/info.h"
#include "modules/gate/gate.h"
#include "sdk/format.h"
#include "sdk/ipc.h"
#include "sdk/start.h"

static const char *const right_names[32] = {
#define X(name, bit, text) [bit] = #name,
    NOS_RIGHT_LIST(X)
#undef X
};
static const char *const class_names[8] = {
#define X(name, bit, text, doc) [bit] = (text),
    NOS_CLASS_LIST(X)
#undef X
};

static uint32_t rights_of(uint64_t h)
{
    struct nos_handle_info info = { 0 };
    nos_ignore(nos_sys_handle_info((nos_handle_t){ (uint32_t)h }, &info, sizeof(info)));
    return info.rights;
}

/* ---- all there ---- */

static bool is_refusal(nos_status_t st)
{
    return st <= NOS_BAD_SYSCALL && st >= NOS_REVOKED;
}

static void present(const struct row *r, uint32_t type)
{
    uint64_t a[ARGS];

    call_prepare(r, type, a);
    nos_status_t st = call_make(r, a);
    row_named(r, is_refusal(st) ? NOS_OK : st, st, "present %s", type_names[type]);
    things_sweep();
}

void attack_present(void)
{
    for (unsigned i = 0; i < NOS_SYS_COUNT; i++) {
        if (rows[i].types == 0) {
            present(&rows[i], NOS_TYPE_NONE);
        }
        for (uint32_t t = 1; t < NOS_TYPE_COUNT; t++) {
            uint32_t need = rows[i].nr == NOS_SYS_CAP_REVOKE ? 0 : rows[i].rights;
            nos_handle_t h = thing_with(t, need);
            if ((rows[i].types >> t & 1) != 0 && h.v != 0 && (rights_of(h.v) & need) == need) {
                present(&rows[i], t);
            }
        }
    }
}

/* ---- rights ---- */

/* The call with handle argument `at` narrowed by one right. False when it does not have the right
 * in the first place. */
static bool narrowed(const struct row *r, uint64_t a[ARGS], unsigned at, uint32_t right)
{
    nos_handle_t h;
    uint32_t has = rights_of(a[at]);

    if ((has & right) == 0 ||
        nos_sys_handle_dup((nos_handle_t){ (uint32_t)a[at] }, has & ~right, 0, &h) != NOS_OK) {
        return false;
    }
    a[at] = h.v;
    (void)r;
    return true;
}

static void one_right(const struct row *r, const struct arg *x, uint32_t type, unsigned bit)
{
    uint64_t a[ARGS];

    call_prepare(r, x->index == 0 ? type : type_in(r->types), a);
    if (narrowed(r, a, x->index, 1u << bit)) {
        row_named(r, NOS_DENIED, call_make(r, a), "right %s %s %s", x->name, right_names[bit],
                  type_names[type]);
    }
    things_sweep();
}

static void argument_rights(const struct arg *x)
{
    for (uint32_t t = 1; t < NOS_TYPE_COUNT; t++) {
        for (unsigned bit = 0; bit < 32 && (x->types >> t & 1) != 0 && things.of[t].v != 0; bit++) {
            if ((x->rights >> bit & 1) != 0) {
                one_right(&rows[x->nr], x, t, bit);
            }
        }
    }
}

/* Rights that depend on what is asked, which the table cannot say. */
static void dependent_rights(void)
{
    static const struct {
        uint32_t nr, at;
        uint64_t value;
        uint32_t bit;
    } cases[] = {
        { NOS_SYS_POWER, 1, 1, 21 },
        { NOS_SYS_POWER, 1, 2, 22 },
        { NOS_SYS_NODE_INFO, 1, NOS_TOPIC_ABOUT, 2 },
        { NOS_SYS_NODE_INFO, 1, NOS_TOPIC_CAPSULES, 2 },
        { NOS_SYS_NODE_INFO, 1, NOS_TOPIC_HANDLES, 2 },
        { NOS_SYS_NODE_INFO, 1, NOS_TOPIC_MODULES, 2 },
        { NOS_SYS_NODE_INFO, 1, NOS_TOPIC_MEM, 2 },
        { NOS_SYS_NODE_INFO, 1, NOS_TOPIC_START, 2 },
        { NOS_SYS_NODE_INFO, 1, NOS_TOPIC_LOG, 18 },
        { NOS_SYS_NODE_INFO, 1, NOS_TOPIC_AUDIT, 19 },
        { NOS_SYS_NODE_INFO, 1, NOS_TOPIC_AUDIT_HEAD, 19 },
        { NOS_SYS_NODE_INFO, 1, NOS_TOPIC_CHECKPOINT, 19 },
        { NOS_SYS_NODE_INFO, 1, NOS_TOPIC_CHECK, 2 },
        { NOS_SYS_NODE_INFO, 1, NOS_TOPIC_CRASH, 25 },
        { NOS_SYS_NODE_INFO, 1, NOS_TOPIC_SUPERVISION, 2 },
        { NOS_SYS_REGION_MAP, 1, 1, 8 },
        { NOS_SYS_REGION_MAP, 1, 3, 9 },
        { NOS_SYS_REGION_MAP_INTO, 3, 1, 8 },
        { NOS_SYS_REGION_MAP_INTO, 3, 3, 9 },
    };

    for (unsigned i = 0; i < ARRAY_LEN(cases); i++) {
        const struct row *r = &rows[cases[i].nr];
        uint64_t a[ARGS];
        call_prepare(r, type_in(r->types), a);
        a[cases[i].at] = cases[i].value;
        if (narrowed(r, a, 0, 1u << cases[i].bit)) {
            row_named(r, NOS_DENIED, call_make(r, a), "asks %llu %s",
                      (unsigned long long)cases[i].value, right_names[cases[i].bit]);
        }
        things_sweep();
    }
}

void attack_rights(void)
{
    for (unsigned i = 0; i < n_args; i++) {
        argument_rights(&args[i]);
    }
    dependent_rights();
}

/* ---- types ---- */

static void argument_types(const struct arg *x)
{
    const struct row *r = &rows[x->nr];

    for (uint32_t t = 1; t < NOS_TYPE_COUNT; t++) {
        uint64_t a[ARGS];
        if ((x->types >> t & 1) != 0 || things.of[t].v == 0) {
            continue;
        }
        call_prepare(r, type_in(r->types), a);
        a[x->index] = things.of[t].v;
        row_named(r, NOS_WRONG_TYPE, call_make(r, a), "type %s %s", x->name, type_names[t]);
        things_sweep();
    }
}

void attack_types(void)
{
    for (unsigned i = 0; i < n_args; i++) {
        if (args[i].types != 0) {
            argument_types(&args[i]);
        }
    }
}

/* ---- classes ---- */

void attack_classes(void)
{
    struct nos_capsule_info me = { 0 };
    uint64_t a[ARGS];

    nos_ignore(nos_sys_self_info(&me, sizeof(me)));
    for (unsigned i = 0; i < NOS_SYS_COUNT; i++) {
        const struct row *r = &rows[i];
        if ((r->classes & ~me.classes) != 0) {
            call_prepare(r, type_in(r->types), a);
            row_named(r, NOS_NO_CLASS, call_make(r, a), "class %s",
                      class_names[__builtin_ctz(r->classes & ~me.classes)]);
        }
    }
    for (uint32_t i = 0; i < nos_self()->n_handles; i++) {  // what it holds, its classes allow
        static const uint32_t of_kind[NOS_CAP_KIND_COUNT] = {
#define X(name, value, text, type, cls) [value] = NOS_CLASS_##cls,
            NOS_CAP_KIND_LIST(X)
#undef X
        };
        const struct nos_start_handle *h = &nos_self()->handle[i];
        expect("granted class", NOS_OK,
               (of_kind[h->kind] & ~me.classes) == 0 ? NOS_OK : NOS_NO_CLASS);
    }
}

/* ---- filter ---- */

int filter_child(uint64_t nr)
{
    const struct row *r = &rows[nr % NOS_SYS_COUNT];
    uint64_t a[ARGS] = { 0 };
    uint64_t low = nr < 64 ? ~(1ull << nr) : UINT64_MAX;
    uint64_t high = nr < 64 ? UINT64_MAX : ~(1ull << (nr - 64));

    nos_status_t st = nos_sys_filter_narrow(low, high);
    if (st == NOS_OK && r->kind == 'G') {
        st = nos_syscall6(r->nr, a[0], a[1], a[2], a[3], a[4], a[5], NULL);
    } else if (st == NOS_OK) {
        st = call_make(r, a);
    }
    row_named(r, NOS_FILTERED, st, "filter");
    // what was taken away stays away: the bits asked for again do not come back
    st = nr == NOS_SYS_FILTER_NARROW ? NOS_FILTERED : nos_sys_filter_narrow(UINT64_MAX, UINT64_MAX);
    if (nr != NOS_SYS_FILTER_NARROW) {
        st = r->kind == 'G' ? nos_syscall6(r->nr, 0, 0, 0, 0, 0, 0, NULL) : call_make(r, a);
    }
    row_named(r, NOS_FILTERED, st, "filter-for-good");
    return st == NOS_FILTERED ? 0 : 1;
}

void attack_filter(void)
{
    char arg[32];

    for (unsigned i = 0; i < NOS_SYS_COUNT; i++) {
        nos_format(arg, sizeof(arg), "filter %u", i);
        nos_status_t ended = child_run(arg) == UINT64_MAX ? NOS_BAD_STATE : NOS_OK;
        // without `exit` a child ends by a trap, which its exit code does not tell
        expect("filter child", NOS_OK, i == NOS_SYS_EXIT ? NOS_OK : ended);
        things_sweep();
    }
}
