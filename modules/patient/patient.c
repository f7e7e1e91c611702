/*
 * Something to debug: it counts up by twos, in a function of its own, and sleeps in between.
 *   patient         until `enough` is set, by a debugger: then it says so, and ends with that code
 *   patient pair    with a second thread, which counts for itself
 *   patient fall    reads what is not there once `enough` is set
 */
#include "modules/patient/patient.h"
#include "sdk/ipc.h"
#include "sdk/print.h"
#include "sdk/start.h"

enum { BEAT_NS = 5000000, STACK = 4096, PRIORITY = 3 };

volatile struct patient patient = { .step = 2, .name = "patient" };

__attribute__((noinline)) static uint64_t beat(uint64_t count, uint64_t step)
{
    patient.count = count + step;
    return patient.count;
}

__attribute__((noinline)) static void nap(void)
{
    nos_ignore(nos_sys_sleep(nos_now_ns() + BEAT_NS));
}

static void second(void *arg, uint64_t *ipc_buffer)
{
    (void)arg, (void)ipc_buffer;
    for (;;) {
        patient.second++;
        nap();
    }
}

static void pair(void)
{
    static uint8_t stack[STACK] __attribute__((aligned(16)));
    static struct nos_thread t = { .run = second };
    nos_handle_t h;
    nos_ignore(nos_thread_start(&t, stack, sizeof(stack), PRIORITY, &h));
}

__attribute__((noinline)) static uint64_t fall(volatile uint64_t *nowhere)
{
    __asm__("" : "+r"(nowhere));  // so that no compiler sees where it leads
    return *nowhere;
}

int nos_main(void)
{
    bool falls = nos_arg()[0] == 'f';
    uint64_t count = 0;

    if (nos_arg()[0] == 'p') {
        pair();
    }
    nos_print("patient %u is here\n", nos_self()->capsule);
    while (patient.enough == 0) {
        count = beat(count, patient.step);
        nap();
    }
    if (falls) {
        return (int)fall((volatile uint64_t *)0x10);
    }
    nos_print("patient: enough after %llu\n", (unsigned long long)count);
    return (int)patient.enough;
}
