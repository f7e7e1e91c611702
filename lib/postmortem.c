#include "lib/postmortem.h"

#include <string.h>

#include "abi/info.h"
#include "lib/crypto/blake3.h"
#include "lib/record.h"

enum { ALIGN = 8, RECORD_MAX = 4096 };

/* Take the record at the front of `*rest`, with its padding. */
static bool take(span_t *rest, struct nos_pm_record *r, span_t *bytes)
{
    span_t head, pad;
    if (!span_take(rest, sizeof *r, &head) || !RECORD_GET(head, r) || r->len > RECORD_MAX ||
        !span_take(rest, r->len, bytes)) {
        return false;
    }
    return span_take(rest, (ALIGN - r->len % ALIGN) % ALIGN, &pad) && span_is_zero(pad);
}

static bool records_ok(span_t records, uint64_t n)
{
    struct nos_pm_record r;
    span_t bytes;
    uint64_t have = 0;
    while (records.len > 0) {
        if (!take(&records, &r, &bytes)) {
            return false;
        }
        have++;
    }
    return have == n;
}

/* A cut-short block has no check: it has only its shape to be believed by. */
static bool check_ok(span_t block, const struct nos_pm_head *h)
{
    uint8_t check[BLAKE3_LEN] = { 0 };
    span_t checked;
    if (!span_from(block, NOS_PM_CHECKED, &checked)) {
        return false;
    }
    if (h->end != NOS_PM_BROKE) {
        blake3_derive(NOS_CTX_POSTMORTEM, checked, check);
    }
    return memcmp(h->check, check, sizeof check) == 0;
}

static nos_status_t parse(span_t at, struct postmortem *out)
{
    struct nos_pm_head h;
    span_t head, block, records;
    if (!span_cut(at, 0, sizeof h, &head) || !RECORD_GET(head, &h) || h.version != NOS_PM_VERSION ||
        h.end > NOS_PM_FULL || h.len > NOS_PM_BYTES - sizeof h || h.len % ALIGN != 0 ||
        !span_is_zero(SPAN_OF(h.rsv)) || !span_cut(at, 0, sizeof h + h.len, &block) ||
        !span_from(block, sizeof h, &records)) {
        return NOS_BAD_MESSAGE;
    }
    if (!check_ok(block, &h)) {
        return NOS_IO_ERROR;
    }
    if (!records_ok(records, h.records)) {
        return NOS_BAD_MESSAGE;
    }
    *out = (struct postmortem){ .head = h, .records = records };
    return NOS_OK;
}

/* The magic may also stand elsewhere, in the kernel's own image for one: the first block that
 * holds counts, and of those that do not, one of which the check alone is wrong. */
nos_status_t postmortem_find(span_t dump, struct postmortem *out)
{
    static const uint8_t magic[] = NOS_PM_MAGIC;
    nos_status_t st = NOS_NOT_FOUND;
    _Static_assert(sizeof magic == sizeof out->head.magic, "as long as its field");
    *out = (struct postmortem){ 0 };
    for (size_t at = 0; st != NOS_OK && at < dump.len; at++) {
        span_t rest, seen;
        if (dump.data[at] == magic[0] && span_from(dump, at, &rest) &&
            span_cut(rest, 0, sizeof magic, &seen) && span_equal(seen, SPAN_OF(magic))) {
            nos_status_t found = parse(rest, out);
            st = st == NOS_IO_ERROR && found != NOS_OK ? st : found;
        }
    }
    return st;
}

nos_status_t postmortem_record(const struct postmortem *p, uint32_t topic, uint64_t index,
                               span_t *out)
{
    bool next_counts =
        topic == NOS_TOPIC_LOG || topic == NOS_TOPIC_AUDIT || topic == NOS_TOPIC_CRASH;
    struct nos_pm_record r;
    span_t rest = p->records, bytes;
    while (rest.len > 0 && take(&rest, &r, &bytes)) {
        if (r.topic == topic && (next_counts ? r.index >= index : r.index == index)) {
            *out = bytes;
            return NOS_OK;
        }
    }
    return NOS_NOT_FOUND;
}
