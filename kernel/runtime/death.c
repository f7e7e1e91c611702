/* Records of deaths. Where a capsule was and what it held may be kept of any; what its memory and
 * registers held only of one that crashed: one that exits or is killed leaves no bytes behind.
 * Nor does one that crashed if its manifest says so (`private`).
 * Memory is read through the direct map, page by page, and only the capsule's own: never a
 * device's, never a region that others see. */
#include "kernel/runtime/death.h"

#include <string.h>

#include "abi/ipc.h"
#include "kernel/core/log.h"
#include "kernel/core/panic.h"
#include "kernel/memory/frame.h"
#include "kernel/runtime/capsule.h"
#include "kernel/runtime/node.h"
#include "lib/symbols.h"

enum { RING = DEATH_CRASHES + DEATH_ENDS, RING_ORDER = 3 };
_Static_assert(RING * sizeof(struct nos_crash_record) == PAGE_SIZE << RING_ORDER,
               "no frame wasted");
_Static_assert(
    (int)NOS_DOING_READY == (int)THREAD_READY && (int)NOS_DOING_RUNNING == (int)THREAD_RUNNING &&
        (int)NOS_DOING_SLEEP == (int)THREAD_SLEEP && (int)NOS_DOING_NOTE == (int)THREAD_NOTE &&
        (int)NOS_DOING_CALL == (int)THREAD_CALL && (int)NOS_DOING_SEND == (int)THREAD_SEND &&
        (int)NOS_DOING_REPLY == (int)THREAD_REPLY && (int)NOS_DOING_RECV == (int)THREAD_RECV &&
        (int)NOS_DOING_STOPPED == (int)THREAD_STOPPED,
    "a thread's state goes into the record as it is");
_Static_assert(offsetof(struct arch_context, sp) == NOS_REG_rsp * 8,
               "registers are copied at once");

static struct nos_crash_record *ring; /* crashes, then other ends; magic 0 = never written */
static uint64_t deaths, crashes;

void death_init(void)
{
    paddr_t p = frame_alloc(RING_ORDER);
    if (p.v == 0) {
        panic("no memory for crash records");
    }
    ring = phys_ptr(p);
    deaths = crashes = 0;
}

/* ---- its memory ---- */

static const uint8_t *own_page(const struct capsule *c, uint64_t va)
{
    bool guard = false;
    const struct area *a = space_find(&c->space, va, &guard);
    if (a == NULL || guard || a->kind == AREA_BORROWED) {
        return NULL;
    }
    return space_ptr(&c->space, va & ~(uint64_t)(PAGE_SIZE - 1));
}

/* How many of the `len` bytes from `va` on could be had. */
static uint16_t peek(const struct capsule *c, uint64_t va, void *out, size_t len)
{
    size_t n = 0;
    while (n < len) {
        const uint8_t *page = own_page(c, va + n);
        size_t at = (va + n) % PAGE_SIZE;
        size_t part = PAGE_SIZE - at < len - n ? PAGE_SIZE - at : len - n;
        if (page == NULL) {
            break;
        }
        memcpy((uint8_t *)out + n, page + at, part);
        n += part;
    }
    return (uint16_t)n;
}

static bool add_place(struct nos_crash_record *r, uint64_t ip)
{
    bool inside = ip - r->image_base < r->image_len;
    if (inside) {
        r->trace[r->n_trace++].ip = ip;
    }
    return inside;
}

/* Frame pointers may be anything: each must lie above the last, in memory of the capsule's, and
 * name a place in its image. */
static void trace(struct nos_crash_record *r, const struct capsule *c, const struct thread *t)
{
    uint64_t fp = t->ctx.fp, frame[2];
    (void)add_place(r, t->ctx.ip);
    while (r->n_trace < NOS_CR_TRACE && peek(c, fp, frame, sizeof frame) == sizeof frame &&
           add_place(r, frame[1]) && frame[0] > fp) {
        fp = frame[0];
    }
}

/* ---- parts of a record ---- */

static void note_handles(struct nos_crash_record *r, const struct capsule *c)
{
    struct nos_handle_info info;
    struct handle_slot *s;
    uint32_t h;
    while (r->n_handles < NOS_CR_HANDLES &&
           handle_nth(&c->handles, r->n_handles, &h, &s) == NOS_OK) {
        struct nos_crash_handle *out = &r->handle[r->n_handles++];
        handle_describe(h, s, &info);
        *out = (struct nos_crash_handle){
            .handle = h, .type = info.type, .rights = info.rights, .origin = info.origin
        };
        memcpy(out->name, info.name, sizeof out->name);
    }
}

/* Whole lines only: the first one is most often cut. */
static void note_log(struct nos_crash_record *r)
{
    uint64_t end = log_end(), from = end < NOS_CR_LOG ? 0 : end - NOS_CR_LOG;
    size_t n = log_read(&from, r->log, sizeof r->log), cut = 0;
    while (from != 0 && cut < n && r->log[cut++] != '\n') {
    }
    r->log_len = (uint16_t)(n - cut);
    memmove(r->log, r->log + cut, n - cut);
    memset(r->log + (n - cut), 0, cut);
}

static void note_memory(struct nos_crash_record *r, const struct capsule *c, const struct thread *t)
{
    r->flags |= NOS_CR_MEMORY;
    memcpy(r->regs, &t->ctx, sizeof r->regs);
    r->stack_len = peek(c, t->ctx.sp, r->stack, sizeof r->stack);
    r->code_at = t->ctx.ip - NOS_CR_CODE_BEFORE;
    r->code_len = peek(c, r->code_at, r->code, sizeof r->code);
}

/* A call that it took and has not answered: the words stand where its caller waits. */
static void note_message(struct nos_crash_record *r, const struct thread *t)
{
    const struct thread *from = t->client;
    if (from == NULL || from->state != THREAD_REPLY || from->worker != t) {
        return;
    }
    r->flags |= NOS_CR_MESSAGE;
    r->client = from->capsule->id;
    if ((r->flags & NOS_CR_MEMORY) != 0 && from->fault == 0 &&
        !from->capsule->module->man.private) {
        r->label = from->ctx.arg1 >> NOS_MSG_LABEL_SHIFT;
        memcpy(r->message, from->ctx.w, sizeof r->message);
    }
}

static void note_thread(struct nos_crash_record *r, const struct capsule *c, const struct thread *t)
{
    r->flags |= NOS_CR_THREAD;
    r->doing = t->state;
    trace(r, c, t);
    if (c->state == NOS_CAPSULE_CRASHED && c->module->man.private) {
        r->flags |= NOS_CR_PRIVATE;
    } else if (c->state == NOS_CAPSULE_CRASHED) {
        note_memory(r, c, t);
    }
    note_message(r, t);
}

static struct nos_crash_record *place(const struct capsule *c)
{
    if (c->state == NOS_CAPSULE_CRASHED) {
        return &ring[crashes++ % DEATH_CRASHES];
    }
    return &ring[DEATH_CRASHES + (deaths - crashes) % DEATH_ENDS];
}

void death_note(struct capsule *c)
{
    const struct thread *running = this_cpu()->current;
    bool own = running != NULL && running->capsule == c;
    const struct thread *t = own ? running : c->threads;
    struct nos_crash_record *r = place(c);

    memset(r, 0, sizeof *r);
    memcpy(r->magic, NOS_CRASH_MAGIC, sizeof r->magic);
    r->version = NOS_CR_VERSION;
    r->size = sizeof *r;
    r->seq = deaths++;
    r->killer = c->state == NOS_CAPSULE_KILLED && running != NULL ? running->capsule->id : 0;
    r->image_base = c->image_base;
    r->image_len = c->module->elf.mem_len;
    capsule_describe(c, &r->info);
    if (t != NULL) {
        note_thread(r, c, t);
    }
    note_handles(r, c);
    note_log(r);
}

/* ---- to be read ---- */

static void symbol_at(const struct symbols *syms, uint64_t at, char out[40])
{
    enum { ROOM = 40, OFFSET = 12 };
    span_t name;
    uint64_t off;
    if (!symbols_find(syms, at, &name, &off)) {
        return;
    }
    size_t n = name.len < ROOM - OFFSET ? name.len : ROOM - OFFSET;
    unsigned shift = 28;
    memcpy(out, name.data, n);
    out[n++] = '+';
    out[n++] = '0';
    out[n++] = 'x';
    while (shift != 0 && off >> shift == 0) {
        shift -= 4;
    }
    for (; shift != 0; shift -= 4) {
        out[n++] = "0123456789abcdef"[off >> shift & 15];
    }
    out[n] = "0123456789abcdef"[off & 15];
}

static bool symbols_of(const struct module *m, struct symbols *out)
{
    return m->view.symbols.len != 0 && symbols_parse(m->view.symbols, out) == NOS_OK;
}

void death_symbol(const struct module *m, uint64_t at, char out[40])
{
    struct symbols syms;
    if (symbols_of(m, &syms)) {
        symbol_at(&syms, at, out);
    }
}

nos_status_t death_record(uint64_t seq, struct nos_crash_record *out)
{
    const struct nos_crash_record *best = NULL;
    struct symbols syms;

    for (const struct nos_crash_record *r = ring; r < ring + RING; r++) {
        if (r->magic[0] != 0 && r->seq >= seq && (best == NULL || r->seq < best->seq)) {
            best = r;
        }
    }
    if (best == NULL) {
        return NOS_NOT_FOUND;
    }
    *out = *best;
    const struct module *m = module_find_id(out->info.module_id);
    if (m != NULL && symbols_of(m, &syms)) {
        for (unsigned i = 0; i < out->n_trace; i++) {
            symbol_at(&syms, out->trace[i].ip - out->image_base, out->trace[i].symbol);
        }
    }
    return NOS_OK;
}
