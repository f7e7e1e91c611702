/*
 * One byte decides how a call ends; when none is left all fail, and a capsule that goes on all the
 * same is stopped. So every run ends.
 */
#include "fuzz/world/world.h"

#include <setjmp.h>

#include "abi/info.h"
#include "fuzz/fuzz.h"
#include "sdk/guard.h"
#include "sdk/ipc.h"
#include "sdk/start.h"

enum {
    HANDLES = 512,
    MAPPINGS = 32,
    CELLS = 4096,
    THREADS = 8,
    BURST = 14,
    PAGES_MAX = 64,
    PAGE = 4096,
    DRY_MAX = 200,
    STEP_NS = 1000000,
    LSR = 5,
    IIR = 2,
    SCRATCH = 7,
    LSR_DATA = 0x01,
    LSR_EMPTY = 0x20
};

struct thing {
    bool open;
    uint32_t type, pages;
    uint32_t cell; /* what can be revoked: its own, or shared by duplicates */
};

struct mapping {
    uint8_t *at;
    size_t len;
    uint64_t of; /* handle */
    uint32_t cell;
};

static struct {
    span_t in;
    const struct nos_start *start;
    jmp_buf out;
    unsigned dry;
    uint64_t now_ns;
    struct thing thing[HANDLES];  // 0 is no handle
    unsigned n_open;
    struct mapping map[MAPPINGS];
    uint32_t parent[CELLS]; /* of a cell; 0: it has none */
    uint32_t n_cells;
    uint8_t scratch;  // the line's own register
    span_t line;
    const struct nos_thread *thread[THREADS];
    unsigned n_threads;
    jmp_buf back;     // out of a thread that waits
    unsigned waited;  // 0: the first thread runs; else 1 + how often this one has waited
} world;

void (*world_sent)(uint8_t byte);
span_t (*world_line)(void);
uint64_t (*world_badge)(uint8_t which);
void (*world_asked)(const struct nos_ipc_regs *r);
bool (*world_kernel)(uint64_t nr, const uint64_t a[6], uint64_t *value, nos_status_t *st);
bool (*world_says)(uint64_t nr, uint64_t to, struct nos_msg *m, nos_status_t *st);
void (*nos_before_exit)(void);
bool world_numbers_lie;
static uint64_t first_page[PAGE / 8], others_page[PAGE / 8];
uint64_t *nos_ipc_first_buffer = first_page;

/* ---- what others say ---- */

bool world_silent(void)
{
    return world.in.len == 0;
}

uint8_t world_byte(void)
{
    span_t one;
    return span_take(&world.in, 1, &one) ? one.data[0] : 0;
}

/* Small ones are what mostly counts: a byte; 255 is followed by all eight. */
uint64_t world_word(void)
{
    span_t eight;
    uint8_t b = world_byte();

    return b == 255 && span_take(&world.in, 8, &eight) ? load_le64(eight.data)
           : b >= 240                                  ? UINT64_MAX - (255u - b)
                                                       : b;
}

span_t world_take(size_t n)
{
    span_t part = { NULL, 0 };
    (void)!span_take(&world.in, n < world.in.len ? n : world.in.len, &part);
    return part;
}

/* As many as its first byte says, the rest stays zero. */
void world_fill(void *to, size_t len)
{
    size_t n = (size_t)world_byte() * 2;
    span_t part = world_take(n < len ? n : len);

    memset(to, 0, len);
    if (part.len > 0) {
        memcpy(to, part.data, part.len);
    }
}

nos_status_t world_verdict(void)
{
    static const nos_status_t bad[] = {
        NOS_NO_MEMORY, NOS_QUOTA,     NOS_NO_SLOT,    NOS_PEER_CLOSED, NOS_CANCELLED, NOS_BUSY,
        NOS_NOT_FOUND, NOS_BAD_STATE, NOS_BAD_HANDLE, NOS_BAD_MESSAGE, NOS_TOO_BIG,   NOS_DENIED,
        NOS_NO_ANSWER, NOS_TIMED_OUT, NOS_INVALID,    NOS_NO_CLASS,
    };

    if (world_silent()) {
        if (++world.dry > DRY_MAX) {
            longjmp(world.out, 1);
        }
        return NOS_PEER_CLOSED;
    }
    uint8_t b = world_byte();
    world.now_ns += STEP_NS * (uint64_t)(b >> 4);
    return b < 224 ? NOS_OK : bad[b - 240u < ARRAY_LEN(bad) ? b - 240u : b % ARRAY_LEN(bad)];
}

/* ---- handles and memory ---- */

static uint32_t new_cell(uint32_t parent)
{
    if (world.n_cells == CELLS - 1) {
        longjmp(world.out, 1);
    }
    world.parent[++world.n_cells] = parent;
    return world.n_cells;
}

uint32_t world_give(uint32_t type, uint32_t pages)
{
    for (uint32_t i = 1; i < HANDLES; i++) {
        if (!world.thing[i].open) {
            world.thing[i] = (struct thing){ true, type, pages, new_cell(0) };
            world.n_open++;
            return i;
        }
    }
    longjmp(world.out, 1);  // it hoards: no test of anything
}

static struct thing *find_handle(uint64_t h)
{
    return h > 0 && h < HANDLES && world.thing[h].open ? &world.thing[h] : NULL;
}

static nos_status_t close_handle(uint64_t h)
{
    struct thing *t = find_handle(h);
    if (t == NULL) {
        return NOS_BAD_HANDLE;
    }
    t->open = false;
    world.n_open--;
    return NOS_OK;
}

static nos_status_t map(uint64_t h, uint64_t *at)
{
    const struct thing *t = find_handle(h);
    struct mapping *m = world.map;

    if (t == NULL || t->type != NOS_TYPE_REGION) {
        return t == NULL ? NOS_BAD_HANDLE : NOS_WRONG_TYPE;
    }
    while (m < world.map + MAPPINGS && m->at != NULL) {
        m++;
    }
    if (m == world.map + MAPPINGS) {
        return NOS_QUOTA;
    }
    *m = (struct mapping){ calloc(t->pages, PAGE), (size_t)t->pages * PAGE, h, t->cell };
    PROMISE(m->at != NULL);
    world_fill(m->at, m->len < 512 ? m->len : 512);
    *at = (uint64_t)m->at;
    return NOS_OK;
}

static nos_status_t unmap(uint64_t at)
{
    for (struct mapping *m = world.map; m < world.map + MAPPINGS; m++) {
        if (m->at != NULL && (uint64_t)m->at == at) {
            free(m->at);
            m->at = NULL;
            return NOS_OK;
        }
    }
    return NOS_NOT_FOUND;
}

static bool below(uint32_t cell, uint32_t of)
{
    while (cell != of && cell != 0) {
        cell = world.parent[cell];
    }
    return cell == of;
}

/* What is mapped by a handle that is revoked is gone. */
static nos_status_t revoke(uint64_t h)
{
    const struct thing *t = find_handle(h);

    for (struct mapping *m = world.map; t != NULL && m < world.map + MAPPINGS; m++) {
        if (m->at != NULL && below(m->cell, t->cell)) {
            free(m->at);
            m->at = NULL;
        }
    }
    return t == NULL ? NOS_BAD_HANDLE : NOS_OK;
}

/* Who shares memory with the capsule writes to it at any time: eight bytes, near its begin. */
static void meddle(void)
{
    uint8_t which = world_byte() % MAPPINGS;
    struct mapping *m = &world.map[which];
    uint64_t where = world_word() % 64 * 4;

    if (m->at != NULL) {
        store_le64(m->at + where, world_word());
    }
}

mspan_t world_memory(uint64_t handle)
{
    for (const struct mapping *m = world.map; m < world.map + MAPPINGS; m++) {
        if (m->at != NULL && m->of == handle) {
            return mspan_of(m->at, m->len);
        }
    }
    return mspan_of(NULL, 0);
}

span_t world_mapped(uint64_t at)
{
    for (const struct mapping *m = world.map; m < world.map + MAPPINGS; m++) {
        if (m->at != NULL && (uint64_t)m->at == at) {
            return span_of(m->at, m->len);
        }
    }
    return span_of(NULL, 0);
}

unsigned world_handles(void)
{
    return world.n_open;
}

unsigned world_mappings(void)
{
    unsigned n = 0;
    for (uint32_t i = 0; i < MAPPINGS; i++) {
        n += world.map[i].at != NULL;
    }
    return n;
}

/* Memory of another capsule: touched beyond its end it is as if that capsule had ended; and it may
 * end at any time. */
bool nos_guarded(const struct nos_guard_range *range, void (*run)(void *), void *arg)
{
    const uint8_t *from = range->from;

    for (const struct mapping *m = world.map; m < world.map + MAPPINGS; m++) {
        if (m->at != NULL && from >= m->at && from <= m->at + m->len) {
            if (range->len > (size_t)(m->at + m->len - from) || world_byte() == 254) {
                return false;
            }
            run(arg);
            return true;
        }
    }
    return false;
}

/* ---- system calls ---- */

static nos_status_t give_handle(uint32_t type, uint32_t pages, uint64_t *value)
{
    nos_status_t st = world_verdict();
    if (st == NOS_OK) {
        *value = world_give(type, pages);
    }
    return st;
}

static nos_status_t copy_handle(uint64_t h, bool derived, uint64_t *value)
{
    const struct thing *t = find_handle(h);

    if (t == NULL) {
        return NOS_BAD_HANDLE;
    }
    nos_status_t st = give_handle(t->type, t->pages, value);
    if (st == NOS_OK) {
        world.thing[*value].cell = derived ? new_cell(t->cell) : t->cell;
    }
    return st;
}

/* The region is given away, but when there is no memory. */
static nos_status_t load_module(uint64_t region, uint64_t *value)
{
    const struct thing *t = find_handle(region);

    if (t == NULL || t->type != NOS_TYPE_REGION) {
        return t == NULL ? NOS_BAD_HANDLE : NOS_WRONG_TYPE;
    }
    PROMISE(world_memory(region).len == 0);  // mapped by nobody
    nos_status_t st = give_handle(NOS_TYPE_MODULE, 0, value);
    if (st != NOS_NO_MEMORY) {
        (void)!close_handle(region);
    }
    return st;
}

static nos_status_t describe(uint64_t h, void *buf, size_t len)
{
    const struct thing *t = find_handle(h);
    struct nos_handle_info info;

    PROMISE(len == sizeof info);
    if (t == NULL) {
        return NOS_BAD_HANDLE;
    }
    world_fill(&info, sizeof info);
    info.type = t->type;
    info.a = t->type == NOS_TYPE_REGION ? t->pages : info.a;
    memcpy(buf, &info, sizeof info);
    return NOS_OK;
}

static nos_status_t line_in(uint64_t port, uint64_t *value)
{
    span_t one;

    switch (port % 8) {
    case LSR:
        *value = LSR_EMPTY | (world.line.len > 0 ? LSR_DATA : 0);
        break;
    case IIR:
        *value = world.line.len >= BURST ? 4 : 1;
        break;
    case SCRATCH:
        *value = world.scratch;
        break;
    default:
        *value = span_take(&world.line, 1, &one) ? one.data[0] : 0;
    }
    return NOS_OK;
}

static nos_status_t line_out(uint64_t port, uint64_t value)
{
    if (port % 8 == 0 && world_sent != NULL) {
        world_sent((uint8_t)value);
    }
    world.scratch = port % 8 == SCRATCH ? (uint8_t)value : world.scratch;
    return NOS_OK;
}

static nos_status_t record(uint64_t buf, uint64_t len, uint64_t *value)
{
    nos_status_t st = world_verdict();
    if (st == NOS_OK) {
        world_fill((void *)buf, len);
        *value = len;
    }
    return st;
}

/* A thread that waits a second time has done what it was woken for. */
static nos_status_t wait_note(uint64_t *value)
{
    if (world.waited != 0 && world.waited++ > 1) {
        longjmp(world.back, 1);
    }
    nos_status_t st = world_verdict();
    if (st == NOS_OK) {
        meddle();
        *value = world_word();
    }
    return st;
}

nos_status_t world_syscall(uint64_t nr, const uint64_t a[6], uint64_t *value)
{
    nos_status_t told = NOS_OK;

    if (world_kernel != NULL && world_kernel(nr, a, value, &told)) {
        return told;
    }
    switch (nr) {
    case NOS_SYS_EXIT:
    case NOS_SYS_THREAD_EXIT:
        longjmp(world.out, 1);
    case NOS_SYS_HANDLE_CLOSE:
        PROMISE(world_numbers_lie || find_handle(a[0]) != NULL);  // refused calls are audited
        return close_handle(a[0]);
    case NOS_SYS_HANDLE_INFO:
        return describe(a[0], (void *)a[1], a[2]);
    case NOS_SYS_HANDLE_DUP:
    case NOS_SYS_CAP_DERIVE:
        return copy_handle(a[0], nr == NOS_SYS_CAP_DERIVE, value);
    case NOS_SYS_CAP_REVOKE:
        return revoke(a[0]);
    case NOS_SYS_REGION_CREATE:
        return a[0] == 0 || a[0] > PAGES_MAX ? NOS_QUOTA
                                             : give_handle(NOS_TYPE_REGION, (uint32_t)a[0], value);
    case NOS_SYS_REGION_MAP:
        return map(a[0], value);
    case NOS_SYS_REGION_UNMAP:
        return unmap(a[0]);
    case NOS_SYS_ENDPOINT_CREATE:
        return give_handle(NOS_TYPE_ENDPOINT, 0, value);
    case NOS_SYS_NOTIFY_CREATE:
        return give_handle(NOS_TYPE_NOTIFICATION, 0, value);
    case NOS_SYS_THREAD_CREATE:
        return give_handle(NOS_TYPE_THREAD, 0, value);
    case NOS_SYS_MODULE_OPEN:
        return give_handle(NOS_TYPE_MODULE, 0, value);
    case NOS_SYS_CAPSULE_SPAWN:
    case NOS_SYS_CAPSULE_OPEN:
    case NOS_SYS_DEBUG_OPEN:
        return give_handle(NOS_TYPE_CAPSULE, 0, value);
    case NOS_SYS_CAPSULE_CONTROL:
        return give_handle(NOS_TYPE_ENDPOINT, 0, value);
    case NOS_SYS_MODULE_LOAD:
        return load_module(a[1], value);
    case NOS_SYS_NODE_INFO:
        return record(a[3], a[4], value);
    case NOS_SYS_SELF_INFO:
        return record(a[0], a[1], value);
    case NOS_SYS_CAPSULE_INFO:
        return record(a[1], a[2], value);
    case NOS_SYS_DEBUG_THREAD:
    case NOS_SYS_DEBUG_READ:
        return record(a[2], a[3], value);
    case NOS_SYS_TOKEN_EXPORT:
        return record(a[3], a[4], value);
    case NOS_SYS_RANDOM:
        memset((void *)a[0], 0x5a, a[1]);
        return NOS_OK;
    case NOS_SYS_LOG_WRITE:
        (void)!span_is_zero(span_of((const void *)a[0], a[1]));  // all of it is there
        return NOS_OK;
    case NOS_SYS_PORT_IN:
        return line_in(a[1], value);
    case NOS_SYS_PORT_OUT:
        return line_out(a[1], a[3]);
    case NOS_SYS_NOTIFY_WAIT:
        return wait_note(value);
    default:
        return world_verdict();
    }
}

/* ---- messages ---- */

/* Of the thread that runs. */
static struct nos_ipc_buffer *buffer(void)
{
    return (struct nos_ipc_buffer *)(void *)(world.waited != 0 ? others_page : first_page);
}

/* What the capsule sends. Moved handles go when it is taken. */
static void outgoing(const struct nos_ipc_regs *r, bool taken)
{
    uint32_t words = r->rsi & 0x7f, n = r->rsi >> NOS_MSG_HANDLES_SHIFT & 7;

    PROMISE(words <= NOS_MSG_WORDS && n <= NOS_MSG_HANDLES && (r->rsi & NOS_MSG_RSV_MASK) == 0);
    for (uint32_t i = 0; i < n && taken; i++) {
        if ((buffer()->pass[i].rights & NOS_PASS_MOVE) != 0) {
            (void)!close_handle(buffer()->pass[i].handle);
        }
    }
}

static uint32_t passed_handle(void)
{
    static const uint32_t type[] = { NOS_TYPE_REGION, NOS_TYPE_ENDPOINT, NOS_TYPE_NOTIFICATION,
                                     NOS_TYPE_REGION };
    uint8_t b = world_byte();
    return world_give(type[b % ARRAY_LEN(type)], 1 + b / 4u % PAGES_MAX);
}

static void notification(struct nos_ipc_regs *r)
{
    r->rax = r->rdi = r->rbx = 0;
    r->rsi = nos_msg_info(0, 1) | NOS_MSG_NOTIFICATION;
    r->word[0] = world_word();
    world.line = world_line != NULL ? world_line() : world.line;
}

static void incoming(struct nos_ipc_regs *r, bool answer)
{
    uint8_t shape = world_byte();
    if (!answer && (shape & 0x08) != 0) {
        notification(r);
        return;
    }
    uint32_t n = world_byte() % (NOS_MSG_WORDS + 1), accept = buffer()->accept;
    uint32_t handles = shape % 8u < accept ? shape % 8u : accept;
    uint64_t label = world_word() & 0xffff;

    label |= (shape & 0x10) != 0 ? (world_word() & 0xffffff) << 8 : 0;
    PROMISE(accept <= NOS_MSG_HANDLES);
    r->rax = (uint64_t)(answer ? 0 : world_byte()) << 32;
    r->rdi = answer ? 0 : world_badge != NULL ? world_badge(shape >> 6) : shape >> 6;
    r->rbx = answer || (shape & 0x20) != 0 ? 0 : 1000 + (uint64_t)world_byte();
    for (uint32_t i = 0; i < n; i++) {
        uint64_t w = world_word();
        if (i < NOS_MSG_REG_WORDS) {
            r->word[i] = w;
        } else {
            buffer()->word[i] = w;
        }
    }
    for (uint32_t i = 0; i < handles; i++) {
        buffer()->pass[i] =
            (struct nos_pass){ .handle = passed_handle(), .rights = (uint32_t)world_word() };
    }
    r->rsi = nos_msg_info(label, n) | handles << NOS_MSG_HANDLES_SHIFT;
}

/* What the first thread sends, for the target; and what the target has it receive. */
static bool target_says(struct nos_ipc_regs *r)
{
    static struct nos_msg m;
    const struct nos_ipc_regs sent = *r;
    nos_status_t st = NOS_OK;

    m = (struct nos_msg){ .label = r->rsi >> NOS_MSG_LABEL_SHIFT, .token = r->rbx };
    if (r->rax != NOS_SYS_IPC_RECV) {
        m.n_words = r->rsi & 0x7f;
        m.n_handles = r->rsi >> NOS_MSG_HANDLES_SHIFT & 7;
        memcpy(m.pass, buffer()->pass, sizeof m.pass);
        memcpy(m.word, buffer()->word, sizeof m.word);
        memcpy(m.word, r->word, sizeof r->word);
    }
    if (world_says == NULL || world.waited != 0 || !world_says(r->rax, r->rdi, &m, &st)) {
        return false;
    }
    if (sent.rax != NOS_SYS_IPC_RECV) {
        outgoing(&sent, st == NOS_OK);
    }
    r->rax = (uint64_t)m.sender << 32 | (uint32_t)st;
    if (st == NOS_OK && sent.rax != NOS_SYS_IPC_SEND && sent.rax != NOS_SYS_IPC_REPLY) {
        PROMISE(m.n_handles <= buffer()->accept);
        r->rdi = m.badge;
        r->rbx = m.token;
        r->rsi = nos_msg_info(m.label, m.n_words) | (uint64_t)m.n_handles << NOS_MSG_HANDLES_SHIFT |
                 (m.notified ? NOS_MSG_NOTIFICATION : 0);
        memcpy(r->word, m.word, sizeof r->word);
        memcpy(buffer()->word, m.word, sizeof m.word);
        memcpy(buffer()->pass, m.pass, sizeof m.pass);
    }
    return true;
}

/* While the first thread waits for a message one of the others may run, to where it waits again. */
static void others_run(void)
{
    uint8_t which = world_byte();

    if (which < world.n_threads && world.waited == 0) {
        const struct nos_thread *t = world.thread[which];
        world.waited = 1;
        if (setjmp(world.back) == 0) {
            memset(others_page, 0, sizeof others_page);
            t->run(t->arg, others_page);
        }
        world.waited = 0;
    }
}

void nos_ipc_raw(struct nos_ipc_regs *r)
{
    uint64_t nr = r->rax;

    if (target_says(r)) {
        return;
    }
    nos_status_t st = world_verdict();
    if (st == NOS_OK) {
        meddle();
    }
    if (world_asked != NULL && world.waited == 0) {
        world_asked(r);
    }
    if (nr == NOS_SYS_IPC_RECV) {
        others_run();
    } else {
        outgoing(r, st == NOS_OK);
    }
    if (st == NOS_OK && nr != NOS_SYS_IPC_SEND && nr != NOS_SYS_IPC_REPLY) {
        incoming(r, nr == NOS_SYS_IPC_CALL);
    }
    r->rax = (r->rax & ~0xffffffffull) | (uint32_t)st;
    r->rax = st == NOS_OK ? r->rax : (uint32_t)st;
}

/* ---- sdk/start.h ---- */

const struct nos_start *nos_self(void)
{
    return world.start;
}

const char *nos_arg(void)
{
    return world.start->arg;
}

uint64_t nos_now_ns(void)
{
    return world.now_ns += 1000;
}

uint64_t nos_tsc(void)
{
    return nos_now_ns();
}

_Noreturn void nos_exit(uint64_t code)
{
    (void)code;
    longjmp(world.out, 1);
}

nos_status_t nos_thread_start(struct nos_thread *t, void *stack, size_t len, uint64_t priority,
                              nos_handle_t *out)
{
    nos_status_t st = nos_sys_thread_create(0, (uint64_t)stack, len, priority, out);
    if (st == NOS_OK && world.n_threads < THREADS) {
        world.thread[world.n_threads++] = t;
    }
    return st;
}

bool nos_name_is(const char field[NOS_NAME_MAX], const char *name)
{
    return strncmp(field, name, NOS_NAME_MAX) == 0 && strlen(name) <= NOS_NAME_MAX;
}

const struct nos_start_handle *nos_find(enum nos_cap_kind kind, const char *name)
{
    for (uint32_t i = 0; i < world.start->n_handles; i++) {
        const struct nos_start_handle *h = &world.start->handle[i];
        if (h->kind == (uint32_t)kind && (name == NULL || nos_name_is(h->name, name))) {
            return h;
        }
    }
    return NULL;
}

nos_handle_t nos_find_handle(enum nos_cap_kind kind, const char *name)
{
    const struct nos_start_handle *h = nos_find(kind, name);
    return (nos_handle_t){ h == NULL ? 0 : h->handle };
}

/* ---- a run ---- */

extern uint8_t __start_capsule_bss[], __stop_capsule_bss[];
extern uint8_t __start_capsule_data[], __stop_capsule_data[];
static uint8_t *first_data;
/* There is some of both in each program. */
#pragma clang section bss = "capsule_bss" data = "capsule_data"
static uint8_t some_bss __attribute__((used));
static uint8_t some_data __attribute__((used)) = 1;
#pragma clang section bss = "" data = ""

/* The sanitiser's red zones lie in between: no checks here. */
static void copy(void *to, const void *from, size_t n)
{
    __asm__ volatile("rep movsb" : "+D"(to), "+S"(from), "+c"(n)::"memory");
}

static void clear(void *to, size_t n)
{
    __asm__ volatile("rep stosb" : "+D"(to), "+c"(n) : "a"(0) : "memory");
}

void world_begin(span_t in, const struct nos_start *start)
{
    size_t n = (size_t)(__stop_capsule_data - __start_capsule_data);

    if (first_data == NULL) {
        first_data = malloc(n + 1);
        PROMISE(first_data != NULL);
        copy(first_data, __start_capsule_data, n);
    }
    world.in = in;
    world.start = start;
    world.line = span_of("", 0);
    world.n_threads = world.waited = world.dry = world.n_cells = 0;
    world.n_open = start->n_handles;
    world.now_ns = 1000;
    for (uint32_t i = 0; i < start->n_handles; i++) {  // HANDLES is above those
        world.thing[start->handle[i].handle] =
            (struct thing){ true, NOS_TYPE_ENDPOINT, 0, new_cell(0) };
    }
}

void world_run(void (*run)(void))
{
    if (setjmp(world.out) == 0) {
        run();
    }
}

void world_end(void)
{
    for (struct mapping *m = world.map; m < world.map + MAPPINGS; m++) {
        free(m->at);
    }
    memset(world.map, 0, sizeof world.map);
    memset(world.thing, 0, sizeof world.thing);
    memset(first_page, 0, sizeof first_page);
    nos_before_exit = NULL;
    copy(__start_capsule_data, first_data, (size_t)(__stop_capsule_data - __start_capsule_data));
    clear(__start_capsule_bss, (size_t)(__stop_capsule_bss - __start_capsule_bss));
}
