/* Record locks: fcntl's GETLK, SETLK, SETLKW. */
#include <sys/file.h>
#include <unistd.h>

#include "sdk/libc/files/files.h"

static long lock_range(struct libc_file *f, const struct flock *l, uint64_t *first, uint64_t *last)
{
    struct nos_fs_answer a;
    int64_t from = l->l_start, base = 0;

    if (l->l_whence == SEEK_END) {
        long r = libc_ask(f->tree, NOS_FS_STAT, 3, f->number, 0, 0, 0, &a);
        if (r < 0) {
            return r;
        }
        base = (int64_t)a.word[NOS_FS_STAT_SIZE];
    } else if (l->l_whence == SEEK_CUR) {
        long r = libc_offset(f);
        if (r < 0) {
            return r;
        }
        base = (int64_t)f->at;
    } else if (l->l_whence != SEEK_SET) {
        return -EINVAL;
    }
    if (__builtin_add_overflow(from, base, &from)) {
        return -EOVERFLOW;
    }
    int64_t to = INT64_MAX;
    if (l->l_len > 0 && __builtin_add_overflow(from, l->l_len - 1, &to)) {
        return -EOVERFLOW;
    }
    if (l->l_len < 0 &&
        (__builtin_sub_overflow(from, 1, &to) || __builtin_add_overflow(from, l->l_len, &from))) {
        return -EINVAL;
    }
    if (from < 0) {
        return -EINVAL;
    }
    *first = (uint64_t)from;
    *last = l->l_len == 0 ? UINT64_MAX : (uint64_t)to;
    return 0;
}

static long lock_once(struct libc_file *f, long op, struct flock *l)
{
    struct nos_fs_answer a;
    uint64_t first, last, kind = NOS_FS_UNLOCK;
    long r = lock_range(f, l, &first, &last);

    if (r < 0) {
        return r;
    }
    if (l->l_type == F_RDLCK || l->l_type == F_WRLCK) {
        kind = l->l_type == F_RDLCK ? NOS_FS_SHARED : NOS_FS_ALONE;
    } else if (l->l_type != F_UNLCK || op == F_GETLK) {
        return -EINVAL;
    }
    kind |= op == F_GETLK ? (uint64_t)NOS_FS_TEST : 0;
    r = libc_ask(f->tree, NOS_FS_LOCK, 4, f->number, kind, first, last, &a);
    if (r == 0 && op == F_GETLK) {
        l->l_type = a.word[0] == NOS_FS_UNLOCK  ? F_UNLCK
                    : a.word[0] == NOS_FS_ALONE ? F_WRLCK
                                                : F_RDLCK;
        if (l->l_type != F_UNLCK) {
            l->l_whence = SEEK_SET;
            l->l_start = (off_t)a.word[1];
            l->l_len = a.word[2] == UINT64_MAX ? 0 : (off_t)(a.word[2] - a.word[1] + 1);
            l->l_pid = -1;  // another capsule, which this one is not told
        }
    }
    return r == -ENFILE ? -ENOLCK : r;
}

/* BSD's locks, by the same means: of the whole file, and a capsule's own. */
long libc_flock(const struct nos_libc_args *x)
{
    const long how = x->a[1] & ~LOCK_NB;
    struct flock all = { .l_type = how == LOCK_SH   ? F_RDLCK
                                   : how == LOCK_EX ? F_WRLCK
                                                    : F_UNLCK,
                         .l_whence = SEEK_SET };

    if (how != LOCK_SH && how != LOCK_EX && how != LOCK_UN) {
        return -EINVAL;
    }
    return libc_lock_file(x->a[0], (x->a[1] & LOCK_NB) != 0 ? F_SETLK : F_SETLKW, &all);
}

/* Waiting for a lock is asking again: who has it may be gone by then without a word. */
long libc_lock_file(long fd, long op, struct flock *l)
{
    enum { NAP_NS = 2000000 };

    for (;;) {
        libc_files_acquire();
        struct libc_file *f = libc_file(fd);
        long r = f == NULL ? -EBADF : f->kind != LIBC_FILE ? -EINVAL : lock_once(f, op, l);
        libc_files_release();
        if (op != F_SETLKW || r != -EAGAIN) {
            return r;
        }
        nos_ignore(nos_sys_sleep(nos_now_ns() + NAP_NS));
        if (nos_libc_is_interrupted()) {
            return -EINTR;
        }
    }
}
