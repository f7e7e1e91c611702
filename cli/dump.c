#include "cli/dump.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/cli.h"
#include "lib/status.h"

/* Mapped, not read: a dump is as long as the machine's memory. */
static int map_file(const char *path, span_t *out)
{
    struct stat st;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &st) != 0) {
        int rc = fail(IO_FAILED, "%s: %s", path, strerror(errno));
        if (fd >= 0) {
            close(fd);
        }
        return rc;
    }
    size_t len = S_ISREG(st.st_mode) ? (size_t)st.st_size : 0;
    void *at = len == 0 ? MAP_FAILED : mmap(NULL, len, PROT_READ, MAP_PRIVATE, fd, 0);
    close(fd);
    if (at == MAP_FAILED) {
        return fail(IO_FAILED, "%s: %s", path,
                    len == 0 ? "not a file with bytes in it" : strerror(errno));
    }
    *out = span_of(at, len);
    return DONE;
}

static int refused(const char *path, nos_status_t st)
{
    if (st == NOS_NOT_FOUND) {
        fail(REFUSED, "%s: no kernel left its records here", path);
        hint("it must be all of the RAM, as it lies, of a machine whose policy says panic_hold and "
             "that said \"memory kept\"");
        return REFUSED;
    }
    if (st == NOS_IO_ERROR) {
        return fail(REFUSED, "%s: these are not the bytes that the kernel left", path);
    }
    return fail(REFUSED, "%s: what the kernel left makes no sense: another version?", path);
}

int dump_open(const char *path, struct dump *out)
{
    *out = (struct dump){ 0 };
    int rc = map_file(path, &out->map);
    nos_status_t st = rc == DONE ? postmortem_find(out->map, &out->left) : NOS_OK;
    if (st != NOS_OK) {
        rc = refused(path, st);
    }
    if (rc != DONE) {
        dump_close(out);
    } else if (out->left.head.end == NOS_PM_BROKE) {
        warn_loud("%s: the kernel broke again while it wrote: what is shown is a part", path);
    } else if (out->left.head.end == NOS_PM_FULL) {
        warn_loud("%s: there was more than found room: what is shown is a part", path);
    }
    return rc;
}

void dump_close(struct dump *d)
{
    if (d->map.len > 0) {
        munmap((void *)(uintptr_t)d->map.data, d->map.len);
    }
    *d = (struct dump){ 0 };
}

nos_status_t dump_info(const struct dump *d, span_t args, struct buf *answer)
{
    uint64_t topic, index;
    span_t record;
    if (!span_le64(args, 0, &topic) || !span_le64(args, 8, &index) || topic > UINT32_MAX) {
        return NOS_INVALID;
    }
    nos_status_t st = postmortem_record(&d->left, (uint32_t)topic, index, &record);
    if (st == NOS_OK) {
        buf_add(answer, record);
    }
    return st;
}
