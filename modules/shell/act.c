/* Commands that change something. Each goes through a handle that the policy granted, or says that
 * it did not. */
#include <string.h>

#include "abi/services.h"
#include "lib/fmt.h"
#include "lib/render.h"
#include "lib/status.h"
#include "lib/text.h"
#include "modules/shell/act.h"
#include "modules/shell/info.h"
#include "modules/shell/missing.h"
#include "modules/shell/shell.h"
#include "sdk/ipc.h"
#include "sdk/print.h"
#include "sdk/start.h"

#define WITH_ALL "--with-dependants"
enum { MODULE_ID = 32, ID_DIGITS = 8 /* the fewest that name a module */ };

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

nos_status_t ask_init(struct nos_msg *m)
{
    if (shell.init.v == 0) {
        return NOS_DENIED;
    }
    nos_status_t st = nos_call(shell.init, m, NOS_DEADLINE_NEVER);
    return st == NOS_OK ? nos_msg_status(m) : st;
}

nos_status_t need_service(const char *name)
{
    static struct nos_msg m;
    char padded[NOS_NAME_MAX];

    m.label = NOS_INIT_NEED;
    m.n_handles = 0;
    bool fits = name16_set(padded, span_of(name, strlen(name))) &&
                nos_msg_put(&m, 0, padded, sizeof(padded));
    return fits ? ask_init(&m) : NOS_INVALID;
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
        fail("load: '%s' is no module name; `modules` lists them", w->word[1]);
        return;
    }
    uint64_t mark = missing_mark();
    nos_status_t st = fits ? ask_init(&m) : NOS_TOO_BIG;
    if (st == NOS_NOT_FOUND) {
        fail("load: no verified module '%s'; `modules` lists them", w->word[1]);
    } else if (st != NOS_OK) {
        complain("load", st);
    } else {
        nos_print("%s is capsule %u\n", w->word[1], (unsigned)m.word[0]);
        missing_say(mark, (uint32_t)m.word[0], w->word[1]);
    }
}

/* The capsule that a word of `kill` or `stop` means. */
static bool meant(const char *verb, const char *word, uint64_t *id)
{
    struct nos_capsule_info c;

    if (parse_u64(span_of(word, strlen(word)), id) && *id <= UINT32_MAX) {
        return true;
    }
    if (info_capsule(word, &c) != NOS_OK) {
        fail("%s: no capsule '%s'; `ps` lists them", verb, word);
        return false;
    }
    *id = c.id;
    return true;
}

/* Who goes with it, by name. */
static void say_needed(const char *word, const struct nos_msg *m)
{
    struct nos_capsule_info c;

    nos_print("stop: %s is needed, and these would be stopped with it:\n", word);
    for (uint32_t i = 0; i < m->n_words; i++) {
        nos_status_t st = info_by_id((uint32_t)m->word[i], &c);
        nos_print("  capsule %u %.16s\n", (unsigned)m->word[i], st == NOS_OK ? c.name : "");
    }
    fail("`stop %s " WITH_ALL "` stops them first, then it", word);
}

static nos_status_t end(enum nos_init_op op, const struct words *w, struct nos_msg *m)
{
    const char *verb = w->word[0], *word = w->word[1];

    m->label = op;
    m->word[1] = w->n > 2 ? 1 : 0;
    m->n_words = op == NOS_INIT_STOP ? 2 : 1;
    if (!meant(verb, word, &m->word[0])) {
        return NOS_NOT_FOUND;
    }
    nos_status_t st = ask_init(m);
    if (st == NOS_NEEDED) {
        say_needed(word, m);
    } else if (st == NOS_NOT_FOUND) {
        fail("%s: no capsule %s%s; `ps` lists them", verb, word,
             op == NOS_INIT_STOP ? " that init started" : "");
    } else if (st == NOS_BAD_STATE) {
        fail("%s: capsule %s has ended, or is the first capsule, which supervises all", verb, word);
    } else if (st != NOS_OK) {
        complain(verb, st);
    }
    return st;
}

void cmd_kill(const struct words *w)
{
    static struct nos_msg m;
    nos_ignore(end(NOS_INIT_KILL, w, &m));  // what went wrong was said
}

void cmd_stop(const struct words *w)
{
    static struct nos_msg m;
    static struct fmt f;
    static char line[160];

    if (w->n > 2 && !words_same(w->word[2], WITH_ALL)) {
        fail("usage: stop ID | NAME [" WITH_ALL "]");
    } else if (end(NOS_INIT_STOP, w, &m) == NOS_OK) {
        FMT_INIT(&f, line);
        render_stop(&f, w->word[1], m.word[0], m.word[1], m.word[2]);
        show(&f);
    }
}

/* The newest build of that name, or the one whose id begins with these digits, as `modules` shows
 * them. */
static bool is_wanted(const struct nos_module_info *m, const char *word)
{
    size_t len = strlen(word);
    char hex[2 * MODULE_ID + 1];
    struct fmt f;

    FMT_INIT(&f, hex);
    fmt_bytes(&f, SPAN_OF(m->module_id));
    bool by_id = len >= ID_DIGITS && len <= 2 * MODULE_ID && memcmp(hex, word, len) == 0;
    return m->status == NOS_OK && (nos_name_is(m->name, word) || by_id);
}

bool find_module(const char *word, struct nos_module_info *out)
{
    struct nos_module_info m;
    bool found = false;

    for (uint64_t i = 0; INFO(NOS_TOPIC_MODULES, i, &m) == NOS_OK; i++) {
        if (is_wanted(&m, word) && (!found || m.version >= out->version)) {
            *out = m;
            found = true;
        }
    }
    return found;
}

void cmd_upgrade(const struct words *w)
{
    static struct nos_module_info module;
    static struct nos_msg m;
    static struct fmt f;
    static char line[160];
    struct nos_capsule_info c;
    char name[NOS_NAME_MAX + 1] = { 0 };
    const char *word = w->word[1];

    if (info_capsule(word, &c) != NOS_OK) {
        fail("upgrade: no capsule '%s'; `ps` lists them", word);
        return;
    }
    memcpy(name, c.name, NOS_NAME_MAX);
    if (!find_module(w->n > 2 ? w->word[2] : name, &module)) {
        fail("upgrade: no verified module '%s'; `modules` lists them",
             w->n > 2 ? w->word[2] : name);
        return;
    }
    m.label = NOS_INIT_UPGRADE;
    m.word[0] = c.id;
    if (!nos_msg_put(&m, 1, module.module_id, MODULE_ID)) {
        return;  // five words fit
    }
    nos_status_t st = ask_init(&m);
    if (st != NOS_OK) {
        complain("upgrade", st);
        return;
    }
    FMT_INIT(&f, line);
    render_upgrade(&f, c.id, m.word[0], m.word[1]);
    show(&f);
}

void cmd_clear(const struct words *w)
{
    (void)w;
    nos_print("\x1b[H\x1b[2J");
}

/* All others end first, each in its time. Whatever init says: the machine goes off. */
static void shut_down(const char *what)
{
    static struct nos_msg m;

    m.label = NOS_INIT_SHUTDOWN;
    m.n_words = 0;
    nos_status_t st =
        shell.init.v == 0 ? NOS_DENIED : nos_call(shell.init, &m, nos_now_ns() + NOS_SHUTDOWN_NS);
    if (st != NOS_OK) {
        nos_print("%s: what runs is not stopped in order: %s\n", what, status_text(st));
    }
}

static void power(const struct words *w, uint64_t action)
{
    const char *what = w->word[0];

    if (w->n == 2 && !words_same(w->word[1], "now")) {
        fail("usage: %s [now]", what);
        return;
    }
    if (shell.power.v == 0) {
        fail("%s: the policy grants this shell no power object", what);
        return;
    }
    if (w->n == 1) {
        shut_down(what);
    }
    nos_status_t st = nos_sys_power(shell.power, action);
    complain(what, st);  // it came back, so it failed
}

void cmd_poweroff(const struct words *w)
{
    power(w, NOS_POWER_OFF);
}

void cmd_reboot(const struct words *w)
{
    power(w, NOS_POWER_RESET);
}
