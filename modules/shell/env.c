/* Commands about what programs are given: variables and the working directory. */
#include <string.h>

#include "modules/shell/job.h"
#include "modules/shell/place.h"
#include "modules/shell/vars.h"
#include "sdk/print.h"

void cmd_env(const struct words *w)
{
    size_t len, n;
    const char *at = vars_all(&len, &n);

    (void)w;
    for (size_t i = 0; i < n; i++, at += strlen(at) + 1) {
        nos_print("%s\n", at);
    }
}

void cmd_export(const struct words *w)
{
    for (size_t i = 0; i < w->n; i++) {
        nos_status_t st =
            i == 0 && words_same(w->word[0], "export") ? NOS_OK : vars_set(w->word[i]);
        if (st != NOS_OK) {
            nos_print(st == NOS_TOO_BIG ? "export: there is no room for %s\n"
                                        : "usage: export NAME=VALUE..., not %s\n",
                      w->word[i]);
            job_set_code(1);
        }
    }
}

void cmd_unset(const struct words *w)
{
    for (size_t i = 1; i < w->n; i++) {
        vars_unset(w->word[i]);
    }
}

void cmd_echo(const struct words *w)
{
    bool bare = w->n > 1 && words_same(w->word[1], "-n");

    for (size_t i = bare ? 2 : 1; i < w->n; i++) {
        nos_ignore(nos_console_write(span_of(w->word[i], strlen(w->word[i]))));
        nos_print(i + 1 < w->n ? " " : "");
    }
    nos_print(bare ? "" : "\n");
}

void cmd_cd(const struct words *w)
{
    nos_status_t st = place_go(w->n > 1 ? w->word[1] : "/");

    if (st != NOS_OK) {
        place_complain("cd", w->word[1], st);
        job_set_code(1);
    }
}

void cmd_pwd(const struct words *w)
{
    (void)w;
    nos_print("%s\n", place_here());
}
