/* The module behind a command's name, and how its capsule is started: by init, which gives it the
 * endpoint where it asks for its kit. */
#include <string.h>

#include "abi/info.h"
#include "modules/shell/act.h"
#include "modules/shell/info.h"
#include "modules/shell/job_impl.h"
#include "modules/shell/modfile.h"
#include "sdk/print.h"
#include "sdk/start.h"

bool is_service(const struct nos_module_info *m)
{
    struct nos_supervision s;

    for (uint64_t i = 0; INFO(NOS_TOPIC_SUPERVISION, i, &s) == NOS_OK; i++) {
        if (memcmp(s.module_id, m->module_id, sizeof(s.module_id)) == 0) {
            return s.control.every_ms != 0;
        }
    }
    return false;
}

/* Its own name, or the one of many tools that the policy names (`tools=MODULE` in the prompt's
 * argument). */
static bool find_named(const char *name, struct nos_module_info *m)
{
    static const char mark[] = "tools=";
    char copy[NOS_ARG_MAX + 1], *word[8];
    bool found = find_module(name, m);
    size_t n = nos_arg_words(copy, word, ARRAY_LEN(word));

    for (size_t i = 0; !found && i < n; i++) {
        bool tools =
            strlen(word[i]) > sizeof(mark) - 1 && memcmp(word[i], mark, sizeof(mark) - 1) == 0;
        found = tools && find_module(word[i] + sizeof(mark) - 1, m);
    }
    return found;
}

static nos_status_t say_none(const char *name)
{
    bool own = command_find(name) != NULL;

    if (own) {
        nos_print("%s is a command of the prompt's own: it can only begin a line\n", name);
    } else {
        nos_print("no command '%s', and no verified module; `help` and `modules` list them\n",
                  name);
    }
    job_set_code(own ? CODE_CANNOT : CODE_NOT_FOUND);
    return NOS_NO_ANSWER;
}

nos_status_t program_find(const char *name, struct found *f)
{
    if (modfile_is(name)) {
        nos_status_t st = modfile_load(name, &f->module, &f->held);
        if (st != NOS_OK) {
            return st;
        }
    } else if (!find_named(name, &f->module)) {
        return say_none(name);
    }
    if (is_service(&f->module)) {
        nos_print("%s is a service: `load %.16s` starts it, `ps` shows it\n", name, f->module.name);
        job_set_code(CODE_CANNOT);
        return NOS_NO_ANSWER;
    }
    return NOS_OK;
}

nos_status_t program_start(struct program *p, const struct nos_module_info *module,
                           const struct words *w)
{
    static struct nos_msg m;
    char arg[NOS_ARG_MAX + 1];
    size_t len = words_join(w, 1, arg, sizeof(arg));  // for who has no C library

    m.label = NOS_INIT_START_ID | (uint64_t)len << 8;
    m.n_handles = 0;
    bool fits = nos_msg_put(&m, 0, module->module_id, sizeof(module->module_id)) &&
                nos_msg_put(&m, 4, arg, len) &&
                nos_msg_copy(&m, shell.own, NOS_RIGHT_CALL | NOS_RIGHT_DUP | NOS_RIGHT_TRANSFER) &&
                nos_msg_copy(&m, shell.note, NOS_RIGHT_SIGNAL);
    nos_status_t st = fits ? ask_init(&m) : NOS_TOO_BIG;
    m.n_handles = 0;
    if (st == NOS_OK) {
        p->capsule = (uint32_t)m.word[0];
    }
    return st;
}
