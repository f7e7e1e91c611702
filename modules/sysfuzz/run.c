/* One program. Tamed is only what would end the fuzzer, hold it up, or take from it what it cannot
 * do without. */
#include "abi/caps.h"
#include "abi/info.h"
#include "lib/compiler.h"
#include "modules/sysfuzz/sysfuzz.h"
#include "sdk/ipc.h"
#include "sdk/start.h"

enum { SOON_NS = 200000, LONG_LINE = 4096, PAGES_MOST = 64, CAPSULES = 1 << 20 };

enum { HANDLE = 1, NUMBER_GIVEN, PLACE, MESSAGE };
static const uint8_t gives[NOS_SYS_COUNT] = {
#define NUMBER NUMBER_GIVEN
#define SYSRESULT(nr, kind, type) [nr] = kind,
#include "sdk/syscall_results.inc"
#undef SYSRESULT
#undef NUMBER
};

/* A thread's whole life; it must not touch its stack, which may be any address. */
__asm__(".text\n"
        "sysfuzz_thread:\n"
        "    movl $6, %eax\n"
        "    syscall\n"
        "    ud2\n");
extern const char sysfuzz_thread[] __asm__("sysfuzz_thread");
_Static_assert(NOS_SYS_THREAD_EXIT == 6, "sysfuzz_thread");

static struct {
    nos_status_t st;
    uint64_t value;
} result[CALLS_MAX];

static uint64_t rights_of(uint64_t handle)
{
    struct nos_handle_info h = { 0 };
    nos_status_t st = nos_sys_handle_info((nos_handle_t){ (uint32_t)handle }, &h, sizeof h);
    return st == NOS_OK ? h.rights : 0;
}

static uint64_t value_of(const struct call *c, const uint64_t a[ARGS], unsigned i, unsigned at)
{
    uint64_t v = c->value[i];
    switch ((enum kind)c->kind[i]) {
    case NUMBER:
        return v;
    case THING:
        return v < THINGS ? thing[v] : v;
    case RESULT:
        return v < at && result[v].st == NOS_OK ? result[v].value : 0;
    case GOOD:
        return (uint64_t)page + v % PAGE;
    case BAD:
        return things_bad(v);
    case SOON:
        return v == 0 ? NOS_DEADLINE_POLL : nos_now_ns() + v % SOON_NS;
    case VICTIM:
        return v == 0 ? victim : victim_code + v - 1;
    case RIGHTS:
        return i == 0 ? v : rights_of(a[i - 1]) & ~v;
    case KINDS:
        break;
    }
    return 0;
}

static bool inside(uint64_t at, const uint8_t *what)
{
    return at - (uint64_t)what < PAGE;
}

static bool tame_memory(uint64_t nr, uint64_t a[ARGS])
{
    switch (nr) {
    case NOS_SYS_REGION_UNMAP:
        return !inside(a[0], page) && !inside(a[0], read_only);
    case NOS_SYS_REGION_CREATE:
        a[0] = a[0] > PAGES_MOST && a[0] < 1 << 20 ? a[0] % PAGES_MOST : a[0];
        return true;
    case NOS_SYS_THREAD_CREATE:
        a[0] = (int64_t)a[0] < 0 ? a[0] : (uint64_t)sysfuzz_thread;
        return true;
    default:
        return true;
    }
}

/* False: this call is left out. */
static bool tame(uint64_t nr, uint64_t a[ARGS])
{
    switch (nr) {
    case NOS_SYS_EXIT:
    case NOS_SYS_THREAD_EXIT:
        return false;
    case NOS_SYS_HANDLE_CLOSE:
    case NOS_SYS_CAP_REVOKE:
        return !things_keep(a[0]);
    case NOS_SYS_SLEEP:
    case NOS_SYS_NOTIFY_WAIT: {
        uint64_t *until = &a[nr == NOS_SYS_NOTIFY_WAIT];
        *until = *until == NOS_DEADLINE_POLL || *until <= nos_now_ns() + SOON_NS ? *until : 1;
        *until = *until == 0 ? 1 : *until;
        return true;
    }
    case NOS_SYS_FILTER_NARROW:
        a[0] = a[1] = UINT64_MAX;  // what it takes away stays away
        return true;
    case NOS_SYS_LOG_WRITE:
        a[1] = a[1] == 0 || a[1] > LONG_LINE ? a[1] : LONG_LINE;  // too long: nobody reads the log
        return true;
    case NOS_SYS_CAPSULE_OPEN:
    case NOS_SYS_DEBUG_OPEN:
        a[1] = a[1] < CAPSULES ? victim : a[1];  // nobody else's capsule
        return true;
    default:
        return tame_memory(nr, a);
    }
}

/* a[5] says how many handles are taken, and what the victim is asked for; there: what the call
 * before gave. */
static nos_status_t message(const struct call *c, const uint64_t a[ARGS], uint64_t there,
                            uint64_t *value)
{
    struct nos_ipc_buffer *b = (struct nos_ipc_buffer *)nos_self()->ipc_buffer;
    struct nos_ipc_regs r = {
        .rax = c->nr, .rdi = a[0], .rsi = a[1], .rbx = a[2], .word = { a[5] / TAKEN, there }
    };
    uint32_t rights = (uint32_t)a[4] & ~(things_keep(a[3]) ? (uint32_t)NOS_PASS_MOVE : 0);

    if (c->nr == NOS_SYS_IPC_REPLY) {
        r.rdi = c->kind[0] == THING ? 0 : a[0];
    } else if (r.rbx == NOS_DEADLINE_NEVER || r.rbx > nos_now_ns() + SOON_NS) {
        r.rbx = NOS_DEADLINE_POLL;
    }
    for (unsigned i = 0; i < NOS_MSG_HANDLES; i++) {
        b->pass[i] = (struct nos_pass){ (uint32_t)a[3], rights };
    }
    b->accept = (uint32_t)(a[5] % TAKEN);
    if (r.rdi == nos_find_handle(NOS_CAP_ENDPOINT, "console").v && r.rdi != 0) {
        return NOS_OK;  // what this prints with
    }
    nos_ipc_raw(&r);
    *value = c->nr == NOS_SYS_IPC_REPLY ? 0 : r.rbx;
    return (nos_status_t)(int32_t)(uint32_t)r.rax;
}

static bool is_message(uint64_t nr)
{
    return (nr >= NOS_SYS_IPC_CALL && nr <= NOS_SYS_IPC_REPLY_RECV) || nr == NOS_SYS_IPC_SEND;
}

static void call(const struct program *p, unsigned at)
{
    const struct call *c = &p->call[at];
    uint64_t a[ARGS] = { 0 };

    result[at].st = NOS_INVALID;
    for (unsigned i = 0; i < ARGS; i++) {
        a[i] = value_of(c, a, i, at);
    }
    if (is_message(c->nr)) {
        result[at].st = message(c, a, at > 0 ? result[at - 1].value : 0, &result[at].value);
    } else if (tame(c->nr, a)) {
        result[at].st = nos_syscall6(c->nr, a[0], a[1], a[2], a[3], a[4], a[5], &result[at].value);
    }
}

unsigned run_program(const struct program *p)
{
    unsigned ok = 0;

    for (unsigned i = 0; i < p->n; i++) {
        call(p, i);
        ok += result[i].st == NOS_OK;
    }
    for (unsigned i = p->n; i-- > 0;) {
        uint16_t nr = p->call[i].nr;
        if (nr >= NOS_SYS_COUNT || result[i].st != NOS_OK) {
            continue;
        }
        if (gives[nr] == PLACE) {
            nos_ignore(nos_syscall1(NOS_SYS_REGION_UNMAP, result[i].value, NULL));
        } else if (gives[nr] == HANDLE && !things_keep(result[i].value)) {
            nos_ignore(nos_sys_handle_close((nos_handle_t){ (uint32_t)result[i].value }));
        }
    }
    return ok;
}
