/* Reading follows no link, for a package has files only. Writing goes into a new folder under a
 * temporary name, step by step from handles of folders that were made just now: nothing that was
 * there before, a link least of all, is on the way. */
#include "cli/waddir.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/report.h"

enum { DEEPEST = 64 };

static int read_entry(const char *path, const char *name, struct wad_draft *d, unsigned depth);

static int read_folder(const char *path, const char *name, struct wad_draft *d, unsigned depth)
{
    struct dirent **list = NULL;
    if (depth > DEEPEST) {
        return fail(REFUSED, "%s lies more than %d folders deep", path, DEEPEST);
    }
    int n = scandir(path, &list, NULL, alphasort);
    int rc = n < 0 ? fail(IO_FAILED, "cannot read the folder %s: %s", path, strerror(errno)) : DONE;
    for (int i = 0; i < n; i++) {
        const char *entry = list[i]->d_name;
        if (rc == DONE && strcmp(entry, ".") != 0 && strcmp(entry, "..") != 0) {
            char *below = must_printf("%s/%s", path, entry);
            char *called = must_printf("%s/%s", name, entry);
            rc = read_entry(below, called, d, depth + 1);
            free(below);
            free(called);
        }
        free(list[i]);
    }
    free(list);
    return rc;
}

static int read_entry(const char *path, const char *name, struct wad_draft *d, unsigned depth)
{
    struct stat st;
    struct buf bytes;
    if (lstat(path, &st) != 0) {
        return fail(IO_FAILED, "cannot look at %s: %s", path, strerror(errno));
    }
    if (S_ISDIR(st.st_mode)) {
        return read_folder(path, name, d, depth);
    }
    if (!S_ISREG(st.st_mode)) {
        fail(REFUSED, "%s is a %s; a wad holds files only", path,
             S_ISLNK(st.st_mode) ? "symbolic link" : "special file");
        hint("put the file itself there, or leave it out");
        return REFUSED;
    }
    int rc = file_read(path, NOS_WAD_MAX, &bytes);
    return rc == DONE ? draft_add(d, NOS_WAD_ASSET, name, &bytes) : rc;
}

int waddir_read(const char *dir, const char *prefix, struct wad_draft *d)
{
    struct stat st;
    if (stat(dir, &st) != 0 || !S_ISDIR(st.st_mode)) {
        return fail(IO_FAILED, "%s is no folder", dir);
    }
    return read_folder(dir, prefix, d, 0);
}

/* --- out --- */

/** The handle of folder `step` below `at`, made if it is not there. At most as many as a path has
 * steps are open at a time: the caller closes. */
static int enter(int at, const char *step)
{
    if (mkdirat(at, step, 0755) != 0 && errno != EEXIST) {
        return -1;
    }
    return openat(at, step, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

static bool write_all(int fd, span_t bytes)
{
    while (bytes.len > 0) {
        ssize_t n = write(fd, bytes.data, bytes.len);
        if (n < 0 && errno != EINTR) {
            return false;
        }
        if (n > 0) {
            bytes = span_of(bytes.data + n, bytes.len - (size_t)n);
        }
    }
    return true;
}

static bool write_file(int at, const char *name, span_t bytes)
{
    int fd = openat(at, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644);
    if (fd < 0) {
        return false;
    }
    bool good = write_all(fd, bytes);
    return close(fd) == 0 && good;
}

/** `path` below the folder `root`. */
static bool write_path(int root, char *path, span_t bytes)
{
    int at = root;
    char *step = path;
    bool good = true;
    for (char *slash = strchr(step, '/'); good && slash != NULL; slash = strchr(step, '/')) {
        *slash = '\0';
        int next = enter(at, step);
        int why = errno;
        if (at != root) {
            close(at);
        }
        errno = why;
        at = next;
        good = next >= 0;
        *slash = '/';
        step = slash + 1;
    }
    good = good && write_file(at, step, bytes);
    int why = errno;
    if (at >= 0 && at != root) {
        close(at);
    }
    errno = why;
    return good;
}

static int write_names(const struct wad *w, const struct wad_tree *t, int root, const char *dir)
{
    struct wad_walk walk = { 0 };
    struct wad_name n;
    struct wad_lump l;
    int rc = DONE;
    while (rc == DONE && wad_tree_next(t, &walk, &n)) {
        char *path = must_printf("%.*s", (int)n.path.len, (const char *)n.path.data);
        if (!wad_lump(w, n.row, &l) || !write_path(root, path, l.bytes)) {
            rc = fail(IO_FAILED, "cannot write %s/%s: %s", dir, path, strerror(errno));
        }
        free(path);
    }
    return rc;
}

/** Remove what was made of it. */
static void remove_tree(int at, const char *name)
{
    int fd = openat(at, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    DIR *dir = fd < 0 ? NULL : fdopendir(fd);
    if (dir == NULL) {
        unlinkat(at, name, 0);
        return;
    }
    for (struct dirent *e = readdir(dir); e != NULL; e = readdir(dir)) {
        if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0) {
            remove_tree(fd, e->d_name);
        }
    }
    closedir(dir);
    unlinkat(at, name, AT_REMOVEDIR);
}

static int write_new(const struct wad *w, const struct wad_tree *t, const char *temp,
                     const char *dir)
{
    if (mkdir(temp, 0755) != 0) {
        return fail(IO_FAILED, "cannot make the folder %s: %s", temp, strerror(errno));
    }
    int root = open(temp, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    int rc = root < 0 ? fail(IO_FAILED, "cannot open %s: %s", temp, strerror(errno))
                      : write_names(w, t, root, dir);
    if (root >= 0) {
        close(root);
    }
    if (rc == DONE && renameat2(AT_FDCWD, temp, AT_FDCWD, dir, RENAME_NOREPLACE) != 0) {
        rc = fail(IO_FAILED, "cannot put %s in place: %s", dir, strerror(errno));
    }
    if (rc != DONE) {
        remove_tree(AT_FDCWD, temp);
    }
    return rc;
}

int waddir_write(const struct wad *w, const struct wad_tree *t, const char *dir)
{
    struct stat st;
    if (lstat(dir, &st) == 0) {
        fail(IO_FAILED, "%s exists; a wad is unpacked into a folder of its own", dir);
        hint("name a folder that does not exist yet");
        return IO_FAILED;
    }
    int rc = file_parent(dir, 0755);
    if (rc == DONE) {
        char *temp = must_printf("%s.tmp.%ld", dir, (long)getpid());
        rc = write_new(w, t, temp, dir);
        free(temp);
    }
    return rc;
}
