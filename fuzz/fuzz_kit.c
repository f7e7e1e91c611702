/* A program takes its kit from a starter that says anything: text, descriptors, pipes that somebody
 * else writes into; then it reads and writes all of them. What it believes of the text is whole;
 * a descriptor that is the same as another one is an earlier one's; when all ends are closed it
 * holds the handles that it had, and nothing is mapped. */
#include <errno.h>

#include "fuzz/fuzz.h"
#include "fuzz/world/world.h"
#include "sdk/ipc.h"
#include "sdk/libc/pipes.h"

enum { STARTER = 1, CONSOLE = 2, GIVEN = 2, ROUNDS = 40 };

static struct libc_pipe *pipe_of[NOS_KIT_STREAMS];

/* ---- the rest of the C library ---- */

bool nos_libc_posts;

void nos_libc_acquire(struct nos_libc_lock *l)
{
    PROMISE(l->held == 0);  // one thread
    l->held = 1;
}

void nos_libc_release(struct nos_libc_lock *l)
{
    PROMISE(l->held == 1);
    l->held = 0;
}

uint64_t *nos_libc_ipc_buffer(void)
{
    return NULL;
}

bool nos_libc_is_interrupted(void)
{
    return world_silent() || world_byte() == 254;
}

int nos_libc_errno(nos_status_t st)
{
    return st == NOS_OK ? 0 : EIO;
}

void nos_libc_raise(int sig)
{
    PROMISE(sig > 0);
}

long nos_libc_map(size_t bytes, bool apart)
{
    static uint8_t room[NOS_KIT_TEXT_MAX];

    PROMISE(bytes <= sizeof room && !apart);
    memset(room, 0, sizeof room);
    return world_byte() == 255 ? -ENOMEM : (long)room;
}

void libc_begin_without(void)
{
}

void libc_begin_with(long fd, const struct libc_stream *s)
{
    PROMISE(fd >= 0 && fd < NOS_KIT_STREAMS && pipe_of[fd] == NULL);
    PROMISE(s->kind != NOS_KIT_SAME || (s->same >= 0 && s->same < fd));
    PROMISE((s->kind == NOS_KIT_PIPE) == (s->pipe != NULL));
    pipe_of[fd] = s->pipe;
}

long libc_begin_open(long fd, const char *path, uint64_t detail)
{
    PROMISE(fd >= 0 && fd < NOS_KIT_STREAMS && strlen(path) < NOS_TEXT_MAX);
    return (detail & 1) != 0 ? -EACCES : 0;
}

long libc_begin_file(long fd, const nos_handle_t h[NOS_FS_PASSES], uint64_t flags)
{
    PROMISE(fd >= 0 && fd < NOS_KIT_STREAMS);
    for (int i = 0; i < NOS_FS_PASSES; i++) {
        nos_ignore(nos_sys_handle_close(h[i]));
    }
    return (flags & 1) != 0 ? -EIO : 0;
}

/* ---- a program ---- */

static void check(const struct libc_kit *k)
{
    const char *s = k->text;

    for (uint64_t i = 0; i < k->n_args + k->n_env + 1; i++) {
        PROMISE(s < k->text + k->len);
        s += strnlen(s, (size_t)(k->text + k->len - s)) + 1;
    }
    PROMISE(s == k->text + k->len);
}

static void share(struct libc_pipe *p)
{
    struct nos_pipe_end end;

    if (libc_pipe_share(p, &end) == NOS_OK) {
        nos_pipe_drop(&end);
    }
}

static void use(struct libc_pipe *p)
{
    uint8_t bytes[200] = { 0 }, how = world_byte();
    size_t n = how % sizeof bytes;
    long r = 0;

    switch (how / 64) {
    case 0:
        r = libc_pipe_read(p, mspan_of(bytes, n), false);
        break;
    case 1:
        r = libc_pipe_write(p, span_of(bytes, n), false);
        break;
    case 2:
        r = libc_pipe_read(p, mspan_of(bytes, n), true);
        break;
    default:
        (void)libc_pipe_events(p);
        if (n % 2 != 0) {
            share(p);
        }
    }
    PROMISE(r <= (long)n);
}

static void run(void)
{
    struct libc_kit k;

    if (!libc_has_kit()) {
        return;
    }
    libc_take_kit(&k);
    check(&k);
    for (unsigned i = 0; i < ROUNDS && !world_silent(); i++) {
        struct libc_pipe *p = pipe_of[world_byte() % NOS_KIT_STREAMS];
        if (p != NULL) {
            use(p);
        }
    }
    for (unsigned i = 0; i < NOS_KIT_STREAMS; i++) {
        if (pipe_of[i] != NULL) {
            libc_pipe_close(pipe_of[i]);
        }
    }
    PROMISE(world_mappings() == 0);
    PROMISE(world_handles() == GIVEN);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct nos_start start = {
        .capsule = 5,
        .given = STARTER,
        .name = "program",
        .n_handles = GIVEN,
        .handle = { { .handle = STARTER, .kind = NOS_CAP_ENDPOINT, .name = "starter" },
                    { .handle = CONSOLE, .kind = NOS_CAP_ENDPOINT, .name = "console" } },
    };

    memset(pipe_of, 0, sizeof pipe_of);
    world_begin(span_of(data, size), &start);
    world_run(run);
    world_end();
    return 0;
}
