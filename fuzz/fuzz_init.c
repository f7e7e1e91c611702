/* init, whole: a few modules that need each other and have rules of restart, requests of anybody,
 * capsules that end at any time, watchers and upgrades that are answered or not. Its books agree
 * with the kernel's: each slot that runs has its capsule, and no handle is held that no slot
 * knows. */
#include "abi/info.h"
#include "abi/policy.h"
#include "fuzz/fuzz.h"
#include "fuzz/world/world.h"
#include "lib/text.h"
#include "modules/init/slot.h"
#include "sdk/ipc.h"
#include "sdk/start.h"

enum { MODULES = 6, HANDLES = 512, CAPSULES = 250, OWN = 4, THREADS = 5 };

static struct nos_supervision module[MODULES];
static struct nos_restart rule[MODULES];
static unsigned n_start;
static uint8_t which[HANDLES];                // module of a handle
static struct nos_capsule_info cap[HANDLES];  // capsule of a handle
static uint32_t next_id;

/* How many what and when: from a byte each, so that most are something else. */
static void make_modules(void)
{
    for (unsigned i = 0; i < MODULES; i++) {
        uint8_t a = world_byte(), b = world_byte(), c = world_byte();
        module[i] = (struct nos_supervision){ .version = 1 + a / 128u, .n_needs = a % 3u };
        // the last one is a newer version of the first
        module[i].name[0] = (char)('a' + i % (MODULES - 1));
        module[i].module_id[0] = (uint8_t)(i + 1);
        if ((b & 1) != 0) {
            module[i].control = (struct nos_control){ .endpoint = "e",
                                                      .every_ms = (b & 2) != 0 ? 100 : 0,
                                                      .deadline_ms = (b & 2) != 0 ? 10 : 0,
                                                      .stop_ms = (b & 4) != 0 ? 20 : 0,
                                                      .escalate = b / 8u % 3 };
        }
        for (unsigned k = 0; k < module[i].n_needs; k++) {
            module[i].needs[k][0] = (char)('a' + (a / 4u + k * 2) % MODULES);
        }
        rule[i] = (struct nos_restart){
            .when = c % 3u, .backoff_ms = c / 4u % 8, .max_in_window = 1 + c / 32u, .window_s = 1
        };
    }
    n_start = world_byte() % 5;
}

static nos_status_t node(const uint64_t a[6], uint64_t *value)
{
    void *out = (void *)a[3];

    if (a[1] == NOS_TOPIC_SUPERVISION && a[2] < MODULES) {
        memcpy(out, &module[a[2]], sizeof module[0]);
    } else if (a[1] == NOS_TOPIC_START && a[2] < n_start) {
        struct nos_pol_start s = { .arg = "word" };
        memcpy(s.name, module[(a[2] * 3 + 1) % MODULES].name, NOS_NAME_MAX);
        memcpy(out, &s, sizeof s);
    } else if (a[1] == NOS_TOPIC_ABOUT) {
        struct nos_about about = { .cpus = 2 };
        memcpy(out, &about, sizeof about);
    } else {
        return NOS_NOT_FOUND;
    }
    *value = a[4];
    return NOS_OK;
}

static nos_status_t open_module(const uint64_t a[6], uint64_t *value)
{
    nos_status_t st = world_verdict();
    for (uint8_t i = 0; i < MODULES && st == NOS_OK; i++) {
        if (a[2] == 32 && memcmp((const void *)a[1], module[i].module_id, 32) == 0) {
            *value = world_give(NOS_TYPE_MODULE, 0);
            which[*value] = i;
            return NOS_OK;
        }
    }
    return st == NOS_OK ? NOS_NOT_FOUND : st;
}

static nos_status_t spawn(const uint64_t a[6], uint64_t *value)
{
    nos_status_t st = world_verdict();

    PROMISE(a[2] <= NOS_ARG_MAX && a[0] < HANDLES && a[4] != 0);
    if (st != NOS_OK || next_id > CAPSULES) {
        return st != NOS_OK ? st : NOS_QUOTA;
    }
    const struct nos_supervision *m = &module[which[a[0]]];
    *value = world_give(NOS_TYPE_CAPSULE, 0);
    struct nos_capsule_info *c = &cap[*value];
    *c = (struct nos_capsule_info){
        .id = next_id++, .state = NOS_CAPSULE_RUNNING, .restart = rule[which[a[0]]], .priority = 5
    };
    memcpy(c->name, m->name, sizeof c->name);
    memcpy(c->module_id, m->module_id, sizeof c->module_id);
    return NOS_OK;
}

/* Whoever is asked about may have ended by now. */
static nos_status_t look(uint64_t h, void *out)
{
    struct nos_capsule_info *c = &cap[h % HANDLES];
    uint8_t b = world_byte();

    if (c->id == 0) {
        return NOS_BAD_HANDLE;
    }
    if (c->state == NOS_CAPSULE_RUNNING && (b & 1) != 0) {
        c->state = (b & 2) != 0 ? NOS_CAPSULE_CRASHED : NOS_CAPSULE_EXITED;
        c->exit_code = b / 4u;
    }
    memcpy(out, c, sizeof *c);
    return NOS_OK;
}

static nos_status_t end(uint64_t h)
{
    struct nos_capsule_info *c = &cap[h % HANDLES];
    nos_status_t st = world_verdict();

    if (c->id != 0 && c->state != NOS_CAPSULE_RUNNING) {
        return NOS_BAD_STATE;
    }
    if (st == NOS_OK && c->id != 0) {
        c->state = NOS_CAPSULE_KILLED;
    }
    return st;
}

static bool kernel(uint64_t nr, const uint64_t a[6], uint64_t *value, nos_status_t *st)
{
    switch (nr) {
    case NOS_SYS_NODE_INFO:
        *st = node(a, value);
        return true;
    case NOS_SYS_MODULE_OPEN:
        *st = open_module(a, value);
        return true;
    case NOS_SYS_CAPSULE_SPAWN:
        *st = spawn(a, value);
        return true;
    case NOS_SYS_CAPSULE_INFO:
        *st = look(a[0], (void *)a[1]);
        return true;
    case NOS_SYS_CAPSULE_KILL:
        *st = end(a[0]);
        return true;
    case NOS_SYS_HANDLE_CLOSE:
        if (a[0] < HANDLES) {
            cap[a[0]].id = 0;
        }
        return false;
    default:
        return false;
    }
}

/* Between two requests. */
static void asked(const struct nos_ipc_regs *r)
{
    unsigned known = OWN + 2 * THREADS, upgrading = 0;

    if (r->rax != NOS_SYS_IPC_RECV) {
        return;
    }
    for (unsigned i = 0; i < SUPERVISED_MAX; i++) {
        const struct slot *s = &slots[i];
        if (s->state == SLOT_FREE) {
            continue;
        }
        bool runs = s->state == SLOT_RUNNING || s->state == SLOT_RETIRED;
        PROMISE(name16_ok(s->about.name) && s->arg_len <= NOS_ARG_MAX);
        PROMISE(runs == (s->capsule.v != 0) && (runs || s->control.v == 0));
        PROMISE(!runs || cap[s->capsule.v].id == s->id);
        known += (s->capsule.v != 0) + (s->control.v != 0) + (s->give.v != 0) + (s->tell.v != 0);
        upgrading += s->upgrading;
        for (unsigned k = 0; k < i; k++) {
            PROMISE(slots[k].state == SLOT_FREE || slots[k].id != s->id);
        }
    }
    PROMISE(upgrading == 0 || upgrading == 2);
    PROMISE(world_handles() <= known + (upgrading != 0 ? 1 : 0));
}

static void run(void)
{
    next_id = 2;
    make_modules();
    (void)nos_main();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct nos_start start = {
        .capsule = 1,
        .n_handles = 3,
        .handle = { { .handle = 1, .kind = NOS_CAP_ENDPOINT, .name = "init" },
                    { .handle = 2, .kind = NOS_CAP_ENDPOINT, .name = "console" },
                    { .handle = 3, .kind = NOS_CAP_NODE } },
    };

    memset(cap, 0, sizeof cap);
    world_asked = asked;
    world_kernel = kernel;
    world_begin(span_of(data, size), &start);
    world_run(run);
    world_end();
    return 0;
}
