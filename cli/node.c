/* The client's side of the management channel. The line may lose bytes and may bring answers to
 * somebody who asked before us: only an answer with our number counts, and questions that change
 * nothing are asked again. */
#include "cli/node.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "cli/keyfile.h"
#include "cli/proc.h"
#include "lib/record.h"
#include "lib/status.h"

enum { ASK_AGAIN_MS = 1000, ANSWER_MAX = 1 << 20 };

static int silent(const struct node *n, const char *what)
{
    fail(NODE_SILENT, "%s: %s", n->socket, what);
    hint("is the node up (`nonosctl run`), and no other nonosctl on this socket? --timeout gives "
         "it more time");
    return NODE_SILENT;
}

int node_refused(const struct node *n, const char *what, nos_status_t status)
{
    if (n->dump.map.len > 0) {
        return fail(NODE_REFUSED, "%s does not have it: %s (%s)", n->socket, status_text(status),
                    status_name(status));
    }
    return fail(NODE_REFUSED, "the node refused %s: %s (%s)", what, status_text(status),
                status_name(status));
}

static int connect_to(struct node *n)
{
    struct sockaddr_un a = { .sun_family = AF_UNIX };
    if (strlen(n->socket) >= sizeof(a.sun_path)) {
        return fail(USAGE, "--node: a socket's path has at most %zu bytes", sizeof(a.sun_path) - 1);
    }
    memcpy(a.sun_path, n->socket, strlen(n->socket));
    n->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (n->fd < 0 || connect(n->fd, (struct sockaddr *)&a, sizeof(a)) != 0) {
        fail(NODE_SILENT, "no node at %s: %s", n->socket, strerror(errno));
        hint("start one with `nonosctl run`, or name its socket with --node (or $N0N_NODE)");
        return NODE_SILENT;
    }
    return DONE;
}

/** Everything out, or false at `deadline`. */
static bool send_all(const struct node *n, span_t bytes, uint64_t deadline)
{
    while (bytes.len > 0) {
        uint64_t now = now_ms();
        struct pollfd p = { n->fd, POLLOUT, 0 };
        if (now >= deadline || poll(&p, 1, (int)(deadline - now)) == 0) {
            return false;
        }
        ssize_t sent = send(n->fd, bytes.data, bytes.len, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (sent < 0 && errno != EAGAIN && errno != EINTR) {
            return false;
        }
        if (sent > 0) {
            bytes = span_of(bytes.data + sent, bytes.len - (size_t)sent);
        }
    }
    return true;
}

static bool send_request(struct node *n, uint16_t verb, span_t payload, uint64_t deadline)
{
    static uint8_t room[FRAME_MAX];
    struct frame f = { .verb = verb, .seq = ++n->seq, .payload = payload };
    size_t len;
    return frame_encode(&f, MSPAN_OF(room), &len) == NOS_OK &&
           send_all(n, span_of(room, len), deadline);
}

/** Take a frame in. True when it ends our answer. */
static bool take_frame(const struct node *n, uint16_t verb, const struct frame *f,
                       nos_status_t *status, struct buf *answer)
{
    if (f->seq != n->seq || f->verb != verb) {
        return false;  // somebody's who asked before us
    }
    if (answer->len + f->payload.len <= ANSWER_MAX) {
        buf_add(answer, f->payload);
    }
    *status = (nos_status_t)f->status;
    return (f->flags & NOS_MG_LAST) != 0;
}

/** Wait for the answer to n->seq; false when nothing came until `deadline`, or the other end is
 * gone. */
static bool receive(struct node *n, uint16_t verb, uint64_t deadline, nos_status_t *status,
                    struct buf *answer)
{
    uint8_t bytes[4096];
    struct frame f;
    for (;;) {
        uint64_t now = now_ms();
        struct pollfd p = { n->fd, POLLIN, 0 };
        if (now >= deadline || poll(&p, 1, (int)(deadline - now)) == 0) {
            return false;
        }
        ssize_t got = recv(n->fd, bytes, sizeof(bytes), MSG_DONTWAIT);
        if (got == 0 || (got < 0 && errno != EAGAIN && errno != EINTR)) {
            return false;
        }
        span_t in = span_of(bytes, got > 0 ? (size_t)got : 0);
        while (frame_feed(&n->decoder, &in, &f)) {
            if (take_frame(n, verb, &f, status, answer)) {
                return true;
            }
        }
    }
}

/** May the question be asked again when no answer came? */
static bool harmless(uint16_t verb)
{
    return verb == NOS_MG_HELLO || verb == NOS_MG_INFO || verb == NOS_MG_DEBUGGED;
}

static int ask_dump(const struct node *n, uint16_t verb, span_t payload, nos_status_t *status,
                    struct buf *answer)
{
    if (verb != NOS_MG_INFO || answer == NULL) {
        return fail(USAGE, "%s is a dump: it can be looked at, and no more", n->socket);
    }
    *answer = (struct buf){ NULL, 0 };
    *status = dump_info(&n->dump, payload, answer);
    return DONE;
}

int node_call(struct node *n, uint16_t verb, span_t payload, nos_status_t *status,
              struct buf *answer)
{
    struct buf got = { NULL, 0 };
    if (n->dump.map.len > 0) {
        return ask_dump(n, verb, payload, status, answer);
    }
    uint64_t end = now_ms() + n->timeout_ms;
    bool done = false;
    while (!done && now_ms() < end) {
        uint64_t again = now_ms() + ASK_AGAIN_MS;
        uint64_t until = harmless(verb) && again < end ? again : end;
        buf_free(&got);
        done = send_request(n, verb, payload, until) && receive(n, verb, until, status, &got);
        if (!harmless(verb)) {
            break;
        }
        if (!done && now_ms() < until) {
            break;  // the other end is gone: no point in waiting
        }
    }
    if (!done) {
        buf_free(&got);
        return silent(n, "the node does not answer");
    }
    if (answer != NULL && nos_mg_has_payload(*status)) {
        *answer = got;
    } else {
        buf_free(&got);
    }
    return DONE;
}

int node_record(struct node *n, uint64_t topic, uint64_t index, void *out, size_t size,
                nos_status_t *status)
{
    uint8_t args[16];
    struct buf got = { NULL, 0 };
    store_le64(args, topic);
    store_le64(args + 8, index);
    int rc = node_call(n, NOS_MG_INFO, SPAN_OF(args), status, &got);
    if (rc == DONE && *status == NOS_OK && !record_get(buf_span(&got), out, size)) {
        rc = fail(NODE_REFUSED,
                  "the node gave a record of %zu bytes for topic %llu, not %zu: another version?",
                  got.len, (unsigned long long)topic, size);
    }
    buf_free(&got);
    return rc;
}

int node_capsule(struct node *n, uint32_t id, struct nos_capsule_info *out, nos_status_t *status)
{
    int rc;
    uint64_t i = 0;
    do {
        rc = node_record(n, NOS_TOPIC_CAPSULES, i++, out, sizeof(*out), status);
    } while (rc == DONE && *status == NOS_OK && out->id != id);
    return rc;
}

int node_need(struct node *n, uint64_t topic, uint64_t index, void *out, size_t size)
{
    nos_status_t st = NOS_OK;
    int rc = node_record(n, topic, index, out, size, &st);
    return rc == DONE && st != NOS_OK ? node_refused(n, "to tell", st) : rc;
}

static int say_hello(struct node *n)
{
    struct buf got = { NULL, 0 };
    nos_status_t st = NOS_OK;
    int rc = node_call(n, NOS_MG_HELLO, span_of(NULL, 0), &st, &got);
    if (rc == DONE && st != NOS_OK) {
        rc = node_refused(n, "to talk", st);
    }
    if (rc == DONE && (!RECORD_GET(buf_span(&got), &n->hello) || n->hello.proto != 1)) {
        rc = fail(NODE_REFUSED, "%s: the node speaks another version of the management protocol",
                  n->socket);
    }
    n->counter = n->hello.counter;
    buf_free(&got);
    return rc;
}

int node_open(const struct node_args *a, struct node *out)
{
    if (a->dump != NULL) {
        *out = (struct node){ .fd = -1, .socket = a->dump };
        return dump_open(a->dump, &out->dump);
    }
    *out = (struct node){ .fd = -1, .timeout_ms = a->timeout_ms, .socket = a->socket };
    frame_decoder_init(&out->decoder);
    if (getrandom(&out->seq, sizeof(out->seq), 0) != sizeof(out->seq)) {
        out->seq = (uint32_t)getpid();  // only tells our answers from older ones
    }
    int rc = connect_to(out);
    if (rc == DONE) {
        rc = say_hello(out);
    }
    if (rc != DONE) {
        node_close(out);
    }
    return rc;
}

void node_close(struct node *n)
{
    dump_close(&n->dump);
    if (n->fd >= 0) {
        close(n->fd);
        n->fd = -1;
    }
}

static int sign_request(struct node *n, const char *path, uint16_t verb, mspan_t room,
                        size_t args_len, size_t *len)
{
    struct key_secret key;
    int rc = key_load_secret(path, &key);
    if (rc != DONE) {
        hint("the operator's secret key is named with --operator (or $N0N_OPERATOR)");
        return rc;
    }
    if (key.pub.type != KEY_OPERATOR || memcmp(key.pub.pk, n->hello.operator_pk, 32) != 0) {
        rc = fail(REFUSED, "%s is not the key of this node's operator", path);
        hint("the policy that the node booted names the operator; --operator names the key file");
    } else if (mg_sign(room, args_len, verb, n->hello.nonce, n->counter, key.sk, len) != NOS_OK) {
        rc = fail(USAGE, "the request is too long");
    }
    n->counter++;
    key_wipe(&key);
    return rc;
}

int node_try(struct node *n, const struct node_args *a, uint16_t verb, span_t args,
             nos_status_t *status, struct buf *answer)
{
    static uint8_t room[NOS_MG_PAYLOAD];
    size_t len = 0;
    if (args.len > sizeof(room)) {
        return fail(USAGE, "the request is too long");
    }
    if (args.len > 0) {
        memcpy(room, args.data, args.len);
    }
    int rc = sign_request(n, a->operator_key, verb, MSPAN_OF(room), args.len, &len);
    if (rc == DONE) {
        rc = node_call(n, verb, span_of(room, len), status, answer);
        if (rc == NODE_SILENT) {
            hint("whether the node did it is not known: look before you ask again");
        }
    }
    return rc;
}

int node_signed(struct node *n, const struct node_args *a, uint16_t verb, span_t args,
                struct buf *answer)
{
    nos_status_t st = NOS_OK;
    int rc = node_try(n, a, verb, args, &st, answer);
    return rc == DONE && st != NOS_OK ? node_refused(n, "the request", st) : rc;
}

/* --- options --- */

static const char *env_or(const char *name, const char *otherwise)
{
    const char *v = getenv(name);
    return v != NULL && v[0] != '\0' ? v : otherwise;
}

void node_args_init(struct node_args *a)
{
    *a = (struct node_args){ .socket = env_or("N0N_NODE", "build/run/manage.sock"),
                             .operator_key = env_or("N0N_OPERATOR", "build/keys/operator.key"),
                             .timeout_ms = 5000 };
}

enum { OPT_NODE = 600, OPT_DUMP, OPT_TIMEOUT, OPT_OPERATOR };

static error_t parse_node(int key, char *arg, struct argp_state *state)
{
    struct node_args *a = state->input;
    switch (key) {
    case OPT_NODE:
        a->socket = arg;
        return 0;
    case OPT_DUMP:
        a->dump = arg;
        return 0;
    case OPT_TIMEOUT:
        a->timeout_ms = (uint32_t)parse_number(arg, state, "--timeout", 1, 3600) * 1000;
        return 0;
    case OPT_OPERATOR:
        a->operator_key = arg;
        return 0;
    case 'o':
        parse_form(arg, state, &a->form);
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

#define DUMP_OPTION \
    { \
        "dump", OPT_DUMP, "FILE", 0, \
            "instead of a live node: all RAM of one that broke under panic=hold", 20 \
    }
#define NODE_OPTIONS \
    { \
        "node", OPT_NODE, "SOCKET", 0, "management channel ($N0N_NODE, or build/run/manage.sock)", \
        20 \
    }, \
    { \
        "timeout", OPT_TIMEOUT, "SECONDS", 0, "how long to wait for an answer (5)", 20 \
    }

static const struct argp_option options[] = {
    { "output", 'o', "FORM", 0, "json or text", 20 },
    DUMP_OPTION,
    NODE_OPTIONS,
    { 0 },
};
static const struct argp_option reach_options[] = {
    DUMP_OPTION,
    NODE_OPTIONS,
    { 0 },
};
static const struct argp_option signed_options[] = {
    { "operator", OPT_OPERATOR, "KEY", 0,
      "operator's secret key ($N0N_OPERATOR, or build/keys/operator.key)", 20 },
    NODE_OPTIONS,
    { 0 },
};
const struct argp node_argp = { options, parse_node, NULL, NULL, NULL, NULL, NULL };
const struct argp node_reach_argp = { reach_options, parse_node, NULL, NULL, NULL, NULL, NULL };
const struct argp node_signed_argp = { signed_options, parse_node, NULL, NULL, NULL, NULL, NULL };
