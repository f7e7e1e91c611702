/* Files and directories, as C and POSIX have them, in a private tree and in a share. */
#define _GNU_SOURCE  // syncfs
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/uio.h>
#include <utime.h>
#include <unistd.h>

#include "modules/ctest/ctest.h"

#define FAILS(call, error) CHECK((call) == -1 && errno == (error))

static void streams(void)
{
    char line[32];
    FILE *f = fopen("a.txt", "w");

    CHECK(f != NULL && fprintf(f, "one %d\ntwo\n", 1) == 10 && fclose(f) == 0);
    f = fopen("/a.txt", "r+");
    CHECK(f != NULL && fgets(line, sizeof line, f) != NULL && strcmp(line, "one 1\n") == 0);
    CHECK(ftell(f) == 6 && fseek(f, -4, SEEK_END) == 0 && fgetc(f) == 't');
    CHECK(fseek(f, 0, SEEK_SET) == 0 && fputs("ONE", f) >= 0 && fflush(f) == 0);
    rewind(f);
    CHECK(fscanf(f, "%31s", line) == 1 && strcmp(line, "ONE") == 0);
    fclose(f);
    f = fopen("a.txt", "a");
    CHECK(f != NULL && fputs("three\n", f) >= 0 && fclose(f) == 0);
    struct stat s;
    CHECK(stat("a.txt", &s) == 0 && s.st_size == 16 && S_ISREG(s.st_mode) && s.st_nlink == 1);
    CHECK(fopen("none", "r") == NULL && errno == ENOENT);
    CHECK(fopen("a.txt", "wx") == NULL && errno == EEXIST);
    f = tmpfile();
    CHECK(f != NULL && fputs("x", f) >= 0);
    if (f != NULL) {
        fclose(f);
    }
    CHECK(remove("a.txt") == 0 && access("a.txt", F_OK) == -1);
}

static void descriptors(void)
{
    char text[16] = "";
    int fd = open("f", O_RDWR | O_CREAT | O_EXCL, 0600);

    CHECK(fd > 2 && write(fd, "hello world", 11) == 11);
    CHECK(lseek(fd, 6, SEEK_SET) == 6 && read(fd, text, 16) == 5 && strcmp(text, "world") == 0);
    CHECK(read(fd, text, 16) == 0);
    CHECK(pread(fd, text, 5, 0) == 5 && memcmp(text, "hello", 5) == 0);
    CHECK(pwrite(fd, "W", 1, 6) == 1 && lseek(fd, 0, SEEK_CUR) == 11);
    int second = dup(fd);
    CHECK(second > fd && lseek(second, 3, SEEK_SET) == 3 && lseek(fd, 0, SEEK_CUR) == 3);
    CHECK(close(fd) == 0 && read(second, text, 2) == 2 && memcmp(text, "lo", 2) == 0);
    FAILS(read(fd, text, 1), EBADF);
    CHECK(dup2(second, fd) == fd && close(second) == 0 && lseek(fd, 0, SEEK_CUR) == 5);
    CHECK(ftruncate(fd, 5) == 0 && lseek(fd, 0, SEEK_END) == 5);
    CHECK(ftruncate(fd, 8) == 0 && pread(fd, text, 16, 4) == 4 && memcmp(text, "o\0\0\0", 4) == 0);
    CHECK(fcntl(fd, F_GETFL) == O_RDWR && fcntl(fd, F_SETFL, O_APPEND) == 0);
    CHECK(lseek(fd, 0, SEEK_SET) == 0 && write(fd, "end", 3) == 3 && lseek(fd, 0, SEEK_CUR) == 11);
    CHECK(unlink("f") == 0 && pread(fd, text, 3, 8) == 3 && memcmp(text, "end", 3) == 0);
    struct stat s;
    CHECK(fstat(fd, &s) == 0 && s.st_nlink == 0);
    CHECK(close(fd) == 0);
    fd = open("f", O_WRONLY | O_CREAT, 0600);
    FAILS(read(fd, text, 1), EBADF);
    FAILS(lseek(fd, -1, SEEK_SET), EINVAL);
    FAILS(pwrite(fd, "x", 1, (off_t)1 << 40), EFBIG);
    CHECK(pwrite(fd, "x", 1, 100 << 20) == 1 && fstat(fd, &s) == 0 &&
          s.st_size == (100 << 20) + 1 && s.st_blocks <= 24);
    CHECK(close(fd) == 0 && unlink("f") == 0);
    FAILS(isatty(3) ? 0 : -1, EBADF);
    FAILS(lseek(0, 0, SEEK_SET), ESPIPE);
}

static void directories(void)
{
    char where[64];
    unsigned n = 0, dots = 0, common = 0;

    CHECK(mkdir("d", 0777) == 0 && mkdir("d/e", 0777) == 0);
    FAILS(mkdir("d", 0777), EEXIST);
    FAILS(rmdir("d"), ENOTEMPTY);
    FAILS(open("d", O_WRONLY), EISDIR);
    CHECK(chdir("d/e") == 0 && getcwd(where, sizeof where) != NULL && strcmp(where, "/d/e") == 0);
    CHECK(getcwd(where, 3) == NULL && errno == ERANGE);
    CHECK(close(open("../x", O_CREAT | O_RDWR, 0600)) == 0 && access("/d/x", R_OK | W_OK) == 0);
    CHECK(rename("/d", "/m") == 0 && getcwd(where, sizeof where) != NULL &&
          strcmp(where, "/m/e") == 0);
    FAILS(rename("/m", "/m/e/in"), EINVAL);
    CHECK(symlink("../x", "link") == 0 && readlink("link", where, sizeof where) == 4);
    struct stat s, t;
    CHECK(stat("link", &s) == 0 && stat("/m/x", &t) == 0 && s.st_ino == t.st_ino);
    CHECK(lstat("link", &s) == 0 && S_ISLNK(s.st_mode));
    CHECK(realpath("link", where) != NULL && strcmp(where, "/m/x") == 0);
    CHECK(symlink("loop", "loop") == 0);
    FAILS(open("loop", O_RDONLY), ELOOP);
    CHECK(stat("../../../../../m/x", &s) == 0 && s.st_ino == t.st_ino);
    CHECK(chdir("/") == 0 && unlink("m/e/link") == 0 && unlink("m/e/loop") == 0);
    int dir = open("m", O_RDONLY | O_DIRECTORY);
    CHECK(dir > 2 && fstatat(dir, "x", &s, 0) == 0 && unlinkat(dir, "e", AT_REMOVEDIR) == 0 &&
          renameat(dir, "x", AT_FDCWD, "x") == 0 && close(dir) == 0);
    CHECK(rmdir("m") == 0 && unlink("x") == 0);
    for (unsigned i = 0; i < 200; i++) {
        snprintf(where, sizeof where, "file-%u", i);
        n += close(open(where, O_CREAT | O_WRONLY, 0600)) == 0;
    }
    CHECK(n == 200);
    DIR *d = opendir("/");
    CHECK(d != NULL);
    for (struct dirent *e = d == NULL ? NULL : readdir(d); e != NULL; e = readdir(d)) {
        dots += strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0;
        common += strcmp(e->d_name, "common") == 0 && e->d_type == DT_DIR;
        n -= strncmp(e->d_name, "file-", 5) == 0 && unlink(e->d_name) == 0;
    }
    CHECK(n == 0 && dots == 2 && common == 1);
    CHECK(d != NULL && closedir(d) == 0);
}

static void large(void)
{
    enum { SIZE = 1 << 20 };
    struct statvfs room;
    char *out = malloc(SIZE), *in = malloc(SIZE);
    int fd = open("large", O_RDWR | O_CREAT, 0600);

    for (unsigned i = 0; i < SIZE; i++) {
        out[i] = (char)(i * 2654435761u >> 24);
    }
    CHECK(write(fd, out, SIZE) == SIZE);
    CHECK(pread(fd, in, SIZE, 0) == SIZE && memcmp(in, out, SIZE) == 0);
    char *map = mmap(NULL, SIZE, PROT_READ, MAP_SHARED, fd, 0);
    CHECK(map != MAP_FAILED && memcmp(map, out, SIZE) == 0);
    CHECK(pwrite(fd, "new", 3, 4096) == 3 && memcmp(map + 4096, "new", 3) == 0);
    char *own = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 4096);
    CHECK(own != MAP_FAILED && memcmp(own, "new", 3) == 0);
    own[0] = 'N';
    CHECK(pread(fd, in, 3, 4096) == 3 && in[0] == 'n' && munmap(own, 8192) == 0);
    own = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 8192);
    CHECK(own != MAP_FAILED);
    own[1] = '!';
    CHECK(pread(fd, in, 2, 8192) == 2 && in[1] == '!' && munmap(own, 4096) == 0);
    FAILS(mmap(NULL, SIZE, PROT_READ, MAP_SHARED, fd, SIZE) == MAP_FAILED ? -1 : 0, EINVAL);
    CHECK(close(fd) == 0 && unlink("large") == 0 && memcmp(map + 4096, "new", 3) == 0);
    CHECK(munmap(map, SIZE) == 0);
    CHECK(statvfs("/", &room) == 0 && room.f_bfree == room.f_blocks);
    // the quota: what does not fit is not written, and what was there is there
    fd = open("fill", O_RDWR | O_CREAT, 0600);
    ssize_t n = 1;
    size_t all = 0;
    while (n > 0) {
        n = write(fd, out, SIZE);
        all += n > 0 ? (size_t)n : 0;
    }
    CHECK(n == -1 && errno == ENOSPC && all > 14u << 20 && all <= 16u << 20);
    CHECK(pread(fd, in, SIZE, 0) == SIZE && memcmp(in, out, SIZE) == 0);
    CHECK(close(fd) == 0 && unlink("fill") == 0);
    free(out);
    free(in);
}

static void locks(void)
{
    struct flock l = { .l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = 10, .l_len = 5 };
    int fd = open("lock", O_RDWR | O_CREAT, 0600);

    CHECK(fcntl(fd, F_SETLK, &l) == 0 && fcntl(fd, F_SETLKW, &l) == 0);
    CHECK(fcntl(fd, F_GETLK, &l) == 0 && l.l_type == F_UNLCK);  // one's own is not in the way
    struct flock before = { .l_type = F_WRLCK, .l_start = INT64_MIN, .l_len = -1 };
    FAILS(fcntl(fd, F_SETLK, &before), EINVAL);
    l.l_type = F_RDLCK;
    CHECK(fcntl(fd, F_SETLK, &l) == 0 && close(fd) == 0);
    fd = open("lock", O_RDONLY);
    l.l_type = F_WRLCK;
    FAILS(fcntl(fd, F_SETLK, &l), EBADF);
    CHECK(close(fd) == 0 && unlink("lock") == 0);
}

static void share(void)
{
    struct stat s;
    FILE *f = fopen("/common/note", "w");

    CHECK(f != NULL && fputs("for all to read\n", f) >= 0 && fclose(f) == 0);
    CHECK(mkdir("/common/d", 0777) == 0 || errno == EEXIST);
    FAILS(rename("/common/note", "/note"), EXDEV);
    FAILS(access("/note", F_OK), ENOENT);
    CHECK(stat("/common/../common", &s) == -1 &&
          errno == ENOENT);  // a tree's root has nothing above
    CHECK(stat("/common/..", &s) == 0 && S_ISDIR(s.st_mode));
    CHECK(symlink("/../../a", "/common/d/out") == 0 || errno == EEXIST);
    FAILS(open("/common/d/out", O_RDONLY), ENOENT);
    CHECK(stat("/common", &s) == 0 && chdir("/common/d") == 0);
    char where[32];
    CHECK(getcwd(where, sizeof where) != NULL && strcmp(where, "/common/d") == 0);
    CHECK(access("../note", R_OK) == 0 && chdir("/") == 0);
    FAILS(open("/other/x", O_RDONLY), ENOENT);
}

enum { WRITERS = 4, RECORDS = 100 };

static void *writer(void *arg)
{
    char name[16], record[17], back[17] = "";
    size_t me = (size_t)arg, good = 0;
    int log = open("log", O_WRONLY | O_APPEND);

    snprintf(name, sizeof name, "own-%zu", me);
    int fd = open(name, O_RDWR | O_CREAT, 0600);
    for (unsigned i = 0; i < RECORDS; i++) {
        snprintf(record, sizeof record, "%zu record %06u\n", me, i);
        good += write(log, record, 16) == 16 && pwrite(fd, record, 16, i * 16) == 16;
        good += pread(fd, back, 16, i * 16) == 16 && memcmp(back, record, 16) == 0;
    }
    close(fd);
    close(log);
    return good == 2 * RECORDS && unlink(name) == 0 ? arg : NULL;
}

static void threads(void)
{
    pthread_t t[WRITERS];
    char line[64];
    void *result;
    unsigned whole = 0, started = 0, done = 0;

    CHECK(close(open("log", O_CREAT | O_WRONLY, 0600)) == 0);
    for (size_t i = 0; i < WRITERS; i++) {
        started += pthread_create(&t[i], NULL, writer, (void *)(i + 1)) == 0;
    }
    for (size_t i = 0; i < started; i++) {
        done += pthread_join(t[i], &result) == 0 && result == (void *)(i + 1);
    }
    CHECK(started == WRITERS && done == WRITERS);
    FILE *f = fopen("log", "r");
    while (f != NULL && fgets(line, sizeof line, f) != NULL) {
        unsigned who, which;
        whole += strlen(line) == 16 && sscanf(line, "%u record %u", &who, &which) == 2 &&
                 who <= WRITERS && which < RECORDS;
    }
    CHECK(whole == WRITERS * RECORDS);  // appended, and none in the middle of another
    CHECK(f != NULL && fclose(f) == 0 && unlink("log") == 0);
}

static void nothing(void)
{
    struct stat s;
    char c;
    int fd = open("/dev/null", O_RDWR);

    CHECK(write(fd, "gone", 4) == 4 && read(fd, &c, 1) == 0);
    CHECK(fstat(fd, &s) == 0 && S_ISCHR(s.st_mode) && isatty(fd) == 0);
    CHECK(stat("/dev/null", &s) == 0 && S_ISCHR(s.st_mode) &&
          access("/dev/null", R_OK | W_OK) == 0);
    FAILS(open("/dev/null", O_RDONLY | O_DIRECTORY), ENOTDIR);
    FAILS(open("/dev/zero", O_RDONLY), ENOENT);
    FAILS(chmod("/dev/null", 0600), EPERM);
    FAILS(fchmod(fd, 0600), EPERM);
    FAILS(flock(fd, LOCK_EX), EINVAL);
    CHECK(chown("/dev/null", 0, 0) == 0);
    CHECK(close(fd) == 0);
}

static void names(void)
{
    struct stat s, t;

    CHECK(close(open("n", O_RDWR | O_CREAT, 0600)) == 0 && link("n", "n2") == 0);
    CHECK(stat("n", &s) == 0 && stat("n2", &t) == 0 && s.st_ino == t.st_ino && s.st_nlink == 2);
    FAILS(link("n", "n2"), EEXIST);
    FAILS(link("none", "n3"), ENOENT);
    FAILS(link("/tmp", "n3"), EPERM);
    FAILS(link("n", "/common/n"), EXDEV);
    CHECK(rename("n", "n2") == 0 && stat("n", &s) == 0 && s.st_nlink == 2);
    CHECK(unlink("n") == 0 && stat("n2", &s) == 0 && s.st_nlink == 1);
    CHECK(symlink("n2", "l") == 0 && linkat(AT_FDCWD, "l", AT_FDCWD, "m", 0) == 0 &&
          lstat("m", &s) == 0 && S_ISLNK(s.st_mode) && unlink("m") == 0);
    CHECK(linkat(AT_FDCWD, "l", AT_FDCWD, "m", AT_SYMLINK_FOLLOW) == 0 && lstat("m", &s) == 0 &&
          S_ISREG(s.st_mode) && s.st_nlink == 2);
    FAILS(linkat(AT_FDCWD, "l", AT_FDCWD, "o", 77), EINVAL);
    CHECK(unlink("m") == 0 && unlink("l") == 0 && unlink("n2") == 0);
}

static void *poster(void *arg)
{
    sem_t *s = sem_open("/of-two", 0);
    sem_post(s);
    sem_close(s);
    return arg;
}

/* Memory and semaphores with a name: in /dev/shm of the private tree. */
static void named(void)
{
    struct stat s;
    pthread_t t;
    int value = 0;
    sem_t *sem = sem_open("/of-two", O_CREAT | O_EXCL, 0600, 1);

    CHECK(sem != SEM_FAILED && sem_open("of-two", 0) == sem && sem_close(sem) == 0);
    CHECK(sem_open("/of-two", O_CREAT | O_EXCL, 0600, 1) == SEM_FAILED && errno == EEXIST);
    CHECK(sem_getvalue(sem, &value) == 0 && value == 1 && sem_trywait(sem) == 0);
    CHECK(sem_trywait(sem) == -1 && errno == EAGAIN);
    CHECK(pthread_create(&t, NULL, poster, NULL) == 0 && sem_wait(sem) == 0 &&
          pthread_join(t, NULL) == 0);
    CHECK(sem_unlink("/of-two") == 0 && sem_open("/of-two", 0) == SEM_FAILED && errno == ENOENT);
    CHECK(sem_close(sem) == 0);
    FAILS(sem_unlink("/of-two"), ENOENT);
    int fd = shm_open("/memory", O_RDWR | O_CREAT | O_EXCL, 0600);
    CHECK(fd > 2 && ftruncate(fd, 8192) == 0 && fstat(fd, &s) == 0 && s.st_size == 8192);
    char *one = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    char *two = mmap(NULL, 8192, PROT_READ, MAP_SHARED, fd, 0);
    CHECK(one != MAP_FAILED && two != MAP_FAILED && close(fd) == 0);
    one[5000] = 'x';
    CHECK(two[5000] == 'x' && munmap(one, 8192) == 0 && munmap(two, 8192) == 0);
    CHECK(shm_unlink("/memory") == 0);
    FAILS(shm_open("/memory", O_RDWR, 0600), ENOENT);
    FAILS(shm_open("/../a", O_RDWR | O_CREAT, 0600), EINVAL);
}

static void modes(void)
{
    struct stat s;
    struct utimbuf times = { .actime = 3, .modtime = 4 };
    char a[4] = "", b[4] = "";
    struct iovec v[] = { { a, 3 }, { b, 3 } };
    int fd = open("m", O_RDWR | O_CREAT, 0666);

    CHECK(fstat(fd, &s) == 0 && (s.st_mode & 07777) == 0644 && s.st_uid == getuid());
    CHECK(fchmod(fd, 0600) == 0 && fstat(fd, &s) == 0 && (s.st_mode & 07777) == 0600);
    CHECK(chmod("m", 04751) == 0 && stat("m", &s) == 0 && s.st_mode == (S_IFREG | 04751));
    CHECK(fchmodat(AT_FDCWD, "m", 0444, 0) == 0 && stat("m", &s) == 0 &&
          s.st_mode == (S_IFREG | 0444));
    FAILS(chmod("none", 0600), ENOENT);
    FAILS(fchmod(60, 0600), EBADF);
    umask(077);
    CHECK(mkdir("md", 0777) == 0 && stat("md", &s) == 0 && s.st_mode == (S_IFDIR | 0700));
    umask(022);
    CHECK(chmod("md", 0) == 0 && rmdir("md") == 0);  // data: refuses nothing
    CHECK(chown("m", 0, 0) == 0 && chown("m", (uid_t)-1, (gid_t)-1) == 0 &&
          fchown(fd, 0, (gid_t)-1) == 0);
    FAILS(chown("m", 1000, 0), EPERM);
    FAILS(lchown("none", 0, 0), ENOENT);
    FAILS(mkfifo("fifo", 0600), EPERM);
    CHECK(pwritev(fd, (struct iovec[]){ { "abc", 3 }, { "def", 3 } }, 2, 1) == 6);
    CHECK(preadv(fd, v, 2, 1) == 6 && strcmp(a, "abc") == 0 && strcmp(b, "def") == 0);
    CHECK(lseek(fd, 0, SEEK_CUR) == 0);
    CHECK(posix_fadvise(fd, 0, 0, POSIX_FADV_SEQUENTIAL) == 0);
    CHECK(utime("m", &times) == 0 && stat("m", &s) == 0 && s.st_atime == 3 && s.st_mtime == 4);
    FAILS(utimensat(AT_FDCWD, "m", (struct timespec[]){ { 0, 1000000000 }, { 0, 0 } }, 0), EINVAL);
    FAILS(utimensat(AT_FDCWD, "m", (struct timespec[]){ { 0, 0 }, { -1, 0 } }, 0), EINVAL);
    CHECK(symlink("m", "to-m") == 0);
    FAILS(utimensat(AT_FDCWD, "to-m", NULL, AT_SYMLINK_NOFOLLOW), EOPNOTSUPP);
    FAILS(utimensat(AT_FDCWD, "m", NULL, 77), EINVAL);
    CHECK(stat("to-m", &s) == 0 && s.st_atime == 3 && s.st_mtime == 4 && unlink("to-m") == 0);
    CHECK(utimensat(AT_FDCWD, "m", NULL, AT_SYMLINK_NOFOLLOW) == 0);
    CHECK(flock(fd, LOCK_EX) == 0 && flock(fd, LOCK_SH | LOCK_NB) == 0 && flock(fd, LOCK_UN) == 0);
    FAILS(flock(fd, 77), EINVAL);
    FAILS(flock(61, LOCK_EX), EBADF);
    int dir = open("/", O_RDONLY);
    FAILS(flock(dir, LOCK_EX), EINVAL);
    FAILS(fcntl(dir, F_SETLK, &(struct flock){ .l_type = F_RDLCK }), EINVAL);
    CHECK(close(dir) == 0);
    struct flock l = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
    CHECK(fcntl(fd, F_SETLK, &l) == 0);
    CHECK(syncfs(fd) == 0 && close(fd) == 0 && unlink("m") == 0);
    CHECK(stat("/common", &s) == 0 && (s.st_mode & 0200) != 0);
}

void files(void)
{
    streams();
    descriptors();
    directories();
    large();
    locks();
    modes();
    names();
    named();
    nothing();
    threads();
    share();
}
