#pragma once
/* The prompt: reads lines, splits them, runs commands. */
#include <stdbool.h>
#include <stdint.h>

#include "abi/status.h"
#include "lib/compiler.h"
#include "lib/fmt.h"
#include "modules/shell/words.h"
#include "sdk/syscalls.h"

struct shell {
    nos_handle_t node, console, init, power, own /* endpoint: where it waits */;
    nos_handle_t note;      /* what it is woken by, bound to that */
    uint64_t tsc_ready;     /* time-stamp counter when the first prompt stood */
    uint64_t idle_ready_ns; /* what the CPUs had been idle by then */
    bool interrupted;
};
extern struct shell shell;

struct command {
    const char *name;
    const char *args; /* for `help` */
    const char *help; /* one line */
    size_t min, max;  /* words after the name */
    bool much;        /* it may print a lot: through a stream */
    void (*run)(const struct words *w);
};
extern const struct command commands[];
extern const size_t n_commands;

/** The command of that name, or NULL. */
const struct command *command_find(const char *name);

/* What the command files are made of. */
void cmd_help(const struct words *w);
void cmd_ps(const struct words *w);
void cmd_caps(const struct words *w);
void cmd_modules(const struct words *w);
void cmd_mem(const struct words *w);
void cmd_log(const struct words *w);
void cmd_audit(const struct words *w);
void cmd_crash(const struct words *w);
void cmd_about(const struct words *w);
void cmd_uptime(const struct words *w);
void cmd_load(const struct words *w);
void cmd_kill(const struct words *w);
void cmd_stop(const struct words *w);
void cmd_upgrade(const struct words *w);
void cmd_run(const struct words *w);
void cmd_env(const struct words *w);
void cmd_export(const struct words *w);
void cmd_unset(const struct words *w);
void cmd_echo(const struct words *w);
void cmd_cd(const struct words *w);
void cmd_pwd(const struct words *w);
void cmd_jobs(const struct words *w);
void cmd_fg(const struct words *w);
void cmd_wait(const struct words *w);
void cmd_clear(const struct words *w);
void cmd_poweroff(const struct words *w);
void cmd_reboot(const struct words *w);

/** Formatted text to the console. */
void show(const struct fmt *f);

/** Say why a command of the prompt's own did not do it: a line, and its exit code is 1. */
void fail(const char *fmt, ...) PRINTF_LIKE(1, 2);

/** The same: "NAME: words of the status". */
void complain(const char *what, nos_status_t st);

/** A listing stopped there: what is not its end (NOT_FOUND) is said. */
void list_end(const char *what, nos_status_t st);
