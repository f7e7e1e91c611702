/* A program that reads and writes what its starter gave it: one word of its own says what it does.
 * tests/qemu/test_pipes.py runs it at the prompt. */
#include "modules/piper/piper.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

extern char **environ;

/* What it was given. */
static int tell(int argc, char **argv)
{
    char here[256];

    for (int i = 0; i < argc; i++) {
        printf("argument %d <%s>\n", i, argv[i]);
    }
    for (char **e = environ; *e != NULL; e++) {
        printf("variable <%s>\n", *e);
    }
    printf("here %s\n", getcwd(here, sizeof here) != NULL ? here : "none");
    for (int fd = 0; fd < 4; fd++) {
        struct stat s;
        int there = fstat(fd, &s) == 0;
        printf("descriptor %d %s%s\n", fd,
               !there                ? "none"
               : S_ISFIFO(s.st_mode) ? "pipe"
               : S_ISCHR(s.st_mode)  ? "device"
                                     : "file",
               isatty(fd) ? " terminal" : "");
    }
    return 0;
}

static int copy(void)
{
    static char room[8192];
    ssize_t n;

    while ((n = read(0, room, sizeof room)) > 0) {
        for (ssize_t at = 0, done; at < n; at += done) {
            done = write(1, room + at, (size_t)(n - at));
            if (done < 0) {
                fprintf(stderr, "copy: %s\n", strerror(errno));
                return 3;
            }
        }
    }
    return n == 0 ? 0 : 4;
}

/* So many lines that a lost or doubled byte shows. */
static int lines(long n)
{
    signal(SIGPIPE, SIG_IGN);
    for (long i = 0; i < n; i++) {
        if (printf("line %ld of %ld\n", i, n) < 0 || (i % 100 == 99 && fflush(stdout) != 0)) {
            fprintf(stderr, "lines: %s\n", strerror(errno));
            return 3;
        }
    }
    return fflush(stdout) == 0 ? 0 : 3;
}

static int count(void)
{
    unsigned long n = 0, sum = 0;
    int c;

    while ((c = getchar()) != EOF) {
        n++;
        sum = sum * 31 + (unsigned char)c;
    }
    printf("%lu bytes, sum %lx\n", n, sum & 0xffffffff);
    return 0;
}

/* A few bytes, then no more. */
static int few(void)
{
    char c[10];
    ssize_t n = read(0, c, sizeof c);
    printf("%zd bytes are enough\n", n);
    return 0;
}

int main(int argc, char **argv)
{
    const char *what = argc > 1 ? argv[1] : "tell";

    if (strcmp(what, "copy") == 0) {
        return copy();
    }
    if (strcmp(what, "lines") == 0) {
        return lines(argc > 2 ? atol(argv[2]) : 10);
    }
    if (strcmp(what, "count") == 0) {
        return count();
    }
    if (strcmp(what, "few") == 0) {
        return few();
    }
    if (strcmp(what, "exit") == 0) {
        return argc > 2 ? atoi(argv[2]) : 0;
    }
    if (strcmp(what, "crash") == 0) {
        abort();
    }
    if (strcmp(what, "sleep") == 0) {
        sleep(argc > 2 ? (unsigned)atoi(argv[2]) : 1000);
        return 0;
    }
    if (strcmp(what, "late") == 0) {
        sleep(argc > 2 ? (unsigned)atoi(argv[2]) : 1);
        return puts("late words") >= 0 && fflush(stdout) == 0 ? 0 : 3;
    }
    if (strcmp(what, "patient") == 0) {
        return patient();
    }
    if (strcmp(what, "both") == 0) {
        printf("to output\n");
        fprintf(stderr, "to error\n");
        return 0;
    }
    if (strcmp(what, "broken") == 0) {
        int p[2];
        return pipe(p) == 0 && close(p[0]) == 0 && write(p[1], "x", 1) == 1 ? 0 : 1;
    }
    if (strcmp(what, "rows") == 0) {
        return rows();
    }
    if (strcmp(what, "orphan") == 0) {
        return orphan();
    }
    if (strcmp(what, "liar") == 0) {
        return liar();
    }
    return tell(argc, argv);
}
