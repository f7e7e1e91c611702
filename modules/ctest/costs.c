/* What files cost. Under -icount a nanosecond is an instruction. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "modules/ctest/ctest.h"

enum { SIZE = 1 << 20 };

static long now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1000000000 + t.tv_nsec;
}

/* The second of two: the first one finds cold caches, ours and the emulator's. */
#define COST(name, call) \
    do { \
        long cost_ = 0; \
        for (int i_ = 0; i_ < 2; i_++) { \
            long from_ = now(); \
            CHECK(call); \
            cost_ = now() - from_; \
        } \
        printf("cost %s %ld\n", name, cost_); \
    } while (0)

static char *map;

static int map_it(int fd)
{
    map = mmap(NULL, SIZE, PROT_READ, MAP_SHARED, fd, 0);
    return map != MAP_FAILED && *(volatile char *)map == 'x';
}

void costs(void)
{
    static char small[4096];
    char *a = malloc(SIZE), *b = malloc(SIZE);
    struct stat s;
    int fd = open("costs", O_RDWR | O_CREAT, 0600);

    memset(a, 'x', SIZE);
    CHECK(write(fd, a, SIZE) == SIZE);
    COST("nothing", 1);
    COST("memcpy_1m", memcpy(b, a, SIZE) == b);
    long from = now();
    CHECK(map_it(fd));
    printf("cost map_1m %ld\n", now() - from);
    from = now();
    CHECK(munmap(map, SIZE) == 0);
    printf("cost unmap_1m %ld\n", now() - from);
    from = now();
    CHECK(pread(fd, b, SIZE, 0) == SIZE);
    printf("cost read_1m_first %ld\n", now() - from);
    COST("read_1m", pread(fd, b, SIZE, 0) == SIZE);
    COST("write_1m", pwrite(fd, a, SIZE, 0) == SIZE);
    COST("read_4k", pread(fd, small, 4096, 8192) == 4096);
    COST("write_4k", pwrite(fd, small, 4096, 8192) == 4096);
    COST("read_64", pread(fd, small, 64, 100) == 64);
    COST("fstat", fstat(fd, &s) == 0);
    COST("open_close", close(open("costs", O_RDONLY)) == 0);
    CHECK(close(fd) == 0 && unlink("costs") == 0);
    free(a);
    free(b);
}
