/* Threads under load: many that come and go, a counter under each kind of lock, a queue between
 * producers and consumers, wake-ups with a deadline. */
#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "modules/ctest/ctest.h"

enum { WORKERS = 4, ROUNDS = 400, QUEUE = 16, ITEMS = 400, FLEETING = 120 };

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER, inherit;
static pthread_rwlock_t rw = PTHREAD_RWLOCK_INITIALIZER;
static pthread_spinlock_t spin;
static unsigned long under_mutex, under_inherit, under_rw, under_spin, torn;

static void *count(void *arg)
{
    for (unsigned i = 0; i < ROUNDS; i++) {
        pthread_mutex_lock(&mutex);
        under_mutex++;
        pthread_mutex_unlock(&mutex);
        pthread_mutex_lock(&inherit);
        under_inherit++;
        pthread_mutex_unlock(&inherit);
        pthread_spin_lock(&spin);
        under_spin++;
        pthread_spin_unlock(&spin);
        if (i % 8 == 0) {
            pthread_rwlock_wrlock(&rw);
            under_rw++;
            pthread_rwlock_unlock(&rw);
        } else {
            pthread_rwlock_rdlock(&rw);
            unsigned long seen = under_rw;
            torn += seen != under_rw;
            pthread_rwlock_unlock(&rw);
        }
    }
    return arg;
}

static struct {
    pthread_mutex_t mutex;
    pthread_cond_t room, more;
    unsigned item[QUEUE], n;
} queue = { .mutex = PTHREAD_MUTEX_INITIALIZER,
            .room = PTHREAD_COND_INITIALIZER,
            .more = PTHREAD_COND_INITIALIZER };

static void *produce(void *arg)
{
    for (unsigned i = 1; i <= ITEMS; i++) {
        pthread_mutex_lock(&queue.mutex);
        while (queue.n == QUEUE) {
            pthread_cond_wait(&queue.room, &queue.mutex);
        }
        queue.item[queue.n++] = i;
        pthread_cond_signal(&queue.more);
        pthread_mutex_unlock(&queue.mutex);
    }
    return arg;
}

static void *consume(void *arg)
{
    unsigned long sum = 0;

    for (unsigned i = 0; i < ITEMS; i++) {
        struct timespec soon;
        pthread_mutex_lock(&queue.mutex);
        while (queue.n == 0) {
            clock_gettime(CLOCK_REALTIME, &soon);
            soon.tv_nsec += 500000;
            soon.tv_sec += soon.tv_nsec / 1000000000;
            soon.tv_nsec %= 1000000000;
            pthread_cond_timedwait(&queue.more, &queue.mutex, &soon);
        }
        sum += queue.item[--queue.n];
        pthread_cond_signal(&queue.room);
        pthread_mutex_unlock(&queue.mutex);
    }
    *(unsigned long *)arg = sum;
    return NULL;
}

static void *fleeting(void *arg)
{
    void *volatile mine = malloc(1000);
    free(mine);
    __atomic_fetch_add((unsigned *)arg, 1, __ATOMIC_SEQ_CST);
    return arg;
}

static void come_and_go(void)
{
    enum { AT_ONCE = 6 };
    pthread_t t[AT_ONCE];
    unsigned ran = 0, joined = 0;

    for (unsigned i = 0; i < FLEETING; i += AT_ONCE) {
        unsigned n = 0;
        while (n < AT_ONCE && pthread_create(&t[n], NULL, fleeting, &ran) == 0) {
            n++;
        }
        for (unsigned k = 0; k < n; k++) {
            joined += pthread_join(t[k], NULL) == 0;
        }
    }
    CHECK(ran == FLEETING && joined == FLEETING);
}

void stress(void)
{
    pthread_t t[WORKERS];
    unsigned long sums[2] = { 0, 0 };
    pthread_mutexattr_t attr;

    pthread_mutexattr_init(&attr);
    CHECK(pthread_mutexattr_setprotocol(&attr, PTHREAD_PRIO_INHERIT) == 0);
    CHECK(pthread_mutex_init(&inherit, &attr) == 0 && pthread_spin_init(&spin, 0) == 0);
    for (int i = 0; i < WORKERS; i++) {
        CHECK(pthread_create(&t[i], NULL, count, NULL) == 0);
    }
    for (int i = 0; i < WORKERS; i++) {
        CHECK(pthread_join(t[i], NULL) == 0);
    }
    CHECK(under_mutex == WORKERS * ROUNDS && under_inherit == WORKERS * ROUNDS);
    CHECK(under_spin == WORKERS * ROUNDS && under_rw == WORKERS * ROUNDS / 8 && torn == 0);
    for (int i = 0; i < 2; i++) {
        CHECK(pthread_create(&t[i], NULL, produce, NULL) == 0);
        CHECK(pthread_create(&t[2 + i], NULL, consume, &sums[i]) == 0);
    }
    for (int i = 0; i < 4; i++) {
        CHECK(pthread_join(t[i], NULL) == 0);
    }
    CHECK(sums[0] + sums[1] == 2ul * ITEMS * (ITEMS + 1) / 2 && queue.n == 0);
    come_and_go();
}
