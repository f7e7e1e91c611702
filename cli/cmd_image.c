/* image make, image inspect, image verify. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "abi/policy.h"
#include "abi/storm.h"
#include "cli/cli.h"
#include "cli/image.h"
#include "cli/modfile.h"
#include "cli/show.h"
#include "cli/trustsrc.h"
#include "lib/crypto/blake3.h"
#include "lib/status.h"
#include "lib/text.h"

struct make_args {
    const char *loader, *kernel, *policy, *out;
    struct words roots, modules;
    uint32_t threshold, kernel_sec_min;
    uint64_t epoch_floor;
    bool storm;
};

enum {
    OPT_LOADER = 256,
    OPT_ROOT,
    OPT_THRESHOLD,
    OPT_FLOOR,
    OPT_SEC_MIN,
    OPT_KERNEL,
    OPT_POLICY,
    OPT_MODULE,
    OPT_STORM
};

static void make_end(const struct make_args *a, struct argp_state *state)
{
    if (a->loader == NULL || a->kernel == NULL || a->policy == NULL || a->out == NULL ||
        a->roots.n == 0) {
        argp_error(state, "--loader, --root, --kernel, --policy and -o are needed");
    }
    if (a->modules.n > NOS_BOOT_FILES_MAX) {
        argp_error(state, "at most %d modules fit a boot volume", NOS_BOOT_FILES_MAX);
    }
}

static error_t parse_make(int key, char *arg, struct argp_state *state)
{
    struct make_args *a = state->input;
    switch (key) {
    case OPT_LOADER:
        a->loader = arg;
        return 0;
    case OPT_ROOT:
        words_add(&a->roots, arg, state);
        return 0;
    case OPT_THRESHOLD:
        a->threshold = (uint32_t)parse_number(arg, state, "--threshold", 1, TRUST_ROOTS_MAX);
        return 0;
    case OPT_FLOOR:
        a->epoch_floor = parse_number(arg, state, "--epoch-floor", 0, UINT64_MAX);
        return 0;
    case OPT_SEC_MIN:
        a->kernel_sec_min = (uint32_t)parse_number(arg, state, "--kernel-sec-min", 0, UINT32_MAX);
        return 0;
    case OPT_KERNEL:
        a->kernel = arg;
        return 0;
    case OPT_POLICY:
        a->policy = arg;
        return 0;
    case OPT_MODULE:
        words_add(&a->modules, arg, state);
        return 0;
    case OPT_STORM:
        a->storm = true;
        return 0;
    case 'o':
        a->out = arg;
        return 0;
    case ARGP_KEY_ARG:
        argp_error(state, "what is %s? Modules are given by --module", arg);
        return 0;
    case ARGP_KEY_END:
        make_end(a, state);
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp_option make_options[] = {
    { "loader", OPT_LOADER, "FILE", 0,
      "BOOTX64.EFI; its trust section is filled, a signed loader must be signed anew", 0 },
    { "root", OPT_ROOT, "PUB", 0, "a root key that the loader shall trust; once for each", 0 },
    { "threshold", OPT_THRESHOLD, "K", 0, "signatures that kernel and policy must have (all)", 0 },
    { "epoch-floor", OPT_FLOOR, "N", 0, "oldest policy epoch that the loader takes (0)", 0 },
    { "kernel-sec-min", OPT_SEC_MIN, "N", 0,
      "lowest security version of a kernel that the loader takes (0)", 0 },
    { "kernel", OPT_KERNEL, "KERNEL.MOD", 0, "signed kernel", 0 },
    { "policy", OPT_POLICY, "BOOT.POL", 0, "signed policy", 0 },
    { "module", OPT_MODULE, "FILE.mod", 0, "a boot module; once for each", 0 },
    { "storm", OPT_STORM, 0, 0, "take a kernel that breaks things on request (docs/storm.md)", 0 },
    { "output", 'o', "FILE", 0, "image to write", 0 },
    { 0 },
};
static const struct argp argp_make = {
    make_options,
    parse_make,
    "",
    "Make a boot image: a raw FAT volume with /EFI/BOOT/BOOTX64.EFI and /N0N. Everything is "
    "verified first, and what "
    "loader or kernel would refuse is not packed. The same inputs give the same bytes.",
    NULL,
    NULL,
    NULL,
};

static int make_loader(const struct make_args *a, struct image *im)
{
    size_t off, len;
    struct trust_view trust;
    int rc = trustsrc_read(&a->roots, a->threshold, a->epoch_floor, a->kernel_sec_min, &trust);
    if (rc == DONE) {
        rc = file_read(a->loader, LOADER_MAX, &im->loader);
    }
    if (rc == DONE) {
        rc = image_find_trust(a->loader, &im->loader, &off, &len);
    }
    if (rc == DONE) {
        memset(im->loader.data + off, 0, len);
        trust_write(&trust, im->loader.data + off);
        rc = image_read_trust(a->loader, im);
    }
    return rc;
}

/** File name of a module on the volume: its own name, upper case, ".MOD". */
static int volume_name(const char *path, const struct module_check *c, const struct policy *p,
                       char out[NOS_NAME_MAX + 1])
{
    char name[NOS_NAME_MAX] = { 0 }, listed[NOS_NAME_MAX];
    size_t n = name16_len(c->man.name);
    if (n + 4 > NOS_NAME_MAX) {
        return fail(REFUSED, "%s: the name %.16s is too long for a boot file; 12 bytes at most",
                    path, c->man.name);
    }
    for (size_t i = 0; i < n; i++) {
        char ch = c->man.name[i];
        name[i] = ch >= 'a' && ch <= 'z' ? (char)(ch - 'a' + 'A') : ch;
    }
    memcpy(name + n, ".MOD", 4);
    for (uint32_t i = 0; policy_boot_file(p, i, listed); i++) {
        if (memcmp(listed, name, NOS_NAME_MAX) == 0) {
            memcpy(out, name, NOS_NAME_MAX);
            out[NOS_NAME_MAX] = '\0';
            return DONE;
        }
    }
    fail(REFUSED, "%s: the policy's boot list has no %.16s", path, name);
    hint("add \"%.16s\" to \"boot\" in the policy source, or leave the module out", name);
    return REFUSED;
}

static int add_module(const char *path, struct image *im)
{
    struct image_module *m = &im->module[im->n_modules];
    const struct module_judge judge = { .policy = &im->policy };
    int rc = file_read(path, MODFILE_MAX, &m->bytes);
    if (rc != DONE) {
        return rc;
    }
    im->n_modules++;
    if (module_check(buf_span(&m->bytes), &judge, &m->check) != NOS_OK) {
        return fail(REFUSED, "%s: stage %s: %s (%s)", path, stage_name(m->check.stage),
                    status_text(m->check.status), status_name(m->check.status));
    }
    rc = volume_name(path, &m->check, &im->policy, m->file);
    for (uint32_t i = 0; rc == DONE && i + 1 < im->n_modules; i++) {
        if (strcmp(im->module[i].file, m->file) == 0) {
            rc = fail(REFUSED, "%s: a second %s", path, m->file);
        }
    }
    return rc;
}

/** Every file that the policy lists must be there: the loader would go on without it, the operator
 * should know. */
static int all_listed(const char *policy, const struct image *im)
{
    char file[NOS_NAME_MAX + 1] = { 0 };
    for (uint32_t i = 0; policy_boot_file(&im->policy, i, file); i++) {
        bool found = false;
        for (uint32_t k = 0; k < im->n_modules; k++) {
            found = found || strcmp(im->module[k].file, file) == 0;
        }
        if (!found) {
            fail(REFUSED, "%s lists the boot file %s, but no --module is it", policy, file);
            hint("add the module, or take the file out of \"boot\" in the policy source");
            return REFUSED;
        }
    }
    return DONE;
}

/** The flavour for fault storms runs whatever a policy lets it; it must not slip into an image that
 * somebody trusts. */
static int right_flavour(const struct make_args *a, const struct image *im)
{
    bool storm = memcmp(im->kernel.man.name, NOS_STORM_KERNEL, sizeof(NOS_STORM_KERNEL)) == 0;
    if (storm == a->storm) {
        return DONE;
    }
    fail(REFUSED, "%s is %s", a->kernel,
         storm ? "the kernel for fault storms: it breaks things on request, and its keys are known"
               : "no kernel for fault storms");
    hint(storm ? "pack build/kernel/KERNEL.MOD, or say --storm" : "leave --storm out");
    return REFUSED;
}

static int collect(const struct make_args *a, struct image *im)
{
    int rc = make_loader(a, im);
    if (rc == DONE) {
        rc = file_read(a->policy, NOS_POL_FILE_MAX, &im->policy_bytes);
    }
    if (rc == DONE) {
        rc = file_read(a->kernel, MODFILE_MAX, &im->kernel_bytes);
    }
    if (rc == DONE) {
        rc = image_judge(a->policy, a->kernel, im);
    }
    if (rc == DONE) {
        rc = right_flavour(a, im);
    }
    for (size_t i = 0; rc == DONE && i < a->modules.n; i++) {
        rc = add_module(a->modules.item[i], im);
    }
    if (rc == DONE) {
        rc = all_listed(a->policy, im);
    }
    return rc == DONE ? image_complete(a->policy, im) : rc;
}

int cmd_image_make(int argc, char **argv)
{
    struct make_args a = { 0 };
    parse_args(&argp_make, argc, argv, &a);

    struct image *im = must_alloc(sizeof(*im));
    int rc = collect(&a, im);
    if (rc == DONE) {
        rc = image_write(a.out, im);
    }
    image_free(im);
    free(im);
    return rc;
}

struct look_args {
    struct view_args view;
    struct words roots;
};

static error_t parse_look(int key, char *arg, struct argp_state *state)
{
    struct look_args *a = state->input;
    switch (key) {
    case ARGP_KEY_INIT:
        state->child_inputs[0] = &a->view;
        return 0;
    case OPT_ROOT:
        words_add(&a->roots, arg, state);
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp_option look_options[] = {
    { "root", OPT_ROOT, "PUB", 0, "a root key that the image must trust; all of them, and no other",
      0 },
    { 0 },
};
static const struct argp_child look_children[] = { { &view_argp, 0, NULL, 0 }, { 0 } };
static const struct argp argp_verify = {
    look_options,
    parse_look,
    "IMAGE",
    "Judge a boot image as loader and kernel will: trust section, policy, kernel, each boot "
    "module. Exit code 1 when "
    "anything of it would be refused.",
    look_children,
    NULL,
    NULL,
};
static const struct argp argp_inspect = {
    look_options,  parse_look,
    "IMAGE",       "Show what is inside a boot image: trust roots, policy, kernel, modules.",
    look_children, NULL,
    NULL,
};

/** Does the image trust exactly the roots that the caller knows? Without any, say that nothing was
 * compared. */
static int compare_roots(const struct look_args *a, const struct image *im)
{
    struct trust_view want;
    if (a->roots.n == 0) {
        warn_loud("%s: judged by the roots that it carries itself; --root ROOT.pub compares them "
                  "with yours",
                  a->view.file);
        return DONE;
    }
    int rc = trustsrc_read(&a->roots, 0, 0, 0, &want);
    if (rc == DONE && memcmp(want.set_id, im->trust.set_id, 32) != 0) {
        rc = fail(REFUSED, "%s: its loader trusts other roots than the ones given", a->view.file);
    }
    return rc;
}

static cJSON *file_row(const char *file, const struct buf *bytes, const char *what)
{
    uint8_t hash[32];
    cJSON *row = out_row();
    out_text(row, "file", file);
    out_text(row, "what", what);
    out_u64(row, "bytes", bytes->len);
    blake3_hash(buf_span(bytes), hash);
    out_hex(row, "blake3", hash, sizeof(hash));
    return row;
}

static cJSON *module_row(const char *file, const struct buf *bytes, const char *what,
                         const struct module_check *c)
{
    cJSON *row = file_row(file, bytes, what);
    out_bool(row, "ok", c->status == NOS_OK);
    if (c->status == NOS_OK) {
        out_untrusted(row, "name", c->man.name, sizeof(c->man.name));
        show_version(row, "version", c->view.version);
        out_u64(row, "sec_version", c->view.sec_version);
        out_hex(row, "module_id", c->id, 32);
    } else {
        out_text(row, "stage", stage_name(c->stage));
        out_status(row, "status", c->status);
    }
    return row;
}

static cJSON *image_rows(const struct image *im)
{
    cJSON *rows = cJSON_CreateArray();
    cJSON *loader = file_row("BOOTX64.EFI", &im->loader, "loader");
    out_bool(loader, "ok", true);
    cJSON_AddItemToArray(rows, loader);
    cJSON *policy = file_row("BOOT.POL", &im->policy_bytes, "policy");
    out_bool(policy, "ok", true);
    cJSON_AddItemToArray(rows, policy);
    cJSON_AddItemToArray(rows, module_row("KERNEL.MOD", &im->kernel_bytes, "kernel", &im->kernel));
    for (uint32_t i = 0; i < im->n_modules; i++) {
        const struct image_module *m = &im->module[i];
        cJSON_AddItemToArray(rows, module_row(m->file, &m->bytes, "module", &m->check));
    }
    return rows;
}

static const struct out_column columns[] = {
    { "file", "FILE" },       { "what", "WHAT" },   { "ok", "OK" },         { "name", "NAME" },
    { "version", "VERSION" }, { "bytes", "BYTES" }, { "status", "STATUS" }, { "stage", "STAGE" },
};

static int look(const struct look_args *a, struct image *im)
{
    int rc = image_read(a->view.file, im);
    if (rc == DONE) {
        rc = image_judge(a->view.file, a->view.file, im);
    }
    return rc == DONE ? compare_roots(a, im) : rc;
}

int cmd_image_verify(int argc, char **argv)
{
    struct look_args a = { .view = { .what = "image" } };
    parse_args(&argp_verify, argc, argv, &a);

    struct image *im = must_alloc(sizeof(*im));
    int rc = look(&a, im);
    if (rc == DONE) {
        rc = out_table(image_rows(im), columns, ARRAY_LEN(columns), a.view.form);
    }
    if (rc == DONE) {
        rc = image_complete(a.view.file, im);
    }
    image_free(im);
    free(im);
    return rc;
}

static cJSON *show_trust(const struct trust_view *t)
{
    cJSON *row = out_row();
    out_hex(row, "root_set_id", t->set_id, 32);
    out_u64(row, "threshold", t->k);
    out_u64(row, "epoch_floor", t->epoch_floor);
    out_u64(row, "kernel_sec_min", t->kernel_sec_min);
    cJSON *roots = cJSON_AddArrayToObject(row, "roots");
    for (uint32_t i = 0; i < t->n_root; i++) {
        cJSON *one = out_row();
        out_hex(one, "public", t->root[i], 32);
        out_hex(one, "key_id", t->key_id[i], 32);
        cJSON_AddItemToArray(roots, one);
    }
    return row;
}

int cmd_image_inspect(int argc, char **argv)
{
    struct look_args a = { .view = { .what = "image" } };
    parse_args(&argp_inspect, argc, argv, &a);

    struct image *im = must_alloc(sizeof(*im));
    int rc = look(&a, im);
    if (rc == DONE) {
        cJSON *row = show_trust(&im->trust);
        cJSON_AddItemToObject(row, "files", image_rows(im));
        cJSON *policy = cJSON_AddArrayToObject(row, "policy");
        cJSON_AddItemToArray(policy, show_policy(&im->policy));
        rc = out_object(row, a.view.form);
    }
    image_free(im);
    free(im);
    return rc;
}
