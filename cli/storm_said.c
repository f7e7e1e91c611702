/* What a storm said, line by line. It came from a machine in which everything may be broken: what
 * is shown is made printable first. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/out.h"
#include "cli/report.h"
#include "cli/storm.h"
#include "lib/fmt.h"

/** The next line, without its end; false when there is none. */
static bool next_line(span_t *rest, span_t *line)
{
    if (rest->len == 0) {
        return false;
    }
    const uint8_t *end = memchr(rest->data, '\n', rest->len);
    size_t n = end == NULL ? rest->len : (size_t)(end - rest->data);
    *line = span_of(rest->data, n > 0 && rest->data[n - 1] == '\r' ? n - 1 : n);
    n += end == NULL ? 0 : 1;
    *rest = span_of(rest->data + n, rest->len - n);
    return true;
}

static bool begins(span_t line, const char *with)
{
    size_t n = strlen(with);
    return line.len >= n && memcmp(line.data, with, n) == 0;
}

static bool has(span_t line, const char *text)
{
    return memmem(line.data, line.len, text, strlen(text)) != NULL;
}

static void print(span_t line)
{
    char *safe = out_safe(line);
    puts(safe);
    free(safe);
}

static bool is_death(span_t line)
{
    return has(line, " (capsule ");
}

void storm_show(const struct storm_config *c, span_t line)
{
    char *stop = must_printf("storm says %llu ", (unsigned long long)c->stop);
    if (begins(line, "storm BROKEN") || has(line, "kernel panic") || has(line, "for a debugger")) {
        print(line);
    } else if (c->stop != 0 && begins(line, stop) && !is_death(line)) {
        print(line);
        printf("stopped right before it. To go on: gdb -ex 'target remote :%u' -ex "
               "'add-symbol-file %s/kernel.elf -o 0x...' (as the kernel said), then `continue`\n",
               c->gdb, c->dir);
    } else if (begins(line, "storm says at ") && has(line, "00 digest")) {
        print(line);
    }
    free(stop);
    fflush(stdout);
}

/* ---- the verdict ---- */

struct verdict {
    uint64_t broken; /* findings */
    bool panic, done, ended;
    uint64_t seed, faults, said_broken;
};

static bool number_after(span_t line, const char *word, uint64_t *out)
{
    const uint8_t *at = memmem(line.data, line.len, word, strlen(word));
    if (at == NULL) {
        return false;
    }
    at += strlen(word);
    size_t n = 0, room = (size_t)(line.data + line.len - at);
    while (n < room && at[n] >= '0' && at[n] <= '9') {
        n++;
    }
    return parse_u64(span_of(at, n), out);
}

static void weigh(span_t line, struct verdict *v)
{
    if (begins(line, "storm BROKEN ")) {
        v->broken++;
    } else if (begins(line, "storm says done ")) {
        v->done = number_after(line, " seed ", &v->seed) &&
                  number_after(line, " faults ", &v->faults) &&
                  number_after(line, " broken ", &v->said_broken);
    } else if (has(line, "kernel panic")) {
        v->panic = true;
    }
}

static bool is_summary(span_t line)
{
    return begins(line, "storm says kind ") || begins(line, "storm says deaths ") ||
           begins(line, "storm says allocations ") || begins(line, "storm says frames ") ||
           begins(line, "storm says done ");
}

int storm_judge(const struct storm_config *c, span_t said)
{
    struct verdict v = { 0 };
    span_t line;
    while (next_line(&said, &line)) {
        weigh(line, &v);
        if (is_summary(line)) {
            print(line);
        }
    }
    fflush(stdout);
    if (v.panic) {
        fail(REFUSED, "the kernel panicked");
    } else if (!v.done) {
        fail(REFUSED, "the storm did not come to its end");
    } else if (v.broken != 0 || v.said_broken != 0) {
        fail(REFUSED, "%llu rules did not hold",
             (unsigned long long)(v.broken > v.said_broken ? v.broken : v.said_broken));
    } else if (v.seed != c->seed || v.faults != c->count) {
        fail(REFUSED, "it was another storm than the one that was asked for");
    } else {
        return DONE;
    }
    hint(
        "`nonosctl storm --replay %llu` does the same again; with --stop-before and --gdb it stops "
        "where you look",
        (unsigned long long)c->seed);
    return REFUSED;
}

/* ---- the same again ---- */

static bool skip_to_begin(span_t *rest, uint64_t *count)
{
    span_t line;
    while (next_line(rest, &line)) {
        if (begins(line, "storm says begins: ")) {
            return number_after(line, ", ", count);
        }
    }
    return false;
}

static bool equal(span_t a, span_t b)
{
    return a.len == b.len && memcmp(a.data, b.data, a.len) == 0;
}

static int differs(uint64_t n, span_t before, span_t now)
{
    char *a = out_safe(before), *b = out_safe(now);
    fail(REFUSED, "the replay differs in line %llu", (unsigned long long)n);
    hint("before: %s", a);
    hint("now:    %s", b);
    free(a);
    free(b);
    return REFUSED;
}

/** Is this the last line that both have when one goes further? */
static bool is_end(span_t line, uint64_t count)
{
    uint64_t at;
    return begins(line, "storm says at ") && number_after(line, "storm says at ", &at) &&
           at == count;
}

int storm_compare(span_t before, span_t now)
{
    span_t a, b;
    uint64_t n_before = 0, n_now = 0, n = 0;
    if (!skip_to_begin(&before, &n_before) || !skip_to_begin(&now, &n_now)) {
        return fail(REFUSED, "one of both storms never began: nothing to compare");
    }
    uint64_t least = n_before < n_now ? n_before : n_now;
    bool more_a = next_line(&before, &a), more_b = next_line(&now, &b);
    for (; more_a && more_b; more_a = next_line(&before, &a), more_b = next_line(&now, &b)) {
        n++;
        if (n_before != n_now && (is_end(a, least) || is_end(b, least))) {
            break;
        }
        if (!equal(a, b)) {
            return differs(n, a, b);
        }
    }
    if (n_before == n_now && more_a != more_b) {
        return fail(REFUSED, "the replay is %s", more_a ? "shorter" : "longer");
    }
    printf("the same as before: %llu lines, %llu faults\n", (unsigned long long)n,
           (unsigned long long)least);
    return DONE;
}
