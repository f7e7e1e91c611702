/* See broker.h. */
#include "sdk/broker.h"

#include <string.h>

#include "sdk/ipc.h"
#include "sdk/start.h"

#define PATIENCE_NS 5000000000ull

static nos_status_t ask(struct nos_msg *m)
{
    nos_handle_t broker = nos_find_handle(NOS_CAP_ENDPOINT, "broker");
    nos_status_t st = nos_call(broker, m, nos_now_ns() + PATIENCE_NS);
    return st == NOS_OK ? nos_msg_status(m) : st;
}

/* Two words. False when it is too long to be a name. */
static bool put_name(struct nos_msg *m, size_t word, const char *name)
{
    size_t len = strlen(name);

    if (len > NOS_NAME_MAX) {
        return false;
    }
    memcpy(m->word + word, name, len);
    return true;
}

nos_status_t nos_secret_put(const char *name, span_t bytes, const struct nos_secret_rule *rule)
{
    struct nos_msg m = { .label = NOS_BROKER_PUT | (uint64_t)bytes.len << 8 };
    bool ok = put_name(&m, 0, name);

    if (bytes.len > NOS_BROKER_BYTES) {
        return NOS_TOO_BIG;
    }
    for (size_t i = 0; i < NOS_BROKER_READERS && rule->reader[i] != NULL; i++) {
        ok = ok && put_name(&m, 4 + 2 * i, rule->reader[i]);
    }
    m.word[2] = rule->life_ms;
    m.word[3] = rule->flags;
    if (!ok || !nos_msg_put(&m, NOS_BROKER_AT, bytes.data, bytes.len)) {
        return NOS_INVALID;
    }
    nos_status_t st = ask(&m);
    nos_msg_wipe(&m);
    return st;
}

nos_status_t nos_secret_get(const char *owner, const char *name, uint8_t out[NOS_BROKER_BYTES],
                            size_t *len)
{
    struct nos_msg m = { .label = NOS_BROKER_GET, .n_words = 4 };
    span_t bytes;

    if (!put_name(&m, 0, owner) || !put_name(&m, 2, name)) {
        return NOS_INVALID;
    }
    nos_status_t st = ask(&m);
    if (st == NOS_OK && (m.word[0] > NOS_BROKER_BYTES ||
                         !nos_msg_get(&m, NOS_BROKER_AT, (size_t)m.word[0], &bytes))) {
        st = NOS_BAD_MESSAGE;
    }
    if (st == NOS_OK) {
        *len = bytes.len;
        memcpy(out, bytes.data, bytes.len);
    }
    nos_msg_wipe(&m);
    return st;
}

nos_status_t nos_secret_delete(const char *name)
{
    struct nos_msg m = { .label = NOS_BROKER_DELETE, .n_words = 2 };

    return put_name(&m, 0, name) ? ask(&m) : NOS_INVALID;
}

nos_status_t nos_secret_list(uint64_t n, struct nos_broker_entry *out)
{
    struct nos_msg m = { .label = NOS_BROKER_LIST, .n_words = 1, .word = { n } };

    nos_status_t st = ask(&m);
    if (st == NOS_OK && m.n_words != sizeof *out / 8) {
        st = NOS_BAD_MESSAGE;
    }
    if (st == NOS_OK) {
        memcpy(out, m.word, sizeof *out);
    }
    return st;
}
