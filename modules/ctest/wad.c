/* The assets of a wad, as tests/qemu/test_wad.py makes it: in the share "wad". */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "modules/ctest/ctest.h"

#define FAILS(call, error) CHECK((call) == -1 && errno == (error))

enum { ROUND = 251, BIG = ROUND * 160 };

static int is_big(const unsigned char *bytes)
{
    for (unsigned i = 0; i < BIG; i++) {
        if (bytes[i] != i % ROUND) {
            return 0;
        }
    }
    return 1;
}

void wad(void)
{
    struct stat s;
    unsigned names = 0;
    int fd = open("/wad/big.bin", O_RDONLY);
    DIR *dir = opendir("/wad");

    CHECK(fstat(fd, &s) == 0 && s.st_size == BIG && s.st_mode == (S_IFREG | 0444));
    CHECK(stat("/wad/deep", &s) == 0 && s.st_mode == (S_IFDIR | 0555));
    unsigned char *at = mmap(NULL, BIG, PROT_READ, MAP_SHARED, fd, 0);
    CHECK(at != MAP_FAILED && is_big(at) && munmap(at, BIG) == 0);
    CHECK(mmap(NULL, BIG, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0) == MAP_FAILED &&
          errno == EACCES);
    while (dir != NULL && readdir(dir) != NULL) {
        names++;
    }
    CHECK(names == 5 && closedir(dir) == 0);
    FAILS(write(fd, "x", 1), EBADF);
    FAILS(ftruncate(fd, 0), EINVAL);
    FAILS(fchmod(fd, 0644), EROFS);
    FAILS(open("/wad/big.bin", O_RDWR), EROFS);
    FAILS(open("/wad/new", O_WRONLY | O_CREAT, 0644), EROFS);
    FAILS(unlink("/wad/greet.lua"), EROFS);
    FAILS(rename("/wad/greet.lua", "/wad/x"), EROFS);
    FAILS(mkdir("/wad/d", 0755), EROFS);
    FAILS(access("/wad/greet.lua", W_OK), EROFS);
    FAILS(access("/wad/../tmp", F_OK), ENOENT);
    CHECK(close(fd) == 0);
}
