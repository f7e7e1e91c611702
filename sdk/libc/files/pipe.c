/* pipe: both ends are this capsule's, until one is handed to another. */
#include "sdk/pipe.h"

#include "sdk/libc/files/files.h"

static void leave(struct libc_pipe *const side[2])
{
    for (int i = 0; i < 2; i++) {
        if (side[i] != NULL) {
            libc_pipe_close(side[i]);
        }
    }
}

/* With the lock held. */
static long describe(struct libc_pipe *const side[2], int out[2], long flags)
{
    long fd[2] = { -1, -1 };

    for (int i = 0; i < 2; i++) {
        struct libc_file *f = libc_file_new();
        if (f != NULL) {
            *f = (struct libc_file){ .kind = LIBC_PIPE, .pipe = side[i] };
            f->flags = (i == NOS_PIPE_WRITER ? O_WRONLY : O_RDONLY) | (flags & O_NONBLOCK);
            fd[i] = libc_fd_new(f, 0, (flags & O_CLOEXEC) != 0);
        }
        if (fd[i] < 0) {
            leave((struct libc_pipe *const[2]){ i == 0 ? side[0] : NULL, side[1] });
            (void)libc_fd_close(fd[0]);  // its side goes with it
            return -EMFILE;
        }
    }
    out[0] = (int)fd[0];
    out[1] = (int)fd[1];
    return 0;
}

static long make(int out[2], long flags)
{
    struct libc_pipe *side[2] = { NULL, NULL };
    struct nos_pipe_end ends[2];

    if ((flags & ~(long)(O_CLOEXEC | O_NONBLOCK)) != 0) {
        return -EINVAL;
    }
    nos_status_t st = nos_pipe_make(NOS_PIPE_PAGES, ends, NULL);
    if (st != NOS_OK) {
        return -nos_libc_errno(st);
    }
    st = libc_pipe_open(&ends[0], &side[0]);
    if (st == NOS_OK) {
        st = libc_pipe_open(&ends[1], &side[1]);
    } else {
        nos_pipe_drop(&ends[1]);
    }
    if (st != NOS_OK) {
        leave(side);
        return st == NOS_NO_SLOT ? -EMFILE : -nos_libc_errno(st);
    }
    libc_files_acquire();
    long r = describe(side, out, flags);
    libc_files_release();
    return r;
}

long libc_pipe(const struct nos_libc_args *x)
{
    return make((int *)x->a[0], 0);
}

long libc_pipe2(const struct nos_libc_args *x)
{
    return make((int *)x->a[0], x->a[1]);
}
