/* A node made of canned records, for testing nonosctl: it speaks lib/frame on a unix socket, checks
 * the operator's signatures, and keeps an audit chain that is well-formed unless it is told to
 * break it.
 *
 *   fakenode SOCKET OPERATOR_HEX [noise] [mute] [lose] [tamper] [resign] [drop] [old] [fork] [cut]
 * [lies]
 *
 * Ends when it is told to power off, or after 300 seconds. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "abi/audit.h"
#include "abi/crash.h"
#include "abi/info.h"
#include "abi/token.h"
#include "cli/hex.h"
#include "lib/audit.h"
#include "lib/crypto/blake3.h"
#include "lib/crypto/ed25519.h"
#include "lib/frame.h"
#include "lib/mod.h"
#include "lib/token.h"
#include "tests/host/auditlog.h"
#include "tests/host/golden.h"

enum { N_AUDIT = 20, UPTIME_S = 90 };

static struct {
    bool noise, mute, lose, tamper, resign, drop, old, fork, cut, lies;
} mode;

static struct {
    struct nos_mg_hello hello;
    struct nos_about about;
    struct auditlog log;
    uint8_t issuer_sk[64];
    uint8_t *staged;
    size_t staged_len;
    unsigned requests;
    bool off;
} node;

static const char log_text[] = "boot: hello\nevil: \x1b[31mred\x1b[0m\nlast line\n";

#define PUT_TEXT(to, text) snprintf(to, sizeof(to), "%s", text)

static void make_about(void)
{
    uint8_t seed[32] = { 7 };
    ed25519_keypair_from_seed(node.about.issuer_pk, node.issuer_sk, seed);
    PUT_TEXT(node.about.release, "N0N-OS fake");
    PUT_TEXT(node.about.cpu, "none \x1b[2J");
    memset(node.about.boot_id, 0xb0, 32);
    memcpy(node.about.operator_pk, node.hello.operator_pk, 32);
    node.about.uptime_ns = UPTIME_S * UINT64_C(1000000000);
    node.about.tsc_hz = 1000000000;
    node.about.cpus = 1;
    node.about.policy_epoch = 3;
}

/* `fork`: another log of the same boot; `cut`: its end is missing. */
static void make_audit(void)
{
    auditlog_make(&node.log, N_AUDIT, 7);
    memcpy(node.log.head.boot_id, node.about.boot_id, 32);
    node.log.e[3].body.b = mode.fork;
    auditlog_seal(&node.log);
    if (mode.cut) {
        node.log.n = 10;
        node.log.n_k = 1;
        auditlog_end(&node.log);
    }
    if (mode.tamper) {
        node.log.e[2].body.a = 99;
    }
    if (mode.resign) {
        auditlog_sign_with(&node.log, 1, 0);
    }
}

static bool capsule_at(uint64_t i, struct nos_capsule_info *c)
{
    static const char *const names[] = { "init", "shell", "crashme" };
    if (i >= 3) {
        return false;
    }
    *c = (struct nos_capsule_info){ .id = (uint32_t)(i + 1),
                                    .state = NOS_CAPSULE_RUNNING,
                                    .threads = 1,
                                    .handles = 2,
                                    .mem_pages = 20,
                                    .mem_limit = 100,
                                    .classes = 0x1b };
    PUT_TEXT(c->name, names[i]);
    if (i == 2) {
        c->state = NOS_CAPSULE_CRASHED;
        c->exit_code = NOS_CRASH_DIVIDE;
        PUT_TEXT(c->fault_symbol, "main+0x12");
    }
    return true;
}

static bool handle_at(uint64_t index, struct nos_handle_info *h)
{
    uint64_t n = index & 0xffffffff;
    if (index >> 32 < 1 || index >> 32 > 2 || n >= 2) {
        return false;
    }
    *h = (struct nos_handle_info){ .handle = (uint32_t)(0x10001 + n),
                                   .type = NOS_TYPE_ENDPOINT,
                                   .rights = NOS_RIGHT_CALL | NOS_RIGHT_DUP,
                                   .origin = NOS_ORIGIN_POLICY,
                                   .object = n };
    PUT_TEXT(h->name, n == 0 ? "console" : "init");
    if (index >> 32 == 2 && n == 0) {  // made from the first capsule's, and cut
        h->origin = NOS_ORIGIN_DERIVE;
        h->cell[0] = UINT64_C(9) << 32 | 1;
        h->flags = NOS_HANDLE_REVOKED;
        h->badge = 0x2a;
        h->payer = 1;
    }
    return true;
}

static bool module_at(uint64_t i, struct nos_module_info *m)
{
    if (i >= 2) {
        return false;
    }
    *m = (struct nos_module_info){ .status = i == 0 ? NOS_OK : NOS_HASH_CHUNK,
                                   .version = 1ull << 32 | 2 << 16 | 3 };
    PUT_TEXT(m->name, i != 0 ? "BAD.MOD" : mode.lies ? "in\x1b[2Jit" : "init");
    PUT_TEXT(m->semver, "1.2.3");
    return true;
}

static size_t put(uint8_t *out, const void *rec, size_t size)
{
    memcpy(out, rec, size);
    return size;
}

static nos_status_t log_at(uint64_t index, uint8_t *out, size_t *len)
{
    struct nos_log_head h = { .from = mode.drop && index == 0 ? 12 : index,
                              .end = sizeof(log_text) - 1 };
    if (h.from > h.end) {
        h.from = h.end;
    }
    size_t n = h.end - h.from < 10 ? h.end - h.from : 10;  // small pieces: lines come in parts
    memcpy(out, &h, sizeof(h));
    memcpy(out + sizeof(h), log_text + h.from, n);
    *len = sizeof(h) + n;
    return NOS_OK;
}

/* `lies`: what was started last lacks something, over and over. */
static void lie(struct nos_audit_entry *e)
{
    *e = (struct nos_audit_entry){
        .rec = { .seq = node.log.head.next, .kind = NOS_AUDIT_GRANT, .actor = 9 },
        .body = { .status = NOS_GRANT_NO_RULE, .a = (uint64_t)NOS_CAP_LOG << 32 },
    };
}

static nos_status_t info(uint64_t topic, uint64_t index, uint8_t *out, size_t *len)
{
    struct nos_capsule_info c;
    struct nos_handle_info h;
    struct nos_module_info m;
    struct nos_audit_entry e;
    struct nos_mem_info mem = {
        .usable = 1 << 29, .free = 1 << 28, .used = 1 << 28, .n_capsules = 3
    };
    *len = 0;
    if (topic == NOS_TOPIC_ABOUT) {
        *len = put(out, &node.about, sizeof(node.about) - (mode.old ? 8 : 0));
    } else if (topic == NOS_TOPIC_CAPSULES && capsule_at(index, &c)) {
        *len = put(out, &c, sizeof(c));
    } else if (topic == NOS_TOPIC_HANDLES && handle_at(index, &h)) {
        *len = put(out, &h, sizeof(h));
    } else if (topic == NOS_TOPIC_MODULES && module_at(index, &m)) {
        *len = put(out, &m, sizeof(m));
    } else if (topic == NOS_TOPIC_MEM) {
        *len = put(out, &mem, sizeof(mem));
    } else if (topic == NOS_TOPIC_LOG) {
        return log_at(index, out, len);
    } else if (topic == NOS_TOPIC_AUDIT && index < node.log.n) {
        *len = put(out, &node.log.e[index], sizeof(node.log.e[0]));
    } else if (topic == NOS_TOPIC_AUDIT && mode.lies) {
        lie(&e);
        *len = put(out, &e, sizeof(e));
    } else if (topic == NOS_TOPIC_AUDIT_HEAD) {
        *len = put(out, &node.log.head, sizeof(node.log.head));
    } else if (topic == NOS_TOPIC_CHECKPOINT && index < node.log.n_k) {
        *len = put(out, &node.log.k[index], sizeof(node.log.k[0]));
    } else if (topic == NOS_TOPIC_CRASH && index <= 7) {
        struct nos_crash_record r;
        golden_crash(&r);
        r.n_trace = mode.tamper ? 100 : r.n_trace;
        *len = put(out, &r, sizeof(r));
    }
    return *len > 0 ? NOS_OK : NOS_NOT_FOUND;
}

static nos_status_t upload(span_t args)
{
    uint64_t off;
    span_t bytes;
    if (!span_le64(args, 0, &off) || !span_from(args, 8, &bytes) ||
        off + bytes.len > NOS_MG_UPLOAD_MAX) {
        return NOS_BAD_MESSAGE;
    }
    node.staged_len = off == 0 ? 0 : node.staged_len;
    if (off < node.staged_len) {
        return NOS_INVALID;
    }
    node.staged = realloc(node.staged, off + bytes.len);
    memset(node.staged + node.staged_len, 0, off - node.staged_len);
    memcpy(node.staged + off, bytes.data, bytes.len);
    node.staged_len = off + bytes.len;
    return NOS_OK;
}

static nos_status_t load(span_t args, uint8_t *out, size_t *len)
{
    static struct mod_hasher hasher;
    struct mod_view v;
    uint8_t hash[32];
    uint64_t size;
    blake3_hash(span_of(node.staged, node.staged_len), hash);
    if (!span_le64(args, 0, &size) || size != node.staged_len ||
        memcmp(hash, args.data + 8, 32) != 0) {
        return NOS_IO_ERROR;
    }
    nos_status_t st = mod_extract(span_of(node.staged, node.staged_len), &v);
    if (st == NOS_OK) {
        st = mod_check_hashes(&hasher, &v);
    }
    if (st == NOS_OK) {
        mod_id(&v, out);
        store_le32(out + 32, args.data[40] == 1 ? 9 : 0);
        *len = 36;
    }
    return st;
}

/* With FAKE_HOLDER in the environment, a public key, handle 2 has a token that this key may extend.
 */
static void let_go_on(uint32_t handle, struct token *t)
{
    const char *hex = getenv("FAKE_HOLDER");
    if (handle == 2 && hex != NULL && hex_decode(hex, strlen(hex), MSPAN_OF(t->next_pk))) {
        t->rights |= NOS_RIGHT_TRANSFER;
        t->depth = TOKEN_DEPTH_MAX;
    }
}

static nos_status_t token(span_t args, uint8_t *out, size_t *len)
{
    struct token t = { .kind = NOS_TYPE_ENDPOINT,
                       .classes = 1,
                       .rights = NOS_RIGHT_CALL,
                       .nbf = 5,
                       .exp = UPTIME_S * UINT64_C(2000000000) };
    uint8_t msg[TOKEN_SIGNED_BYTES];
    if (load_le32(args.data) != 1) {
        return NOS_NOT_FOUND;
    }
    let_go_on(load_le32(args.data + 4), &t);
    token_write(&t, out);
    token_signed_bytes(NULL, out, msg);
    ed25519_sign(out + TOKEN_BODY, SPAN_OF(msg), node.issuer_sk);
    *len = TOKEN_BYTES;
    return NOS_OK;
}

static nos_status_t command(uint16_t verb, span_t args, uint8_t *out, size_t *len)
{
    switch (verb) {
    case NOS_MG_LOAD:
        return load(args, out, len);
    case NOS_MG_START:
        store_le32(out, 9);
        *len = 4;
        return memcmp(args.data, "hello", 6) == 0 ? NOS_OK : NOS_NOT_FOUND;
    case NOS_MG_KILL:
        return load_le32(args.data) == 2 ? NOS_OK : NOS_NOT_FOUND;
    case NOS_MG_POWER:
        node.off = true;
        return NOS_OK;
    case NOS_MG_TOKEN:
        return token(args, out, len);
    default:
        return NOS_NOT_SUPPORTED;
    }
}

static nos_status_t answer(const struct frame *f, uint8_t *out, size_t *len)
{
    uint64_t topic, index, counter;
    span_t args;
    *len = 0;
    if (f->verb == NOS_MG_HELLO) {
        *len = put(out, &node.hello, sizeof(node.hello));
        return NOS_OK;
    }
    if (f->verb == NOS_MG_INFO) {
        return span_le64(f->payload, 0, &topic) && span_le64(f->payload, 8, &index)
                   ? info(topic, index, out, len)
                   : NOS_BAD_MESSAGE;
    }
    if (f->verb == NOS_MG_UPLOAD) {
        return upload(f->payload);
    }
    nos_status_t st = mg_verify(f->payload, f->verb, node.hello.nonce, node.hello.counter,
                                node.hello.operator_pk, &args, &counter);
    if (st != NOS_OK) {
        return st;
    }
    node.hello.counter = counter + 1;
    return command(f->verb, args, out, len);
}

static void send_frame(int fd, const struct frame *f)
{
    static uint8_t room[FRAME_MAX];
    size_t len;
    if (frame_encode(f, MSPAN_OF(room), &len) != NOS_OK || write(fd, room, len) != (ssize_t)len) {
        exit(3);
    }
}

static void serve(int fd, const struct frame *f)
{
    static uint8_t out[NOS_MG_PAYLOAD];
    size_t len = 0;
    if (mode.mute || (mode.lose && node.requests++ % 2 == 0)) {
        return;
    }
    nos_status_t st = answer(f, out, &len);
    struct frame a = {
        .flags = NOS_MG_LAST, .verb = f->verb, .seq = f->seq, .status = st, .payload = { out, len }
    };
    if (mode.noise) {
        struct frame old = a;
        old.seq ^= 0x55;
        if (write(fd, "N0NMnoise\0\377", 11) != 11) {
            exit(3);
        }
        send_frame(fd, &old);
        if (len > 1) { /* in two parts: only the last frame ends an answer */
            struct frame part = { .verb = f->verb, .seq = f->seq, .payload = { out, 1 } };
            send_frame(fd, &part);
            a.payload = span_of(out + 1, len - 1);
        }
    }
    send_frame(fd, &a);
}

static void talk(int fd)
{
    struct frame_decoder d;
    uint8_t bytes[512];
    struct frame f;
    ssize_t n;
    frame_decoder_init(&d);
    while (!node.off && (n = read(fd, bytes, sizeof(bytes))) > 0) {
        span_t in = span_of(bytes, (size_t)n);
        while (frame_feed(&d, &in, &f)) {
            serve(fd, &f);
        }
    }
}

static int listen_at(const char *path)
{
    struct sockaddr_un a = { .sun_family = AF_UNIX };
    strncpy(a.sun_path, path, sizeof(a.sun_path) - 1);
    unlink(path);
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    if (fd < 0 || bind(fd, (struct sockaddr *)&a, sizeof(a)) != 0 || listen(fd, 4) != 0) {
        perror(path);
        exit(3);
    }
    return fd;
}

static void set_mode(const char *word)
{
    mode.noise |= strcmp(word, "noise") == 0;
    mode.mute |= strcmp(word, "mute") == 0;
    mode.lose |= strcmp(word, "lose") == 0;
    mode.tamper |= strcmp(word, "tamper") == 0;
    mode.resign |= strcmp(word, "resign") == 0;
    mode.drop |= strcmp(word, "drop") == 0;
    mode.old |= strcmp(word, "old") == 0;
    mode.fork |= strcmp(word, "fork") == 0;
    mode.cut |= strcmp(word, "cut") == 0;
    mode.lies |= strcmp(word, "lies") == 0;
}

int main(int argc, char **argv)
{
    if (argc < 3 || !hex_decode(argv[2], strlen(argv[2]), MSPAN_OF(node.hello.operator_pk))) {
        fprintf(stderr, "usage: fakenode SOCKET OPERATOR_HEX [MODE...]\n");
        return 2;
    }
    for (int i = 3; i < argc; i++) {
        set_mode(argv[i]);
    }
    alarm(300);
    node.hello.proto = 1;
    node.hello.payload_max = NOS_MG_PAYLOAD;
    node.hello.counter = 1;
    memset(node.hello.nonce, 0x42, 32);
    make_about();
    make_audit();
    int at = listen_at(argv[1]);
    while (!node.off) {
        int fd = accept(at, NULL, NULL);
        talk(fd);
        close(fd);
    }
    unlink(argv[1]);
    free(node.staged);
    return 0;
}
