/*
 * A slot per supervised capsule, a notification bit per slot. A capsule that ended is looked at
 * once: its record says how it ended and what its manifest asks for, backoff.c decides, and the
 * slot waits, starts it again or is freed.
 */
#include "modules/init/supervise.h"

#include <string.h>

#include "abi/start.h"
#include "lib/render.h"
#include "lib/status.h"
#include "modules/init/backoff.h"
#include "modules/init/say.h"
#include "sdk/start.h"

enum slot_state { SLOT_FREE, SLOT_RUNNING, SLOT_WAITING };
enum { MODULE_ID = 32 };

struct slot {
    enum slot_state state;
    uint32_t id;  // of the capsule that runs, or ran last
    nos_handle_t capsule;
    struct backoff backoff;  // rule.window_s 0: not yet read from the capsule
    bool killed;             // somebody asked for its end
    uint64_t due_ns;
    uint8_t module[MODULE_ID];
    uint8_t module_len;  // a name, or MODULE_ID
    uint8_t arg_len;
    char arg[NOS_ARG_MAX];
};

static struct slot slots[SUPERVISED_MAX];
static nos_handle_t node, notify;

void supervise_init(nos_handle_t node_handle, nos_handle_t notify_handle)
{
    node = node_handle;
    notify = notify_handle;
}

static uint64_t bit_of(const struct slot *s)
{
    return 1ull << (s - slots);
}

static void close_handle(nos_handle_t h)
{
    nos_ignore(nos_sys_handle_close(h));  // it was ours and open: nothing else can come back
}

static void log_start(const struct slot *s, const char *what)
{
    if (s->module_len == MODULE_ID) {
        nos_log("init: %s a module by its id, as capsule %u", what, s->id);
    } else {
        nos_log("init: %s %.*s as capsule %u", what, s->module_len, (const char *)s->module, s->id);
    }
}

static nos_status_t launch(struct slot *s)
{
    nos_handle_t module;
    struct nos_capsule_info info;

    nos_status_t st = nos_sys_module_open(node, s->module, s->module_len, &module);
    if (st != NOS_OK) {
        return st;
    }
    st = nos_sys_capsule_spawn(module, s->arg, s->arg_len, notify, bit_of(s), &s->capsule);
    close_handle(module);
    if (st != NOS_OK) {
        return st;
    }
    st = nos_sys_capsule_info(s->capsule, &info, sizeof(info));
    if (st != NOS_OK) {
        return st;
    }
    s->id = info.id;
    s->state = SLOT_RUNNING;
    if (s->backoff.rule.window_s == 0) {
        backoff_init(&s->backoff, &info.restart);
    }
    return NOS_OK;
}

static struct slot *free_slot(void)
{
    for (size_t i = 0; i < SUPERVISED_MAX; i++) {
        if (slots[i].state == SLOT_FREE) {
            return &slots[i];
        }
    }
    return NULL;
}

static struct slot *slot_of(uint32_t id)
{
    for (size_t i = 0; i < SUPERVISED_MAX; i++) {
        if (slots[i].state != SLOT_FREE && slots[i].id == id) {
            return &slots[i];
        }
    }
    return NULL;
}

nos_status_t supervise_start(span_t module, span_t arg, uint32_t *id)
{
    struct slot *s = free_slot();

    if (s == NULL) {
        return NOS_NO_SLOT;
    }
    if (module.len > MODULE_ID || arg.len > NOS_ARG_MAX) {
        return NOS_TOO_BIG;
    }
    memset(s, 0, sizeof(*s));
    memcpy(s->module, module.data, module.len);
    s->module_len = (uint8_t)module.len;
    if (arg.len > 0) {
        memcpy(s->arg, arg.data, arg.len);
    }
    s->arg_len = (uint8_t)arg.len;
    nos_status_t st = launch(s);
    if (st == NOS_OK) {
        *id = s->id;
        log_start(s, "started");
    }
    return st;
}

nos_status_t supervise_kill(uint32_t id)
{
    struct slot *s = slot_of(id);
    nos_handle_t capsule;

    if (s != NULL && s->state == SLOT_WAITING) {
        s->state = SLOT_FREE;
        return NOS_OK;
    }
    if (s != NULL) {
        s->killed = true;
        return nos_sys_capsule_kill(s->capsule);
    }
    if (id == nos_self()->capsule) {
        return NOS_BAD_STATE;  // without its first capsule the machine has no supervisor
    }
    nos_status_t st = nos_sys_capsule_open(node, id, &capsule);
    if (st == NOS_OK) {
        st = nos_sys_capsule_kill(capsule);
        close_handle(capsule);
    }
    return st;
}

nos_status_t supervise_restarts(uint32_t id, uint64_t *restarts)
{
    struct slot *s = slot_of(id);
    if (s == NULL) {
        return NOS_NOT_FOUND;
    }
    *restarts = s->backoff.total;
    return NOS_OK;
}

static void decide(struct slot *s, const struct nos_capsule_info *info)
{
    uint64_t now = nos_now_ns();
    // killed by others than us: as little the capsule's wish as a crash
    bool crashed = info->state == NOS_CAPSULE_CRASHED || info->state == NOS_CAPSULE_KILLED;
    enum backoff_verdict v =
        s->killed ? BACKOFF_DONE : backoff_ended(&s->backoff, crashed, now, &s->due_ns);

    if (v == BACKOFF_RESTART) {
        s->state = SLOT_WAITING;
        say_end(info, "restart %u in %llu ms", s->backoff.total,
                (unsigned long long)((s->due_ns - now) / 1000000));
    } else {
        s->state = SLOT_FREE;
        if (v == BACKOFF_GIVE_UP) {
            say_end(info, "given up after %u restarts in %u s", s->backoff.in_window,
                    s->backoff.rule.window_s);
        } else if (crashed && !s->killed) {
            say_end(info, "its manifest asks for no restart");
        } else {
            log_end(info);
        }
    }
}

static void ended(struct slot *s)
{
    struct nos_capsule_info info;

    nos_status_t st = nos_sys_capsule_info(s->capsule, &info, sizeof(info));
    if (st == NOS_OK && info.state == NOS_CAPSULE_RUNNING) {
        return;  // a bit left over from the slot's last tenant
    }
    close_handle(s->capsule);
    s->capsule = (nos_handle_t){ 0 };
    if (st != NOS_OK) {
        s->state = SLOT_FREE;
        return;
    }
    decide(s, &info);
}

void supervise_ended(uint64_t bits)
{
    for (size_t i = 0; i < SUPERVISED_MAX; i++) {
        if ((bits & bit_of(&slots[i])) != 0 && slots[i].state == SLOT_RUNNING) {
            ended(&slots[i]);
        }
    }
}

static void restart(struct slot *s)
{
    nos_status_t st = launch(s);

    if (st == NOS_OK) {
        log_start(s, "restarted");
    } else if (st == NOS_NO_MEMORY || st == NOS_QUOTA || st == NOS_NO_SLOT) {
        uint64_t now = nos_now_ns();
        if (backoff_ended(&s->backoff, true, now, &s->due_ns) == BACKOFF_RESTART) {
            return;  // the machine is short of something: keep waiting
        }
        s->state = SLOT_FREE;
    } else {
        s->state = SLOT_FREE;
    }
    if (s->state == SLOT_FREE) {
        nos_log("init: cannot restart capsule %u: %s", s->id, status_text(st));
    }
}

uint64_t supervise_due(uint64_t now_ns)
{
    uint64_t next = 0;

    for (size_t i = 0; i < SUPERVISED_MAX; i++) {
        struct slot *s = &slots[i];
        if (s->state == SLOT_WAITING && s->due_ns <= now_ns) {
            restart(s);
        }
        if (s->state == SLOT_WAITING && (next == 0 || s->due_ns < next)) {
            next = s->due_ns;
        }
    }
    return next;
}
