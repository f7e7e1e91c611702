/* The node lists capsules, and modules with their publishers; a record's place moves when one
 * before it ends, so who is not found is looked for once more. */
#include "sdk/who.h"

#include "abi/info.h"
#include "sdk/start.h"

enum { KNOWN = 16, LOOKS = 3 };

static struct known {
    uint32_t id;  // 0 = free
    struct nos_who who;
} known[KNOWN];

static nos_status_t find_module(nos_handle_t node, uint32_t id, uint8_t module_id[32])
{
    struct nos_capsule_info c;
    uint64_t got;
    nos_status_t st = NOS_OK;

    for (uint64_t i = 0; st == NOS_OK; i++) {
        st = nos_sys_node_info(node, NOS_TOPIC_CAPSULES, i, &c, sizeof c, &got);
        if (st == NOS_OK && c.id == id && c.state == NOS_CAPSULE_RUNNING) {
            memcpy(module_id, c.module_id, sizeof c.module_id);
            return NOS_OK;
        }
    }
    return st;
}

static nos_status_t find_publisher(nos_handle_t node, const uint8_t module_id[32],
                                   struct nos_who *out)
{
    struct nos_module_info m;
    uint64_t got;
    nos_status_t st = NOS_OK;

    for (uint64_t i = 0; st == NOS_OK; i++) {
        st = nos_sys_node_info(node, NOS_TOPIC_MODULES, i, &m, sizeof m, &got);
        if (st == NOS_OK && m.status == NOS_OK &&
            memcmp(m.module_id, module_id, sizeof m.module_id) == 0) {
            memcpy(out->name, m.name, sizeof out->name);
            memcpy(out->module_id, m.module_id, sizeof out->module_id);
            memcpy(out->publisher_id, m.publisher_id, sizeof out->publisher_id);
            return NOS_OK;
        }
    }
    return st;
}

static nos_status_t look(uint32_t id, struct nos_who *out)
{
    nos_handle_t node = nos_find_handle(NOS_CAP_NODE, NULL);
    uint8_t module_id[32];

    nos_status_t st = find_module(node, id, module_id);
    return st == NOS_OK ? find_publisher(node, module_id, out) : st;
}

nos_status_t nos_who(uint32_t id, struct nos_who *out)
{
    struct known *k = &known[id % KNOWN];
    struct nos_who who;
    nos_status_t st = NOS_NOT_FOUND;

    if (id != 0 && k->id == id) {
        *out = k->who;
        return NOS_OK;
    }
    for (unsigned i = 0; id != 0 && i < LOOKS && st == NOS_NOT_FOUND; i++) {
        st = look(id, &who);
    }
    if (st == NOS_OK) {
        *k = (struct known){ .id = id, .who = who };
        *out = who;
    }
    return st;
}
