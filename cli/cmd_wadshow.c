/* wad verify, wad inspect, wad unpack. */
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/judge.h"
#include "cli/show.h"
#include "cli/wadbill.h"
#include "cli/waddir.h"
#include "lib/crypto/sha256.h"
#include "lib/status.h"

static const struct argp argp_verify = {
    show_options,
    parse_show,
    "FILE.wad...",
    "Check a wad: its shape, both hashes of every lump, its names, bill of materials and "
    "provenance, and every module in it by the stages of loader and kernel. Assets need provenance "
    "signed by somebody believed. Without --root and "
    "--policy, or --key, nobody is believed, and the answer can only be a refusal.",
    show_children,
    NULL,
    NULL,
};

static void refusal(cJSON *row, const char *status, const char *why)
{
    out_text(row, "status", status);
    out_text(row, "why", why);
}

/** One module of the wad. Gives: whether it is believed. */
static bool verify_module(span_t bytes, const struct module_judge *judge, cJSON *row)
{
    struct module_check c;
    nos_status_t st = module_check(bytes, judge, &c);
    bool good = st == NOS_OK && c.signer_known;
    out_bool(row, "ok", good);
    if (good) {
        out_untrusted(row, "name", c.man.name, sizeof(c.man.name));
        show_version(row, "version", c.view.version);
        out_hex(row, "module_id", c.id, 32);
    } else if (st != NOS_OK) {
        out_text(row, "stage", stage_name(c.stage));
        refusal(row, status_name(st), status_text(st));
    } else {
        out_text(row, "stage", stage_name(STAGE_SIGNATURE));
        refusal(row, "SIGNER_NOT_CHECKED", "consistent in itself, but nobody was named to believe");
    }
    return good;
}

static bool verify_modules(const struct wad_loaded *w, const struct module_judge *judge, cJSON *row)
{
    struct wad_lump l;
    bool good = true;
    cJSON *list = cJSON_AddArrayToObject(row, "modules");
    for (uint32_t i = 0; wad_lump(&w->wad, i, &l); i++) {
        if (l.type == NOS_WAD_MODULE) {
            cJSON *one = out_row();
            char *path = wad_name_of(w, i);
            out_text(one, "path", path);
            free(path);
            good = verify_module(l.bytes, judge, one) && good;
            cJSON_AddItemToArray(list, one);
        }
    }
    return good;
}

static const char *const signed_words[] = { "unsigned", "signed, by nobody who was named",
                                            "signed" };

/** Modules carry their signatures; what they read is vouched for by the provenance, or by nobody.
 */
static const char *unsigned_assets(const struct wad *w, enum bill_signed state)
{
    struct wad_lump l;
    for (uint32_t i = 0; state != BILL_BELIEVED && wad_lump(w, i, &l); i++) {
        if (l.type == NOS_WAD_ASSET) {
            return "vouched for by nobody who is believed: only signed provenance does";
        }
    }
    return NULL;
}

/** Bills, then modules: all are looked at, each says what is wrong with it. */
static bool verify_inside(const struct wad_loaded *w, const struct module_judge *judge, cJSON *row)
{
    enum bill_signed state;
    const char *sbom = bill_check_sbom(w), *provenance = bill_check_provenance(w, judge, &state);
    uint8_t id[32];
    wad_id(&w->wad, id);
    out_hex(row, "wad_id", id, 32);
    out_text(row, "sbom", sbom == NULL ? "names every part" : sbom);
    out_text(row, "provenance", provenance == NULL ? signed_words[state] : provenance);
    const char *assets = unsigned_assets(&w->wad, provenance == NULL ? state : BILL_UNSIGNED);
    out_text(row, "assets", assets == NULL ? "vouched for" : assets);
    bool modules = verify_modules(w, judge, row);
    return sbom == NULL && provenance == NULL && assets == NULL && modules;
}

static int verify_file(const char *path, const struct module_judge *judge, cJSON *rows)
{
    struct buf file;
    struct wad_loaded w;
    int rc = file_read(path, NOS_WAD_MAX, &file);
    if (rc != DONE) {
        return rc;
    }
    cJSON *row = out_row(), *inside = out_row();
    rc = wad_take(&file, &w);
    bool good = rc == DONE && verify_inside(&w, judge, inside);
    out_text(row, "file", path);
    out_bool(row, "ok", good);
    if (rc != DONE) {
        refusal(row, status_name(w.status), status_text(w.status));
    }
    while (inside->child != NULL) {  // the answer first, then why
        cJSON *item = cJSON_DetachItemViaPointer(inside, inside->child);
        cJSON_AddItemToObject(row, item->string, item);
    }
    cJSON_Delete(inside);
    cJSON_AddItemToArray(rows, row);
    wad_unload(&w);
    return good ? DONE : REFUSED;
}

static int print_rows(cJSON *rows, enum out_form form)
{
    if (form == OUT_JSON) {
        return out_table(rows, NULL, 0, form);
    }
    int rc = DONE;
    while (rc == DONE && rows->child != NULL) {
        rc = out_object(cJSON_DetachItemViaPointer(rows, rows->child), form);
    }
    cJSON_Delete(rows);
    return rc;
}

static void keep_first(int *rc, int next)
{
    *rc = *rc == DONE ? next : *rc;
}

int cmd_wad_verify(int argc, char **argv)
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
    if (a.judge.policy == NULL && a.judge.publisher == NULL) {
        hint("name whom to believe: --root ROOT.pub --policy BOOT.POL, or --key PUBLISHER.pub");
    }
    keep_first(&rc, print_rows(rows, a.form));
    judge_free(&j);
    return rc;
}

/* --- inspect --- */

static void inspect_lumps(const struct wad_loaded *w, cJSON *row)
{
    struct wad_walk walk = { 0 };
    struct wad_name n;
    struct wad_lump l;
    cJSON *list = cJSON_AddArrayToObject(row, "names");
    while (wad_tree_next(&w->tree, &walk, &n) && wad_lump(&w->wad, n.row, &l)) {
        cJSON *one = out_row();
        out_text(one, "type", wad_type_name(l.type));
        out_untrusted(one, "path", (const char *)n.path.data, n.path.len);
        out_u64(one, "bytes", l.bytes.len);
        out_u64(one, "offset", l.off);
        out_hex(one, "blake3", l.blake3, 32);
        out_hex(one, "sha256", l.sha256, 32);
        cJSON_AddItemToArray(list, one);
    }
}

int cmd_wad_inspect(int argc, char **argv)
{
    struct view_args a = { .what = "wad" };
    struct wad_loaded w;
    uint8_t id[32];
    parse_view(argc, argv,
               "Show what is inside a wad whose hashes hold. Says nothing of who made it: "
               "`nonosctl wad verify` does.",
               &a);
    int rc = wad_load(a.file, &w);
    if (rc == DONE) {
        cJSON *row = out_row();
        wad_id(&w.wad, id);
        out_text(row, "file", a.file);
        out_hex(row, "wad_id", id, 32);
        sha256_hash(w.wad.index, id);
        out_hex(row, "index_sha256", id, 32);
        out_u64(row, "lumps", w.wad.n);
        out_u64(row, "detached_bytes", w.wad.detached.len);
        inspect_lumps(&w, row);
        rc = out_object(row, a.form);
    }
    wad_unload(&w);
    return rc;
}

/* --- unpack --- */

struct unpack_args {
    struct judge_args judge;
    const char *file, *dir;
};

static error_t parse_unpack(int key, char *arg, struct argp_state *state)
{
    struct unpack_args *a = state->input;
    switch (key) {
    case ARGP_KEY_INIT:
        state->child_inputs[0] = &a->judge;
        return 0;
    case ARGP_KEY_ARG:
        parse_one(arg, state, "folder", a->file == NULL ? &a->file : &a->dir);
        return 0;
    case ARGP_KEY_END:
        if (a->dir == NULL) {
            argp_error(state, "a wad and a folder to make are needed");
        }
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp argp_unpack = {
    NULL,
    parse_unpack,
    "FILE.wad FOLDER",
    "Write everything that a wad names below a new folder, and nothing anywhere else. With --root "
    "and --policy, or --key, only when `wad verify` would accept it.",
    show_children,
    NULL,
    NULL,
};

int wad_judge_first(const char *path, const struct wad_loaded *w, const struct judge_loaded *j)
{
    if (j->judge.policy == NULL && j->judge.publisher_pk == NULL) {
        warn_loud("%s: the signers are NOT checked; anybody can have made this file", path);
        return DONE;
    }
    cJSON *row = out_row();
    bool good = verify_inside(w, &j->judge, row);
    cJSON_Delete(row);
    if (!good) {
        fail(REFUSED, "%s is not believed; nothing of it is used", path);
        hint("nonosctl wad verify, with the same options, says why");
    }
    return good ? DONE : REFUSED;
}

static char *without_slash(const char *dir)
{
    size_t len = strlen(dir);
    while (len > 1 && dir[len - 1] == '/') {
        len--;
    }
    return must_printf("%.*s", (int)len, dir);
}

int cmd_wad_unpack(int argc, char **argv)
{
    struct unpack_args a = { 0 };
    struct judge_loaded j;
    struct wad_loaded w;
    parse_args(&argp_unpack, argc, argv, &a);

    int rc = judge_load(&a.judge, &j);
    if (rc != DONE) {
        return rc;
    }
    rc = wad_load(a.file, &w);
    if (rc == DONE) {
        rc = wad_judge_first(a.file, &w, &j);
    }
    if (rc == DONE) {
        char *dir = without_slash(a.dir);
        rc = waddir_write(&w.wad, &w.tree, dir);
        free(dir);
    }
    wad_unload(&w);
    judge_free(&j);
    return rc;
}
