/* The management channel: frames on the second serial port between `nonosctl` and the `manage`
 * capsule. Spec: docs/management.md. Little-endian; one request is answered by one or more frames
 * with its seq, the last of them with NOS_MG_LAST; text is never trusted; a frame that fails its
 * check is dropped and the reader resynchronises on the next magic. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "abi/status.h"

#define NOS_MG_MAGIC "N0NM"

struct nos_mg_header { /* 32 bytes */
    uint8_t magic[4];
    uint8_t ver;      /* 1 */
    uint8_t flags;    /* enum nos_mg_flags */
    uint16_t verb;    /* enum nos_mg_verb, the same in the answer */
    uint32_t seq;     /* chosen by the client */
    uint32_t len;     /* bytes of payload, <= NOS_MG_PAYLOAD */
    int32_t status;   /* answer: nos_status_t; request: 0 */
    uint32_t rsv;     /* 0 */
    uint8_t check[8]; /* first 8 bytes of BLAKE3(header[0..24) || payload) */
};
_Static_assert(sizeof(struct nos_mg_header) == 32, "ABI");
_Static_assert(offsetof(struct nos_mg_header, check) == 24, "what the check covers");

enum nos_mg_flags { NOS_MG_LAST = 1u << 0, NOS_MG_FLAGS_KNOWN = 1u };
enum { NOS_MG_PAYLOAD = 4096, NOS_MG_UPLOAD_MAX = 16 << 20 };

/* An answer of another status carries nothing. NEEDED: what the verb says. */
static inline bool nos_mg_has_payload(nos_status_t st)
{
    return st == NOS_OK || st == NOS_NEEDED;
}

enum nos_mg_verb {
    NOS_MG_HELLO = 1, /* -> struct nos_mg_hello */
    NOS_MG_INFO =
        2, /* topic8 | index8 -> one record of abi/info.h, bytes as node_info gives them */
    NOS_MG_UPLOAD = 3,   /* offset8 | bytes: stage a module; offset 0 starts anew, what is left out
                          * before it is   zero. No signature: nothing is run */
    NOS_MG_DEBUGGED = 4, /* -> enum nos_mg_debugged 4, of the session that DEBUG began */
    /* signed: payload = args | counter8 | sig64, sig by the operator key over
     * NOS_DOMAIN_MANAGE \0 || nonce32 || counter8 || verb2 || BLAKE3(args); counter rises with each
     * use */
    NOS_MG_LOAD = 16,  /* len8 | blake3_32 of the staged file | start1 | arg (<= 255) -> module_id32
                          | capsule id4 (0 if not started) */
    NOS_MG_START = 17, /* name16 | arg -> capsule id4 */
    NOS_MG_KILL = 18,  /* id4 -> nothing */
    NOS_MG_POWER = 19, /* action4 (enum nos_power, or with NOS_MG_NOW) -> nothing */
    NOS_MG_TOKEN = 20, /* capsule4 | handle4 -> 196-byte token */
    NOS_MG_STOP = 21,  /* id4 | with all that need it4 (0, 1) -> how4 (enum nos_stop_way) |
                        * dependants stopped4 | ms4; status NEEDED -> id4 of each that needs it */
    NOS_MG_UPGRADE = 22, /* id4 | module_id32 of a verified module -> capsule id4 (0: under way, it
                          * is `manage` itself) | pause ns8 */
    NOS_MG_SHARE = 23, /* len8 | blake3_32 of the staged file, a wad | name16 of a share -> files4 |
                        * bytes8: memfs has its assets there now */
    /* One capsule under a debugger (docs/debugging.md), signed too: one session, from DEBUG to
     * DEBUG_END, the next DEBUG or the next HELLO, and for `seconds` at the most. */
    NOS_MG_DEBUG = 32,         /* capsule4 | seconds4 -> nothing: it has stopped */
    NOS_MG_DEBUG_END = 33,     /* -> nothing: it runs on */
    NOS_MG_DEBUG_THREADS = 34, /* id4 -> struct nos_debug_thread of each from there on, as many as
                                  fit: fewer than NOS_MG_DEBUG_AT_ONCE are the last */
    NOS_MG_DEBUG_SET = 35,     /* id4 | registers -> nothing */
    NOS_MG_DEBUG_READ = 36,    /* address8 | bytes4 -> the bytes */
    NOS_MG_DEBUG_WRITE = 37,   /* address8 | bytes -> nothing */
    NOS_MG_DEBUG_BREAK = 38,   /* address8 | on4 -> nothing */
    NOS_MG_DEBUG_RUN = 39,     /* id4 (0 = all) | enum nos_debug_how 4 -> nothing */
};

enum { NOS_MG_DEBUG_AT_ONCE = 5 };

enum nos_mg_debugged {
    NOS_MG_NONE = 0, /* no session */
    NOS_MG_RUNS = 1,
    NOS_MG_STOPPED = 2,
    NOS_MG_ENDED = 3, /* the capsule has */
    NOS_MG_OVER = 4   /* the grant is: the capsule runs on */
};

enum { NOS_MG_NOW = 0x100 /* POWER: without stopping first what runs */ };

struct nos_mg_hello {
    uint32_t proto; /* 1 */
    uint32_t payload_max;
    uint8_t nonce[32]; /* fresh for each boot of `manage`: what signatures bind to */
    uint64_t counter;  /* the next signed request must use at least this */
    uint8_t boot_id[32];
    uint8_t operator_pk[32];
};
