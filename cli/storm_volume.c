/* The boot volume of a storm: the released policy with that of the storm over it, and in it the
 * plan of all faults, signed like any other. Our own verbs do the work, so there is one way to sign
 * and one to pack. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "abi/bootinfo.h"
#include "abi/module.h"
#include "cli/proc.h"
#include "cli/report.h"
#include "cli/source.h"
#include "cli/storm.h"

enum { ARGS = 16 + 2 * NOS_BOOT_FILES_MAX };

struct call {
    const char *arg[ARGS];
    char *owned[NOS_BOOT_FILES_MAX + 8];
    size_t n, n_owned;
};

static void say(struct call *c, const char *arg)
{
    c->arg[c->n++] = arg;
}

static void say_file(struct call *c, const char *option, const char *dir, const char *file)
{
    char *path = must_printf("%s/%s", dir, file);
    c->owned[c->n_owned++] = path;
    say(c, option);
    say(c, path);
}

/** Run ourselves. */
static int perform(struct call *c)
{
    say(c, NULL);
    int rc = proc_run(c->arg, "nonosctl", span_of("", 0), 1 << 16, NULL);
    for (size_t i = 0; i < c->n_owned; i++) {
        free(c->owned[i]);
    }
    return rc;
}

/* ---- one policy out of two ---- */

static bool same_module(const cJSON *a, const cJSON *b)
{
    const char *x = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(a, "module"));
    const char *y = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(b, "module"));
    return x != NULL && y != NULL && strcmp(x, y) == 0;
}

/** A rule for a module that has one already takes its place. */
static void put_rule(cJSON *rules, const cJSON *rule)
{
    for (int i = 0; i < cJSON_GetArraySize(rules); i++) {
        if (same_module(cJSON_GetArrayItem(rules, i), rule)) {
            cJSON_ReplaceItemInArray(rules, i, cJSON_Duplicate(rule, true));
            return;
        }
    }
    cJSON_AddItemToArray(rules, cJSON_Duplicate(rule, true));
}

static bool put_list(cJSON *base, const cJSON *over, const char *key)
{
    const cJSON *list = cJSON_GetObjectItemCaseSensitive(over, key);
    return cJSON_IsArray(list) && cJSON_GetArraySize(list) > 0 &&
           cJSON_ReplaceItemInObjectCaseSensitive(base, key, cJSON_Duplicate(list, true));
}

/** Numbers of one length: how long a plan takes to be read must not say what is in it. */
static bool put_plan(const struct storm_config *c, cJSON *base)
{
    cJSON *start = cJSON_GetObjectItemCaseSensitive(base, "start");
    cJSON *driver = cJSON_GetArrayItem(start, cJSON_GetArraySize(start) - 1);
    char *plan = must_printf("%020llu %010llu %010llu %010llu", (unsigned long long)c->seed,
                             (unsigned long long)c->count, (unsigned long long)c->stop,
                             (unsigned long long)c->leak);
    bool ok = cJSON_AddStringToObject(driver, "arg", plan) != NULL;
    free(plan);
    return ok;
}

static int merge(const struct storm_config *c, const struct source *base, const struct source *over,
                 const char *out)
{
    const cJSON *rule, *rules = cJSON_GetObjectItemCaseSensitive(over->root, "rules");
    cJSON *all = cJSON_GetObjectItemCaseSensitive(base->root, "rules");
    bool ok = cJSON_IsArray(rules) && cJSON_IsArray(all);
    for (rule = ok ? rules->child : NULL; rule != NULL; rule = rule->next) {
        put_rule(all, rule);
    }
    ok = ok && put_list(base->root, over->root, "boot") &&
         put_list(base->root, over->root, "start") && put_plan(c, base->root);
    if (!ok) {
        return fail(USAGE, "%s or %s: \"rules\", \"boot\" and \"start\" are needed in both",
                    base->file, over->file);
    }
    char *text = cJSON_Print(base->root);
    int rc = file_write(out, span_of(text, strlen(text)), 0600);
    cJSON_free(text);
    return rc;
}

static int make_policy(const struct storm_config *c, const struct source *base,
                       const struct source *over, const char *tmp)
{
    struct call call = { 0 };
    char *json = must_printf("%s/policy.json", tmp);
    int rc = merge(c, base, over, json);
    free(json);
    if (rc != DONE) {
        return rc;
    }
    say(&call, "/proc/self/exe");
    say(&call, "policy");
    say(&call, "sign");
    say(&call, "--keys");
    say(&call, c->keys);
    say_file(&call, "--in", tmp, "policy.json");
    say_file(&call, "--root", c->keys, "root.key");
    say_file(&call, "-o", tmp, "BOOT.POL");
    return perform(&call);
}

/* ---- the image ---- */

/** "WARD1.MOD" lies in the folder as ward1.mod. */
static void say_module(struct call *c, const char *dir, const char *file)
{
    char name[NOS_NAME_MAX + 1] = { 0 };
    for (size_t i = 0; i < NOS_NAME_MAX && file[i] != '\0'; i++) {
        name[i] = file[i] >= 'A' && file[i] <= 'Z' ? (char)(file[i] - 'A' + 'a') : file[i];
    }
    say_file(c, "--module", dir, name);
}

static int make_image(const struct storm_config *c, const struct source *over, const char *tmp)
{
    struct call call = { 0 };
    const cJSON *file, *boot = cJSON_GetObjectItemCaseSensitive(over->root, "boot");
    say(&call, "/proc/self/exe");
    say(&call, "image");
    say(&call, "make");
    say(&call, "--storm");
    say(&call, "--loader");
    say(&call, c->loader);
    say_file(&call, "--root", c->keys, "root.pub");
    say_file(&call, "--kernel", c->dir, "KERNEL.MOD");
    say_file(&call, "--policy", tmp, "BOOT.POL");
    say_file(&call, "-o", tmp, "storm.img");
    int n = 0;
    for (file = boot->child; file != NULL && n < NOS_BOOT_FILES_MAX; file = file->next, n++) {
        const char *name = cJSON_GetStringValue(file);
        say_module(&call, c->dir, name == NULL ? "" : name);
    }
    return perform(&call);
}

int storm_volume(const struct storm_config *c, const char *tmp)
{
    struct source base, over;
    char *base_file = must_printf("%s/base.json", c->dir);
    char *over_file = must_printf("%s/policy.json", c->dir);
    int rc = source_load(base_file, &base);
    if (rc != DONE) {
        hint("`make storm` builds what a storm needs");
    } else {
        rc = source_load(over_file, &over);
        if (rc == DONE) {
            rc = make_policy(c, &base, &over, tmp);
            rc = rc == DONE ? make_image(c, &over, tmp) : rc;
            source_free(&over);
        }
        source_free(&base);
    }
    free(base_file);
    free(over_file);
    return rc;
}
