/*
 * The C library as a program sees it: one row for each thing that C or POSIX promises and that
 * works here. Says each row that does not hold, then how many did.
 */
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "modules/ctest/ctest.h"

static unsigned passed, failed;

void check(int holds, const char *what, int line)
{
    if (holds) {
        passed++;
        return;
    }
    failed++;
    printf("ctest: line %d does not hold: %s\n", line, what);
}

static void arguments(int argc, char **argv)
{
    CHECK(argc >= 1 && strcmp(argv[0], "ctest") == 0);
    CHECK(argv[argc] == NULL);
    CHECK(getenv("PATH") == NULL);
    CHECK(setenv("WHO", "me", 1) == 0 && strcmp(getenv("WHO"), "me") == 0);
}

static void formats(void)
{
    char text[64];

    CHECK(snprintf(text, sizeof text, "%s %05d %x", "a", -42, 255) == 10 &&
          strcmp(text, "a -0042 ff") == 0);
    CHECK(snprintf(text, sizeof text, "%.3f %g", 3.14159, 1e-9) == 11 &&
          strcmp(text, "3.142 1e-09") == 0);
    CHECK(strtod("2.5e3", NULL) == 2500.0);
    CHECK(strtol("-0x1f", NULL, 16) == -31);
    int a = 0, b = 0;
    CHECK(sscanf("12 34", "%d %d", &a, &b) == 2 && a == 12 && b == 34);
}

static int by_value(const void *a, const void *b)
{
    int x = *(const int *)a, y = *(const int *)b;
    return (x > y) - (x < y);
}

static void memory(void)
{
    enum { N = 2000 };
    static void *block[N];
    unsigned wrong = 0;

    for (size_t i = 0; i < N; i++) {
        size_t size = 1 + i * 37 % 900;
        block[i] = malloc(size);
        if (block[i] == NULL) {
            wrong++;
        } else {
            memset(block[i], (int)i, size);
        }
    }
    for (size_t i = 0; i < N; i++) {
        wrong += block[i] == NULL || *(unsigned char *)block[i] != (unsigned char)i;
        free(block[i]);
    }
    CHECK(wrong == 0);
    char *large = malloc(3 << 20);
    CHECK(large != NULL);
    if (large != NULL) {
        memset(large, 1, 3 << 20);
    }
    free(large);
    errno = 0;
    void *volatile more = malloc(64 << 20);
    CHECK(more == NULL && errno == ENOMEM);
    char *zero = calloc(1, 100000);
    CHECK(zero != NULL && zero[0] == 0 && zero[99999] == 0);
    char *grown = zero == NULL ? NULL : realloc(zero, 200000);
    CHECK(grown != NULL && grown[99999] == 0);
    free(grown);
    char *page = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    CHECK(page != MAP_FAILED && page[0] == 0 && page[8191] == 0);
    CHECK(munmap(page + 4096, 4096) == 0 && munmap(page, 4096) == 0);
    CHECK(mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) ==
              MAP_FAILED &&
          errno == EACCES);
    int numbers[] = { 5, 3, 9, 1 };
    qsort(numbers, 4, sizeof numbers[0], by_value);
    CHECK(numbers[0] == 1 && numbers[3] == 9);
}

static void times(void)
{
    struct timespec a, b, nap = { .tv_nsec = 2000000 };

    CHECK(clock_gettime(CLOCK_MONOTONIC, &a) == 0);
    CHECK(nanosleep(&nap, NULL) == 0);
    CHECK(clock_gettime(CLOCK_MONOTONIC, &b) == 0);
    CHECK((b.tv_sec - a.tv_sec) * 1000000000 + b.tv_nsec - a.tv_nsec >= 2000000);
    nap.tv_nsec = 1000000000;
    CHECK(nanosleep(&nap, NULL) == -1 && errno == EINVAL);
}

static void refused(void)
{
    CHECK(write(7, "x", 1) == -1 && errno == EBADF);
    CHECK(fopen("/etc/passwd", "r") == NULL);
    CHECK(fork() == -1 && errno == ENOSYS);
    unsigned char random[300] = { 0 };
    CHECK(getentropy(random, 256) == 0 && memcmp(random, random + 128, 128) != 0);
}

/* ---- threads ---- */

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static unsigned counter, turn;
static __thread unsigned mine;

static void *count(void *arg)
{
    for (unsigned i = 0; i < 1000; i++) {
        pthread_mutex_lock(&mutex);
        counter++;
        pthread_mutex_unlock(&mutex);
        mine++;
    }
    return mine == 1000 ? arg : NULL;
}

static void *player(void *arg)
{
    unsigned me = (unsigned)(size_t)arg;

    for (unsigned i = 0; i < 100; i++) {
        pthread_mutex_lock(&mutex);
        while (turn % 2 != me) {
            pthread_cond_wait(&changed, &mutex);
        }
        turn++;
        pthread_cond_broadcast(&changed);
        pthread_mutex_unlock(&mutex);
    }
    return NULL;
}

static void *sleeper(void *arg)
{
    (void)arg;
    for (;;) {
        sleep(1000);
    }
}

static void *fleeting(void *arg)
{
    __atomic_fetch_add((unsigned *)arg, 1, __ATOMIC_SEQ_CST);
    return NULL;
}

static void detached(void)
{
    enum { ROUNDS = 40 };
    pthread_attr_t attr;
    unsigned done = 0;

    pthread_attr_init(&attr);
    pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
    for (unsigned i = 0; i < ROUNDS; i++) {
        pthread_t t;
        while (pthread_create(&t, &attr, fleeting, &done) != 0) {
            usleep(1000);  // the others are just going
        }
    }
    for (unsigned i = 0; i < 1000 && __atomic_load_n(&done, __ATOMIC_SEQ_CST) != ROUNDS; i++) {
        usleep(1000);
    }
    CHECK(done == ROUNDS);
}

static void threads(void)
{
    enum { N = 4 };
    pthread_t t[N];
    void *result = NULL;
    unsigned back = 0;

    for (size_t i = 0; i < N; i++) {
        CHECK(pthread_create(&t[i], NULL, count, &t[i]) == 0);
    }
    for (size_t i = 0; i < N; i++) {
        back += pthread_join(t[i], &result) == 0 && result == &t[i];
    }
    CHECK(back == N && counter == N * 1000 && mine == 0);
    CHECK(pthread_create(&t[0], NULL, player, (void *)0) == 0);
    CHECK(pthread_create(&t[1], NULL, player, (void *)1) == 0);
    CHECK(pthread_join(t[0], NULL) == 0 && pthread_join(t[1], NULL) == 0 && turn == 200);
    CHECK(pthread_create(&t[0], NULL, sleeper, NULL) == 0);
    CHECK(pthread_cancel(t[0]) == 0 && pthread_join(t[0], &result) == 0 &&
          result == PTHREAD_CANCELED);
    struct timespec soon;
    clock_gettime(CLOCK_REALTIME, &soon);
    soon.tv_nsec += 1000000;
    soon.tv_sec += soon.tv_nsec / 1000000000;
    soon.tv_nsec %= 1000000000;
    pthread_mutex_lock(&mutex);
    CHECK(pthread_cond_timedwait(&changed, &mutex, &soon) == ETIMEDOUT);
    pthread_mutex_unlock(&mutex);
    detached();
}

static void last_words(void)
{
    puts("ctest: the exit handler ran");
}

int main(int argc, char **argv)
{
    if (argc > 1 && strcmp(argv[1], "abort") == 0) {
        abort();
    }
    arguments(argc, argv);
    formats();
    memory();
    times();
    refused();
    about_system();
    library();
    threads();
    if (argc > 1 && strcmp(argv[1], "files") == 0) {
        files();
        outside();
    }
    if (argc > 1 && strcmp(argv[1], "stress") == 0) {
        stress();
    }
    if (argc > 1 && strcmp(argv[1], "wad") == 0) {
        wad();
    }
    if (argc > 1 && strcmp(argv[1], "costs") == 0) {
        costs();
    }
    atexit(last_words);
    printf("ctest: %u hold, %u do not\n", passed, failed);
    return failed != 0;
}
