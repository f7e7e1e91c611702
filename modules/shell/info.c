#include "modules/shell/info.h"

#include <string.h>

#include "lib/fmt.h"
#include "modules/shell/shell.h"
#include "sdk/start.h"

nos_status_t info_get(uint64_t topic, uint64_t index, void *out, size_t len)
{
    uint64_t got;
    nos_status_t st = nos_sys_node_info(shell.node, topic, index, out, len, &got);

    if (st == NOS_OK && got != len) {
        return NOS_BAD_MESSAGE;
    }
    return st;
}

nos_status_t info_log(uint64_t *from, mspan_t room, span_t *text)
{
    struct nos_log_head head;
    uint64_t got;
    nos_status_t st =
        nos_sys_node_info(shell.node, NOS_TOPIC_LOG, *from, room.data, room.len, &got);

    if (st != NOS_OK) {
        return st;
    }
    if (got < sizeof(head) || got > room.len) {
        return NOS_BAD_MESSAGE;
    }
    memcpy(&head, room.data, sizeof(head));
    *text = span_of(room.data + sizeof(head), got - sizeof(head));
    *from = head.from + text->len;
    return NOS_OK;
}

nos_status_t info_by_id(uint64_t id, struct nos_capsule_info *out)
{
    nos_status_t st;

    for (uint64_t i = 0; (st = INFO(NOS_TOPIC_CAPSULES, i, out)) == NOS_OK && out->id != id; i++) {
    }
    return st;
}

nos_status_t info_capsule(const char *name_or_id, struct nos_capsule_info *out)
{
    uint64_t id;
    nos_status_t st;

    if (parse_u64(span_of(name_or_id, strlen(name_or_id)), &id)) {
        return info_by_id(id, out);
    }
    for (uint64_t i = 0; (st = INFO(NOS_TOPIC_CAPSULES, i, out)) == NOS_OK; i++) {
        if (nos_name_is(out->name, name_or_id) && out->state == NOS_CAPSULE_RUNNING) {
            return NOS_OK;
        }
    }
    return st;
}
