/* 4 KiB of text to the console: in messages of 512 bytes, and through a stream. Until the serial
 * line has it, so what the line takes is in both. It is remarks: bench's own output is read by a
 * program. */
#include "lib/status.h"
#include "modules/bench/bench.h"
#include "sdk/print.h"
#include "sdk/start.h"
#include "sdk/stream.h"

enum { TRIES = 4, TEXT = 4096, LINE = 64 };

static char text[TEXT];

static void fill(void)
{
    for (size_t i = 0; i < TEXT; i++) {
        text[i] = i % LINE == 0 ? '#' : i % LINE == LINE - 1 ? '\n' : '.';
    }
}

static nos_status_t by_message(void)
{
    return nos_console_write(SPAN_OF(text));
}

static nos_status_t by_stream(void)
{
    nos_status_t st = nos_stream_begin();
    if (st == NOS_OK) {
        st = nos_console_write(SPAN_OF(text));
    }
    return st == NOS_OK ? nos_stream_end() : st;
}

static void measure(const char *name, nos_status_t (*write)(void))
{
    struct minimum m = MINIMUM_NONE;
    nos_status_t st = NOS_OK;

    for (int i = 0; i < TRIES && st == NOS_OK; i++) {
        uint64_t from = nos_tsc();
        st = write();
        minimum_add(&m, nos_tsc() - from);
    }
    if (st == NOS_OK) {
        bench_figure(name, m.value - bench_overhead(), "insn");
    } else {
        bench_missing(name, status_text(st));
    }
}

void bench_text(void)
{
    fill();
    measure("console_4k_message", by_message);
    measure("console_4k_stream", by_stream);
    nos_ignore(nos_stream_close());
}
