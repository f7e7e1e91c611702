/* The console, whole: messages of several clients, its serial line, its streams, whose memory the
 * clients have too. What it makes for a stream is made once; nothing that a client says or writes
 * makes it end. */
#include "fuzz/fuzz.h"
#include "fuzz/world/world.h"
#include "sdk/ipc.h"
#include "sdk/start.h"

enum { STREAMS = 4 /* modules/console/stream.h */, OWN = 3 + 1 /* at its start, and notify */ };

/* There is no screen: fuzz_term has it. */
extern const uint8_t console_font[], console_font_end[];
const uint8_t console_font[1], console_font_end[1];

/* A slot's: region, notification; what is derived of them; lifeline. Messages bring none. */
static void asked(const struct nos_ipc_regs *r)
{
    (void)r;
    PROMISE(world_handles() <= OWN + STREAMS * 5 + 1);
    PROMISE(world_mappings() <= STREAMS);
}

static span_t typed(void)
{
    return world_take(world_byte());
}

static void run(void)
{
    (void)nos_main();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct nos_start start = {
        .capsule = 5,
        .supervisor = 1,
        .n_handles = 3,
        .handle = { { .handle = 1, .kind = NOS_CAP_ENDPOINT, .name = "console" },
                    { .handle = 2, .kind = NOS_CAP_PORTS, .a = 0x3f8 },
                    { .handle = 3, .kind = NOS_CAP_IRQ, .a = 4 } },
    };

    world_asked = asked;
    world_line = typed;
    world_begin(span_of(data, size), &start);
    world_run(run);
    world_end();
    return 0;
}
