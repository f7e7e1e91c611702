/* The prompt's own commands: what there is, and how each says that it did not do it. */
#include <string.h>

#include "lib/status.h"
#include "modules/shell/job.h"
#include "modules/shell/shell.h"
#include "sdk/format.h"
#include "sdk/print.h"

const struct command commands[] = {
    { "help", "[COMMAND]", "what there is, and how it is used", 0, 1, false, cmd_help },
    { "ps", "", "capsules: module, id, state, threads, memory, restarts", 0, 0, false, cmd_ps },
    { "caps", "[CAPSULE] | --export CAPSULE HANDLE",
      "handles of a capsule or of all; or a signed token for one", 0, 3, true, cmd_caps },
    { "modules", "", "what was verified, or refused and why", 0, 0, true, cmd_modules },
    { "mem", "", "where memory went", 0, 0, false, cmd_mem },
    { "run", "NAME | FILE.mod | FILE.wad[:MODULE] [ARG...]",
      "run a program, also out of a file, and wait for its end, as its name alone does; A | B, "
      "A && B, A || B, < > >> 2>, & as in shells",
      1, LINE_WORDS, false, cmd_run },
    { "jobs", "", "programs in the background", 0, 0, false, cmd_jobs },
    { "fg", "[NUMBER]", "bring one to the front: Ctrl-C ends it", 0, 1, false, cmd_fg },
    { "wait", "", "until there is none in the background", 0, 0, false, cmd_wait },
    { "env", "", "variables, which programs are given", 0, 0, false, cmd_env },
    { "export", "NAME=VALUE...", "set variables; $NAME is the value, $? the last exit code", 1,
      LINE_WORDS, false, cmd_export },
    { "unset", "NAME...", "forget variables", 1, LINE_WORDS, false, cmd_unset },
    { "echo", "[-n] [WORD...]", "say them", 0, LINE_WORDS, false, cmd_echo },
    { "cd", "[DIRECTORY]", "where paths begin", 0, 1, false, cmd_cd },
    { "pwd", "", "where that is", 0, 0, false, cmd_pwd },
    { "load", "NAME | MODULE_ID [ARG...]", "start a verified module, and do not wait", 1,
      LINE_WORDS, false, cmd_load },
    { "stop", "ID | NAME [--with-dependants]",
      "ask a capsule to end, after all that need it if you say so; then make it", 1, 2, false,
      cmd_stop },
    { "upgrade", "ID | NAME [NAME | MODULE_ID]",
      "put the newest module of its name, or that one, in a capsule's place: state, callers and "
      "all",
      1, 2, false, cmd_upgrade },
    { "kill", "ID | NAME", "end a capsule at once", 1, 1, false, cmd_kill },
    { "log", "", "the kernel's log", 0, 0, true, cmd_log },
    { "audit", "", "the audit records, and whether their chain holds", 0, 0, true, cmd_audit },
    { "crash", "[NUMBER]", "what each capsule that ended left behind; or one record in full", 0, 1,
      true, cmd_crash },
    { "about", "", "release, keys, processor, how long the boot took", 0, 0, false, cmd_about },
    { "uptime", "", "time since boot", 0, 0, false, cmd_uptime },
    { "clear", "", "clear the screen", 0, 0, false, cmd_clear },
    { "poweroff", "[now]",
      "stop what runs, wipe memory and turn the machine off; now: without stopping first", 0, 1,
      false, cmd_poweroff },
    { "reboot", "[now]", "the same, and start again", 0, 1, false, cmd_reboot },
};
const size_t n_commands = ARRAY_LEN(commands);

const struct command *command_find(const char *name)
{
    for (size_t i = 0; i < n_commands; i++) {
        if (words_same(commands[i].name, name)) {
            return &commands[i];
        }
    }
    return NULL;
}

void show(const struct fmt *f)
{
    nos_ignore(nos_console_write(fmt_text(f)));  // there is nobody else to tell
}

void fail(const char *fmt, ...)
{
    static char text[512];
    va_list args;

    va_start(args, fmt);
    nos_vformat(text, sizeof(text), fmt, args);
    va_end(args);
    nos_print("%s\n", text);
    job_set_code(1);
}

void complain(const char *what, nos_status_t st)
{
    fail("%s: %s (%s)", what, status_text(st), status_name(st));
}

void list_end(const char *what, nos_status_t st)
{
    if (st != NOS_NOT_FOUND && st != NOS_OK) {
        complain(what, st);
    }
}

void cmd_help(const struct words *w)
{
    if (w->n == 2) {
        const struct command *c = command_find(w->word[1]);
        if (c == NULL) {
            fail("help: no command '%s'; `help` lists them", w->word[1]);
        } else {
            nos_print("%s %s\n    %s\n", c->name, c->args, c->help);
        }
        return;
    }
    for (size_t i = 0; i < n_commands; i++) {
        nos_print("  %-9s %s\n", commands[i].name, commands[i].help);
    }
    nos_print("Tab completes, up and down walk the history, Ctrl-C forgets the line.\n");
}
