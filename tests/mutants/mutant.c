/* Linked with every host test of `make mutants`: which mutant is on, how long it may run, and where
 * the run has been. */
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <unistd.h>

static unsigned char nowhere[MUTANTS_MAX];

int mutant_on = -1;
unsigned char *mutant_seen = nowhere;

/* A file that children write too, and that stays when the program dies. */
static void see_into(const char *path)
{
    int fd = open(path, O_RDWR | O_CREAT | O_TRUNC, 0600);
    if (fd < 0 || ftruncate(fd, MUTANTS_MAX) != 0) {
        abort();
    }
    mutant_seen = mmap(NULL, MUTANTS_MAX, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (mutant_seen == MAP_FAILED) {
        abort();
    }
    close(fd);
}

/* cmocka's: only tests whose name matches. */
void cmocka_set_test_filter(const char *pattern);

__attribute__((constructor(101))) static void mutant_start(void)
{
    const char *on = getenv("MUTANT"), *seen = getenv("MUTANT_SEEN"), *ms = getenv("MUTANT_CPU_MS");
    cmocka_set_test_filter(getenv("MUTANT_TEST"));
    if (on != NULL) {
        mutant_on = atoi(on);
    }
    if (seen != NULL) {
        see_into(seen);
    }
    if (ms != NULL) { /* of processor time: a busy host makes nothing fail */
        long t = atol(ms);
        struct itimerval limit = { .it_value = { t / 1000, t % 1000 * 1000 } };
        setitimer(ITIMER_PROF, &limit, NULL);
    }
}
