/* Audit logs, proofs and notes. Whatever parses is inside its bytes; a log that verifies can be
 * shown and pinned; a note is the only way to write what it says. */
#include "fuzz/fuzz.h"
#include "lib/audit_file.h"
#include "lib/render.h"

/* The check at the end is made good, or nothing behind it would ever be reached. */
static span_t sealed(const uint8_t *data, size_t size)
{
    static uint8_t room[1 << 16];
    size_t body = size < AUDIT_CHECK_BYTES ? 0 : size - AUDIT_CHECK_BYTES;
    if (size > sizeof room || body == 0) {
        return span_of(data, size);
    }
    memcpy(room, data, size);
    audit_file_check(span_of(room, body), room + body);
    return span_of(room, size);
}

static void try_log(span_t bytes)
{
    static struct audit_file f;
    struct audit_report r;
    struct nos_audit_entry e;
    char line[RENDER_LINE_MAX];
    struct fmt out;
    struct audit_pin pin = { .key0 = f.head.key0 };

    if (audit_file_parse(bytes, &f) != NOS_OK) {
        return;
    }
    PROMISE(fuzz_inside(f.checkpoints, bytes) && fuzz_inside(f.old, bytes) &&
            fuzz_inside(f.run, bytes));
    for (uint32_t i = 0; i < f.n_run; i++) {
        audit_file_run(&f, i, &e);
        FMT_INIT(&out, line);
        render_audit(&out, &e);
        PROMISE(!out.cut);
    }
    if (audit_file_verify(&f, &r) == NOS_OK) {
        PROMISE(r.records == f.n_run && r.checkpoints == f.n_checkpoints);
        PROMISE(r.old == f.n_old && r.old_proved <= r.old);
        PROMISE(audit_file_pin(&f, &pin) != NOS_AUDIT_KEY);
    }
}

static void try_proof(span_t bytes)
{
    struct audit_proof p;
    struct audit_report r;
    struct audit_item item;
    uint32_t n = 0;

    if (audit_proof_parse(bytes, &p) != NOS_OK) {
        return;
    }
    span_t rest = p.items;
    PROMISE(fuzz_inside(p.checkpoints, bytes) && fuzz_inside(p.hashes, bytes));
    while (audit_proof_next(&rest, &item)) {
        PROMISE(fuzz_inside(item.hashes, bytes));
        n++;
    }
    PROMISE(n == p.head.n_items && rest.len == 0);
    if (audit_proof_verify(&p, &r) == NOS_OK) {
        PROMISE(r.records == n);
    }
}

static void try_note(span_t bytes)
{
    struct audit_note n, again;

    if (audit_note_parse(bytes, &n) == NOS_OK) {
        PROMISE(bytes.len < AUDIT_NOTE_MAX);
        PROMISE(audit_note_parse(bytes, &again) == NOS_OK && memcmp(&n, &again, sizeof n) == 0);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    span_t bytes = sealed(data, size);
    try_log(bytes);
    try_proof(bytes);
    try_note(span_of(data, size));
    return 0;
}
