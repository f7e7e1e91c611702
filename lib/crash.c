/* A crash record, checked: every count within its array, everything behind a count zero, nothing
 * in the parts that its flags say are absent. So there is one form of each record, and showing one
 * reads no byte that was not meant. */
#include "lib/crash.h"

#include "lib/crypto/blake3.h"
#include "lib/record.h"
#include "lib/text.h"

/* Zero behind the first `used` of `n` entries. */
#define TAIL_ZERO(array, used) \
    ((used) <= ARRAY_LEN(array) && \
     span_is_zero(span_of((array) + (used), sizeof(array) - (used) * sizeof(array)[0])))

/* Printable characters, then zeros. */
static bool word_ok(const char *text, size_t room)
{
    size_t n = 0;
    while (n < room && text[n] > 0x20 && text[n] < 0x7f) {
        n++;
    }
    return span_is_zero(span_of(text + n, room - n));
}

static bool head_ok(const struct nos_crash_record *r)
{
    return memcmp(r->magic, NOS_CRASH_MAGIC, sizeof r->magic) == 0 &&
           r->version == NOS_CR_VERSION && r->size == sizeof *r &&
           (r->flags & ~(uint32_t)NOS_CR_FLAGS_KNOWN) == 0 && span_is_zero(SPAN_OF(r->rsv));
}

static bool known_crash(uint64_t why)
{
#define X(name, value, text) || why == (value)
    return why != NOS_CRASH_NONE && (false NOS_CRASH_LIST(X));
#undef X
}

static bool info_ok(const struct nos_crash_record *r)
{
    const struct nos_capsule_info *c = &r->info;
    bool crashed = c->state == NOS_CAPSULE_CRASHED;

    if (c->state != NOS_CAPSULE_EXITED && c->state != NOS_CAPSULE_KILLED && !crashed) {
        return false;
    }
    return name16_ok(c->name) && word_ok(c->fault_symbol, sizeof c->fault_symbol) &&
           c->ended_ns >= c->started_ns && (!crashed || known_crash(c->exit_code)) &&
           (c->state == NOS_CAPSULE_KILLED || r->killer == 0) &&
           r->image_len <= UINT64_MAX - r->image_base;
}

static bool memory_ok(const struct nos_crash_record *r)
{
    bool crashed = r->info.state == NOS_CAPSULE_CRASHED;
    bool kept = (r->flags & NOS_CR_MEMORY) != 0, private = (r->flags & NOS_CR_PRIVATE) != 0;

    if ((kept && private) || (kept || private) != crashed) {
        return false;
    }
    return kept || (span_is_zero(SPAN_OF(r->regs)) && r->code_at == 0 && r->code_len == 0 &&
                    r->stack_len == 0 && r->label == 0 && span_is_zero(SPAN_OF(r->message)));
}

static bool thread_ok(const struct nos_crash_record *r)
{
    bool thread = (r->flags & NOS_CR_THREAD) != 0;
    bool message = (r->flags & NOS_CR_MESSAGE) != 0;

    if (!thread && (r->flags != 0 || r->n_trace != 0)) {
        return false;
    }
    if (!message && (r->client != 0 || r->label != 0 || !span_is_zero(SPAN_OF(r->message)))) {
        return false;
    }
    return r->doing < NOS_DOING_COUNT && (r->doing != NOS_DOING_NOTHING) == thread;
}

static bool trace_ok(const struct nos_crash_record *r)
{
    if (!TAIL_ZERO(r->trace, r->n_trace)) {
        return false;
    }
    for (size_t i = 0; i < r->n_trace; i++) {
        const struct nos_crash_frame *f = &r->trace[i];
        if (f->ip - r->image_base >= r->image_len || !word_ok(f->symbol, sizeof f->symbol)) {
            return false;
        }
    }
    return true;
}

static bool handles_ok(const struct nos_crash_record *r)
{
    if (!TAIL_ZERO(r->handle, r->n_handles) || r->n_handles > r->info.handles) {
        return false;
    }
    for (size_t i = 0; i < r->n_handles; i++) {
        const struct nos_crash_handle *h = &r->handle[i];
        if (h->type == NOS_TYPE_NONE || h->type >= NOS_TYPE_COUNT ||
            (h->rights & ~(uint32_t)NOS_RIGHT_ALL) != 0 || h->origin > NOS_ORIGIN_TOKEN ||
            !word_ok(h->name, sizeof h->name)) {
            return false;
        }
    }
    return true;
}

static bool bytes_ok(const struct nos_crash_record *r)
{
    return TAIL_ZERO(r->code, r->code_len) && TAIL_ZERO(r->stack, r->stack_len) &&
           TAIL_ZERO(r->log, r->log_len);
}

nos_status_t crash_parse(span_t bytes, struct nos_crash_record *out)
{
    if (RECORD_GET(bytes, out) && head_ok(out) && info_ok(out) && memory_ok(out) &&
        thread_ok(out) && trace_ok(out) && handles_ok(out) && bytes_ok(out)) {
        return NOS_OK;
    }
    memset(out, 0, sizeof *out);
    return NOS_BAD_MESSAGE;
}

void crash_seal(const struct nos_crash_record *r, struct nos_crash_file *out)
{
    out->record = *r;
    blake3_derive(NOS_CTX_CRASH_FILE, span_of(r, sizeof *r), out->check);
}

nos_status_t crash_file_parse(span_t file, struct nos_crash_record *out)
{
    uint8_t check[32];
    span_t record, kept;

    if (file.len != sizeof(struct nos_crash_file) ||
        !span_cut(file, 0, sizeof(struct nos_crash_record), &record) ||
        !span_from(file, sizeof(struct nos_crash_record), &kept)) {
        memset(out, 0, sizeof *out);
        return NOS_BAD_MESSAGE;
    }
    blake3_derive(NOS_CTX_CRASH_FILE, record, check);
    if (!span_equal(kept, SPAN_OF(check))) {
        memset(out, 0, sizeof *out);
        return NOS_IO_ERROR;
    }
    return crash_parse(record, out);
}
