/* See slot.h. A handle to the capsule and, if it takes control messages, one to its endpoint are
 * kept from its start to its end. */
#include "modules/init/slot.h"

#include <string.h>

#include "abi/services.h"
#include "lib/status.h"
#include "lib/text.h"
#include "modules/init/watch.h"
#include "sdk/print.h"
#include "sdk/start.h"

enum { MODULE_ID = 32 };

struct slot slots[SUPERVISED_MAX];
static nos_handle_t node, notify;

void slots_init(nos_handle_t node_handle, nos_handle_t notify_handle)
{
    node = node_handle;
    notify = notify_handle;
}

static uint64_t bit_of(const struct slot *s)
{
    return 1ull << (s - slots);
}

static void close_handle(nos_handle_t *h)
{
    if (h->v != 0) {
        nos_ignore(nos_sys_handle_close(*h));  // it was ours and open: nothing else can come back
    }
    h->v = 0;
}

struct slot *slot_of(uint32_t id)
{
    for (size_t i = 0; i < SUPERVISED_MAX; i++) {
        if (slots[i].state != SLOT_FREE && slots[i].id == id) {
            return &slots[i];
        }
    }
    return NULL;
}

void slots_set(order_set set)
{
    memset(set, 0, sizeof(order_set));
    for (size_t i = 0; i < SUPERVISED_MAX; i++) {
        set[i] = slots[i].state == SLOT_FREE ? NULL : &slots[i].about;
    }
}

nos_status_t slot_new(const struct nos_supervision *about, span_t arg, struct slot **out)
{
    size_t i = 0;

    while (i < SUPERVISED_MAX && slots[i].state != SLOT_FREE) {
        i++;
    }
    if (i == SUPERVISED_MAX) {
        return NOS_NO_SLOT;
    }
    if (arg.len > NOS_ARG_MAX) {
        return NOS_TOO_BIG;
    }
    struct slot *s = &slots[i];
    memset(s, 0, sizeof(*s));
    s->about = *about;
    if (arg.len > 0) {
        memcpy(s->arg, arg.data, arg.len);
    }
    s->arg_len = (uint8_t)arg.len;
    *out = s;
    return NOS_OK;
}

static nos_status_t spawn(struct slot *s)
{
    nos_handle_t module;

    nos_status_t st = nos_sys_module_open(node, s->about.module_id, MODULE_ID, &module);
    if (st == NOS_OK) {
        st = nos_sys_capsule_spawn(module, s->arg, s->arg_len, notify, bit_of(s), s->give,
                                   &s->capsule);
        close_handle(&module);
    }
    if (st == NOS_OK) {
        st = nos_sys_capsule_info(s->capsule, &s->last, sizeof(s->last));
        if (st != NOS_OK) {  // nobody would look after it
            nos_ignore(nos_sys_capsule_kill(s->capsule, NOS_KILL_ASKED));
            close_handle(&s->capsule);
        }
    }
    return st;
}

nos_status_t slot_launch(struct slot *s)
{
    nos_status_t st = spawn(s);
    if (st != NOS_OK) {
        return st;
    }
    st = nos_sys_capsule_control(s->capsule, &s->control);
    if (st != NOS_OK && st != NOS_NOT_FOUND) {
        nos_log("init: capsule %u can get no message: %s", s->last.id, status_text(st));
    }
    s->id = s->last.id;
    s->state = SLOT_RUNNING;
    if (s->backoff.rule.window_s == 0) {
        backoff_init(&s->backoff, &s->last.restart);
    }
    struct nos_control rule = s->about.control;
    rule.every_ms = s->control.v == 0 ? 0 : rule.every_ms;
    health_init(&s->health, &rule, nos_now_ns());
    return NOS_OK;
}

bool slot_ended(struct slot *s)
{
    nos_status_t st = nos_sys_capsule_info(s->capsule, &s->last, sizeof(s->last));
    if (st == NOS_OK && s->last.state == NOS_CAPSULE_RUNNING) {
        return false;  // a bit left over from the slot's last tenant
    }
    watch_forget(s->id);
    return true;
}

static struct {
    struct {
        uint32_t id;  // 0 = none
        uint32_t state;
        uint64_t code;
    } end[SLOT_ENDS];
    size_t next;
} ends;

nos_status_t slot_end_of(uint32_t id, uint64_t *state, uint64_t *code)
{
    const struct slot *s = slot_of(id);

    for (size_t i = 0; i < SLOT_ENDS && id != 0; i++) {
        if (ends.end[i].id == id) {
            *state = ends.end[i].state;
            *code = ends.end[i].code;
            return NOS_OK;
        }
    }
    return s != NULL && s->tell.v != 0 ? NOS_BUSY : NOS_NOT_FOUND;
}

static void tell_starter(struct slot *s)
{
    ends.end[ends.next].id = s->last.id;
    ends.end[ends.next].state = s->last.state;
    ends.end[ends.next].code = s->last.exit_code;
    ends.next = (ends.next + 1) % SLOT_ENDS;
    nos_ignore(nos_sys_notify_signal(s->tell, NOS_INIT_TOLD));  // the starter may be gone
    close_handle(&s->tell);
}

void slot_free(struct slot *s)
{
    if (s->tell.v != 0) {
        tell_starter(s);
    }
    close_handle(&s->capsule);
    close_handle(&s->control);
    s->state = SLOT_FREE;
}

static bool is_meant(const struct nos_supervision *m, span_t name_or_id)
{
    return span_equal(name_or_id,
                      name_or_id.len == MODULE_ID ? SPAN_OF(m->module_id) : name16_span(m->name));
}

nos_status_t module_about(span_t name_or_id, struct nos_supervision *out)
{
    struct nos_supervision m;
    nos_status_t found = NOS_NOT_FOUND, st;
    uint64_t got;

    for (uint64_t i = 0;
         (st = nos_sys_node_info(node, NOS_TOPIC_SUPERVISION, i, &m, sizeof(m), &got)) == NOS_OK;
         i++) {
        if (is_meant(&m, name_or_id) && (found != NOS_OK || m.version >= out->version)) {
            *out = m;
            found = NOS_OK;
        }
    }
    return st == NOS_NOT_FOUND ? found : st;
}

void note(enum nos_decision d, const struct slot *s, uint64_t detail)
{
    uint64_t most = detail < UINT32_MAX ? detail : UINT32_MAX;
    nos_status_t st = nos_sys_audit_decision(node, (uint64_t)d, s == NULL ? 0 : s->id, most);
    if (st != NOS_OK) {
        nos_log("init: a decision could not be put on record: %s", status_text(st));
    }
}
