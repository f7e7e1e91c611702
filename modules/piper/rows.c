/* pipe, inside one program. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "modules/piper/piper.h"

static int held, broken;

static void check(int holds, const char *what, int line)
{
    held += holds != 0;
    broken += holds == 0;
    if (!holds) {
        printf("piper: rows.c:%d does not hold: %s\n", line, what);
    }
}
#define CHECK(what) check((what), #what, __LINE__)

static void ends(void)
{
    int p[2];
    char in[32];

    CHECK(pipe(p) == 0);
    CHECK(write(p[1], "abc", 3) == 3 && read(p[0], in, sizeof in) == 3 &&
          memcmp(in, "abc", 3) == 0);
    CHECK(write(p[0], "x", 1) == -1 && errno == EBADF);
    CHECK(read(p[1], in, 1) == -1 && errno == EBADF);
    CHECK(lseek(p[0], 0, SEEK_SET) == -1 && errno == ESPIPE);
    CHECK(write(p[1], "last", 4) == 4 && close(p[1]) == 0);
    CHECK(read(p[0], in, sizeof in) == 4 && read(p[0], in, sizeof in) == 0);
    CHECK(close(p[0]) == 0);
    CHECK(pipe(p) == 0 && close(p[0]) == 0);
    CHECK(write(p[1], "x", 1) == -1 && errno == EPIPE);
    CHECK(close(p[1]) == 0);
}

static void full(void)
{
    int p[2];
    char in[1000] = { 0 };
    ssize_t n, all = 0;

    CHECK(pipe2(p, O_NONBLOCK | O_CLOEXEC) == 0);
    CHECK(fcntl(p[0], F_GETFD) == FD_CLOEXEC && (fcntl(p[0], F_GETFL) & O_NONBLOCK) != 0);
    CHECK(read(p[0], in, 1) == -1 && errno == EAGAIN);
    while ((n = write(p[1], in, sizeof in)) > 0) {
        all += n;
    }
    CHECK(n == -1 && errno == EAGAIN && all >= 4096);
    while ((n = read(p[0], in, sizeof in)) > 0) {
        all -= n;
    }
    CHECK(all == 0 && errno == EAGAIN);
    CHECK(close(p[0]) == 0 && close(p[1]) == 0);
}

/* More often than there are places for pipes. */
static void many(void)
{
    int p[2], good = 0;

    for (int i = 0; i < 100; i++) {
        good += pipe(p) == 0 && close(p[0]) == 0 && close(p[1]) == 0;
    }
    CHECK(good == 100);
}

int rows(void)
{
    ends();
    full();
    many();
    printf("piper: %d hold, %d do not\n", held, broken);
    return broken != 0;
}
