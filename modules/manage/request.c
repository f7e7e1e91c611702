#include "modules/manage/request.h"

#include <string.h>

#include "abi/debug.h"
#include "abi/start.h"
#include "lib/text.h"

enum { FIRST_SIGNED = 16, LOAD_FIXED = 8 + 32 + 1, HASH = 32 };

bool request_is_signed(uint16_t verb)
{
    return verb >= FIRST_SIGNED;
}

static nos_status_t parse_info(span_t args, struct request *r)
{
    bool ok = args.len == 16 && span_le64(args, 0, &r->topic) && span_le64(args, 8, &r->index);
    return ok ? NOS_OK : NOS_BAD_MESSAGE;
}

static nos_status_t parse_upload(span_t args, struct request *r)
{
    if (!span_le64(args, 0, &r->offset) || !span_from(args, 8, &r->bytes) || r->bytes.len == 0) {
        return NOS_BAD_MESSAGE;
    }
    if (r->offset > NOS_MG_UPLOAD_MAX || r->bytes.len > NOS_MG_UPLOAD_MAX - r->offset) {
        return NOS_TOO_BIG;
    }
    return NOS_OK;
}

static nos_status_t parse_load(span_t args, struct request *r)
{
    uint8_t start;

    if (!span_le64(args, 0, &r->len) || !span_cut(args, 8, HASH, &r->hash) ||
        !span_u8(args, 8 + HASH, &start) || !span_from(args, LOAD_FIXED, &r->arg) || start > 1 ||
        r->len == 0) {
        return NOS_BAD_MESSAGE;
    }
    r->start = start == 1;
    return r->arg.len > NOS_ARG_MAX || r->len > NOS_MG_UPLOAD_MAX ? NOS_TOO_BIG : NOS_OK;
}

static nos_status_t parse_start(span_t args, struct request *r)
{
    span_t name;

    if (!span_cut(args, 0, NOS_NAME_MAX, &name) || !span_from(args, NOS_NAME_MAX, &r->arg)) {
        return NOS_BAD_MESSAGE;
    }
    memcpy(r->name, name.data, NOS_NAME_MAX);
    if (!name16_ok(r->name)) {
        return NOS_BAD_MESSAGE;
    }
    return r->arg.len > NOS_ARG_MAX ? NOS_TOO_BIG : NOS_OK;
}

static nos_status_t parse_share(span_t args, struct request *r)
{
    span_t name;
    bool ok = args.len == 8 + HASH + NOS_NAME_MAX && span_le64(args, 0, &r->len) &&
              span_cut(args, 8, HASH, &r->hash) && span_cut(args, 8 + HASH, NOS_NAME_MAX, &name) &&
              r->len != 0;

    if (!ok) {
        return NOS_BAD_MESSAGE;
    }
    memcpy(r->name, name.data, NOS_NAME_MAX);
    return !name16_ok(r->name)          ? NOS_BAD_MESSAGE
           : r->len > NOS_MG_UPLOAD_MAX ? NOS_TOO_BIG
                                        : NOS_OK;
}

static nos_status_t parse_words(span_t args, uint32_t *first, uint32_t *second)
{
    size_t want = second == NULL ? 4 : 8;
    bool ok = args.len == want && span_le32(args, 0, first) &&
              (second == NULL || span_le32(args, 4, second));
    return ok ? NOS_OK : NOS_BAD_MESSAGE;
}

/* An address and a word. */
static nos_status_t parse_place(span_t args, uint64_t *at, uint32_t *word)
{
    bool ok = args.len == 12 && span_le64(args, 0, at) && span_le32(args, 8, word);
    return ok ? NOS_OK : NOS_BAD_MESSAGE;
}

static nos_status_t parse_read(span_t args, struct request *r)
{
    uint32_t len = 0;
    nos_status_t st = parse_place(args, &r->offset, &len);
    r->len = len;
    return st == NOS_OK && len > NOS_DEBUG_READ_MAX ? NOS_TOO_BIG : st;
}

static nos_status_t parse_write(span_t args, struct request *r)
{
    if (!span_le64(args, 0, &r->offset) || !span_from(args, 8, &r->bytes) || r->bytes.len == 0) {
        return NOS_BAD_MESSAGE;
    }
    return r->bytes.len > NOS_DEBUG_WRITE_MAX ? NOS_TOO_BIG : NOS_OK;
}

static nos_status_t parse_set(span_t args, struct request *r)
{
    bool ok = args.len == 4 + NOS_REG_COUNT * 8 && span_le32(args, 0, &r->id) &&
              span_from(args, 4, &r->bytes);
    return ok ? NOS_OK : NOS_BAD_MESSAGE;
}

static nos_status_t parse_debug(uint16_t verb, span_t args, struct request *r)
{
    switch (verb) {
    case NOS_MG_DEBUGGED:
    case NOS_MG_DEBUG_END:
        return args.len == 0 ? NOS_OK : NOS_BAD_MESSAGE;
    case NOS_MG_DEBUG:
        return parse_words(args, &r->id, &r->seconds);
    case NOS_MG_DEBUG_THREADS:
        return parse_words(args, &r->id, NULL);
    case NOS_MG_DEBUG_SET:
        return parse_set(args, r);
    case NOS_MG_DEBUG_READ:
        return parse_read(args, r);
    case NOS_MG_DEBUG_WRITE:
        return parse_write(args, r);
    case NOS_MG_DEBUG_BREAK:
        return parse_place(args, &r->offset, &r->action);
    case NOS_MG_DEBUG_RUN:
        return parse_words(args, &r->id, &r->action);
    default:
        return NOS_NOT_SUPPORTED;
    }
}

nos_status_t request_parse(uint16_t verb, span_t args, struct request *out)
{
    struct request r = { .verb = verb };
    nos_status_t st = parse_debug(verb, args, &r);

    if (verb == NOS_MG_HELLO) {
        st = args.len == 0 ? NOS_OK : NOS_BAD_MESSAGE;
    } else if (verb == NOS_MG_INFO) {
        st = parse_info(args, &r);
    } else if (verb == NOS_MG_UPLOAD) {
        st = parse_upload(args, &r);
    } else if (verb == NOS_MG_LOAD) {
        st = parse_load(args, &r);
    } else if (verb == NOS_MG_SHARE) {
        st = parse_share(args, &r);
    } else if (verb == NOS_MG_START) {
        st = parse_start(args, &r);
    } else if (verb == NOS_MG_KILL) {
        st = parse_words(args, &r.id, NULL);
    } else if (verb == NOS_MG_STOP) {
        st = parse_words(args, &r.id, &r.with_all);
        st = st == NOS_OK && r.with_all > 1 ? NOS_BAD_MESSAGE : st;
    } else if (verb == NOS_MG_UPGRADE) {
        st = args.len == 4 + HASH && span_le32(args, 0, &r.id) &&
                     span_cut(args, 4, HASH, &r.module_id)
                 ? NOS_OK
                 : NOS_BAD_MESSAGE;
    } else if (verb == NOS_MG_POWER) {
        st = parse_words(args, &r.action, NULL);
    } else if (verb == NOS_MG_TOKEN) {
        st = parse_words(args, &r.id, &r.handle);
    }
    if (st == NOS_OK) {
        *out = r;
    }
    return st;
}
