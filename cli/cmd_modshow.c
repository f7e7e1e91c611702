/* mod verify, mod inspect. */
#include <stdio.h>
#include <stdlib.h>

#include "cli/cli.h"
#include "cli/judge.h"
#include "cli/modcheck.h"
#include "cli/modfile.h"
#include "cli/show.h"
#include "lib/status.h"

static const struct argp argp_verify = {
    show_options,
    parse_show,
    "FILE.mod...",
    "Walk the stages of loader and kernel: extract, signature, hashes, manifest, grant, load. Says "
    "which one refused, "
    "and why. Without --root, --policy or --key nobody is believed, and the answer can only be a "
    "refusal.",
    show_children,
    NULL,
    NULL,
};
static const struct argp argp_inspect = {
    show_options,
    parse_show,
    "FILE.mod...",
    "Show what is inside a module that is consistent in itself. Its own words (name, version, "
    "capabilities) are shown "
    "only when its signature is by somebody given with --root, --policy or --key; otherwise only "
    "its ids.",
    show_children,
    NULL,
    NULL,
};

static void add_refusal(cJSON *row, const struct module_check *c)
{
    out_text(row, "stage", stage_name(c->stage));
    out_status(row, "status", c->status);
    out_text(row, "why", status_text(c->status));
}

static cJSON *verify_row(const char *path, const struct module_check *c)
{
    cJSON *row = out_row();
    bool good = c->status == NOS_OK && c->signer_known;
    out_text(row, "file", path);
    out_bool(row, "ok", good);
    if (good) {
        out_untrusted(row, "name", c->man.name, sizeof(c->man.name));
        show_version(row, "version", c->view.version);
        out_hex(row, "module_id", c->id, 32);
    } else if (c->status != NOS_OK) {
        add_refusal(row, c);
    } else {
        out_text(row, "stage", stage_name(STAGE_SIGNATURE));
        out_text(row, "status", "SIGNER_NOT_CHECKED");
        out_text(row, "why", "consistent in itself, but nobody was named to believe");
    }
    return row;
}

static const struct out_column verify_columns[] = {
    { "file", "FILE" },   { "ok", "OK" },         { "name", "NAME" }, { "version", "VERSION" },
    { "stage", "STAGE" }, { "status", "STATUS" }, { "why", "WHY" },
};

static int verify_file(const char *path, const struct module_judge *judge, cJSON *rows)
{
    struct module_check c;
    struct buf file;
    int rc = file_read(path, MODFILE_MAX, &file);
    if (rc != DONE) {
        return rc;
    }
    nos_status_t st = module_check(buf_span(&file), judge, &c);
    cJSON_AddItemToArray(rows, verify_row(path, &c));
    buf_free(&file);
    return st == NOS_OK && c.signer_known ? DONE : REFUSED;
}

/** The first failure wins, but every file is looked at. */
static void keep_first(int *rc, int next)
{
    *rc = *rc == DONE ? next : *rc;
}

int cmd_mod_verify(int argc, char **argv)
{
    struct show_args a = { 0 };
    struct judge_loaded j;
    parse_args(&argp_verify, argc, argv, &a);

    int rc = judge_load(&a.judge, &j);
    if (rc != DONE) {
        return rc;
    }
    cJSON *rows = cJSON_CreateArray();
    for (size_t i = 0; i < a.files.n; i++) {
        keep_first(&rc, verify_file(a.files.item[i], &j.judge, rows));
    }
    if (a.judge.roots.n == 0 && a.judge.publisher == NULL) {
        hint("name whom to believe: --root ROOT.pub --policy BOOT.POL, or --key PUBLISHER.pub");
    }
    keep_first(&rc, out_table(rows, verify_columns, ARRAY_LEN(verify_columns), a.form));
    judge_free(&j);
    return rc;
}

static int inspect_file(const char *path, const struct module_judge *judge, cJSON *rows)
{
    const struct module_judge nobody = { 0 };
    struct module_check c, believed;
    struct buf file;
    int rc = file_read(path, MODFILE_MAX, &file);
    if (rc != DONE) {
        return rc;
    }
    if (module_check(buf_span(&file), &nobody, &c) != NOS_OK) {
        rc = fail(REFUSED, "%s: stage %s: %s (%s); nothing of it is shown", path,
                  stage_name(c.stage), status_text(c.status), status_name(c.status));
        buf_free(&file);
        return rc;
    }
    bool known = module_check(buf_span(&file), judge, &believed) == NOS_OK && believed.signer_known;
    cJSON *row = known ? show_module(&c) : show_module_ids(&c);
    out_bool(row, "signer_checked", known);
    cJSON_AddItemToArray(rows, row);
    if (!known && believed.status != NOS_OK) {
        rc = fail(REFUSED, "%s: stage %s: %s (%s)", path, stage_name(believed.stage),
                  status_text(believed.status), status_name(believed.status));
    }
    if (!known) {
        warn_loud("%s: the signer is NOT checked; anybody can have made this file, so only its ids "
                  "are shown",
                  path);
        hint("name whom to believe: --key PUBLISHER.pub, or --root ROOT.pub --policy BOOT.POL");
    }
    buf_free(&file);
    return rc;
}

static int print_rows(cJSON *rows, enum out_form form)
{
    if (form == OUT_JSON) {
        return out_table(rows, NULL, 0, form);
    }
    int rc = DONE;
    while (rc == DONE && rows->child != NULL) {
        rc = out_object(cJSON_DetachItemViaPointer(rows, rows->child), form);
        if (rows->child != NULL) {
            putchar('\n');
        }
    }
    cJSON_Delete(rows);
    return rc;
}

int cmd_mod_inspect(int argc, char **argv)
{
    struct show_args a = { 0 };
    struct judge_loaded j;
    parse_args(&argp_inspect, argc, argv, &a);

    int rc = judge_load(&a.judge, &j);
    if (rc != DONE) {
        return rc;
    }
    cJSON *rows = cJSON_CreateArray();
    for (size_t i = 0; i < a.files.n; i++) {
        keep_first(&rc, inspect_file(a.files.item[i], &j.judge, rows));
    }
    keep_first(&rc, print_rows(rows, a.form));
    judge_free(&j);
    return rc;
}
