/*
 * For who fuzzes the kernel from inside (docs/syscall-fuzzing.md): the call that only this flavour
 * has. It tells what ran since it was asked last, and remembers what is done next: if the kernel
 * breaks, that goes out of the debug port.
 */
#include "abi/covered.h"

#include "kernel/core/lock.h"
#include "kernel/core/wipe.h"
#include "kernel/covered/covered.h"
#include "kernel/sched/thread.h"

enum { COUNTERS_MAX = 16384, BATCH = 8, KEPT = 'K', BROKE_IN = 'P' };

struct arch_context *__real_up_syscall(struct arch_context *ctx);
struct arch_context *__wrap_up_syscall(struct arch_context *ctx);
void __real_machine_tell(void);
void __wrap_machine_tell(void);

static uint8_t seen[COUNTERS_MAX]; /* a bit for each class of how often */
static struct {
    uint32_t len;
    uint8_t bytes[NOS_COVERED_BUFFER];
} remembered[NOS_COVERED_REMEMBERED];
static uint32_t n_remembered;

/* 1, 2, 3, 4-7, 8-15, 16-31, 32-127, more. */
static uint8_t class_of(uint64_t count)
{
    static const uint8_t small[] = { 0, 1, 2, 4, 8, 8, 8, 8, 16, 16, 16, 16, 16, 16, 16, 16 };
    return count < sizeof small ? small[count] : count < 32 ? 32 : count < 128 ? 64 : 128;
}

struct found {
    uint64_t regions, classes;
};

static void look_at(size_t from, size_t to, struct found *f)
{
    for (size_t i = from; i < to; i++) {
        uint8_t class = class_of(covered_first[i]);
        covered_first[i] = 0;
        if ((seen[i] & class) != class) {
            f->regions += seen[i] == 0;
            f->classes++;
            seen[i] |= class;
        }
    }
}

static uint64_t look(void)
{
    struct found f = { 0 };
    size_t n = covered_count() < COUNTERS_MAX ? covered_count() : COUNTERS_MAX;
    size_t i = 0;
    for (const uint64_t *c = covered_first; i + BATCH <= n; i += BATCH, c += BATCH) {
        if ((c[0] | c[1] | c[2] | c[3] | c[4] | c[5] | c[6] | c[7]) != 0) {
            look_at(i, i + BATCH, &f);  // most are zero: a program runs a twentieth of the kernel
        }
    }
    look_at(i, n, &f);
    return f.regions | f.classes << 32;
}

static nos_status_t get(uint8_t *to, uint64_t from, uint64_t len)
{
    if (len > NOS_COVERED_BUFFER) {
        return NOS_TOO_BIG;
    }
    return user_range(from, len) && arch_copy_from_user(to, from, len) ? NOS_OK : NOS_BAD_ADDRESS;
}

static nos_status_t remember(uint64_t at, uint64_t len)
{
    uint32_t i = n_remembered % NOS_COVERED_REMEMBERED;
    nos_status_t st = get(remembered[i].bytes, at, len);
    if (st == NOS_OK) {
        remembered[i].len = (uint32_t)len;
        n_remembered++;
    }
    return st;
}

static void say(uint8_t tag, const uint8_t *bytes, uint32_t len)
{
    covered_put(tag, &len, sizeof len);
    covered_write(bytes, len);
}

static nos_status_t keep(uint64_t at, uint64_t len)
{
    static uint8_t bytes[NOS_COVERED_BUFFER];
    nos_status_t st = get(bytes, at, len);
    if (st == NOS_OK) {
        say(KEPT, bytes, (uint32_t)len);
    }
    return st;
}

static nos_status_t perform(struct thread *self)
{
    struct handle_slot *slot;
    uint64_t h = self->ctx.arg0, at = self->ctx.w[0], len = self->ctx.w[1];
    nos_status_t st = h > UINT32_MAX ? NOS_BAD_HANDLE
                                     : handle_get(&self->capsule->handles, (uint32_t)h,
                                                  1u << NOS_TYPE_NODE, NOS_RIGHT_KILL, &slot);
    if (st != NOS_OK) {
        return st;
    }
    switch ((enum nos_covered_op)self->ctx.arg1) {
    case NOS_COVERED_LOOK:
        self->ctx.w[0] = look();
        return NOS_OK;
    case NOS_COVERED_NEXT:
        return remember(at, len);
    case NOS_COVERED_KEEP:
        return keep(at, len);
    case NOS_COVERED_FORGET:
        n_remembered = 0;
        return NOS_OK;
    }
    return NOS_INVALID;
}

struct arch_context *__wrap_up_syscall(struct arch_context *ctx)
{
    if (ctx->nr != NOS_SYS_COVERED) {
        return __real_up_syscall(ctx);
    }
    struct thread *self = CONTAINER_OF(ctx, struct thread, ctx);
    (void)kernel_lock();
    ctx->nr = (uint64_t)(int64_t)perform(self);
    struct arch_context *next = sched_exit();
    kernel_unlock();
    return next;
}

/* The oldest first. */
void __wrap_machine_tell(void)
{
    uint32_t n = n_remembered < NOS_COVERED_REMEMBERED ? n_remembered : NOS_COVERED_REMEMBERED;
    for (uint32_t i = n_remembered - n; i != n_remembered; i++) {
        say(BROKE_IN, remembered[i % NOS_COVERED_REMEMBERED].bytes,
            remembered[i % NOS_COVERED_REMEMBERED].len);
    }
    __real_machine_tell();
}
