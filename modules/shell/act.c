/* Commands that change something. Each goes through a handle that the policy granted, or says that
 * it did not. */
#include <string.h>

#include "lib/fmt.h"
#include "lib/status.h"
#include "lib/text.h"
#include "modules/shell/info.h"
#include "modules/shell/shell.h"
#include "sdk/ipc.h"
#include "sdk/print.h"
#include "sdk/start.h"

enum { MODULE_ID = 32 };

/* A module_id as 64 hex digits. */
static bool parse_id(const char *text, uint8_t id[MODULE_ID])
{
    if (strlen(text) != 2 * MODULE_ID) {
        return false;
    }
    for (size_t i = 0; i < 2 * MODULE_ID; i++) {
        char c = text[i];
        int digit = c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
        if (digit < 0) {
            return false;
        }
        id[i / 2] = (uint8_t)(i % 2 == 0 ? digit << 4 : id[i / 2] | digit);
    }
    return true;
}

static nos_status_t ask_init(struct nos_msg *m)
{
    if (shell.init.v == 0) {
        return NOS_DENIED;
    }
    nos_status_t st = nos_call(shell.init, m, NOS_DEADLINE_NEVER);
    return st == NOS_OK ? nos_msg_status(m) : st;
}

void cmd_load(const struct words *w)
{
    static struct nos_msg m;
    static char arg[NOS_ARG_MAX + 1];
    uint8_t id[MODULE_ID];
    char name[NOS_NAME_MAX];
    size_t arg_len = words_join(w, 2, arg, sizeof(arg));
    bool fits;

    if (parse_id(w->word[1], id)) {
        m.label = NOS_INIT_START_ID | (uint64_t)arg_len << 8;
        fits = nos_msg_put(&m, 0, id, sizeof(id)) && nos_msg_put(&m, 4, arg, arg_len);
    } else if (name_ok(span_of(w->word[1], strlen(w->word[1]))) &&
               name16_set(name, span_of(w->word[1], strlen(w->word[1])))) {
        m.label = NOS_INIT_START | (uint64_t)arg_len << 8;
        fits = nos_msg_put(&m, 0, name, sizeof(name)) && nos_msg_put(&m, 2, arg, arg_len);
    } else {
        nos_print("load: '%s' is no module name; `modules` lists them\n", w->word[1]);
        return;
    }
    nos_status_t st = fits ? ask_init(&m) : NOS_TOO_BIG;
    if (st == NOS_NOT_FOUND) {
        nos_print("load: no verified module '%s'; `modules` lists them\n", w->word[1]);
    } else if (st != NOS_OK) {
        complain("load", st);
    } else {
        nos_print("%s is capsule %u\n", w->word[1], (unsigned)m.word[0]);
    }
}

void cmd_kill(const struct words *w)
{
    static struct nos_msg m;
    struct nos_capsule_info c;
    uint64_t id;

    if (!parse_u64(span_of(w->word[1], strlen(w->word[1])), &id) || id > UINT32_MAX) {
        if (info_capsule(w->word[1], &c) != NOS_OK) {
            nos_print("kill: no capsule '%s'; `ps` lists them\n", w->word[1]);
            return;
        }
        id = c.id;
    }
    m.label = NOS_INIT_KILL;
    m.word[0] = id;
    m.n_words = 1;
    nos_status_t st = ask_init(&m);
    if (st == NOS_NOT_FOUND) {
        nos_print("kill: no capsule %s; `ps` lists them\n", w->word[1]);
    } else if (st == NOS_BAD_STATE) {
        nos_print("kill: capsule %s has ended, or is the first capsule, which supervises all\n",
                  w->word[1]);
    } else if (st != NOS_OK) {
        complain("kill", st);
    }
}

void cmd_clear(const struct words *w)
{
    (void)w;
    nos_print("\x1b[H\x1b[2J");
}

static void power(const char *what, uint64_t action)
{
    if (shell.power.v == 0) {
        nos_print("%s: the policy grants this shell no power object\n", what);
        return;
    }
    nos_status_t st = nos_sys_power(shell.power, action);
    complain(what, st);  // it came back, so it failed
}

void cmd_poweroff(const struct words *w)
{
    (void)w;
    power("poweroff", NOS_POWER_OFF);
}

void cmd_reboot(const struct words *w)
{
    (void)w;
    power("reboot", NOS_POWER_RESET);
}
