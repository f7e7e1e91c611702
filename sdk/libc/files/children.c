/* wait and kill. A child's end is a bit of one notification, on which one thread sleeps; who comes
 * second looks every now and then. */
#include "sdk/libc/files/children.h"

#include <errno.h>
#include <signal.h>
#include <sys/wait.h>

enum { LOOK_NS = 20000000, NAP_NS = 1000000 };

static struct libc_child children[LIBC_CHILDREN];
static struct nos_libc_lock lock;
static nos_handle_t ends;

nos_status_t libc_child_new(struct libc_child **out, nos_handle_t *note, uint64_t *bit)
{
    nos_status_t st = NOS_OK;

    *out = NULL;
    nos_libc_acquire(&lock);
    if (ends.v == 0) {
        st = nos_sys_notify_create(&ends);
    }
    for (size_t i = 0; st == NOS_OK && i < LIBC_CHILDREN && *out == NULL; i++) {
        if (children[i].id == 0 && !children[i].starting) {
            children[i].starting = true;
            *out = &children[i];
            *bit = 1ull << i;
        }
    }
    nos_libc_release(&lock);
    *note = ends;
    return st == NOS_OK && *out == NULL ? NOS_NO_SLOT : st;
}

void libc_child_runs(struct libc_child *c, nos_handle_t capsule, uint32_t id)
{
    nos_libc_acquire(&lock);
    *c = (struct libc_child){ .id = id, .capsule = capsule };
    nos_libc_release(&lock);
}

uint32_t libc_child_gone(struct libc_child *c, int code)
{
    static uint32_t last;
    const uint32_t no_capsule = 1u << 30;

    nos_libc_acquire(&lock);
    *c = (struct libc_child){ .id = no_capsule | ++last % no_capsule, .gone = true };
    c->status = (code & 0xff) << 8;
    const uint32_t id = c->id;
    nos_libc_release(&lock);
    return id;
}

void libc_child_free(struct libc_child *c)
{
    nos_libc_acquire(&lock);
    if (c->capsule.v != 0) {
        nos_ignore(nos_sys_handle_close(c->capsule));
    }
    *c = (struct libc_child){ .id = 0 };
    nos_libc_release(&lock);
}

bool libc_child_ended(nos_handle_t capsule, struct nos_capsule_info *info)
{
    return nos_sys_capsule_info(capsule, info, sizeof *info) != NOS_OK ||
           info->state != NOS_CAPSULE_RUNNING;
}

/* As Linux has it: an exit code, or the signal that is nearest to what happened. */
static int status_of(const struct nos_capsule_info *info)
{
    return info->state == NOS_CAPSULE_EXITED    ? (int)(info->exit_code & 0xff) << 8
           : info->state == NOS_CAPSULE_CRASHED ? SIGSEGV
                                                : SIGKILL;
}

/* With the lock held. Gives: its id, 0: none has ended, or -ECHILD: there is none. */
static long reap(long pid, int *status)
{
    struct nos_capsule_info info;
    long r = -ECHILD;

    for (size_t i = 0; i < LIBC_CHILDREN; i++) {
        struct libc_child *c = &children[i];
        if (c->id == 0 || (pid > 0 && c->id != (uint32_t)pid)) {
            continue;
        }
        r = r == -ECHILD ? 0 : r;
        if (c->gone || libc_child_ended(c->capsule, &info)) {
            *status = c->gone ? c->status : status_of(&info);
            r = (long)c->id;
            if (!c->gone) {
                nos_ignore(nos_sys_handle_close(c->capsule));
            }
            *c = (struct libc_child){ .id = 0 };
            return r;
        }
    }
    return r;
}

long libc_wait(const struct nos_libc_args *x)
{
    long pid = x->a[0], options = x->a[2];
    int status = 0;

    if ((options & ~(long)(WNOHANG | WUNTRACED | WCONTINUED)) != 0) {
        return -EINVAL;
    }
    for (;;) {
        uint64_t bits;
        nos_libc_acquire(&lock);
        long r = reap(pid, &status);
        nos_libc_release(&lock);
        if (r != 0 || (options & WNOHANG) != 0) {
            if (r > 0 && x->a[1] != 0) {
                *(int *)x->a[1] = status;
            }
            return r;
        }
        nos_status_t st = nos_sys_notify_wait(ends, nos_now_ns() + LOOK_NS, &bits);
        if (st == NOS_BUSY) {
            st = nos_sys_sleep(nos_now_ns() + NAP_NS);
        }
        if (nos_libc_is_interrupted()) {
            return -EINTR;
        }
    }
}

long nos_libc_kill_child(long pid, long sig)
{
    long r = -ESRCH;

    nos_libc_acquire(&lock);
    for (size_t i = 0; i < LIBC_CHILDREN && pid > 0; i++) {
        struct nos_capsule_info info;
        if (children[i].id != (uint32_t)pid) {
            continue;
        }
        if (children[i].gone || libc_child_ended(children[i].capsule, &info)) {
            r = 0;  // until it has been waited for it is there
            continue;
        }
        bool ends_it =
            sig == SIGKILL || sig == SIGTERM || sig == SIGINT || sig == SIGQUIT || sig == SIGHUP;
        r = sig == 0   ? 0
            : !ends_it ? -EPERM
                       : -nos_libc_errno(nos_sys_capsule_kill(children[i].capsule, NOS_KILL_ASKED));
    }
    nos_libc_release(&lock);
    return r;
}
