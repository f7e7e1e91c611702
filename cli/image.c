/* Boot images. The judgement follows the loader (docs/boot.md): trust section, policy, kernel, then
 * each module that the policy names. */
#include "cli/image.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "abi/policy.h"
#include "cli/fat.h"
#include "cli/judge.h"
#include "cli/modfile.h"
#include "cli/proc.h"
#include "cli/report.h"
#include "lib/pe.h"
#include "lib/status.h"
#include "lib/text.h"

void image_free(struct image *im)
{
    buf_free(&im->loader);
    buf_free(&im->kernel_bytes);
    buf_free(&im->policy_bytes);
    for (uint32_t i = 0; i < im->n_modules; i++) {
        buf_free(&im->module[i].bytes);
    }
}

int image_find_trust(const char *path, const struct buf *loader, size_t *off, size_t *len)
{
    nos_status_t st = pe_find_section(buf_span(loader), NOS_TRUST_SECTION, off, len);
    if (st != NOS_OK || *len < TRUST_BYTES) {
        fail(REFUSED, "%s: no room for trust roots (section " NOS_TRUST_SECTION "): %s", path,
             st == NOS_OK ? "it is too small" : status_text(st));
        hint("this must be the loader, build/boot/BOOTX64.EFI");
        return REFUSED;
    }
    return DONE;
}

int image_read_trust(const char *path, struct image *im)
{
    size_t off, len;
    int rc = image_find_trust(path, &im->loader, &off, &len);
    if (rc != DONE) {
        return rc;
    }
    nos_status_t st = trust_parse(span_of(im->loader.data + off, len), &im->trust);
    return st == NOS_OK ? DONE
                        : fail(REFUSED, "%s: %s (%s)", path, status_text(st), status_name(st));
}

static int judge_kernel(const char *path, struct image *im)
{
    const struct module_judge judge = { .policy = &im->policy, .trust = &im->trust };
    nos_status_t st = module_check(buf_span(&im->kernel_bytes), &judge, &im->kernel);
    if (st == NOS_OK && (im->kernel.view.flags & NOS_MOD_FLAG_KERNEL) == 0) {
        im->kernel.stage = STAGE_SIGNATURE;
        st = NOS_BOOT_NOT_KERNEL;
    }
    im->kernel.status = st;
    return st == NOS_OK ? DONE
                        : fail(REFUSED, "%s: kernel, stage %s: %s (%s)", path,
                               stage_name(im->kernel.stage), status_text(st), status_name(st));
}

static void judge_module(const struct image *im, struct image_module *m)
{
    const struct module_judge judge = { .policy = &im->policy };
    if (m->bytes.len == 0) {
        m->check = (struct module_check){ .stage = STAGE_NONE, .status = NOS_BOOT_NO_FILE };
        return;
    }
    nos_status_t st = module_check(buf_span(&m->bytes), &judge, &m->check);
    if (st == NOS_OK && (m->check.view.flags & NOS_MOD_FLAG_KERNEL) != 0) {
        m->check.stage = STAGE_SIGNATURE;
        m->check.status = NOS_MOD_VERSION;  // a capsule cannot be made of a kernel
    }
}

int image_judge(const char *policy_path, const char *kernel_path, struct image *im)
{
    int rc = judge_policy(policy_path, buf_span(&im->policy_bytes), &im->trust, &im->policy);
    if (rc == DONE) {
        rc = judge_kernel(kernel_path, im);
    }
    for (uint32_t i = 0; rc == DONE && i < im->n_modules; i++) {
        judge_module(im, &im->module[i]);
    }
    return rc;
}

static bool has_module(const struct image *im, const char name[NOS_NAME_MAX])
{
    for (uint32_t i = 0; i < im->n_modules; i++) {
        const struct module_check *c = &im->module[i].check;
        if (c->status == NOS_OK && memcmp(c->man.name, name, NOS_NAME_MAX) == 0) {
            return true;
        }
    }
    return false;
}

static int started_are_there(const char *path, const struct image *im)
{
    struct nos_pol_start start;
    if (!has_module(im, im->policy.first)) {
        return fail(REFUSED, "%s: the policy's first capsule, %.16s, is not among the modules",
                    path, im->policy.first);
    }
    for (uint32_t i = 0; policy_start(&im->policy, i, &start); i++) {
        if (!has_module(im, start.name)) {
            return fail(REFUSED, "%s: the policy starts %.16s, which is not among the modules",
                        path, start.name);
        }
    }
    return DONE;
}

int image_complete(const char *path, const struct image *im)
{
    int rc = DONE;
    for (uint32_t i = 0; i < im->n_modules; i++) {
        const struct module_check *c = &im->module[i].check;
        if (c->status != NOS_OK) {
            rc = fail(REFUSED, "%s: %s, stage %s: %s (%s)", path, im->module[i].file,
                      stage_name(c->stage), status_text(c->status), status_name(c->status));
        }
    }
    if (rc == DONE) {
        rc = started_are_there(path, im);
    }
    return rc == DONE ? image_needs(path, im) : rc;
}

static size_t content_bytes(const struct image *im)
{
    size_t n = im->loader.len + im->kernel_bytes.len + im->policy_bytes.len;
    for (uint32_t i = 0; i < im->n_modules; i++) {
        n += im->module[i].bytes.len;
    }
    return n;
}

static int put_all(const char *temp, const struct image *im)
{
    int rc = fat_create(temp, content_bytes(im));
    if (rc == DONE) {
        rc = fat_put(temp, "/EFI/BOOT/BOOTX64.EFI", buf_span(&im->loader));
    }
    if (rc == DONE) {
        rc = fat_put(temp, "/N0N/KERNEL.MOD", buf_span(&im->kernel_bytes));
    }
    if (rc == DONE) {
        rc = fat_put(temp, "/N0N/BOOT.POL", buf_span(&im->policy_bytes));
    }
    for (uint32_t i = 0; rc == DONE && i < im->n_modules; i++) {
        char *name = must_printf("/N0N/%s", im->module[i].file);
        rc = fat_put(temp, name, buf_span(&im->module[i].bytes));
        free(name);
    }
    return rc;
}

int image_write(const char *path, const struct image *im)
{
    int rc = file_parent(path, 0755);
    if (rc != DONE) {
        return rc;
    }
    char *temp = must_printf("%s.tmp.%ld", path, (long)getpid());
    cleanup_add(temp);
    rc = put_all(temp, im);
    if (rc == DONE) {
        rc = file_commit(temp, path);
    } else {
        unlink(temp);
    }
    cleanup_drop(temp);
    free(temp);
    return rc;
}

/** Is "::" and `name` a whole line of what mdir printed? */
static bool listed(const char *lines, const char *name)
{
    char *line = must_printf("::%s\n", name);
    bool found = strstr(lines, line) != NULL;
    free(line);
    return found;
}

static int read_modules(const char *path, struct image *im)
{
    char file[NOS_NAME_MAX + 1] = { 0 };
    struct buf names = { NULL, 0 };
    int rc = fat_list(path, "/N0N", &names);
    buf_add_zero(&names, 1);
    for (uint32_t i = 0; rc == DONE && policy_boot_file(&im->policy, i, file); i++) {
        struct image_module *m = &im->module[im->n_modules++];
        char *name = must_printf("/N0N/%s", file);
        memcpy(m->file, file, sizeof(file));
        if (listed((const char *)names.data, name)) {  // else the judge says that it is not there
            rc = fat_get(path, name, MODFILE_MAX, &m->bytes);
        }
        free(name);
    }
    buf_free(&names);
    return rc;
}

int image_read(const char *path, struct image *out)
{
    int rc = fat_get(path, "/EFI/BOOT/BOOTX64.EFI", LOADER_MAX, &out->loader);
    if (rc == DONE) {
        rc = image_read_trust(path, out);
    }
    if (rc == DONE) {
        rc = fat_get(path, "/N0N/KERNEL.MOD", MODFILE_MAX, &out->kernel_bytes);
    }
    if (rc == DONE) {
        rc = fat_get(path, "/N0N/BOOT.POL", NOS_POL_FILE_MAX, &out->policy_bytes);
    }
    if (rc == DONE) {
        rc = judge_policy(path, buf_span(&out->policy_bytes), &out->trust, &out->policy);
    }
    return rc == DONE ? read_modules(path, out) : rc;
}
