/* The library's own chapters: text, numbers, time, searching, wide characters, threads' keys. What
 * of it asks the system nothing is musl's; here is seen that it is linked, and works, in a capsule.
 */
#define _GNU_SOURCE
#include <crypt.h>
#include <errno.h>
#include <fnmatch.h>
#include <iconv.h>
#include <inttypes.h>
#include <langinfo.h>
#include <libgen.h>
#include <limits.h>
#include <locale.h>
#include <math.h>
#include <pthread.h>
#include <search.h>
#include <semaphore.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <wchar.h>
#include <wctype.h>

#include "modules/ctest/ctest.h"

static void strings(void)
{
    char text[64] = "one,two,,four", *at = text, copy[64];

    CHECK(strcmp(strsep(&at, ","), "one") == 0 && strcmp(strsep(&at, ","), "two") == 0);
    CHECK(*strsep(&at, ",") == '\0' && strcmp(strsep(&at, ","), "four") == 0 && at == NULL);
    CHECK(memmem("abcabd", 6, "abd", 3) != NULL && strstr("aaab", "aab") != NULL);
    CHECK(strcasestr("Hello World", "WORLD") != NULL && strncasecmp("ABC", "abd", 2) == 0);
    CHECK(strlcpy(copy, "0123456789", 5) == 10 && strcmp(copy, "0123") == 0);
    CHECK(strlcat(copy, "abc", sizeof copy) == 7 && stpcpy(copy, "xy") == copy + 2);
    memcpy(text, "abcdefgh", 9);
    memmove(text + 2, text, 5);
    CHECK(strcmp(text, "ababcdeh") == 0 && memrchr(text, 'b', 8) == text + 3);
    CHECK(strspn("aabbc", "ab") == 4 && strcspn("hello", "lo") == 2 &&
          strpbrk("hello", "xl") != NULL);
    CHECK(strnlen("abc", 2) == 2 && strverscmp("a9", "a10") < 0 && ffsl(0x100) == 9);
    char *word = strdup("dup"), *part = strndup("abcdef", 3);
    CHECK(word != NULL && strcmp(word, "dup") == 0 && part != NULL && strcmp(part, "abc") == 0);
    free(word);
    free(part);
    CHECK(strcmp(strerror(ENOENT), "No such file or directory") == 0);
    memcpy(text, "/usr/lib/", 10);
    CHECK(strcmp(basename(text), "lib") == 0);
    memcpy(text, "/usr/lib", 9);
    CHECK(strcmp(dirname(text), "/usr") == 0 && strcmp(dirname(NULL), ".") == 0);
    CHECK(fnmatch("*.[ch]", "tree.c", 0) == 0 &&
          fnmatch("a/*", "a/b/c", FNM_PATHNAME) == FNM_NOMATCH);
    CHECK(fnmatch("[!a]?", "bc", 0) == 0 && fnmatch(".*", ".x", FNM_PERIOD) == 0 &&
          fnmatch("*", ".x", FNM_PERIOD) == FNM_NOMATCH);
}

static void numbers(void)
{
    char *end, text[128];
    int a = 0;
    float f = 0;
    long long ll = 0;
    char word[16];

    errno = 0;
    CHECK(strtol("99999999999999999999", &end, 10) == LONG_MAX && errno == ERANGE && *end == '\0');
    CHECK(strtoul("-1", NULL, 10) == ULONG_MAX && strtoull("0x10z", &end, 0) == 16 && *end == 'z');
    CHECK(strtoimax("077", NULL, 0) == 63 && atoi(" 42x") == 42);
    CHECK(strtod("0x1.8p3", NULL) == 12.0 && strtod("inf", NULL) == INFINITY &&
          isnan(strtod("nan", NULL)));
    CHECK(strtof("1e-45", NULL) > 0 && strtold("1.5", NULL) == 1.5L);
    CHECK(snprintf(text, sizeof text, "%a %e %.0f %+.2g", 1.0, 12345.678, 0.5, 1234.0) > 0 &&
          strcmp(text, "0x1p+0 1.234568e+04 0 +1.2e+03") == 0);
    CHECK(snprintf(text, sizeof text, "%-8s|%#x|%#o|%+d|% d|%08.3f", "ab", 255, 8, 1, 1, -3.14159) >
              0 &&
          strcmp(text, "ab      |0xff|010|+1| 1|-003.142") == 0);
    CHECK(snprintf(text, 4, "%s", "long") == 4 && strcmp(text, "lon") == 0);
    CHECK(snprintf(text, sizeof text, "%2$s %1$s", "b", "a") == 3 && strcmp(text, "a b") == 0);
    CHECK(snprintf(text, sizeof text, "%ld %zu %jd %hhd", 1L << 40, (size_t)7, (intmax_t)-1,
                   (signed char)44) > 0 &&
          strcmp(text, "1099511627776 7 -1 44") == 0);
    CHECK(sscanf("abc 0x1f 3.5 -9", "%3s %i %f %lld", word, &a, &f, &ll) == 4 && a == 31 &&
          f == 3.5f && ll == -9);
    CHECK(sscanf("key=val;", "%[a-z]=%15[^;]", text, word) == 2 && strcmp(word, "val") == 0);
    CHECK(sscanf("12", "%d%n", &a, &a) == 1 && a == 2);
    srand(1);
    int first = rand();
    srand(1);
    CHECK(rand() == first && rand() >= 0);
    srandom(7);
    long r = random();
    char state[64];
    initstate(7, state, sizeof state);
    CHECK(r >= 0 && random() >= 0);
    srand48(5);
    CHECK(drand48() >= 0 && drand48() < 1);
    CHECK(labs(-5L) == 5 && div(7, -2).quot == -3 && div(7, -2).rem == 1 && lldiv(-7, 2).rem == -1);
}

static void mathematics(void)
{
    double whole;
    int power;

    CHECK(fabs(sin(1) * sin(1) + cos(1) * cos(1) - 1) < 1e-15 && pow(2, 10) == 1024 &&
          sqrt(2) * sqrt(2) > 1.99);
    CHECK(floor(-1.5) == -2 && ceil(-1.5) == -1 && trunc(-1.5) == -1 && round(2.5) == 3 &&
          lrint(2.5) == 2);
    CHECK(fmod(7, 3) == 1 && modf(3.25, &whole) == 0.25 && whole == 3 && frexp(8, &power) == 0.5 &&
          power == 4);
    CHECK(isinf(HUGE_VAL) && hypot(3, 4) == 5 && cbrt(27) == 3 && fma(2, 3, 4) == 10 &&
          copysign(1, -0.0) == -1);
    CHECK(fabs(exp(log(5)) - 5) < 1e-14 && fabs(tgamma(5) - 24) < 1e-10 &&
          fabs(atan2(1, 1) * 4 - M_PI) < 1e-15);
}

static void calendar(void)
{
    struct tm tm = { 0 };
    char text[64];
    time_t t = 951782400;  // 29 February 2000

    CHECK(gmtime_r(&t, &tm) != NULL && tm.tm_mon == 1 && tm.tm_mday == 29 && tm.tm_wday == 2 &&
          tm.tm_yday == 59);
    CHECK(strftime(text, sizeof text, "%Y-%m-%d %H:%M:%S %a %j", &tm) > 0 &&
          strcmp(text, "2000-02-29 00:00:00 Tue 060") == 0);
    CHECK(timegm(&tm) == t && mktime(&tm) == t);
    memset(&tm, 0, sizeof tm);
    CHECK(strptime("2026-11-26 15:04:05", "%Y-%m-%d %T", &tm) != NULL && tm.tm_year == 126 &&
          tm.tm_hour == 15);
    CHECK(strcmp(asctime_r(&tm, text) == NULL ? "" : "x", "x") == 0);
    setenv("TZ", "XYZ-2", 1);
    tzset();
    CHECK(localtime_r(&t, &tm) != NULL && tm.tm_hour == 2 && strcmp(tzname[0], "XYZ") == 0);
    unsetenv("TZ");
    tzset();
    CHECK(difftime(5, 3) == 2 && time(NULL) >= 0);
}

static int by_text(const void *a, const void *b)
{
    return strcmp(a, b);
}

static unsigned seen;

static void visit(const void *node, VISIT order, int level)
{
    (void)node, (void)level;
    seen += order == postorder || order == leaf;
}

static int by_int(const void *a, const void *b, void *count)
{
    int x = *(const int *)a, y = *(const int *)b;
    ++*(unsigned *)count;
    return (x > y) - (x < y);
}

static void searching(void)
{
    void *root = NULL;
    int numbers[500];
    unsigned n = 0, wrong = 0, compared = 0;
    size_t len = 3;
    char words[4][4] = { "a", "c", "e", "" };

    for (unsigned i = 0; i < 500; i++) {
        numbers[i] = (int)(i * 7919 % 500);
    }
    qsort_r(numbers, 500, sizeof numbers[0], by_int, &compared);
    for (unsigned i = 0; i < 500; i++) {
        wrong += numbers[i] != (int)i;
    }
    CHECK(wrong == 0 && compared > 500);
    CHECK(tsearch("b", &root, by_text) != NULL && tsearch("a", &root, by_text) != NULL &&
          tsearch("b", &root, by_text) != NULL);
    twalk(root, visit);
    CHECK(seen == 2 && tfind("a", &root, by_text) != NULL && tfind("z", &root, by_text) == NULL);
    CHECK(tdelete("a", &root, by_text) != NULL && tfind("a", &root, by_text) == NULL);
    CHECK(hcreate(20) != 0 && hsearch((ENTRY){ .key = "k", .data = &n }, ENTER) != NULL &&
          hsearch((ENTRY){ .key = "k" }, FIND)->data == &n &&
          hsearch((ENTRY){ .key = "x" }, FIND) == NULL);
    hdestroy();
    CHECK(lfind("c", words, &len, 4, by_text) == words[1] &&
          lsearch("b", words, &len, 4, by_text) != NULL && len == 4);
    CHECK(bsearch("c", words, 3, 4, by_text) == words[1]);
}

static void wide(void)
{
    wchar_t text[32];
    char bytes[32];
    mbstate_t state = { 0 };
    wchar_t c;

    CHECK(setlocale(LC_CTYPE, "C.UTF-8") != NULL && strcmp(nl_langinfo(CODESET), "UTF-8") == 0);
    CHECK(mbstowcs(text, "h\xc3\xa9\xe2\x82\xac", 32) == 3 && text[1] == 0xe9 && text[2] == 0x20ac);
    CHECK(wcstombs(bytes, text, 32) == 6 && memcmp(bytes, "h\xc3\xa9\xe2\x82\xac", 7) == 0);
    CHECK(mbrtowc(&c, "\xe2", 1, &state) == (size_t)-2 && mbrtowc(&c, "\x82\xac", 2, &state) == 2 &&
          c == 0x20ac);
    CHECK(mbtowc(&c, "\xff", 1) == -1 && errno == EILSEQ);
    CHECK(swprintf(text, 32, L"%ls %d %s", L"ab", 5, "cd") == 7 && wcscmp(text, L"ab 5 cd") == 0);
    CHECK(wcsstr(L"hello", L"ll") != NULL && wcstol(L"0x2a", NULL, 16) == 42 &&
          wcslen(L"abc") == 3);
    CHECK(iswalpha(0xe9) && towupper(0xe9) == 0xc9 && wcwidth(0x20ac) == 1);
    iconv_t cd = iconv_open("UTF-16BE", "UTF-8");
    char in[] = "A\xe2\x82\xac", out[8] = "", *from = in, *to = out;
    size_t left = 4, room = 8;
    CHECK(cd != (iconv_t)-1 && iconv(cd, &from, &left, &to, &room) == 0 && room == 4 &&
          memcmp(out, "\0A\x20\xac", 4) == 0);
    CHECK(iconv_close(cd) == 0 && iconv_open("UTF-8", "none") == (iconv_t)-1 && errno == EINVAL);
}

static void memory_streams(void)
{
    char *text = NULL, room[16], line[16];
    size_t len = 0;
    FILE *f = open_memstream(&text, &len);

    CHECK(f != NULL && fprintf(f, "%d-%s", 12, "ab") == 5 && fflush(f) == 0 && len == 5);
    CHECK(fseek(f, 1, SEEK_SET) == 0 && fputc('X', f) == 'X' && fclose(f) == 0 &&
          strcmp(text, "1X-ab") == 0);
    free(text);
    f = fmemopen(room, sizeof room, "w+");
    CHECK(f != NULL && fputs("one\ntwo\n", f) >= 0);
    rewind(f);
    CHECK(fgets(line, sizeof line, f) != NULL && strcmp(line, "one\n") == 0);
    CHECK(fgetc(f) == 't' && ungetc('T', f) == 'T' && fgetc(f) == 'T' && fgetc(f) == 'w');
    CHECK(fclose(f) == 0);
    CHECK(asprintf(&text, "%0*d", 4, 7) == 4 && strcmp(text, "0007") == 0);
    free(text);
    CHECK(strncmp(crypt("key", "$6$salt$"), "$6$salt$", 8) == 0);
}

/* ---- threads ---- */

static pthread_key_t key;
static pthread_once_t once = PTHREAD_ONCE_INIT;
static unsigned ran, ended;
static sem_t sem;
static pthread_barrier_t barrier;
static pthread_rwlock_t rw = PTHREAD_RWLOCK_INITIALIZER;
static __thread _Alignas(64) char aligned[3] = "ab";

static void on_end(void *value)
{
    ended += value != NULL;
}

static void just_once(void)
{
    ran++;
}

static void *worker(void *arg)
{
    pthread_setspecific(key, arg);
    pthread_once(&once, just_once);
    int serial = pthread_barrier_wait(&barrier);
    pthread_rwlock_rdlock(&rw);
    pthread_rwlock_unlock(&rw);
    sem_post(&sem);
    return serial == PTHREAD_BARRIER_SERIAL_THREAD && ((uintptr_t)aligned & 63) == 0 &&
                   aligned[1] == 'b'
               ? arg
               : NULL;
}

static void clean(void *arg)
{
    *(unsigned *)arg += 1;
}

static void *is_cancelled(void *arg)
{
    pthread_cleanup_push(clean, arg);
    pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, NULL);
    sem_post(&sem);
    usleep(20000);
    *(unsigned *)arg += 10;
    pthread_setcancelstate(PTHREAD_CANCEL_ENABLE, NULL);
    pthread_testcancel();
    pthread_cleanup_pop(0);
    return NULL;
}

static void threads(void)
{
    pthread_t t[3];
    unsigned serial = 0, steps = 0;
    void *result;
    struct timespec past = { 0 };

    CHECK(pthread_key_create(&key, on_end) == 0 && sem_init(&sem, 0, 0) == 0);
    CHECK(pthread_barrier_init(&barrier, NULL, 3) == 0);
    for (int i = 0; i < 3; i++) {
        CHECK(pthread_create(&t[i], NULL, worker, &t[i]) == 0);
    }
    for (int i = 0; i < 3; i++) {
        CHECK(sem_wait(&sem) == 0);
    }
    for (int i = 0; i < 3; i++) {
        serial += pthread_join(t[i], &result) == 0 && result == &t[i];
    }
    CHECK(serial == 1 && ran == 1 && ended == 3 && pthread_getspecific(key) == NULL);
    CHECK(sem_trywait(&sem) == -1 && errno == EAGAIN);
    CHECK(sem_timedwait(&sem, &past) == -1 && errno == ETIMEDOUT);
    CHECK(pthread_rwlock_wrlock(&rw) == 0 && pthread_rwlock_tryrdlock(&rw) == EBUSY &&
          pthread_rwlock_unlock(&rw) == 0);
    CHECK(pthread_create(&t[0], NULL, is_cancelled, &steps) == 0 && sem_wait(&sem) == 0);
    CHECK(pthread_cancel(t[0]) == 0 && pthread_join(t[0], &result) == 0 &&
          result == PTHREAD_CANCELED && steps == 11);
    CHECK(pthread_key_delete(key) == 0 && pthread_barrier_destroy(&barrier) == 0);
}

static jmp_buf back;

static void leap(int n)
{
    if (n == 0) {
        longjmp(back, 5);
    }
    leap(n - 1);
}

void library(void)
{
    volatile int was = 3;
    int came = setjmp(back);

    if (came == 0) {
        was = 4;
        leap(10);
    }
    CHECK(came == 5 && was == 4);
    strings();
    numbers();
    mathematics();
    calendar();
    searching();
    wide();
    memory_streams();
    threads();
    char *opts[] = { "x", "-a", "-bval", "rest", NULL };
    optind = 1;
    CHECK(getopt(4, opts, "ab:") == 'a' && getopt(4, opts, "ab:") == 'b' &&
          strcmp(optarg, "val") == 0 && getopt(4, opts, "ab:") == -1 && optind == 3);
}
