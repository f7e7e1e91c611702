/* Whole files in and out. Writing goes to "<path>.tmp.<pid>" beside the target, is flushed, and
 * then renamed, so a reader sees the old file or the new one, and a failure leaves nothing behind.
 */
#include "cli/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/report.h"
#include "lib/secret.h"

void buf_free(struct buf *b)
{
    free(b->data);
    *b = (struct buf){ NULL, 0 };
}

void buf_wipe(struct buf *b)
{
    if (b->data != NULL) {
        secret_wipe(b->data, b->len);
    }
    buf_free(b);
}

uint8_t *buf_add_zero(struct buf *b, size_t n)
{
    uint8_t *bigger =
        must_alloc(b->len + n);  // not realloc: it would leave a copy of a secret behind
    if (b->len > 0) {
        memcpy(bigger, b->data, b->len);
    }
    size_t at = b->len;
    buf_wipe(b);
    *b = (struct buf){ bigger, at + n };
    return bigger + at;
}

void buf_add(struct buf *b, span_t more)
{
    uint8_t *at = buf_add_zero(b, more.len);
    if (more.len > 0) {
        memcpy(at, more.data, more.len);
    }
}

static int read_all(int fd, const char *path, size_t max, struct buf *out)
{
    size_t room = 65536 < max ? 65536 : max + 1;
    struct buf b = { must_alloc(room), 0 };

    for (;;) {
        ssize_t n = read(fd, b.data + b.len, room - b.len);
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n < 0) {
            buf_wipe(&b);
            return fail(IO_FAILED, "cannot read %s: %s", path, strerror(errno));
        }
        if (n == 0) {
            *out = b;
            return DONE;
        }
        b.len += (size_t)n;
        if (b.len > max) {
            buf_wipe(&b);
            return fail(IO_FAILED, "%s is longer than the %zu bytes such a file may have", path,
                        max);
        }
        if (b.len == room) {
            room = room < max / 2 ? room * 2 : max + 1;
            uint8_t *bigger = must_alloc(room);
            memcpy(bigger, b.data, b.len);
            secret_wipe(b.data, b.len);
            free(b.data);
            b.data = bigger;
        }
    }
}

int file_read(const char *path, size_t max, struct buf *out)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        return fail(IO_FAILED, "cannot open %s: %s", path, strerror(errno));
    }
    int rc = read_all(fd, path, max, out);
    close(fd);
    return rc;
}

static int write_all(int fd, span_t bytes)
{
    while (bytes.len > 0) {
        ssize_t n = write(fd, bytes.data, bytes.len);
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n < 0) {
            return -1;
        }
        bytes = span_of(bytes.data + n, bytes.len - (size_t)n);
    }
    return fsync(fd) == 0 || errno == EINVAL || errno == ENOSYS ? 0 : -1;
}

int file_parent(const char *path, mode_t mode)
{
    char *copy = must_printf("%s", path);
    int rc = DONE;
    for (char *slash = strchr(copy + 1, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        if (mkdir(copy, mode) != 0 && errno != EEXIST) {
            rc = fail(IO_FAILED, "cannot make the folder %s: %s", copy, strerror(errno));
            break;
        }
        *slash = '/';
    }
    free(copy);
    return rc;
}

static int write_temp(const char *temp, span_t bytes, mode_t mode)
{
    int fd = open(temp, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
    if (fd < 0) {
        return fail(IO_FAILED, "cannot create %s: %s", temp, strerror(errno));
    }
    int rc = write_all(fd, bytes) == 0
                 ? DONE
                 : fail(IO_FAILED, "cannot write %s: %s", temp, strerror(errno));
    if (close(fd) != 0 && rc == DONE) {
        rc = fail(IO_FAILED, "cannot write %s: %s", temp, strerror(errno));
    }
    if (rc != DONE) {
        unlink(temp);
    }
    return rc;
}

int file_commit(const char *temp, const char *path)
{
    if (rename(temp, path) == 0) {
        return DONE;
    }
    int rc = fail(IO_FAILED, "cannot put %s in place: %s", path, strerror(errno));
    unlink(temp);
    return rc;
}

static int commit_new(const char *temp, const char *path)
{
    int done = renameat2(AT_FDCWD, temp, AT_FDCWD, path, RENAME_NOREPLACE);
    if (done != 0 && (errno == EINVAL || errno == ENOSYS)) {  // not every file system has it
        done = link(temp, path);
        int why = errno;
        unlink(temp);
        errno = why;
    }
    if (done == 0) {
        return DONE;
    }
    int rc = fail(IO_FAILED, "cannot create %s: %s", path, strerror(errno));
    unlink(temp);
    return rc;
}

static int write_via_temp(const char *path, span_t bytes, mode_t mode, bool replace)
{
    if (!replace && access(path, F_OK) == 0) {
        return fail(IO_FAILED, "%s exists and is never overwritten", path);
    }
    int rc = file_parent(path, 0755);
    if (rc != DONE) {
        return rc;
    }
    char *temp = must_printf("%s.tmp.%ld", path, (long)getpid());
    rc = write_temp(temp, bytes, mode);
    if (rc == DONE) {
        rc = replace ? file_commit(temp, path) : commit_new(temp, path);
    }
    free(temp);
    return rc;
}

int file_write(const char *path, span_t bytes, mode_t mode)
{
    return write_via_temp(path, bytes, mode, true);
}

int file_write_new(const char *path, span_t bytes, mode_t mode)
{
    return write_via_temp(path, bytes, mode, false);
}
