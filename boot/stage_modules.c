/*
 * Stage: read the boot modules. The policy lists them, so the policy is verified here already; that
 * verdict only chooses which files to read, and devices can still write to memory. The one that
 * counts comes after stage_dma_off.
 *
 * A module that is missing or unreadable is recorded as such and boot goes on: whether the machine
 * is of use without it is not the loader's to say. The kernel verifies each module before it runs,
 * and audits.
 */
#include "boot/console.h"
#include "boot/firmware.h"
#include "boot/volume.h"
#include "lib/status.h"

static const uint64_t module_file_max =
    NOS_MOD_IMAGE_MAX + NOS_MOD_SYMBOLS_MAX + NOS_MOD_MANIFEST_MAX + NOS_MOD_HDR_LEN +
    NOS_MOD_SIG_MAX * sizeof(struct nos_mod_sig) + 32ull * (NOS_MOD_IMAGE_MAX / NOS_MOD_CHUNK) +
    2 * NOS_MOD_PAGE;

static void report_failure(const struct nos_boot_file *f)
{
    struct fmt *line = console_line();
    fmt_str(line, "read: ");
    fmt_name(line, f->name, sizeof(f->name));
    fmt_str(line, ": ");
    fmt_str(line, status_name(f->status));
    fmt_str(line, " (boot goes on without it)");
    console_print();
}

static void read_one(struct boot *b, struct nos_boot_file *to)
{
    struct boot_buffer file = { NULL, 0 };
    to->status = volume_read(b, to->name, module_file_max, NOS_MOD_OVERSIZE, &file);
    to->base = (uint64_t)file.data;
    to->len = file.len;
    if (to->status != NOS_OK) {
        report_failure(to);
    }
}

static void report(const struct boot *b)
{
    uint64_t bytes = 0;
    uint32_t n_read = 0;
    for (uint32_t i = 0; i < b->info->n_files; i++) {
        bytes += b->info->file[i].len;
        n_read += b->info->file[i].status == NOS_OK;
    }
    struct fmt *line = console_line();
    fmt_str(line, "read: KERNEL.MOD ");
    fmt_size(line, b->kernel_file.len);
    fmt_str(line, ", BOOT.POL ");
    fmt_size(line, b->policy_file.len);
    fmt_str(line, ", ");
    fmt_u64(line, n_read);
    fmt_str(line, " of ");
    fmt_u64(line, b->info->n_files);
    fmt_str(line, " boot modules ");
    fmt_size(line, bytes);
    console_print();
}

nos_status_t stage_modules(struct boot *b)
{
    b->subject = "BOOT.POL";
    nos_status_t st = policy_verify(b);
    if (st != NOS_OK) {
        return st;
    }
    for (uint32_t i = 0;
         i < NOS_BOOT_FILES_MAX && policy_boot_file(&b->policy, i, b->info->file[i].name); i++) {
        read_one(b, &b->info->file[i]);
        b->info->n_files = i + 1;
    }
    (void)FIRMWARE(b->folder->close(b->folder));
    report(b);
    return NOS_OK;
}
