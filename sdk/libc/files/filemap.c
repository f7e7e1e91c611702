/* mmap of files: the file's own pages, lent by memfs. Only a private mapping that may be written is
 * a copy. Each mapping holds its file, also when that is closed or has lost its name. */
#include <string.h>
#include <sys/mman.h>

#include "lib/checked.h"
#include "sdk/libc/files/files.h"

enum { PAGE = 4096, MAPS = 32, READ = 1, READ_WRITE = 3 };

static struct {
    uint64_t at, len;  // what the program was given; 0 = free
    void *base;
    struct libc_tree *tree;
    uint64_t number;
} maps[MAPS];

static long lend(struct libc_file *f, unsigned slot, uint64_t at, uint64_t len, bool write)
{
    struct nos_fs_answer a;
    void *base;

    long r = libc_ask(f->tree, NOS_FS_MAP, 2, f->number, write ? NOS_FS_WRITABLE : 0u, 0, 0, &a);
    if (r != 0) {
        return r;
    }
    uint64_t number = a.word[0], up;
    bool within = checked_align_up(a.word[1], PAGE, &up) && at < up && len <= up - at;
    nos_status_t st =
        within ? nos_sys_region_map(a.handle, write ? READ_WRITE : READ, &base) : NOS_INVALID;
    nos_ignore(nos_sys_handle_close(a.handle));  // the mapping stays
    if (st != NOS_OK) {
        (void)libc_ask(f->tree, NOS_FS_CLOSE, 1, number, 0, 0, 0, &a);
        return -nos_libc_errno(st);
    }
    maps[slot].at = (uint64_t)base + at;
    maps[slot].len = len;
    maps[slot].base = base;
    maps[slot].tree = f->tree;
    maps[slot].number = number;
    f->tree->users += f->tree->users != 0;
    return (long)maps[slot].at;
}

static long copy(struct libc_file *f, uint64_t at, size_t len)
{
    long mem = nos_libc_map(len, false);

    if (mem > 0) {
        long r = libc_read_at(f, (void *)mem, len, at);
        if (r < 0) {
            (void)nos_libc_unmap((uint64_t)mem, len);
            return r;
        }
    }
    return mem;
}

static long map(long fd, size_t len, long prot, long flags, uint64_t at)
{
    struct libc_file *f = libc_file(fd);
    bool shared = (flags & MAP_TYPE) != MAP_PRIVATE, write = (prot & PROT_WRITE) != 0;
    uint64_t up;
    unsigned slot = 0;

    if (f == NULL || f->kind != LIBC_FILE) {
        return f == NULL ? -EBADF : -ENODEV;
    }
    if (len == 0 || at % PAGE != 0 || !checked_align_up(len, PAGE, &up)) {
        return -EINVAL;
    }
    if ((f->flags & O_ACCMODE) == O_WRONLY ||
        (shared && write && (f->flags & O_ACCMODE) != O_RDWR)) {
        return -EACCES;
    }
    if (write && !shared) {
        return copy(f, at, len);
    }
    while (slot < MAPS && maps[slot].len != 0) {
        slot++;
    }
    return slot == MAPS ? -ENOMEM : lend(f, slot, at, up, write);
}

long libc_map_file(long fd, size_t len, long prot, long flags, uint64_t at)
{
    libc_files_acquire();
    long r = map(fd, len, prot, flags, at);
    libc_files_release();
    return r;
}

static long unmap(uint64_t at, size_t len)
{
    struct nos_fs_answer a;
    uint64_t up;

    if (!checked_align_up(len, PAGE, &up)) {
        return 1;
    }
    for (unsigned i = 0; i < MAPS; i++) {
        if (maps[i].len != 0 && at >= maps[i].at && at - maps[i].at < maps[i].len) {
            if (at != maps[i].at || up != maps[i].len) {
                return -EINVAL;  // whole or not at all
            }
            nos_status_t st = nos_sys_region_unmap(maps[i].base);
            (void)libc_ask(maps[i].tree, NOS_FS_CLOSE, 1, maps[i].number, 0, 0, 0, &a);
            libc_tree_leave(maps[i].tree);
            maps[i].len = 0;
            return st == NOS_OK ? 0 : -nos_libc_errno(st);
        }
    }
    return 1;
}

long libc_unmap_file(uint64_t at, size_t len)
{
    libc_files_acquire();
    long r = unmap(at, len);
    libc_files_release();
    return r;
}
