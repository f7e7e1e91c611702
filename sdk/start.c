/*
 * From the entry point to nos_main, and the few facts a capsule may ask without a system call. The
 * start record is a read-only page that the kernel filled before the first instruction; nothing
 * here copies it.
 */
#include "sdk/start.h"

#include <string.h>

#include "abi/module.h"
#include "sdk/clock.h"

static const struct nos_start *self;
uint64_t *nos_ipc_first_buffer;
void (*nos_before_exit)(void);

_Noreturn void nos_begin(const struct nos_start *start);
_Noreturn void nos_thread_begin(struct nos_thread *t, uint64_t *ipc_buffer);
void nos_thread_entry(void);

_Noreturn void nos_exit(uint64_t code)
{
    if (nos_before_exit != NULL) {
        nos_before_exit();
    }
    nos_sys_exit(code);
    __builtin_trap();  // exit does not return
}

_Noreturn void nos_begin(const struct nos_start *start)
{
    enum { NO_START = 127 };

    if (start->magic != NOS_START_MAGIC || start->abi != NOS_ABI_VERSION) {
        nos_exit(NO_START);  // built for another kernel: nothing below could be trusted
    }
    self = start;
    nos_ipc_first_buffer = (uint64_t *)start->ipc_buffer;
    nos_exit((uint64_t)(int64_t)nos_main());
}

_Noreturn void nos_thread_begin(struct nos_thread *t, uint64_t *ipc_buffer)
{
    t->run(t->arg, ipc_buffer);
    nos_sys_thread_exit();
    __builtin_trap();
}

nos_status_t nos_thread_start(struct nos_thread *t, void *stack, size_t len, uint64_t priority,
                              nos_handle_t *out)
{
    uint64_t top = ((uint64_t)stack + len) & ~15ull;
    return nos_sys_thread_create((uint64_t)&nos_thread_entry, (uint64_t)t, top, priority, out);
}

const struct nos_start *nos_self(void)
{
    return self;
}

const char *nos_arg(void)
{
    return self->arg;
}

bool nos_name_is(const char field[NOS_NAME_MAX], const char *name)
{
    size_t len = strlen(name);
    if (len > NOS_NAME_MAX || memcmp(field, name, len) != 0) {
        return false;
    }
    return len == NOS_NAME_MAX || field[len] == '\0';
}

const struct nos_start_handle *nos_find(enum nos_cap_kind kind, const char *name)
{
    for (uint32_t i = 0; i < self->n_handles && i < NOS_START_HANDLES; i++) {
        const struct nos_start_handle *h = &self->handle[i];
        if (h->kind == (uint32_t)kind && (name == NULL || nos_name_is(h->name, name))) {
            return h;
        }
    }
    return NULL;
}

nos_handle_t nos_find_handle(enum nos_cap_kind kind, const char *name)
{
    const struct nos_start_handle *h = nos_find(kind, name);
    return (nos_handle_t){ h == NULL ? 0 : h->handle };
}

uint64_t nos_tsc(void)
{
    return clock_tsc();
}

uint64_t nos_now_ns(void)
{
    return clock_ns(clock_tsc(), self->tsc_base, self->tsc_mult);
}

size_t nos_arg_words(char copy[NOS_ARG_MAX + 1], char **words, size_t max)
{
    size_t n = 0;
    bool in_word = false;

    memcpy(copy, self->arg, NOS_ARG_MAX + 1);
    copy[NOS_ARG_MAX] = '\0';
    for (char *p = copy; *p != '\0'; p++) {
        if (*p == ' ' || *p == '\t') {
            *p = '\0';
            in_word = false;
        } else if (!in_word && n < max) {
            words[n++] = p;
            in_word = true;
        }
    }
    return n;
}
