/* From the capsule's start to main: the vectors that Linux puts on a program's stack. */
#include <elf.h>
#include <errno.h>
#include <string.h>
#include <sys/utsname.h>

#include "sdk/libc/personality.h"

enum { WORDS_MAX = 64, AUX_MAX = 7 };

int main(int argc, char **argv, char **envp);
int __libc_start_main(int (*main)(int, char **, char **), int argc, char **argv, void (*init)(void),
                      void (*fini)(void), void (*ldso)(void));
extern const Elf64_Ehdr __ehdr_start __attribute__((visibility("hidden"))); /* the linker's */

static struct {
    char *argv[1 + WORDS_MAX + 1]; /* the module's name, the words, NULL */
    char *envp[1];
    Elf64_auxv_t aux[AUX_MAX];
} vectors;
_Static_assert(offsetof(__typeof__(vectors), aux) == sizeof vectors.argv + sizeof vectors.envp,
               "read as one array");

int nos_main(void)
{
    static char words[NOS_ARG_MAX + 1], name[NOS_NAME_MAX + 1];
    char **at = vectors.argv;
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
    at[0] = name;
    size_t n = 1 + nos_arg_words(words, at + 1, WORDS_MAX);
    // environment and vector follow the words without a gap
    char **env = at + n + 1;
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
