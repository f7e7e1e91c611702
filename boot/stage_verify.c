/*
 * Stage: policy and kernel against the trust roots. Both lie in the pages they were read into; no
 * device can write there any more. Cheap refusals come first, signatures before anything that they
 * cover is looked at, and hashes before the manifest is parsed. Until all of it passed, no byte of
 * either file reaches the screen.
 */
#include "boot/boot.h"
#include "boot/console.h"
#include "lib/crypto/blake3.h"

#include <string.h>

static nos_status_t policy_check(struct boot *b, span_t file)
{
    struct policy_view view;
    uint8_t *scratch = NULL;
    uint64_t room = sizeof(NOS_DOMAIN_POL) + file.len;

    nos_status_t st = policy_extract(file, &view);
    if (st == NOS_OK) {
        st = pages_take(b, room, &scratch);
    }
    if (st == NOS_OK) {
        st = policy_check_sigs(&view, &b->trust, mspan_of(scratch, room));
        pages_give(b, scratch, room);
    }
    if (st == NOS_OK) {
        st = policy_check_epoch(&view, b->trust.epoch_floor);
    }
    return st;
}

nos_status_t policy_verify(struct boot *b)
{
    span_t file = span_of(b->policy_file.data, b->policy_file.len);
    nos_status_t st = policy_check(b, file);
    return st == NOS_OK ? policy_parse(file, &b->policy) : st;
}

/** Stages 1 to 3 of the module pipeline, with the trust roots as publisher. */
static nos_status_t kernel_check(struct boot *b)
{
    static struct mod_hasher hasher;
    span_t file = span_of(b->kernel_file.data, b->kernel_file.len);

    nos_status_t st = mod_extract(file, &b->kernel);
    if (st == NOS_OK) {
        st = mod_check_kernel(&b->kernel, &b->trust);
    }
    if (st == NOS_OK && b->kernel.sec_version < b->policy.view.kernel_sec_min) {
        st = NOS_SEC_VERSION;
    }
    if (st == NOS_OK) {
        st = mod_check_sigs_roots(&b->kernel, &b->trust);
    }
    if (st == NOS_OK) {
        st = mod_check_hashes(&hasher, &b->kernel);
    }
    return st;
}

static nos_status_t kernel_manifest(struct boot *b)
{
    nos_status_t st = manifest_parse(b->kernel.manifest, &b->manifest);
    return st == NOS_OK ? manifest_check_header(&b->manifest, &b->kernel) : st;
}

static void report(const struct boot *b)
{
    struct fmt *line = console_line();
    fmt_str(line, "verified: policy epoch ");
    fmt_u64(line, b->policy.view.epoch);
    fmt_str(line, ", kernel ");
    fmt_version(line, b->kernel.version);
    fmt_str(line, " ");
    fmt_short_id(line, b->info->kernel_id);
    console_print();
}

nos_status_t stage_verify(struct boot *b)
{
    b->subject = "BOOT.POL";
    nos_status_t st = policy_verify(b);
    if (st == NOS_OK) {
        b->subject = "KERNEL.MOD";
        st = kernel_check(b);
    }
    if (st == NOS_OK) {
        st = kernel_manifest(b);
    }
    if (st == NOS_OK) {
        memcpy(b->info->root_set, b->trust.set_id, sizeof(b->info->root_set));
        mod_id(&b->kernel, b->info->kernel_id);
        blake3_hash(span_of(b->policy_file.data, b->policy_file.len), b->info->policy_hash);
        report(b);
    }
    return st;
}
