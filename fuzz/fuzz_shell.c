/* The prompt, whole: what is typed, the jobs that it starts, what their programs ask for, and who
 * answers it. The input begins with the file that every path leads to. Services answer as they
 * should, until the input says otherwise; the world has the rest. When no job runs the prompt holds
 * no handle and no memory but its own, its sessions' and its stream's. */
#include "abi/fs.h"
#include "abi/info.h"
#include "fuzz/fuzz.h"
#include "fuzz/world/world.h"
#include "lib/crypto/blake3.h"
#include "lib/text.h"
#include "modules/shell/job.h"
#include "modules/shell/shell.h"
#include "sdk/ipc.h"
#include "sdk/start.h"

enum { CONSOLE = 1, INIT, OWN, NODE, POWER, RW, RO, N_START = RO };
enum {
    SELF = 5,
    SUPERVISOR = 1,
    MEMFS_ID = 3,
    FIRST_ID = 100,
    SHARES = 2,
    OTHERS = 240, /* a byte from there on: the answer is the world's */
    BASE = N_START + 3 /* note, bell, thread */,
    FILES = 64,
    FIRST_FILE = 1000,
};

static span_t file;           // that every path leads to
static uint8_t id[32];        // of what was given to the kernel last
static uint32_t next_id;      // of capsules
static uint32_t window;       // of the session that was begun last
static uint32_t session[16];  // handles that are one's
static unsigned n_sessions;
static uint64_t opened[FILES];  // by which session; 0: it is closed
static uint64_t n_files;

/* ---- files ---- */

static bool is_session(uint64_t h)
{
    for (unsigned i = 0; i < ARRAY_LEN(session); i++) {
        if (session[i] != 0 && session[i] == h) {
            return true;
        }
    }
    return false;
}

/* Files end with their session. */
static void forget_session(uint64_t h)
{
    for (unsigned i = 0; i < ARRAY_LEN(session); i++) {
        session[i] = session[i] == h ? 0 : session[i];
    }
    for (unsigned i = 0; i < FILES; i++) {
        opened[i] = opened[i] == h ? 0 : opened[i];
    }
}

static bool all_closed(void)
{
    for (unsigned i = 0; i < FILES; i++) {
        if (opened[i] != 0) {
            return false;
        }
    }
    return true;
}

/* ---- the kernel ---- */

static bool module(uint64_t index, struct nos_module_info *out)
{
    static const char *const name[] = { "memfs", "hello", "cat", "" };

    if (index >= ARRAY_LEN(name)) {
        return false;
    }
    *out =
        (struct nos_module_info){ .classes = NOS_CLASS_ALL & ~(index == 1 ? NOS_CLASS_MEMORY : 0) };
    memcpy(out->name, name[index], strlen(name[index]));
    memcpy(out->module_id, id, index == 3 ? sizeof id : 0);
    out->module_id[31] ^= index == 3 ? 0 : (uint8_t)(index + 1);
    return true;
}

static nos_status_t node(uint64_t topic, uint64_t index, void *out, uint64_t len)
{
    struct nos_module_info m;
    struct nos_capsule_info c = { .id = MEMFS_ID, .state = NOS_CAPSULE_RUNNING, .name = "memfs" };
    struct nos_supervision s = { .name = "memfs", .module_id[31] = 1, .control.every_ms = 100 };

    if (topic == NOS_TOPIC_MODULES && module(index, &m)) {
        PROMISE(len == sizeof m);
        memcpy(out, &m, sizeof m);
    } else if (topic == NOS_TOPIC_CAPSULES && index == 0) {
        PROMISE(len == sizeof c);
        memcpy(out, &c, sizeof c);
    } else if (topic == NOS_TOPIC_SUPERVISION && index == 0) {
        PROMISE(len == sizeof s);
        memcpy(out, &s, sizeof s);
    } else {
        return NOS_NOT_FOUND;
    }
    return NOS_OK;
}

/* What is unmapped may be a module that is on its way to the kernel. */
static void remember(uint64_t at)
{
    span_t header;

    if (span_cut(world_mapped(at), 0, NOS_MOD_HDR_LEN, &header)) {
        blake3_derive(NOS_CTX_MODULE_ID, header, id);
    }
}

static bool kernel(uint64_t nr, const uint64_t a[6], uint64_t *value, nos_status_t *st)
{
    static const struct nos_handle_info all = { .rights = NOS_RIGHT_ALL };

    if (nr == NOS_SYS_REGION_UNMAP) {
        remember(a[0]);
    } else if (nr == NOS_SYS_HANDLE_CLOSE && is_session(a[0])) {
        forget_session(a[0]);
    } else if (nr == NOS_SYS_HANDLE_INFO && a[0] == NODE) {
        memcpy((void *)a[1], &all, sizeof all);
        return true;
    } else if (nr == NOS_SYS_NODE_INFO &&
               (a[1] == NOS_TOPIC_MODULES || a[1] == NOS_TOPIC_CAPSULES ||
                a[1] == NOS_TOPIC_SUPERVISION)) {
        *st = node(a[1], a[2], (void *)a[3], a[4]);
        *value = a[4];
        return true;
    }
    return false;
}

/* ---- services ---- */

static nos_status_t init_says(struct nos_msg *m)
{
    uint64_t op = m->label & 0xff;
    uint8_t b = world_byte();

    nos_msg_answer(m, NOS_OK);
    if (op == NOS_INIT_START || op == NOS_INIT_START_ID) {
        m->word[m->n_words++] = next_id++;
    } else if (op == NOS_INIT_NEED) {
        m->word[m->n_words++] = MEMFS_ID;
    } else if (op == NOS_INIT_ENDED && (b & 1) != 0) {
        nos_msg_answer(m, NOS_BUSY);
    } else if (op == NOS_INIT_ENDED) {
        m->word[m->n_words++] = NOS_CAPSULE_EXITED + b / 2u % 3;
        m->word[m->n_words++] = b / 8u % 3;
    }
    return NOS_OK;
}

static void attach(struct nos_msg *m)
{
    static const uint32_t type[] = { NOS_TYPE_ENDPOINT, NOS_TYPE_REGION, NOS_TYPE_ENDPOINT };

    nos_msg_answer(m, NOS_OK);
    m->word[m->n_words++] = NOS_FS_WINDOW;
    for (uint32_t i = 0; i < ARRAY_LEN(type); i++) {
        m->pass[i] = (struct nos_pass){ .handle = world_give(type[i], NOS_FS_WINDOW / 4096) };
    }
    m->n_handles = ARRAY_LEN(type);
    session[n_sessions++ % ARRAY_LEN(session)] = m->pass[NOS_FS_PASS_CALL].handle;
    window = m->pass[NOS_FS_PASS_WINDOW].handle;
}

/* Bytes from `from` on into the window. */
static uint64_t put(span_t from, uint64_t at, uint64_t most)
{
    mspan_t to = world_memory(window);
    span_t part;
    size_t n = at < from.len ? (size_t)(from.len - at) : 0;

    n = n < most ? n : (size_t)most;
    n = n < to.len ? n : to.len;
    if (n > 0 && span_cut(from, (size_t)at, n, &part)) {
        memcpy(to.data, part.data, n);
    }
    return n;
}

static void memfs_says(uint64_t to, struct nos_msg *m)
{
    const uint64_t op = m->label, at = m->word[1], most = m->word[2];
    uint64_t *w = m->word;

    if (op == NOS_FS_ATTACH) {
        attach(m);
        return;
    }
    nos_msg_answer(m, NOS_OK);
    m->n_words = NOS_FS_STAT_WORDS;
    memset(w, 0, NOS_FS_STAT_WORDS * sizeof *w);
    if (op == NOS_FS_OPEN) {
        w[0] = FIRST_FILE + n_files % FILES;
        opened[n_files++ % FILES] = to;
    } else if (op == NOS_FS_STAT) {
        w[NOS_FS_STAT_KIND] = NOS_FS_KIND_FILE;
        w[NOS_FS_STAT_SIZE] = file.len;
    } else if (op == NOS_FS_READ) {
        w[0] = put(file, at, most);
    } else if (op == NOS_FS_WRITE) {
        w[0] = most;
    } else if (op == NOS_FS_LIST) {
        w[0] = put(world_take(world_byte()), 0, most);
    } else if (op != NOS_FS_CLOSE) {
        nos_msg_answer(m, NOS_NOT_FOUND);
    }
}

/* ---- who comes ---- */

/* The prompt's argument. */
size_t nos_arg_words(char copy[NOS_ARG_MAX + 1], char **words, size_t max)
{
    static char word[] = "tools=hello";

    (void)copy;
    PROMISE(max > 0);
    words[0] = word;
    return 1;
}

enum {
    LATE,
    TYPED,
    KEYS,
    TOLD,
    ASKED,
    COMES,
    CONTROLS = 40 /* n from there on: of the supervisor */
};

static nos_status_t comes(uint8_t b, struct nos_msg *m)
{
    uint8_t what = b % COMES, n = b / COMES;
    span_t text;

    *m = (struct nos_msg){ .sender = SELF, .token = 1000 };
    if (what == TYPED || what == KEYS) {
        uint8_t *to = (uint8_t *)(m->word + 1);
        text = world_take(n == 0 ? world_byte() : n);  // 255 bytes, and a return
        memcpy(to, text.len == 0 ? to : text.data, text.len);
        to[text.len] = '\r';
        m->word[0] = text.len + (what == TYPED);
        m->n_words = 1 + (uint32_t)(m->word[0] + 7) / 8;
    } else if (what == LATE && n >= CONTROLS) {
        m->sender = SUPERVISOR;
        m->label = NOS_CTL_FIRST + n - CONTROLS;
        m->word[m->n_words++] = SELF;
    } else if (what == TOLD) {
        m->notified = true;
        m->word[m->n_words++] = NOS_INIT_TOLD;
    } else if (what == ASKED) {
        m->sender = FIRST_ID + n % 16u;
        m->label = NOS_KIT_TEXT + n / 16u;
        m->word[m->n_words++] = world_word();
    }
    return m->sender == SELF && what == LATE ? NOS_TIMED_OUT : NOS_OK;
}

/* Between two of them. */
static void look(void)
{
    if (jobs_running() == 0) {
        unsigned n = world_mappings();  // a window each, but for a stream's ring
        PROMISE(n <= SHARES + 1 && world_handles() <= BASE + n * NOS_FS_PASSES + 1);
        PROMISE(all_closed());
    }
}

static bool says(uint64_t nr, uint64_t to, struct nos_msg *m, nos_status_t *st)
{
    if (world_silent()) {
        return false;
    }
    *st = NOS_OK;
    if (nr == NOS_SYS_IPC_RECV && to == OWN) {
        look();
        uint8_t b = world_byte();
        *st = b < OTHERS ? comes(b, m) : NOS_OK;
        return b < OTHERS;
    }
    if (nr == NOS_SYS_IPC_REPLY) {
        return true;
    }
    if (nr == NOS_SYS_IPC_CALL && to == CONSOLE) {
        bool writes = (m->label & 0xff) == NOS_CONSOLE_WRITE;
        nos_msg_answer(m, NOS_OK);
        return writes;
    }
    bool files = to == RW || to == RO || is_session(to);
    if (files && m->label == NOS_FS_CLOSE && m->word[0] - FIRST_FILE < FILES) {
        opened[m->word[0] - FIRST_FILE] = 0;
    }
    if (nr != NOS_SYS_IPC_CALL || (to != INIT && !files) || world_byte() >= OTHERS) {
        return false;
    }
    if (files) {
        memfs_says(to, m);
    } else {
        *st = init_says(m);
    }
    return true;
}

static void run(void)
{
    (void)nos_main();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct nos_start start = {
        .capsule = SELF,
        .supervisor = SUPERVISOR,
        .n_handles = N_START,
        .handle = { { .handle = CONSOLE, .kind = NOS_CAP_ENDPOINT, .name = "console" },
                    { .handle = INIT, .kind = NOS_CAP_ENDPOINT, .name = "init" },
                    { .handle = OWN, .kind = NOS_CAP_ENDPOINT, .name = "shell" },
                    { .handle = NODE, .kind = NOS_CAP_NODE },
                    { .handle = POWER, .kind = NOS_CAP_POWER },
                    { .handle = RW,
                      .kind = NOS_CAP_ENDPOINT,
                      .rights = NOS_RIGHT_CALL,
                      .name = "rw-common" },
                    { .handle = RO,
                      .kind = NOS_CAP_ENDPOINT,
                      .rights = NOS_RIGHT_CALL,
                      .name = "ro-wad" } },
    };
    uint16_t len = 0;
    span_t in = span_of(data, size);

    file = span_of(NULL, 0);
    if (span_le16(in, 0, &len)) {
        (void)!span_from(in, 2, &in);
        (void)!span_take(&in, len < in.len ? len : in.len, &file);
    }
    memset(id, 0, sizeof id);
    memset(session, 0, sizeof session);
    memset(opened, 0, sizeof opened);
    window = n_sessions = 0;
    n_files = 0;
    next_id = FIRST_ID;
    world_kernel = kernel;
    world_says = says;
    world_begin(in, &start);
    world_run(run);
    world_end();
    return 0;
}
