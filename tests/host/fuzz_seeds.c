/* What the fuzzers start from: a good file of each kind, written to FOLDER/TARGET/. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "abi/bootinfo.h"
#include "abi/fs.h"
#include "abi/broker.h"
#include "abi/manage.h"
#include "abi/services.h"
#include "abi/signer.h"
#include "abi/crash.h"
#include "abi/postmortem.h"
#include "lib/token.h"
#include "tests/host/auditlog.h"
#include "tests/host/golden.h"
#include "tests/host/goldwad.h"

static const char *folder;

/* Write and free. */
static void seed(const char *target, const char *name, struct buf b)
{
    char path[512];

    snprintf(path, sizeof path, "%s/%s", folder, target);
    mkdir(path, 0755);
    snprintf(path, sizeof path, "%s/%s/%s", folder, target, name);
    FILE *f = fopen(path, "wb");
    if (f == NULL || fwrite(b.data, 1, b.len, f) != b.len || fclose(f) != 0) {
        perror(path);
        exit(1);
    }
    buf_free(&b);
}

static struct buf trust_section(void)
{
    struct trust_view t = golden_trust(3, 2);
    struct buf b = buf_new(TRUST_BYTES);
    trust_write(&t, b.data);
    return b;
}

/* RSDP, XSDT, FADT, DSDT and MADT behind one another, from physical 0x10000 on; the target mends
 * the checksums. */
static struct buf acpi_memory(void)
{
    static const uint8_t s5[] = { 0x08, '_',  'S',  '5',  '_',  0x12, 0x08,
                                  0x04, 0x0a, 0x05, 0x0a, 0x05, 0x00, 0x00 };
    static const uint8_t madt[] = { 0,    8, 0, 0, 1, 0, 0,  0, 1, 12, 0, 0, 0, 0, 0xc0,
                                    0xfe, 0, 0, 0, 0, 2, 10, 0, 0, 2,  0, 0, 0, 0, 0 };
    struct buf b = buf_new(0x300);
    uint8_t *p = b.data;

    memcpy(p, "RSD PTR ", 8);
    p[15] = 2;
    store_le32(p + 20, 36);
    store_le64(p + 24, 0x10040);
    memcpy(p + 0x40, "XSDT", 4);
    store_le32(p + 0x44, 36 + 16);
    store_le64(p + 0x40 + 36, 0x10100);
    store_le64(p + 0x40 + 44, 0x10280);
    memcpy(p + 0x100, "FACP", 4);
    store_le32(p + 0x104, 244);
    store_le32(p + 0x100 + 40, 0x10200);
    store_le32(p + 0x100 + 64, 0x604);
    memcpy(p + 0x200, "DSDT", 4);
    store_le32(p + 0x204, 36 + sizeof s5);
    memcpy(p + 0x200 + 36, s5, sizeof s5);
    memcpy(p + 0x280, "APIC", 4);
    store_le32(p + 0x284, 44 + sizeof madt);
    memcpy(p + 0x280 + 44, madt, sizeof madt);
    return b;
}

/* One that broke: it has no check, so that changes get further. */
static struct buf postmortem(void)
{
    struct {
        struct nos_pm_head head;
        struct nos_pm_record record;
        uint8_t bytes[8];
    } b = { { .magic = NOS_PM_MAGIC, .version = NOS_PM_VERSION, .len = 24, .records = 1 },
            { .len = 5 },
            "about" };
    return buf_copy(span_of(&b, sizeof b));
}

static void audit_seeds(void)
{
    static struct auditlog l;
    static uint8_t room[1 << 16];
    char text[AUDIT_NOTE_MAX];
    struct fmt f;

    auditlog_make(&l, 12, 5);
    auditlog_drop(&l, 3);
    l.old[l.n_old++] = 0;
    l.old[l.n_old++] = 2;
    size_t len = auditlog_file(&l, room);
    seed("audit", "log", buf_copy(span_of(room, len)));
    FMT_INIT(&f, text);
    audit_note(&f, l.head.boot_id, &l.k[1]);
    seed("audit", "note", buf_copy(fmt_text(&f)));
    struct nos_audit_proof p = { .magic = NOS_MAGIC_AUDIT_PROOF, .n_checkpoints = 1, .n_items = 2 };
    struct nos_audit_item i[2] = { { .rec = l.e[9].rec }, { .rec = l.e[8].rec } };
    size_t at = 0;
    memcpy(p.boot_id, l.head.boot_id, 32);
    memcpy(p.key0, l.head.key0, 32);
    memcpy(room, &p, sizeof p);
    memcpy(room + (at += sizeof p), &l.k[0], sizeof l.k[0]);
    memcpy(room + (at += sizeof l.k[0]), i, sizeof i);
    at += sizeof i;
    audit_file_check(span_of(room, at), room + at);
    seed("audit", "proof", buf_copy(span_of(room, at + AUDIT_CHECK_BYTES)));
}

/* What two clients of memfs ask: fuzz/fuzz_memfs.c has the layout. */
static struct buf memfs_requests(void)
{
    enum { RW = NOS_FS_READABLE | NOS_FS_WRITABLE, STEP = 48 };
    static const struct {
        uint8_t who, n, op;
        char text[6];
        uint64_t word[5];
    } ask[] = {
        { 0, 3, NOS_FS_MKDIR, "d", { 0, 1, 0755 } },
        { 0, 3, NOS_FS_CHMOD, "d", { 0, 0700, 1 } },
        { 0, 3, NOS_FS_OPEN, "a", { 0, RW | NOS_FS_CREATE, 1 } },
        { 0, 3, NOS_FS_WRITE, "text", { 1, 0, 100 } },
        { 1, 3, NOS_FS_OPEN, "a", { 0, NOS_FS_READABLE, 1 } },
        { 1, 3, NOS_FS_READ, "", { 1, 0, 200 } },
        { 1, 2, NOS_FS_MAP, "", { 1, 0 } },
        { 0, 0, 23, "", { 1, 2 } },
        { 0x80, 3, NOS_FS_READ, "", { 1, UINT64_MAX - 1, 9 } },
        { 0, 2, NOS_FS_SEEK, "", { 1, UINT64_MAX - 1 } },
        { 0, 4, NOS_FS_LOCK, "", { 1, NOS_FS_ALONE, 0, 9 } },
        { 0, 3, NOS_FS_SYMLINK, "d/la", { 0, 3, 1 } },
        { 0, 4, NOS_FS_RENAME, "ad/b", { 0, 1, 0, 3 } },
        { 0, 5, NOS_FS_LINK, "d/bc", { 0, 0, 3, 0, 1 } },
        { 1, 3, NOS_FS_LIST, "", { 0, 0, 200 } },
        { 0, 3, NOS_FS_STAT, "d/l", { 0, 0, 3 } },
        { 0, 3, NOS_FS_UNLINK, "d/b", { 0, 0, 3 } },
        { 0, 2, NOS_FS_TRUNCATE, "", { 1, 50 } },
        { 0, 1, NOS_FS_CLOSE, "", { 1 } },
        { 1, 1, NOS_FS_CLOSE, "", { 2 } },
        { 1, 1, NOS_FS_CLOSE, "", { 1 } },
    };
    static uint8_t out[sizeof ask / sizeof ask[0]][STEP];

    for (size_t i = 0; i < sizeof ask / sizeof ask[0]; i++) {
        out[i][0] = (uint8_t)(ask[i].who | ask[i].n << 1);
        out[i][1] = ask[i].op;
        memcpy(out[i] + 3, ask[i].text, 5);
        for (size_t w = 0; w < 5; w++) {
            store_le64(out[i] + 8 + 8 * w, ask[i].word[w]);
        }
    }
    return buf_copy(SPAN_OF(out));
}

/* What three capsules do with handles: fuzz/fuzz_pass.c has the layout. */
static void pass_seeds(void)
{
    enum { PASS = 0, MAKE = 1, DERIVE = 3, REVOKE = 7, MAP = 8, RETIRE = 9, LIMITS = 12, END = 13 };
    enum { COPY = 0, MOVE = 4, NOTE = 1, POWER = 2, REGION_1 = 129 /* what is made */ };
    static const uint8_t talk[] = {
        MAKE, 0, NOTE,     0, 0,                          // party 0's handles 0, 1, 2
        MAKE, 0, POWER,    0, 0,                          //
        MAKE, 0, REGION_1, 0, 0,                          //
        MAP,  0, 2,                                       //
        PASS, 3, 0,        1, 0, COPY, 1, COPY, 2, MOVE,  // to party 1
        PASS, 1, 1,        2, 2, MOVE,                    // on to party 2
        PASS, 1, 0,        1, 0, MOVE,                    //
        PASS, 2, 1,        1, 0, COPY, 1, COPY,           // to itself
    };
    static const uint8_t cut[] = {
        MAKE,   0, NOTE,  0, 0,        //
        DERIVE, 0, 0,     0, 9,        //
        PASS,   1, 0,     1, 1, COPY,  //
        REVOKE, 0, 1,                  //
        PASS,   1, 1,     2, 0, COPY,  // a dead one
        RETIRE,                        //
        MAKE,   2, POWER, 0, 0,        //
        LIMITS, 1, 5,                  // no class Io
        PASS,   1, 2,     1, 0, MOVE,  //
        END,    0,                     //
    };
    seed("pass", "talk", buf_copy(SPAN_OF(talk)));
    seed("pass", "cut", buf_copy(SPAN_OF(cut)));
}

/* A map with files in the loader's frames, and words that lie: fuzz/fuzz_bootinfo.c has the layout.
 */
static void bootinfo_seeds(void)
{
    enum { FILE = 70, POLICY = 68, KERNEL = 69, LOADER = NOS_MEM_LOADER, FREE = NOS_MEM_FREE };
    static const uint8_t map[] = { FREE + 70, 20,   1,           LOADER, 30,     0,    FILE, 2,
                                   64,        FILE, 5,           100,    POLICY, 9,    1,    KERNEL,
                                   12,        200,  NOS_MEM_NVS, 3,      1,      FREE, 90,   0,
                                   LOADER,    4,    0,           FREE,   50,     2 };
    uint8_t lies[1 + 10] = { 0 };

    store_le16(lies + 1, offsetof(struct nos_bootinfo, symbols_len));
    store_le64(lies + 3, 1 << 20);
    seed("bootinfo", "map", buf_copy(SPAN_OF(map)));
    seed("bootinfo", "lies", buf_copy(SPAN_OF(lies)));
}

/* What capsules say to services: fuzz/fuzz_signer.c has the layout. */
static size_t request(uint8_t *out, uint64_t label, uint8_t who, span_t words)
{
    memset(out, 0, 8);
    out[0] = (uint8_t)label;
    store_le16(out + 1, (uint16_t)(label >> 8));
    out[3] = who;
    out[4] = (uint8_t)(words.len / 8);
    store_le16(out + 5, 5000);
    out[7] = who;
    memcpy(out + 8, words.data, words.len);
    return 8 + words.len;
}

static struct buf signer_requests(void)
{
    static const uint8_t sign[40] = "release/1.0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0text";
    static const uint8_t first[8] = { 1 };
    uint8_t out[256];

    size_t n = request(out, NOS_SIGNER_KEY, 0, span_of(sign, 0));
    n += request(out + n, NOS_SIGNER_SIGN | 4 << 8, 1, SPAN_OF(sign));
    n += request(out + n, NOS_SIGNER_SIGN, 2, span_of(sign, 32));
    n += request(out + n, NOS_SIGNER_LOG, 0, SPAN_OF(first));
    return buf_copy(span_of(out, n));
}

static struct buf broker_requests(void)
{
    uint8_t out[1024], put[14 * 8] = { 0 }, get[32] = { 0 }, zero[8] = { 0 };
    size_t n = 0;

    memcpy(put, "db", 2);
    store_le64(put + 16, 5000);
    memcpy(put + 32, "api", 3);
    memcpy(put + 48, "web", 3);
    memcpy(put + 96, "secret bytes", 12);
    memcpy(get, "web", 3);
    memcpy(get + 16, "db", 2);
    for (uint8_t who = 0; who < 3; who++) {
        n += request(out + n, NOS_BROKER_PUT | 12 << 8, who, SPAN_OF(put));
        n += request(out + n, NOS_BROKER_GET, who, SPAN_OF(get));
        n += request(out + n, NOS_BROKER_LIST, who, SPAN_OF(zero));
    }
    n += request(out + n, NOS_BROKER_DELETE, 0, span_of(put, 16));
    return buf_copy(span_of(out, n));
}

/* ---- what is said to a capsule in a world of the fuzzer's: fuzz/world/ reads it ---- */

struct script {
    uint8_t bytes[20000];
    size_t len;
};

static void say(struct script *s, span_t bytes)
{
    memcpy(s->bytes + s->len, bytes.data, bytes.len);
    s->len += bytes.len;
}

static void say_byte(struct script *s, uint8_t b)
{
    s->bytes[s->len++] = b;
}

static void say_word(struct script *s, uint64_t w)
{
    uint8_t eight[8];

    say_byte(s, w < 240 ? (uint8_t)w : 255);
    if (w >= 240) {
        store_le64(eight, w);
        say(s, SPAN_OF(eight));
    }
}

enum { REGION = 0, ENDPOINT = 1, NOTIFICATION = 2, PAGES_16 = 15 * 4, NO_MAPPING = 31 };

/* An answer with the status OK. */
static void say_answer(struct script *s, const uint64_t *word, uint8_t n, span_t handles)
{
    const uint8_t head[] = { 0, NO_MAPPING, 0, (uint8_t)handles.len, n, 0 };

    say(s, SPAN_OF(head));
    for (uint8_t i = 0; i < n; i++) {
        say_word(s, word[i]);
    }
    for (size_t i = 0; i < handles.len; i++) {
        say_byte(s, handles.data[i]);
        say_byte(s, 0);
    }
}

/* A message that comes; of capsule 3, which waits for its answer. */
static void say_message(struct script *s, uint64_t label, span_t words)
{
    const uint8_t head[] = { 0, NO_MAPPING, 0, 255, 0, (uint8_t)(words.len / 8) };

    say(s, SPAN_OF(head));
    if (label < 0x10000) {
        say_word(s, label);
    } else {
        s->bytes[s->len - 2] |= 0x10;
        say_word(s, label & 0xff);
        say_word(s, label >> 8);
    }
    say_byte(s, 3);
    say_byte(s, 1);
    for (size_t i = 0; i + 8 <= words.len; i += 8) {
        say_word(s, load_le64(words.data + i));
    }
}

static void say_notification(struct script *s, uint64_t bits)
{
    static const uint8_t head[] = { 0, NO_MAPPING, 0, 255, 8 };

    say(s, SPAN_OF(head));
    say_word(s, bits);
}

static void replies_seeds(void)
{
    static const uint8_t session[] = { ENDPOINT, REGION | PAGES_16, ENDPOINT };
    static const uint8_t region[] = { REGION };
    const uint64_t window[] = { NOS_FS_WINDOW }, done[] = { 5, 6 };
    struct script s = { .len = 0 };

    say_byte(&s, 0);  // try_files: a session, a map, a copy, a loan
    say_answer(&s, window, 1, SPAN_OF(session));
    say(&s, span_of("\0\1\2\1", 4));
    say_answer(&s, done, 2, SPAN_OF(region));
    say(&s, span_of("\5\0\5\0", 4));
    say_answer(&s, window, 1, SPAN_OF(session));
    seed("replies", "files", buf_copy(span_of(s.bytes, s.len)));
    s.len = 0;
    say_byte(&s, 0);  // a map that is refused, with a region all the same
    say_answer(&s, window, 1, SPAN_OF(session));
    say(&s, span_of("\0\1\2\1", 4));
    say_answer(&s, done, 2, SPAN_OF(region));
    s.bytes[s.len - 5] = 255 - 6;  // the label
    seed("replies", "refused", buf_copy(span_of(s.bytes, s.len)));
    for (uint8_t part = 1; part < 6; part++) {
        char name[] = "part0";
        name[4] = (char)('0' + part);
        s.len = 0;
        say_byte(&s, part);
        for (int i = 0; i < 6; i++) {
            say_answer(&s, done, 2, SPAN_OF(region));
        }
        seed("replies", name, buf_copy(span_of(s.bytes, s.len)));
    }
}

/* Two words of text and a pipe, which is then read and written; or of which there is no other half
 * to be had. */
static void kit_seeds(void)
{
    static const uint8_t first[] = { REGION | PAGES_16, NOTIFICATION, NOTIFICATION },
                         life[] = { ENDPOINT, ENDPOINT };
    const uint64_t text[] = { 7, 1, 1, 0x623d410061 }, pipe[] = { 0, NOS_KIT_PIPE, 0 };

    for (uint8_t whole = 0; whole < 2; whole++) {
        struct script s = { .len = 0 };
        say_byte(&s, 0);  // what the handle is that it was given
        say_answer(&s, text, ARRAY_LEN(text), span_of("", 0));
        say_answer(&s, pipe, ARRAY_LEN(pipe), SPAN_OF(first));
        say_answer(&s, pipe, whole, SPAN_OF(life));
        if (whole == 0) {
            s.bytes[s.len - 10] = 246;  // that call: NOT_FOUND
        }
        say(&s, span_of("\0\0\0\0\366", 5));  // its memory; the end of the list
        s.len += 30;
        seed("kit", whole != 0 ? "pipe" : "half", buf_copy(span_of(s.bytes, s.len)));
    }
}

static void console_seeds(void)
{
    struct script s = { .len = 0 };
    uint8_t text[16] = "some text\n\x1b[7m";

    memset(s.bytes, 0, 2);  // notification, bound
    s.len = 2;
    say(&s, span_of("\0\0", 2));  // the line, bound
    say_message(&s, NOS_CONSOLE_WRITE | 13 << 8, SPAN_OF(text));
    say_message(&s, NOS_CONSOLE_READ | 100 << 8, span_of("", 0));
    say_notification(&s, 1);
    say(&s, span_of("\5typed", 6));
    say_message(&s, NOS_CONSOLE_STREAM, span_of("", 0));
    say_notification(&s, NOS_CONSOLE_RING);
    seed("console", "session", buf_copy(span_of(s.bytes, s.len)));
}

/* A port with a lifeline; datagrams from it to itself, of which one is fetched; its end. And what
 * is no request but brings a handle. */
static void loopback_seeds(void)
{
    enum { SHAPE = 4, ALL_BUT_INSPECT = 251 };
    static const uint8_t fine[] = { 0, NO_MAPPING, 0 }, line[] = { ENDPOINT, ALL_BUT_INSPECT };
    const uint64_t port[] = { 7 }, data[] = { 7 | 7 << 16, 0x74786574 };

    for (unsigned kept = 0; kept < 2; kept++) {
        struct script s = { .len = 0 };
        say_message(&s, NOS_NET_BIND | kept << 8, SPAN_OF(port));
        s.bytes[SHAPE] |= 1;
        say(&s, SPAN_OF(line));
        say(&s, SPAN_OF(fine));        // answered
        say(&s, SPAN_OF(fine));        // it lives
        for (int i = 0; i < 3; i++) {  // one more than a sender may have in a queue
            say_message(&s, NOS_NET_SEND | 4 << 8, SPAN_OF(data));
            say(&s, SPAN_OF(fine));
            say(&s, SPAN_OF(fine));
        }
        say_message(&s, NOS_NET_RECV, SPAN_OF(port));
        say(&s, SPAN_OF(fine));
        say_message(&s, NOS_NET_CLOSE, SPAN_OF(port));
        say(&s, SPAN_OF(fine));
        seed("loopback", kept == 0 ? "datagram" : "kept", buf_copy(span_of(s.bytes, s.len)));
    }
}

/* A request of memfs's first client, who writes 8 bytes to its window before. `waits`: the service
 * has answered the last one already. */
static void say_file_request(struct script *s, const char *text, bool waits, uint64_t label,
                             span_t words)
{
    uint8_t window[8] = { 0 };

    memcpy(window, text, strlen(text));
    say(s, span_of("\0\0\0", 3));
    say_word(s, load_le64(window));
    if (waits) {
        say_byte(s, 255);
    }
    say_byte(s, 0x40);
    say_byte(s, (uint8_t)(words.len / 8));
    say_word(s, label);
    say(s, span_of("\3\1", 2));
    for (size_t i = 0; i + 8 <= words.len; i += 8) {
        say_word(s, load_le64(words.data + i));
    }
}

static void doors_seeds(void)
{
    enum { START = 12, RW = NOS_FS_READABLE | NOS_FS_WRITABLE };
    const uint64_t file[] = { 0, RW | NOS_FS_CREATE, 1 }, bytes[] = { 1, 0, 100 },
                   loan[] = { 1, 9 };
    const uint64_t map[] = { 1, 0 };
    struct script s = { .len = START };

    memset(s.bytes, 0, START);  // the watch, two doors of one share, one of another, the wads'
    say_message(&s, NOS_FS_ATTACH, span_of("", 0));
    memset(s.bytes + s.len, 0, 6);  // window and handles
    s.len += 6;
    say(&s, span_of("\0\37\0\0\37\0\0", 7));  // it takes the answer, and lives; the watch is told
    say_file_request(&s, "a", true, NOS_FS_OPEN, SPAN_OF(file));
    say_file_request(&s, "text", false, NOS_FS_WRITE, SPAN_OF(bytes));
    say_file_request(&s, "", false, NOS_FS_READ, SPAN_OF(bytes));
    say_file_request(&s, "", false, NOS_FS_MAP, SPAN_OF(map));
    say(&s, span_of("\0\0\37\0", 4));
    say_file_request(&s, "", true, NOS_FS_LEND, SPAN_OF(loan));
    memset(s.bytes + s.len, 0, 6);
    s.len += 6;
    say(&s, span_of("\0\37\0", 3));
    say_notification(&s, 1);
    say(&s, span_of("\373\373", 2));  // one has gone
    seed("doors", "session", buf_copy(span_of(s.bytes, s.len)));
}

/* Of an operator, with the first counters. */
enum { OPENED = 3 /* calls until it serves: none fails */ };

struct ask {
    uint8_t verb, counter; /* 0: not signed */
    span_t args;
    span_t calls; /* how each system call ends that it leads to */
};

static void say_request(struct script *s, const struct ask *a, uint8_t how)
{
    say_notification(s, 1);
    say_byte(s, a->counter != 0 ? how | 3 : 1);
    say_word(s, a->verb);
    say_word(s, a->counter);
    say_byte(s, (uint8_t)a->args.len);
    say(s, a->args);
    say(s, a->calls);
    say_byte(s, 0);  // the interrupt is acknowledged
}

/* What is staged is given to the kernel, which takes it, refuses it, has no memory, twice. */
static void manage_loads(void)
{
    enum { HASHED = 4 };
    static const uint8_t status[] = { 0, 249, 240, 240 }, args[8 + 32 + 1] = { 0 };
    const struct ask first = { .verb = NOS_MG_UPLOAD,
                               .args = SPAN_LIT("\0\0\0\0\0\0\0\0mod"),
                               .calls = SPAN_LIT("\0\0") /* a region, which is mapped */ },
                     last = { .verb = NOS_MG_UPLOAD,
                              .args = SPAN_LIT("\xf0\0\0\0\0\0\0\0end"),
                              .calls = SPAN_LIT("") };
    struct script s = { .len = OPENED };

    memset(s.bytes, 0, s.len);
    for (uint8_t i = 0; i < sizeof status; i++) {
        const struct ask load = { NOS_MG_LOAD, (uint8_t)(i + 1), SPAN_OF(args),
                                  span_of(&status[i], 1) };
        say_request(&s, &first, 0);
        say_request(&s, &last, 0);
        say_request(&s, &load, HASHED);
    }
    say_request(&s, &first, 0);
    seed("manage", "loads", buf_copy(span_of(s.bytes, s.len)));
}

static void manage_seeds(void)
{
#define ASK(verb, counter, args, calls) \
    { \
        verb, counter, SPAN_LIT(args), SPAN_LIT(calls) \
    }
    const struct ask ask[] = {
        ASK(NOS_MG_HELLO, 0, "", ""),
        ASK(NOS_MG_INFO, 0, "\1\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", "\0\0"),
        ASK(NOS_MG_UPLOAD, 0, "\0\0\0\0\0\0\0\0file", "\0\0"),
        ASK(NOS_MG_START, 1, "web\0\0\0\0\0\0\0\0\0\0\0\0\0arg", "\0\37\0\0\1\0\5"),
        ASK(NOS_MG_KILL, 2, "\5\0\0\0", "\0\37\0\0\0\0"),
        ASK(NOS_MG_DEBUG, 3, "\5\0\0\0\5\0\0\0", "\0\0\0"),
        ASK(NOS_MG_POWER, 4, "\1\0\0\0", ""),
    };
    struct script s = { .len = OPENED };

    memset(s.bytes, 0, s.len);
    for (size_t i = 0; i < sizeof ask / sizeof ask[0]; i++) {
        say_request(&s, &ask[i], 0);
    }
    manage_loads();
    seed("manage", "operator", buf_copy(span_of(s.bytes, s.len)));
    for (size_t i = 0; i < sizeof ask / sizeof ask[0]; i++) {
        char name[] = "verb0";
        uint8_t one[64] = { ask[i].verb };
        name[4] = (char)('0' + i);
        memcpy(one + 2, ask[i].args.data, ask[i].args.len);
        seed("request", name, buf_copy(span_of(one, 2 + ask[i].args.len)));
    }
}

/* A line at the prompt, with `file` behind every path; `calls` is how the calls end that it leads
 * to. What lies between what comes is zeros, by which all is well and nothing comes:
 * fuzz/fuzz_shell.c. */
static void shell_seed(const char *name, span_t file, const char *line, span_t calls)
{
    enum { COMES = 5, TYPED = 1, KEYS = 2, TOLD = 3, ASKED = 4, CONTROLS = 40, PAUSE = 150 };
    struct script s = { .len = 2 };

    store_le16(s.bytes, (uint16_t)file.len);
    say(&s, file);
    s.len += PAUSE;
    say_byte(&s, TYPED);
    say_byte(&s, (uint8_t)strlen(line));
    say(&s, span_of(line, strlen(line)));
    say(&s, calls);
    s.len += PAUSE;
    for (uint8_t op = 0; op < 3; op++) {  // its kit
        say_byte(&s, (uint8_t)(ASKED + COMES * 16 * op));
        s.len += PAUSE;
    }
    say_byte(&s, KEYS + COMES * 4);
    say(&s, SPAN_LIT("y\r\4\3"));
    s.len += PAUSE;
    say_byte(&s, TOLD);
    s.len += PAUSE;
    say_byte(&s, TYPED);
    s.len += 1 + PAUSE;
    say_byte(&s, COMES * (CONTROLS + NOS_CTL_HEALTH));
    say_byte(&s, COMES * (CONTROLS + NOS_CTL_UPGRADE));
    s.len += PAUSE;
    seed("shell", name, buf_copy(span_of(s.bytes, s.len)));
}

static void shell_seeds(void)
{
    static const char *const line[] = {
        "cat <f | cat 2>e >>g; cat *",
        "hello &\rjobs\rfg\rwait",
        "cat &\rcat &\rhello &\rkill 100; jobs; wait",
        "ps | cat; echo $? >>h; modules >m; help",
        "V=1; export W=2; env; unset V; echo $W ${V}; cd /; pwd; cd /rw-common",
        "load memfs; stop memfs; upgrade memfs; caps 3; caps; crash; crash 1",
        "mem; log; audit; about; uptime; clear\r\x1b[A\x1b[B\tst\t \tkill \tcat /c\t",
        "hello && hello || hello; nothing; load nothing; kill nothing",
        "poweroff",
    };
    char name[] = "line0";
    struct buf mod = golden_module_plain();
    // nobody here looks at more of a module
    struct goldwad_part part[] = { goldwad_parts[0], goldwad_parts[5] };

    part[1].bytes = span_of(mod.data, 2 * NOS_MOD_HDR_LEN);
    struct buf wad = goldwad(part, ARRAY_LEN(part), (span_t){ 0 });
    for (size_t i = 0; i < ARRAY_LEN(line); i++) {
        name[4] = (char)('0' + i);
        shell_seed(name, SPAN_LIT("text"), line[i], SPAN_LIT(""));
    }
    shell_seed("module", span_of(mod.data, 2 * NOS_MOD_HDR_LEN), "./m x <f; ./m:x", SPAN_LIT(""));
    // a session; and each time a file, its begin, a region, all of it, for which there is no memory
    shell_seed("memory", span_of(mod.data, 2 * NOS_MOD_HDR_LEN), "./m; ./m",
               SPAN_LIT("\0\0\0\0\0\0\0\0\0\0\0\360\0\0\0\0\0\0\0\0\0\0\360"));
    shell_seed("wad", buf_span(wad), "./w x <f; ./w:hello; ./w:none", SPAN_LIT(""));
    buf_free(&wad);
    buf_free(&mod);
}

static void init_seeds(void)
{
    static const uint8_t modules[] = { 1, 7, 0x22, 0, 3, 0x41, 2, 5, 0, 0,
                                       1, 0, 0,    0, 0, 128,  7, 2, 2 };
    struct script s = { .len = 0 };
    uint8_t name[40] = "b", stop[16] = { 2 };

    say(&s, SPAN_OF(modules));
    memset(s.bytes + s.len, 0, 24);  // watchers are made, what the policy lists is started
    s.len += 24;
    say_message(&s, NOS_INIT_START, span_of(name, 16));
    say_notification(&s, 1);
    say_message(&s, NOS_INIT_NEED, span_of(name, 16));
    name[0] = 2;
    name[8] = 6;
    say_message(&s, NOS_INIT_UPGRADE, span_of(name, 40));
    say_message(&s, NOS_INIT_STOP, SPAN_OF(stop));
    say_message(&s, NOS_INIT_SHUTDOWN, span_of(name, 0));
    seed("init", "day", buf_copy(span_of(s.bytes, s.len)));
}

static void text_seeds(void)
{
    seed("term", "sequences",
         buf_copy(
             SPAN_LIT("12345678901234567890123456789012\x3f"
                      "abc\r\n\x1b[1;31mred\x1b[0m\x1b[2J\x1b[3;4Hx\t\b\x1b[K\x1b[5A\xc3\xa9")));
    seed("prompt", "lines",
         buf_copy(SPAN_LIT(
             "NAME=v\recho \"$NAME\" 'a b' *.c | cat >f 2>&1 &\rls ${NAME}?x; echo $? && w || z\r"
             "\x1b[A\x1b[D\x7f\t\x15\x17\xffline\x7f\r\x04")));
}

/* ---- JSON: files of this tree ---- */

static void source_seed(const char *name, uint8_t kind, const char *path)
{
    struct buf b = buf_new(1 + 20000);
    FILE *f = fopen(path, "rb");
    size_t n = f == NULL ? 0 : fread(b.data + 1, 1, 20000, f);

    if (n == 0 || n == 20000 || fclose(f) != 0) {
        perror(path);
        exit(1);
    }
    b.data[0] = kind;
    b.len = 1 + n;
    seed("source", name, b);
}

static void source_seeds(void)
{
    source_seed("manifest", 0, "modules/echo/manifest.json");
    source_seed("policy", 1, "tests/host/data/policy.json");
    static const char bare[] = "\2{\"name\":\"a\",\"classes\":[\"CoreExec\"],\"caps\":[{\"kind\":"
                               "\"log\",\"//\":\"\xc2\x9b\"}]}"
                               "\0{\"module\":\"a\",\"classes\":[\"CoreExec\"]}";
    seed("source", "rule", buf_copy(span_of(bare, sizeof bare - 1)));  // a comment with a control
    seed("source", "doubled", buf_copy(SPAN_LIT("\0{\"\\u001b[31m\":1,\"\\u001b[31m\":2}")));
    source_seed("wad", 3, "modules/ports/zlib/wad.json");
}

/* Blobs of the least wad, and the manifest that names them: fuzz/fuzz_oci.c has the layout. */
static void oci_seed(const char *name, uint8_t kind, struct buf wad)
{
    struct buf b = buf_new(1 << 16);
    struct wad w;
    struct wad_lump l;
    char text[2048];
    struct fmt f;
    size_t at = 1;

    if (wad_parse(buf_span(wad), &w) != NOS_OK) {
        exit(1);
    }
    FMT_INIT(&f, text);
    fmt_str(&f, "{\"artifactType\":\"application/vnd.n0n.wad.v1\",\"config\":{\"mediaType\":"
                "\"application/vnd.n0n.wad.index.v1\",\"digest\":\"@0\",\"size\":#0},\"layers\":[");
    store_le16(b.data + at, (uint16_t)w.index.len);
    memcpy(b.data + at + 2, w.index.data, w.index.len);
    at += 2 + w.index.len;
    for (uint32_t i = 0; wad_lump(&w, i, &l); i++) {
        store_le16(b.data + at, (uint16_t)l.bytes.len);
        memcpy(b.data + at + 2, l.bytes.data, l.bytes.len);
        at += 2 + l.bytes.len;
        fmt_str(&f, i == 0 ? "" : ",");
        fmt_str(&f, "{\"digest\":\"@");
        fmt_u64(&f, i + 1);
        fmt_str(&f, "\",\"size\":#");
        fmt_u64(&f, i + 1);
        fmt_char(&f, '}');
    }
    fmt_str(&f, "]}");
    b.data[0] = kind;
    store_le16(b.data + at, 0xffff);
    span_t manifest = fmt_text(&f);
    memcpy(b.data + at + 2, manifest.data, manifest.len);
    b.len = at + 2 + manifest.len;
    buf_free(&wad);
    seed("oci", name, b);
}

int main(int argc, char **argv)
{
    if (argc != 2) {
        fprintf(stderr, "usage: make-seeds FOLDER\n");
        return 2;
    }
    folder = argv[1];
    mkdir(folder, 0755);
    seed("mod", "module", golden_module_plain());
    seed("mod", "kernel", golden_kernel(3, 2));
    seed("manifest", "plain", golden_manifest((struct change){ 0 }));
    seed("tlv", "manifest", golden_manifest((struct change){ 0 }));
    seed("tlv", "policy", golden_policy_body((struct change){ 0 }));
    seed("policy", "plain", golden_policy_plain());
    seed("elf", "image", golden_image());
    seed("symbols", "lump", golden_symbols());
    seed("token", "block", golden_token());
    for (uint32_t n = 2; n <= NOS_TOKEN_BLOCKS_MAX; n++) {
        char name[] = "chain0";
        struct token t[NOS_TOKEN_BLOCKS_MAX];
        name[5] = (char)('0' + n);
        golden_blocks(t, n);
        seed("token", name, golden_chain(t, n));
    }
    seed("psf", "one", golden_font1());
    static const uint8_t peer[] = {
        0, 40, 0, 0, 0, 20, 64, 7, 0, 0, 0, 63, 1, 255, 255, 255, 255, 9
    };
    seed("ring", "peer", buf_copy(SPAN_OF(peer)));
    seed("memfs", "requests", memfs_requests());
    seed("signer", "requests", signer_requests());
    seed("broker", "requests", broker_requests());
    bootinfo_seeds();
    pass_seeds();
    replies_seeds();
    kit_seeds();
    console_seeds();
    loopback_seeds();
    doors_seeds();
    manage_seeds();
    shell_seeds();
    init_seeds();
    text_seeds();
    source_seeds();
    seed("psf", "two", golden_font2());
    seed("frame", "frame", golden_frame(SPAN_LIT("hello")));
    seed("trust", "section", trust_section());
    struct nos_crash_record record;
    golden_crash(&record);
    audit_seeds();
    seed("crash", "record", buf_copy(span_of(&record, sizeof record)));
    seed("postmortem", "broke", postmortem());
    seed("gdb", "session",
         buf_copy(SPAN_LIT("$?#3f$g#67$vCont;s:5;c#c5$m100000,40#1e$P10=8877665544332211#36\x03"
                           "$X1000,2:ab#74$qXfer:features:read:target.xml:0,fff#7d$Z0,1000,1#d4")));
    static const uint8_t proof[] = { 1, 0x80, 0, 0, 2, 0, 0, 0, 'p', 'r' };
    // `least` is short enough for a smoke run, which cuts at 20,000 bytes.
    const struct goldwad_part least[] = { goldwad_parts[0], goldwad_parts[3], goldwad_parts[6],
                                          goldwad_parts[7] };
    oci_seed("folder", 0, goldwad(least, ARRAY_LEN(least), (span_t){ 0 }));
    oci_seed("registry", 1, goldwad(least, ARRAY_LEN(least), (span_t){ 0 }));
    seed("wad", "least", goldwad(least, ARRAY_LEN(least), (span_t){ 0 }));
    seed("wad", "all", goldwad_plain(SPAN_OF(proof)));
    struct buf section = trust_section();
    seed("trust", "image", golden_pe(buf_span(section)));
    buf_free(&section);
    struct buf memory = acpi_memory();
    seed("acpi", "fadt", buf_copy(span_of(memory.data + 0x100, 244)));
    seed("acpi", "dsdt", buf_copy(span_of(memory.data + 0x200, 50)));
    seed("acpi", "madt", buf_copy(span_of(memory.data + 0x280, 74)));
    seed("acpi", "memory", memory);
    return 0;
}
