/*
 * vfork: the child is this program itself for a while, on the caller's memory as POSIX allows,
 * until it becomes another program (execve, which starts that one as posix_spawn does) or ends.
 * Then all that a child has of its own is put back as it was: descriptors, directory, signals, the
 * mask of modes. What it has not got is a number of its own before it is another program, and other
 * threads beside it: who has some is told EAGAIN.
 */
#include <spawn.h>

#include "sdk/libc/files/children.h"
#include "sdk/libc/files/files.h"

static struct {
    bool runs;
    struct libc_file *cwd;
    uint32_t mask;
    struct libc_child *place; /* for one that ends without having become another program */
} child;

long nos_libc_vfork_begin(void);
_Noreturn void nos_libc_vfork_return(long pid);

static _Noreturn void back(long pid)
{
    const struct nos_libc_args mask = { { (long)child.mask } };

    libc_files_acquire();
    libc_fds_restore();
    libc_cwd_take(child.cwd);
    libc_files_release();
    (void)libc_umask(&mask);
    nos_libc_signals_restore();
    nos_libc_at_exit(NULL);
    child.runs = false;
    nos_libc_vfork_return(pid);
}

static void leave(long code)
{
    back((long)libc_child_gone(child.place, (int)code));
}

long nos_libc_vfork_begin(void)
{
    nos_handle_t note;
    uint64_t bit;

    if (child.runs || nos_libc_has_threads()) {
        return -EAGAIN;
    }
    nos_status_t st = libc_child_new(&child.place, &note, &bit);
    if (st != NOS_OK) {
        return st == NOS_NO_SLOT ? -EAGAIN : -nos_libc_errno(st);
    }
    libc_files_acquire();
    libc_fds_keep();
    child.cwd = libc_cwd();
    if (child.cwd != NULL) {
        child.cwd->refs++;
    }
    libc_files_release();
    child.mask = nos_libc_mask();
    nos_libc_signals_keep();
    child.runs = true;
    nos_libc_at_exit(leave);
    return 0;
}

long libc_execve(const struct nos_libc_args *x)
{
    pid_t pid;

    if (!child.runs) {
        return -ENOSYS;
    }
    int r = posix_spawn(&pid, (const char *)x->a[0], NULL, NULL, (char *const *)x->a[1],
                        (char *const *)x->a[2]);
    if (r != 0) {
        return -r;
    }
    libc_child_free(child.place);
    back(pid);
}
