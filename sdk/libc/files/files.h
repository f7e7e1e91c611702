#pragma once
/*
 * Files: descriptors, and the trees that this capsule was given. The private tree is "/", a share
 * NAME is "/NAME". Everything here but the descriptors' console is done under one lock, which is
 * held while memfs works: a session has one window.
 */
#include <errno.h>
#include <fcntl.h>

#include "sdk/fs.h"
#include "sdk/libc/pipes.h"

enum { LIBC_FILES = NOS_LIBC_FILES };

struct libc_tree {
    char name[NOS_NAME_MAX + 1];  // "" = the private one
    bool read_only, attached;
    uint32_t users;  // of one that was lent: its file, and what is mapped of it
    nos_handle_t door;
    struct nos_fs fs;
};

enum libc_kind {
    LIBC_CONSOLE,
    LIBC_NULL,
    LIBC_PIPE,
    /* those have no tree: */ LIBC_FILE,
    LIBC_DIR
};

struct libc_file {  // what POSIX calls an open file description
    enum libc_kind kind;
    uint32_t refs;  // descriptors; 0 = free
    struct libc_tree *tree;
    uint64_t number;  // in its session
    uint64_t at;      // offset; of a directory: the cookie
    struct libc_pipe *pipe;
    bool terminal;  // of a pipe: somebody types at its other end
    bool lent;      // other capsules have it too: its offset is in memfs
    uint32_t told;  // of a directory: entries told that are not in the tree
    long flags;     // O_*
    // what large reads are copied from: the file itself, mapped
    void *map;
    uint64_t map_len, map_number;
};

struct libc_place {
    struct libc_tree *tree;
    uint64_t at;       // the directory, in its session
    const char *path;  // from there on; never empty
    size_t len;
};

void libc_files_acquire(void);
void libc_files_release(void);

/** fcntl's F_GETLK, F_SETLK, F_SETLKW; takes the lock itself. */
long libc_lock_file(long fd, long op, struct flock *l);

/* What most calls are: one thing that is done with the lock held. */
#define LOCKED(result) \
    do { \
        libc_files_acquire(); \
        long r_ = (result); \
        libc_files_release(); \
        return r_; \
    } while (0)

/* ---- the rest with the lock held; results are 0 or more, or -errno ---- */

int libc_fs_errno(nos_status_t st);

/** The file of a descriptor; NULL. */
struct libc_file *libc_file(long fd);

/** It has no tree, no offset, no name. */
static inline bool libc_is_stream(const struct libc_file *f)
{
    return f->kind < LIBC_FILE;
}

/** A descriptor, the lowest from `from` on, for `f`, which gains a reference. -EMFILE. */
long libc_fd_new(struct libc_file *f, long from, bool cloexec);

/** Is it to be closed in a program that is started? */
bool libc_fd_cloexec(long fd);

/** Close one. -EBADF. */
long libc_fd_close(long fd);

/** open, in the working directory. Gives: a descriptor or -errno. */
long libc_open_path(const char *path, long flags, long mode);

/** A description that no descriptor has yet; NULL. */
struct libc_file *libc_file_new(void);

/** The tree of that number, 0.. ; NULL behind the last. */
struct libc_tree *libc_tree(unsigned i);

/** The session of one file that was lent. Takes: the handles, also on an error. Gives: NULL: it
 * cannot be had. It goes with its last user. */
struct libc_tree *libc_tree_lent(const nos_handle_t h[NOS_FS_PASSES]);
void libc_tree_leave(struct libc_tree *t);

/** Is it the one device that there is, in no tree? */
bool libc_is_null(const char *path);

/** Where a path leads: 0 or -errno. The session is open afterwards. */
long libc_resolve(long dirfd, const char *path, struct libc_place *out);

/** One request to the session of `t`. Gives: 0 or -errno. */
long libc_ask(struct libc_tree *t, enum nos_fs_op op, uint32_t n, uint64_t a, uint64_t b,
              uint64_t c, uint64_t d, struct nos_fs_answer *out);

/** Put a place's path into its window at `at`. */
long libc_put_path(const struct libc_place *p, size_t at);

/** Both: where a path leads, and the path in the window at 0. 0 or -errno. */
long libc_name(long dirfd, const char *path, struct libc_place *out);

/** What of a mode is given to something new, where OPEN wants it. */
uint64_t libc_mode(long mode);

/** Forget the mapping for large reads. */
void libc_unmap_reads(struct libc_file *f);

/** Read or write at an offset; UINT64_MAX: write behind the end, `*behind` is where that was. */
long libc_read_at(struct libc_file *f, void *out, size_t len, uint64_t at);
long libc_write_at(struct libc_file *f, const void *in, size_t len, uint64_t at, uint64_t *behind);

/** Have f->at right, also of a file that was lent. 0 or -errno. */
long libc_offset(struct libc_file *f);

/** The working directory; NULL = "/". */
struct libc_file *libc_cwd(void);

/** Have another one. Takes: a reference. */
void libc_cwd_take(struct libc_file *f);

/** The table of descriptors as it is, kept for later; and put back. Closing one lets go of no lock
 * meanwhile: those are the parent's. */
void libc_fds_keep(void);
void libc_fds_restore(void);
