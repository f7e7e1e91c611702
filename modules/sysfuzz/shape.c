/*
 * Programs are drawn and changed by what abi/syscalls.tbl says of each call: how many arguments, of
 * what kind, handles of which types, what it gives. One argument in eight is something else.
 */
#include <stddef.h>
#include <string.h>

#include "abi/caps.h"
#include "abi/ipc.h"
#include "lib/compiler.h"
#include "modules/sysfuzz/sysfuzz.h"

enum table_kind { TABLE_NUMBER, TABLE_HANDLE, TABLE_IN, TABLE_OUT, TABLE_PLACE };
enum { COSTLY = 32, CHANGES = 4, RARE = 8, CODE_BYTES = 256 };
static const struct arg_row {
    uint8_t nr, index, kind;
    uint32_t types;
    const char *name;
} rows[] = {
#define NUMBER TABLE_NUMBER
#define HANDLE TABLE_HANDLE
#define IN TABLE_IN
#define OUT TABLE_OUT
#define PLACE TABLE_PLACE
#define SYSARG(nr, index, kind, types, rights, name) { nr, index, kind, types, #name },
#include "sdk/syscall_args.inc"
#undef SYSARG
#undef NUMBER
#undef HANDLE
#undef IN
#undef OUT
#undef PLACE
};

static const uint8_t gives[NOS_SYS_COUNT] = {
#define SYSRESULT(nr, kind, type) [nr] = type,
#include "sdk/syscall_results.inc"
#undef SYSRESULT
};

static const bool gives_handle[NOS_SYS_COUNT] = {
#define HANDLE true
#define NUMBER false
#define PLACE false
#define MESSAGE false
#define SYSRESULT(nr, kind, type) [nr] = kind,
#include "sdk/syscall_results.inc"
#undef SYSRESULT
#undef HANDLE
#undef NUMBER
#undef PLACE
#undef MESSAGE
};

static const char kinds[NOS_SYS_COUNT] = {
#define SYSCALL(nr, name, cls, types, rights, n, kind) [nr] = (#kind)[0],
#include "sdk/syscall_rows.inc"
#undef SYSCALL
};

/* A signature or a new capsule takes as long as a thousand other calls. */
static const uint8_t costly[] = { NOS_SYS_TOKEN_EXPORT, NOS_SYS_TOKEN_ISSUE, NOS_SYS_TOKEN_IMPORT,
                                  NOS_SYS_CAPSULE_SPAWN, NOS_SYS_MODULE_LOAD };

/* The row of each argument, +1; 0 = it has none. */
static uint8_t row_of[NOS_SYS_COUNT][ARGS];

void shape_init(void)
{
    for (unsigned i = 0; i < ARRAY_LEN(rows); i++) {
        row_of[rows[i].nr][rows[i].index] = (uint8_t)(i + 1);
    }
}

static bool named(const struct arg_row *r, const char *what)
{
    size_t n = strlen(what);
    return strlen(r->name) >= n && memcmp(r->name, what, n) == 0;
}

static uint64_t edge(void)
{
    static const uint64_t edges[] = { 0,          1,          2,          3,         4,
                                      7,          8,          16,         63,        64,
                                      65,         192,        240,        255,       256,
                                      4095,       4096,       4097,       8192,      UINT32_MAX,
                                      1ull << 32, 1ull << 47, 1ull << 63, UINT64_MAX };
    return draw_below(4) == 0 ? draw() >> draw_below(64) : edges[draw_below(ARRAY_LEN(edges))];
}

/* Sizes of records that the kernel gives or takes, and what is beside them, are among 0..512. */
static uint64_t number_for(const struct arg_row *r)
{
    if (draw_below(RARE) == 0) {
        return edge();
    }
    if (named(r, "len") || named(r, "req_len") || named(r, "out_len")) {
        return draw_below(2) == 0 ? draw_below(65) * 8 : draw_below(513);
    }
    if (named(r, "on")) {
        return draw_below(2);
    }
    if (named(r, "prot") || named(r, "how") || named(r, "action") || named(r, "why") ||
        named(r, "width") || named(r, "index") || named(r, "decision")) {
        return draw_below(RARE);
    }
    if (named(r, "port")) {
        return 0x2e8 + draw_below(10);
    }
    if (named(r, "bits")) {
        return 1ull << draw_below(64);
    }
    if (named(r, "depth")) {
        return draw_below(5);
    }
    if ((named(r, "ttl_ns") || named(r, "badge")) && draw_below(2) == 0) {
        return 0;
    }
    return draw_below(2) == 0 ? draw_below(33) : edge();
}

static void draw_number(const struct arg_row *r, uint8_t *kind, uint64_t *value)
{
    bool odd = draw_below(RARE) == 0;
    *kind = NUMBER;
    if (named(r, "deadline_ns") || named(r, "until_ns")) {
        *kind = SOON;
        *value = draw_below(4) == 0 ? draw_below(200000) : 0;
    } else if (!odd && (named(r, "id") || named(r, "capsule_id"))) {
        *kind = VICTIM;
        *value = 0;
    } else if (!odd && named(r, "at")) {
        *kind = draw_below(4) == 0 ? BAD : VICTIM;
        *value = 1 + draw_below(CODE_BYTES);
    } else if (!odd && named(r, "rights")) {
        *kind = RIGHTS;
        *value = draw_below(2) == 0 ? 0 : 1ull << draw_below(27);
    } else {
        *value = number_for(r);
    }
}

/* The type that call `i` gives; NONE: what its first argument is, so any. */
static bool gives_one_of(const struct program *p, unsigned i, uint32_t types)
{
    uint16_t nr = p->call[i].nr;
    return nr < NOS_SYS_COUNT && (gives[nr] == NOS_TYPE_NONE || (types >> gives[nr] & 1) != 0);
}

/* A handle of one of these types, of the fuzzer's or of an earlier call's. */
static void draw_handle(const struct program *p, unsigned at, uint32_t types, uint8_t *kind,
                        uint64_t *value)
{
    *kind = THING;
    if (draw_below(RARE) == 0) {
        *value = draw_below(4) == 0 ? draw() : draw_below(THINGS);
        return;
    }
    for (unsigned tries = 0; tries < 32; tries++) {
        unsigned i = (unsigned)(at != 0 && draw_below(2) == 0 ? THINGS + draw_below(at)
                                                              : draw_below(THINGS));
        if (i < THINGS && thing_is(i, types)) {
            *value = i;
            return;
        }
        if (i >= THINGS && gives_one_of(p, i - THINGS, types)) {
            *kind = RESULT;
            *value = i - THINGS;
            return;
        }
    }
    *value = draw_below(THINGS);
}

static void draw_address(const struct program *p, unsigned at, bool place, uint8_t *kind,
                         uint64_t *value)
{
    if (place && at > 0 && draw_below(2) == 0) {
        *kind = RESULT;
        *value = draw_below(at);
        return;
    }
    (void)p;
    *kind = draw_below(RARE) == 0 ? BAD : GOOD;
    *value = *kind == BAD         ? draw_below(16)
             : draw_below(4) == 0 ? draw_below(PAGE)
                                  : draw_below(8) * 512;
}

/* Registers of a message call: endpoint, info, deadline or token; then a handle that goes along,
 * its rights, and how many are taken. */
static void draw_message(const struct program *p, unsigned at, unsigned i, uint8_t *kind,
                         uint64_t *value)
{
    uint16_t nr = p->call[at].nr;
    *kind = NUMBER;
    switch (i) {
    case 0:
        draw_handle(p, at, 1u << NOS_TYPE_ENDPOINT, kind, value);
        break;
    case 1:
        *value = draw_below(RARE) == 0
                     ? draw()
                     : draw_below(66) |
                           (draw_below(2) == 0 ? draw_below(6) << NOS_MSG_HANDLES_SHIFT : 0);
        break;
    case 2:
        *kind = nr == NOS_SYS_IPC_REPLY && at > 0 ? RESULT : SOON;
        *value = *kind == RESULT ? draw_below(at) : draw_below(200000);
        break;
    case 3:
        draw_handle(p, at, UINT32_MAX, kind, value);
        break;
    case 4:
        *value = draw_below(RARE) == 0
                     ? draw() & 0xffffffff
                     : (uint64_t)NOS_RIGHT_ALL | (draw_below(4) == 0 ? NOS_PASS_MOVE : 0);
        break;
    default:
        *value = draw_below(6) + TAKEN * draw_below(draw_below(2) == 0 ? 1 : ASKS);
        break;
    }
}

static void draw_arg(struct program *p, unsigned at, unsigned i)
{
    struct call *c = &p->call[at];
    uint8_t kind = NUMBER;
    uint64_t value = 0;

    if (c->nr >= NOS_SYS_COUNT || (kinds[c->nr] != 'M' && row_of[c->nr][i] == 0)) {
        value = draw_below(RARE) == 0 ? edge() : 0;
    } else if (kinds[c->nr] == 'M') {
        draw_message(p, at, i, &kind, &value);
    } else {
        const struct arg_row *r = &rows[row_of[c->nr][i] - 1];
        if (r->kind == TABLE_HANDLE) {
            draw_handle(p, at, r->types == 0 ? UINT32_MAX : r->types, &kind, &value);
        } else if (r->kind == TABLE_NUMBER) {
            draw_number(r, &kind, &value);
        } else {
            draw_address(p, at, r->kind == TABLE_PLACE, &kind, &value);
        }
    }
    c->kind[i] = kind;
    c->value[i] = value;
}

static uint16_t a_number_of_a_call(void)
{
    uint16_t nr = (uint16_t)(draw_below(128) == 0 ? draw() : draw_below(NOS_SYS_COUNT));
    for (unsigned i = 0; i < sizeof costly; i++) {
        if (costly[i] == nr && draw_below(COSTLY) != 0) {
            return (uint16_t)draw_below(NOS_SYS_MODULE_LOAD);
        }
    }
    return nr;
}

static void draw_call(struct program *p, unsigned at)
{
    p->call[at].nr = a_number_of_a_call();
    for (unsigned i = 0; i < ARGS; i++) {
        draw_arg(p, at, i);
    }
}

/* A place for one more call; what refers to calls behind it is moved along. */
static void open_gap(struct program *p, unsigned at)
{
    memmove(&p->call[at + 1], &p->call[at], (p->n - at) * sizeof p->call[0]);
    p->n++;
    for (unsigned c = at + 1; c < p->n; c++) {
        for (unsigned i = 0; i < ARGS; i++) {
            p->call[c].value[i] += p->call[c].kind[i] == RESULT && p->call[c].value[i] >= at;
        }
    }
}

static void take_out(struct program *p, unsigned at)
{
    p->n--;
    memmove(&p->call[at], &p->call[at + 1], (p->n - at) * sizeof p->call[0]);
    for (unsigned c = at; c < p->n; c++) {
        for (unsigned i = 0; i < ARGS; i++) {
            p->call[c].value[i] -= p->call[c].kind[i] == RESULT && p->call[c].value[i] > at;
        }
    }
}

static void insert(struct program *p)
{
    if (p->n < CALLS_MAX) {
        unsigned at = (unsigned)draw_below(p->n + 1);
        open_gap(p, at);
        draw_call(p, at);
    }
}

static void splice(struct program *p, const struct program *other)
{
    unsigned keep = p->n == 0 ? 0 : (unsigned)draw_below(p->n);
    for (unsigned i = 0; i < other->n && keep + i < CALLS_MAX; i++) {
        p->call[keep + i] = other->call[i];
        p->n = keep + i + 1;
        for (unsigned a = 0; a < ARGS; a++) {
            p->call[keep + i].value[a] += p->call[keep + i].kind[a] == RESULT ? keep : 0;
        }
    }
}

static void nudge(struct call *c, unsigned i)
{
    uint64_t how = draw_below(3);
    c->value[i] = how == 0   ? c->value[i] + draw_below(17) - 8
                  : how == 1 ? c->value[i] ^ 1ull << draw_below(64)
                             : edge();
}

/* One that the call has, mostly. */
static unsigned an_argument(const struct call *c)
{
    unsigned i = (unsigned)draw_below(ARGS);
    if (c->nr >= NOS_SYS_COUNT || kinds[c->nr] == 'M' || draw_below(COSTLY) == 0) {
        return i;
    }
    unsigned n = 0;
    while (n < ARGS && row_of[c->nr][n] != 0) {
        n++;
    }
    return n == 0 ? i : (unsigned)draw_below(n);
}

static void change_argument(struct program *p, unsigned at)
{
    unsigned i = an_argument(&p->call[at]);
    if (p->call[at].kind[i] == NUMBER && draw_below(2) == 0) {
        nudge(&p->call[at], i);
    } else {
        draw_arg(p, at, i);
    }
}

/* A call once more, with another argument, or on what it gave: what fills up is reached so, and
 * what is deep. */
static void repeat(struct program *p)
{
    unsigned at = (unsigned)draw_below(p->n);
    if (p->n < CALLS_MAX) {
        open_gap(p, at + 1);
        p->call[at + 1] = p->call[at];
        if (p->call[at].nr < NOS_SYS_COUNT && gives_handle[p->call[at].nr] && draw_below(2) == 0) {
            p->call[at + 1].kind[0] = RESULT;
            p->call[at + 1].value[0] = at;
        }
        change_argument(p, at + 1);
    }
}

static void change(struct program *p, const struct program *other)
{
    uint64_t how = p->n == 0 ? 0 : draw_below(16);
    if (how < 5) {
        insert(p);
    } else if (how < 10) {
        change_argument(p, (unsigned)draw_below(p->n));
    } else if (how < 13) {
        repeat(p);
    } else if (how == 13) {
        take_out(p, (unsigned)draw_below(p->n));
    } else if (how == 14) {
        splice(p, other);
    } else {
        draw_call(p, (unsigned)draw_below(p->n));
    }
}

void shape_mutate(struct program *p, const struct program *other)
{
    for (uint64_t n = p->n == 0 ? 1 + draw_below(CALLS_MAX / 2) : 1 + draw_below(CHANGES); n > 0;
         n--) {
        change(p, other);
    }
    if (p->n == 0) {
        insert(p);
    }
}

uint32_t shape_len(const struct program *p)
{
    return (uint32_t)(offsetof(struct program, call) + p->n * sizeof p->call[0]);
}
