/* Every handle argument with numbers that name nothing, or nothing any more; every address argument
 * with addresses that are not the caller's. */
#include "modules/gate/gate.h"
#include "sdk/start.h"

/* ---- handles ---- */

struct forgery {
    const char *name;
    uint64_t h;
    nos_status_t want;
};
enum { FORGERIES = 9 };

static unsigned forgeries(uint32_t type, struct forgery out[FORGERIES])
{
    unsigned n = 0;

    out[n++] = (struct forgery){ "zero", 0, NOS_BAD_HANDLE };
    out[n++] = (struct forgery){ "all-ones", UINT32_MAX, NOS_BAD_HANDLE };
    out[n++] = (struct forgery){ "stale", things.stale.v, NOS_BAD_HANDLE };
    out[n++] = (struct forgery){ "next-tag", things.of[type].v + 0x10000, NOS_BAD_HANDLE };
    out[n++] = (struct forgery){ "beyond-table", 0x0000ffff, NOS_BAD_HANDLE };
    out[n++] = (struct forgery){ "above-32-bits", 1ull << 32 | things.of[type].v, NOS_BAD_HANDLE };
    out[n++] = (struct forgery){ "foreign", things.foreign[type], NOS_BAD_HANDLE };
    out[n++] = (struct forgery){ "expired", things.expired[type].v, NOS_EXPIRED };
    out[n++] = (struct forgery){ "revoked", things.revoked[type].v, NOS_REVOKED };
    return n;
}

static void one_forgery(const struct arg *x, const struct forgery *f, nos_status_t want)
{
    const struct row *r = &rows[x->nr];
    uint64_t a[ARGS];

    call_prepare(r, type_in(r->types), a);
    a[x->index] = f->h;
    row_named(r, want, call_make(r, a), "handle %s %s", x->name, f->name);
    things_sweep();
}

static void attack_handle(const struct arg *x)
{
    struct forgery all[FORGERIES];
    unsigned n = forgeries(type_in(x->types), all);
    bool optional = x->nr == NOS_SYS_CAPSULE_SPAWN && (x->index == 3 || x->index == 5);  // 0 = none

    for (unsigned i = optional ? 1 : 0; i < n; i++) {
        one_forgery(x, &all[i], all[i].want);
    }
}

/* Numbers of which the call itself says what they are. */
static void attack_number_of_handle(const struct arg *x)
{
    enum { NUMBERS_THAT_ARE_NONE = 6 };
    struct forgery all[FORGERIES];
    nos_status_t want = x->nr == NOS_SYS_TOKEN_EXPORT ? NOS_NOT_FOUND : NOS_BAD_HANDLE;

    forgeries(NOS_TYPE_NOTIFICATION, all);
    for (unsigned i = 0; i < NUMBERS_THAT_ARE_NONE; i++) {
        one_forgery(x, &all[i], want);
    }
}

void attack_handles(void)
{
    for (unsigned i = 0; i < n_args; i++) {
        if (args[i].kind == ARG_HANDLE && args[i].types != 0) {
            attack_handle(&args[i]);
        } else if (args[i].kind == ARG_HANDLE) {
            attack_number_of_handle(&args[i]);
        }
    }
}

/* ---- addresses ---- */

struct address {
    const char *name;
    uint64_t at;
    bool readable; /* bad to write to, fine to read from */
    bool user;     /* in the caller's half */
};
enum { ADDRESSES = 12 };

static unsigned addresses(struct address out[ADDRESSES], uint64_t len)
{
    uint64_t end = (uint64_t)things.page + PAGE;
    unsigned n = 0;

    out[n++] = (struct address){ "null", 0, false, true };
    out[n++] = (struct address){ "near-null", 8, false, true };
    out[n++] = (struct address){ "unmapped", 0x123456789000, false, true };
    out[n++] = (struct address){ "last-user-page", 0x00007ffffffff000, false, true };
    out[n++] = (struct address){ "straddling", end - len / 2, false, true };
    out[n++] = (struct address){ "read-only", (uint64_t)things.read_only, true, true };
    out[n++] = (struct address){ "code", (uint64_t)&addresses & ~0xfffull, true, true };
    out[n++] = (struct address){ "kernel-image", 0xffffffff80000000, false, false };
    out[n++] = (struct address){ "kernel-direct", 0xffff800000000000, false, false };
    out[n++] = (struct address){ "non-canonical", 0x0000800000000000, false, false };
    out[n++] = (struct address){ "deep-non-canonical", 0x1234567800000000, false, false };
    out[n++] = (struct address){ "wrapping", UINT64_MAX - len / 2, false, false };
    return n;
}

static void one_address(const struct arg *x, const struct address *at, nos_status_t want)
{
    const struct row *r = &rows[x->nr];
    uint64_t a[ARGS];

    call_prepare(r, type_in(r->types), a);
    a[x->index] = at->at;
    row_named(r, want, call_make(r, a), "address %s %s", x->name, at->name);
    things_sweep();
}

static void attack_buffer(const struct arg *x)
{
    struct address all[ADDRESSES];
    uint64_t a[ARGS];

    call_prepare(&rows[x->nr], type_in(rows[x->nr].types), a);
    unsigned n = addresses(all, a[x->index + 1]);  // its length follows
    things_sweep();
    for (unsigned i = 0; i < n; i++) {
        if (x->kind == ARG_OUT || !all[i].readable) {
            one_address(x, &all[i], NOS_BAD_ADDRESS);
        }
    }
}

/* A thread may start anywhere in its own half, and finds out; the kernel's half is refused. */
static void attack_place(const struct arg *x)
{
    struct address all[ADDRESSES];
    unsigned n = addresses(all, PAGE);
    bool unmap = x->nr == NOS_SYS_REGION_UNMAP;
    nos_status_t want = unmap                              ? NOS_NOT_FOUND
                        : x->nr == NOS_SYS_REGION_MAP_INTO ? NOS_INVALID
                                                           : NOS_BAD_ADDRESS;

    for (unsigned i = 0; i < n; i++) {
        bool mapping = all[i].at == (uint64_t)things.read_only;
        if ((unmap && !mapping) || (!all[i].user && all[i].at % 16 == 0)) {
            one_address(x, &all[i], want);
        }
    }
}

void attack_pointers(void)
{
    for (unsigned i = 0; i < n_args; i++) {
        if (args[i].kind == ARG_IN || args[i].kind == ARG_OUT) {
            attack_buffer(&args[i]);
        } else if (args[i].kind == ARG_PLACE) {
            attack_place(&args[i]);
        }
    }
}
