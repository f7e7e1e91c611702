/* One random call: arguments of the kinds that abi/syscalls.tbl names, or anything at all. Tamed is
 * only what would end the worker, hold it up, or take from it what it reports with. */
#include "abi/caps.h"
#include "lib/compiler.h"
#include "modules/swarm/swarm.h"
#include "sdk/ipc.h"
#include "sdk/start.h"

enum { RARELY = 2048, HANDLE_RESULTS = 12, COSTLY = 64, SMALL = 16 /* pages */ };

enum kind { NUMBER, HANDLE, IN, OUT, PLACE };
static const struct {
    uint8_t nr, index;
    uint8_t kind;
    uint32_t types;
} args[] = {
#define SYSARG(nr, index, kind, types, rights, name) { nr, index, kind, types },
#include "sdk/syscall_args.inc"
#undef SYSARG
};

static const char kinds[NOS_SYS_COUNT] = {
#define SYSCALL(nr, name, cls, types, rights, n, kind) [nr] = (#kind)[0],
#include "sdk/syscall_rows.inc"
#undef SYSCALL
};

/* A thread's whole life; it must not touch its stack, which may be any address. */
__asm__(".text\n"
        "swarm_thread:\n"
        "    movl $6, %eax\n"
        "    syscall\n"
        "    ud2\n");
extern const char swarm_thread[] __asm__("swarm_thread");
_Static_assert(NOS_SYS_THREAD_EXIT == 6, "swarm_thread");

static uint64_t last_token;

static uint64_t an_argument(uint64_t nr, unsigned index)
{
    bool as_the_table_says = draw_below(8) != 0;

    for (unsigned i = 0; i < ARRAY_LEN(args) && as_the_table_says; i++) {
        if (args[i].nr != nr || args[i].index != index) {
            continue;
        }
        switch ((enum kind)args[i].kind) {
        case HANDLE:
            return things_handle(args[i].types);
        case IN:
        case OUT:
            return things_address(1 + draw_below(512), args[i].kind == OUT);
        case PLACE:
            return things_address(PAGE, true) & (draw_below(2) == 0 ? ~0xfffull : UINT64_MAX);
        case NUMBER:
            return draw_number();
        }
    }
    return draw_below(2) == 0 ? draw_number() : things_handle(UINT32_MAX);
}

/* ---- messages ---- */

static struct nos_ipc_buffer *buffer(void)
{
    return (struct nos_ipc_buffer *)nos_self()->ipc_buffer;
}

static uint64_t with_handles(void)
{
    uint64_t n = draw_below(4) == 0 ? draw_below(NOS_MSG_HANDLES + 1) : 0;

    for (unsigned i = 0; i < NOS_MSG_HANDLES; i++) {
        uint64_t h = things_handle(UINT32_MAX);
        bool move = draw_below(2) == 0 && !things_keep(h);
        uint32_t rights = (uint32_t)(draw_below(2) == 0 ? NOS_RIGHT_ALL : draw()) & ~NOS_PASS_MOVE;
        buffer()->pass[i] =
            (struct nos_pass){ (uint32_t)h, rights | (move ? (uint32_t)NOS_PASS_MOVE : 0) };
    }
    buffer()->accept = (uint32_t)(draw_below(16) == 0 ? draw() : draw_below(NOS_MSG_HANDLES + 1));
    return n << NOS_MSG_HANDLES_SHIFT;
}

static nos_status_t message(uint64_t nr)
{
    uint64_t words = draw_below(16) == 0 ? draw() >> 16 : draw_below(NOS_MSG_WORDS + 1);
    struct nos_ipc_regs r = { .rax = nr,
                              .rdi = things_handle(1u << NOS_TYPE_ENDPOINT),
                              .rsi = with_handles() | words | draw_below(256) << 16,
                              .rbx = draw_soon() };

    if (nr == NOS_SYS_IPC_REPLY) {
        r.rdi = draw_below(16) == 0 ? r.rdi : 0;
        r.rbx = draw_below(4) == 0 ? draw() >> draw_below(64) : last_token;
    }
    for (unsigned i = 0; i < NOS_MSG_REG_WORDS; i++) {
        r.word[i] = draw();
    }
    nos_ipc_raw(&r);
    nos_status_t st = (nos_status_t)(int32_t)(uint32_t)r.rax;
    if (st == NOS_OK && nr != NOS_SYS_IPC_REPLY && nr != NOS_SYS_IPC_SEND) {
        uint64_t got = r.rsi >> NOS_MSG_HANDLES_SHIFT & 7;
        last_token = r.rbx;
        for (unsigned i = 0; i < got && i < NOS_MSG_HANDLES; i++) {
            things_know(buffer()->pass[i].handle, NOS_TYPE_NONE);
        }
    }
    return st;
}

/* ---- the others ---- */

static bool rarely(void)
{
    return draw_below(RARELY) == 0;
}

/* Arguments that would otherwise stop the worker get tame values, or the call is left out. */
static bool tame(uint64_t nr, uint64_t a[ARGS])
{
    switch (nr) {
    case NOS_SYS_EXIT:
    case NOS_SYS_THREAD_EXIT:
    case NOS_SYS_POWER:
        return rarely();
    case NOS_SYS_SLEEP:
        a[0] = draw_soon();
        break;
    case NOS_SYS_NOTIFY_WAIT:
        a[1] = draw_soon();
        break;
    case NOS_SYS_HANDLE_DUP:
    case NOS_SYS_CAP_DERIVE:
        a[2] = draw_below(8) == 0 ? draw_below(100000) : 0;
        break;
    case NOS_SYS_HANDLE_CLOSE:
        return !things_keep(a[0]) || (uint32_t)a[0] != a[0];
    case NOS_SYS_THREAD_CREATE:
        a[0] = draw_below(4) == 0 && !rarely() ? 0xffffffff80000000 : (uint64_t)swarm_thread;
        break;
    case NOS_SYS_REGION_CREATE:
        a[0] = draw_below(8) == 0 ? a[0] : draw_below(SMALL);
        break;
    case NOS_SYS_FILTER_NARROW:
        a[0] = a[1] = UINT64_MAX;
        if (rarely()) {
            a[0] = ~(1ull << draw_below(NOS_SYS_COUNT));
        }
        break;
    default:
        break;
    }
    return true;
}

/* A signature or a new capsule costs as much as a thousand other calls: a few of them say as much
 * as many. */
static uint64_t a_call(void)
{
    uint64_t nr = draw_below(64) == 0 ? draw() >> draw_below(64) : draw_below(NOS_SYS_COUNT);
    bool costly = nr == NOS_SYS_TOKEN_EXPORT || nr == NOS_SYS_TOKEN_ISSUE ||
                  nr == NOS_SYS_TOKEN_IMPORT || nr == NOS_SYS_CAPSULE_SPAWN ||
                  nr == NOS_SYS_CAPSULE_KILL || nr == NOS_SYS_MODULE_LOAD;
    return costly && draw_below(COSTLY) != 0 ? draw_below(NOS_SYS_TOKEN_EXPORT) : nr;
}

/* Which calls give a handle, and of what type; 0 = not known beforehand. */
static void learn(uint64_t nr, uint64_t value)
{
    static const struct {
        uint8_t nr, type;
    } gives[HANDLE_RESULTS] = {
        { NOS_SYS_THREAD_CREATE, NOS_TYPE_THREAD },
        { NOS_SYS_HANDLE_DUP, NOS_TYPE_NONE },
        { NOS_SYS_CAP_DERIVE, NOS_TYPE_NONE },
        { NOS_SYS_REGION_CREATE, NOS_TYPE_REGION },
        { NOS_SYS_ENDPOINT_CREATE, NOS_TYPE_ENDPOINT },
        { NOS_SYS_NOTIFY_CREATE, NOS_TYPE_NOTIFICATION },
        { NOS_SYS_MODULE_LOAD, NOS_TYPE_MODULE },
        { NOS_SYS_MODULE_OPEN, NOS_TYPE_MODULE },
        { NOS_SYS_CAPSULE_SPAWN, NOS_TYPE_CAPSULE },
        { NOS_SYS_CAPSULE_OPEN, NOS_TYPE_CAPSULE },
        { NOS_SYS_TOKEN_IMPORT, NOS_TYPE_NONE },
    };

    if (nr == NOS_SYS_REGION_MAP) {
        things_mapped(value);
    }
    for (unsigned i = 0; i < HANDLE_RESULTS; i++) {
        if (gives[i].nr == nr && nr != 0) {
            things_know((uint32_t)value, gives[i].type);
        }
    }
}

nos_status_t random_call(void)
{
    uint64_t nr = a_call(), a[ARGS], value = 0;

    if (nr < NOS_SYS_COUNT && kinds[nr] == 'M') {
        return message(nr);
    }
    for (unsigned i = 0; i < ARGS; i++) {
        a[i] = an_argument(nr, i);
    }
    if (!tame(nr, a)) {
        return NOS_OK;
    }
    nos_status_t st = nos_syscall6(nr, a[0], a[1], a[2], a[3], a[4], a[5], &value);
    if (st == NOS_OK) {
        learn(nr, value);
    }
    return st;
}
