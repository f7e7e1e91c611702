#pragma once
/* Memory that must not be touched: what every build sees of a byte read too far, and of a length
 * that is taken although no machine has so much memory. */
#include <setjmp.h>
#include <signal.h>
#include <sys/mman.h>

#include "lib/span.h"
#include "tests/host/test.h"

enum { GUARD_PAGE = 4096 };

/** `len` bytes of address space that nobody may touch. It stays until the program ends. */
static inline uint8_t *forbidden(size_t len)
{
    void *p = mmap(NULL, len, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    assert_ptr_not_equal(p, MAP_FAILED);
    return p;
}

/** A copy of `s`, which fits one page, with forbidden bytes behind it. The next call undoes it. */
static inline span_t at_the_edge(span_t s)
{
    static uint8_t *page;
    if (page == NULL) {
        page = forbidden(2 * GUARD_PAGE);
        assert_int_equal(mprotect(page, GUARD_PAGE, PROT_READ | PROT_WRITE), 0);
    }
    uint8_t *at = page + GUARD_PAGE - s.len;
    if (s.len != 0) {
        memcpy(at, s.data, s.len);
    }
    return span_of(at, s.len);
}

static sigjmp_buf touched;

static inline void on_touch(int sig)
{
    (void)sig;
    siglongjmp(touched, 1);
}

/** Does `call` touch forbidden memory? */
static inline bool touches(void (*call)(void))
{
    struct sigaction act = { .sa_handler = on_touch }, before;
    volatile bool did = true;
    assert_int_equal(sigaction(SIGSEGV, &act, &before), 0);
    if (sigsetjmp(touched, 1) == 0) {
        call();
        did = false;
    }
    assert_int_equal(sigaction(SIGSEGV, &before, NULL), 0);
    return did;
}
