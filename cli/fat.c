/* mtools, driven so that nothing of the user's set-up or the clock gets into the volume. */
#include "cli/fat.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/proc.h"
#include "cli/report.h"
#include "lib/fmt.h"

#define PACKAGE "mtools"
enum {
    SECTOR = 512,
    HEADS = 16,
    TRACK = 63,
    MIB = 1 << 20,
    FAT_DATE_FIRST = 315532800 /* 1980-01-01 */
};

/** mtools takes times from SOURCE_DATE_EPOCH, in UTC; FAT knows none before 1980. */
static void fix_environment(void)
{
    const char *said = getenv("SOURCE_DATE_EPOCH");
    uint64_t t = 0;
    if (said == NULL || !parse_u64(span_of(said, strlen(said)), &t) || t < FAT_DATE_FIRST) {
        t = FAT_DATE_FIRST;
    }
    char *text = must_printf("%llu", (unsigned long long)t);
    setenv("SOURCE_DATE_EPOCH", text, 1);
    setenv("TZ", "UTC0", 1);
    setenv("MTOOLSRC", "/dev/null", 1);
    setenv("LC_ALL", "C", 1);
    free(text);
}

static int make_empty(const char *path, size_t bytes)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
    if (fd < 0) {
        return fail(IO_FAILED, "cannot create %s: %s", path, strerror(errno));
    }
    int rc = ftruncate(fd, (off_t)bytes) == 0
                 ? DONE
                 : fail(IO_FAILED, "cannot size %s: %s", path, strerror(errno));
    close(fd);
    return rc;
}

/** Half as much again as the content, whole steps of 4 MiB, at least 16: small changes keep the
 * size. */
static size_t volume_bytes(size_t content)
{
    size_t want = content + content / 2 + MIB;
    size_t step = (size_t)4 * MIB;
    return want < (size_t)16 * MIB ? (size_t)16 * MIB : (want + step - 1) / step * step;
}

int fat_create(const char *path, size_t content)
{
    size_t bytes = volume_bytes(content);
    fix_environment();
    int rc = make_empty(path, bytes);
    if (rc != DONE) {
        return rc;
    }
    char sectors[24], heads[8], track[8];
    snprintf(sectors, sizeof(sectors), "%zu", bytes / SECTOR);
    snprintf(heads, sizeof(heads), "%d", HEADS);
    snprintf(track, sizeof(track), "%d", TRACK);
    const char *format[] = { "mformat",
                             "-i",
                             path,
                             "-N",
                             "4e304e00",
                             "-v",
                             "N0N-OS",
                             "-T",
                             sectors,
                             "-h",
                             heads,
                             "-s",
                             track,
                             bytes > (size_t)512 * MIB ? "-F" : "::",
                             bytes > (size_t)512 * MIB ? "::" : NULL,
                             NULL };
    const char *folders[] = { "mmd", "-i", path, "::/EFI", "::/EFI/BOOT", "::/N0N", NULL };
    rc = proc_run(format, PACKAGE, span_of(NULL, 0), 0, NULL);
    return rc == DONE ? proc_run(folders, PACKAGE, span_of(NULL, 0), 0, NULL) : rc;
}

int fat_put(const char *image, const char *name, span_t bytes)
{
    char *to = must_printf("::%s", name);
    const char *copy[] = { "mcopy", "-o", "-i", image, "-", to, NULL };
    fix_environment();
    int rc = proc_run(copy, PACKAGE, bytes, 0, NULL);
    free(to);
    return rc;
}

static int no_such(const char *image, const char *name)
{
    const char *probe[] = { "mformat", "--version", NULL };
    if (!proc_try(probe, 0, NULL)) {
        fail(TOOL_FAILED, "cannot run mtools");
        hint("install the package " PACKAGE);
        return TOOL_FAILED;
    }
    if (access(image, R_OK) != 0) {
        return fail(IO_FAILED, "cannot open %s: %s", image, strerror(errno));
    }
    fail(REFUSED, "%s: %s is not there, or this is no FAT volume", image, name);
    hint("boot volumes are made by `nonosctl image make`");
    return REFUSED;
}

int fat_get(const char *image, const char *name, size_t max, struct buf *out)
{
    char *from = must_printf("::%s", name);
    const char *copy[] = { "mcopy", "-n", "-i", image, from, "-", NULL };
    struct buf got;
    fix_environment();
    bool good = proc_try(copy, max + 1, &got);
    free(from);
    if (!good) {
        return no_such(image, name);
    }
    if (got.len > max) {
        buf_free(&got);
        return fail(REFUSED, "%s: %s is longer than the %zu bytes such a file may have", image,
                    name, max);
    }
    *out = got;
    return DONE;
}

int fat_list(const char *image, const char *folder, struct buf *out)
{
    char *from = must_printf("::%s", folder);
    const char *list[] = { "mdir", "-b", "-i", image, from, NULL };
    fix_environment();
    bool good = proc_try(list, 65536, out);
    free(from);
    return good ? DONE : no_such(image, folder);
}
