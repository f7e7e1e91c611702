/*
 * One byte decides how a call ends; when none is left all fail, and a capsule that goes on all the
 * same is stopped. So every run ends.
 */
#include "fuzz/world/world_impl.h"

#include "fuzz/fuzz.h"

enum { DRY_MAX = 200, STEP_NS = 1000000 };

struct world world;
uint64_t world_first_page[PAGE / 8];
uint64_t *nos_ipc_first_buffer = world_first_page;

void (*world_sent)(uint8_t byte);
span_t (*world_line)(void);
uint64_t (*world_badge)(uint8_t which);
void (*world_asked)(const struct nos_ipc_regs *r);
bool (*world_kernel)(uint64_t nr, const uint64_t a[6], uint64_t *value, nos_status_t *st);
bool (*world_says)(uint64_t nr, uint64_t to, struct nos_msg *m, nos_status_t *st);
void (*nos_before_exit)(void);
bool world_numbers_lie;

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
    if (st == NOS_OK && world.n_threads < WORLD_THREADS) {
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
    for (uint32_t i = 0; i < start->n_handles; i++) {  // WORLD_HANDLES is above those
        world.thing[start->handle[i].handle] =
            (struct thing){ true, NOS_TYPE_ENDPOINT, 0, world_cell(0) };
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
    for (struct mapping *m = world.map; m < world.map + WORLD_MAPPINGS; m++) {
        free(m->at);
    }
    memset(world.map, 0, sizeof world.map);
    memset(world.thing, 0, sizeof world.thing);
    memset(world_first_page, 0, sizeof world_first_page);
    nos_before_exit = NULL;
    copy(__start_capsule_data, first_data, (size_t)(__stop_capsule_data - __start_capsule_data));
    clear(__start_capsule_bss, (size_t)(__stop_capsule_bss - __start_capsule_bss));
}
