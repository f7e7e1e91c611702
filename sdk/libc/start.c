/* From the capsule's start to main: the vectors that Linux puts on a program's stack. */
#include <elf.h>
#include <errno.h>
#include <string.h>
#include <sys/utsname.h>

#include "sdk/libc/pipes.h"

enum { WORDS_MAX = 64, AUX_MAX = 7, NO_ROOM = 126 };

int main(int argc, char **argv, char **envp);
int __libc_start_main(int (*main)(int, char **, char **), int argc, char **argv, void (*init)(void),
                      void (*fini)(void), void (*ldso)(void));
extern const Elf64_Ehdr __ehdr_start __attribute__((visibility("hidden"))); /* the linker's */

static char *vectors[1 + WORDS_MAX + 1 + 1 + AUX_MAX * 2]; /* the usual ones */
_Static_assert(sizeof(Elf64_auxv_t) == 2 * sizeof(char *), "read as one array");

/* Arguments, NULL, variables, NULL: out of the kit's text. Gives: how many arguments. */
static size_t from_kit(char ***vector)
{
    struct libc_kit kit = { 0 };

    libc_take_kit(&kit);
    size_t words = kit.n_args + 1 + kit.n_env + 1 + (size_t)AUX_MAX * 2;
    char **at = vectors, *text = kit.text;
    if (words > sizeof vectors / sizeof vectors[0]) {
        long mem = nos_libc_map((words * sizeof(char *) + 4095) & ~4095ul, false);
        if (mem < 0) {
            nos_exit(NO_ROOM);
        }
        at = (char **)mem;
    }
    *vector = at;
    for (size_t i = 0; i < kit.n_args + kit.n_env; i++) {
        *at++ = text;
        at += i + 1 == kit.n_args;  // NULL stands between them
        text += strlen(text) + 1;
    }
    const struct nos_libc_args there = { { (long)text } };
    if (text[0] != '\0') {
        (void)libc_chdir(&there);  // not in its trees: it begins at its own root
    }
    return kit.n_args;
}

/* The capsule's argument, cut at blanks, behind the module's name. */
static size_t from_argument(char ***vector, char *name)
{
    static char words[NOS_ARG_MAX + 1];

    *vector = vectors;
    vectors[0] = name;
    return 1 + nos_arg_words(words, vectors + 1, WORDS_MAX);
}

int nos_main(void)
{
    static char name[NOS_NAME_MAX + 1];
    char **at = NULL;
    const Elf64_auxv_t aux[AUX_MAX] = {
        { AT_PHDR, { (uint64_t)&__ehdr_start + __ehdr_start.e_phoff } },
        { AT_PHNUM, { __ehdr_start.e_phnum } },
        { AT_PHENT, { __ehdr_start.e_phentsize } },
        { AT_PAGESZ, { 4096 } },
        { AT_RANDOM, { (uint64_t)nos_self()->seed } },
        { AT_EXECFN, { (uint64_t)name } },
        { AT_NULL, { 0 } },
    };

    memcpy(name, nos_self()->name, NOS_NAME_MAX);
    size_t n = libc_has_kit() ? from_kit(&at) : from_argument(&at, name);
    // environment and vector follow the words without a gap
    char **env = at + n + 1;
    while (*env != NULL) {
        env++;
    }
    memcpy(env + 1, aux, sizeof aux);
    return __libc_start_main(main, (int)n, at, NULL, NULL, NULL);
}

long libc_uname(const struct nos_libc_args *x)
{
    struct utsname *out = (struct utsname *)x->a[0];

    memset(out, 0, sizeof *out);
    memcpy(out->sysname, "N0N-OS", sizeof "N0N-OS");
    memcpy(out->nodename, nos_self()->name, NOS_NAME_MAX);
    memcpy(out->machine, "x86_64", sizeof "x86_64");
    return 0;
}

long libc_getrandom(const struct nos_libc_args *x)
{
    enum { AT_ONCE = 256 };
    uint8_t *out = (uint8_t *)x->a[0];
    size_t len = (size_t)x->a[1], at = 0;

    while (at < len) {
        size_t n = len - at < AT_ONCE ? len - at : AT_ONCE;
        nos_status_t st = nos_sys_random(out + at, n);
        if (st != NOS_OK) {
            return at != 0 ? (long)at : -nos_libc_errno(st);
        }
        at += n;
    }
    return (long)len;
}
