/* Lines go out of the debug port, at once and past the console, which is one of those that get
 * hurt. */
#include "modules/storm/storm.h"

#include <string.h>

#include "abi/info.h"
#include "lib/crypto/blake3.h"
#include "sdk/format.h"

enum { LOG_PIECE = 240, LOG_SAID = 1200 /* bytes */ };

uint64_t broken, at_fault;
static struct blake3_ctx digest;

static void out(const char *text, size_t len)
{
    nos_ignore(nos_syscall4(NOS_SYS_STORM, node.v, NOS_STORM_SAY, (uint64_t)text, len, NULL));
}

static void line(const char *before, const char *fmt, va_list args)
{
    char text[NOS_STORM_SAY_MAX];
    size_t n = nos_format(text, sizeof(text), "storm %s ", before);
    n += nos_vformat(text + n, sizeof(text) - n - 1, fmt, args);
    text[n] = '\n';
    out(text, n + 1);
}

void say(const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    line("says", fmt, args);
    va_end(args);
}

/* The log's new lines, so that a finding comes with what led to it. */
static void say_log(void)
{
    static struct {
        struct nos_log_head head;
        char text[LOG_PIECE];
    } piece;
    static uint64_t from;
    uint64_t got = 0;

    while (nos_sys_node_info(node, NOS_TOPIC_LOG, from, &piece, sizeof(piece), &got) == NOS_OK &&
           got > sizeof(piece.head)) {
        got -= sizeof(piece.head);
        from = piece.head.from + got;
        if (piece.head.end - from < LOG_SAID) {
            out(piece.text, got);
        }
    }
}

void say_broken(const char *fmt, ...)
{
    char at[40];
    va_list args;
    broken++;
    nos_format(at, sizeof(at), "BROKEN %llu", (unsigned long long)at_fault);
    va_start(args, fmt);
    line(at, fmt, args);
    va_end(args);
    say_log();
}

void digest_begin(void)
{
    blake3_init(&digest);
}

void digest_add(const void *bytes, size_t len)
{
    blake3_update(&digest, span_of(bytes, len));
}

void digest_text(char text[65])
{
    uint8_t hash[BLAKE3_LEN];
    blake3_final(&digest, hash);
    for (unsigned i = 0; i < BLAKE3_LEN; i++) {
        text[2 * i] = "0123456789abcdef"[hash[i] >> 4];
        text[2 * i + 1] = "0123456789abcdef"[hash[i] & 15];
    }
    text[64] = '\0';
}
